//! The MPI libraries on this machine, and how each starts a program.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Names of the libraries that the system's packages bring.
pub(crate) const SYSTEM: [&str; 2] = ["openmpi", "mpich"];

/// Whose launcher it is: their options differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    OpenMpi,
    Mpich,
    Other,
}

/// One MPI library: its compiler wrapper and its launcher.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mpi {
    /// Name in tables and of the target folder: `openmpi`, `mpich`, or `default`.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) mpicc: String,
    pub(crate) launcher: String,
    /// Variables for building with it and for running under it. Empty for the libraries of the system.
    pub(crate) variables: Vec<(String, String)>,
}

impl Mpi {
    /// Debian's names for both libraries side by side; elsewhere the one `mpicc` in the path.
    pub(crate) fn find_all() -> Vec<Self> {
        let named = [
            ("openmpi", Kind::OpenMpi, "mpicc.openmpi", "mpirun.openmpi"),
            ("mpich", Kind::Mpich, "mpicc.mpich", "mpiexec.mpich"),
        ];
        let found: Vec<Self> = named
            .into_iter()
            .filter(|(.., mpicc, launcher)| in_path(mpicc).is_some() && in_path(launcher).is_some())
            .map(|(name, kind, mpicc, launcher)| Self {
                name,
                kind,
                mpicc: mpicc.into(),
                launcher: launcher.into(),
                variables: Vec::new(),
            })
            .collect();
        if found.is_empty() {
            Self::find_default().into_iter().collect()
        } else {
            found
        }
    }

    fn find_default() -> Option<Self> {
        in_path("mpicc")?;
        let launcher = ["mpirun", "mpiexec"]
            .into_iter()
            .find(|name| in_path(name).is_some())?;
        let version = Command::new(launcher).arg("--version").output().ok()?;
        let kind = kind_of(&String::from_utf8_lossy(&version.stdout));
        Some(Self {
            name: "default",
            kind,
            mpicc: "mpicc".into(),
            launcher: launcher.into(),
            variables: Vec::new(),
        })
    }

    /// Whether `--only name` means this library.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name == name
            || matches!(
                (self.kind, name),
                (Kind::OpenMpi, "openmpi") | (Kind::Mpich, "mpich")
            )
    }

    /// A number that tells the builds of the libraries apart.
    pub(crate) fn build_variant(&self) -> u32 {
        match self.name {
            "openmpi" => 14,
            "mpich" => 15,
            "openmpi5" => 17,
            "mpich5" => 18,
            "impi" => 19,
            _ => 16,
        }
    }

    /// How the names of files begin that it leaves in `/dev/shm` when a job ends before `MPI_Finalize`: MPICH always, Intel MPI while it
    /// starts or allocates memory.
    pub(crate) fn leaves(&self) -> &'static [&'static str] {
        match self.name {
            "mpich5" => &["mpich_shm_"],
            "impi" => &["Intel_MPI_"],
            _ => &[],
        }
    }

    /// The variables for building with it and for running under it.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let variables = self.variables.iter();
        variables.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The folder in which a library of its own is installed.
    pub(crate) fn folder(&self) -> PathBuf {
        let launcher = Path::new(&self.launcher);
        let folder = launcher.parent().and_then(Path::parent);
        folder.unwrap_or(Path::new("/usr")).to_path_buf()
    }

    /// Whether it is in a folder of its own, so that only its own tools find it.
    pub(crate) fn is_apart(&self) -> bool {
        !self.variables.is_empty()
    }

    /// The launcher with everything that goes before the program.
    pub(crate) fn launch(&self, ranks: usize, program: &Path) -> Command {
        let mut command = Command::new(&self.launcher);
        command.envs(self.variables());
        if self.kind == Kind::OpenMpi {
            // Containers run as root, and tests have more ranks than the machine has cores.
            command
                .env("OMPI_ALLOW_RUN_AS_ROOT", "1")
                .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
            command.arg("--oversubscribe");
        }
        command.arg("-n").arg(ranks.to_string()).arg(program);
        command
    }
}

fn kind_of(version: &str) -> Kind {
    let version = version.to_lowercase();
    if version.contains("open mpi") || version.contains("openrte") || version.contains("open-mpi") {
        Kind::OpenMpi
    } else if version.contains("hydra") || version.contains("mpich") {
        Kind::Mpich
    } else {
        Kind::Other
    }
}

/// The file that the shell would run for `name`.
pub(crate) fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // Debian keeps `ip` where users other than root do not look.
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launchers_are_told_apart() {
        assert_eq!(kind_of("mpirun (Open MPI) 4.1.4\n"), Kind::OpenMpi);
        assert_eq!(
            kind_of("HYDRA build details:\n Version: 4.0.2\n"),
            Kind::Mpich
        );
        assert_eq!(kind_of("Intel(R) MPI Library"), Kind::Other);
    }

    #[test]
    fn only_open_mpi_gets_its_options() {
        let mpi = |kind| Mpi {
            name: "default",
            kind,
            mpicc: "mpicc".into(),
            launcher: "mpirun".into(),
            variables: Vec::new(),
        };
        let line = |kind| crate::process::command_line(&mpi(kind).launch(3, Path::new("prog")));
        assert_eq!(line(Kind::OpenMpi), "mpirun --oversubscribe -n 3 prog");
        assert_eq!(line(Kind::Mpich), "mpirun -n 3 prog");
        assert!(mpi(Kind::Mpich).is("mpich") && mpi(Kind::Mpich).is("default"));
        assert!(!mpi(Kind::OpenMpi).is("mpich"));
    }
}
