//! What the commands require from the machine, and the commands that install it. Nothing is run here.

/// Something that a command requires from the machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Requirement {
    OpenMpi,
    Mpich,
    /// bindgen reads `mpi.h` through it.
    LibClang,
    /// rustfmt and clippy, which the minimal profile of rustup leaves out.
    RustComponents,
    /// Network namespaces for simulated nodes.
    Iproute2,
    /// A virtual environment with pip, and the headers for building mpi4py.
    Python,
    /// Daemons and commands of a batch system.
    Slurm,
    /// The HDF5 library with its headers, for an example.
    Hdf5,
}

impl Requirement {
    /// What it is for, as printed before it is installed.
    pub(crate) fn purpose(self) -> &'static str {
        match self {
            Requirement::OpenMpi => {
                "Open MPI (mpicc, mpirun): one of the two libraries that everything is tested under"
            }
            Requirement::Mpich => {
                "MPICH (mpicc, mpiexec): the other library that everything is tested under"
            }
            Requirement::LibClang => {
                "libclang: bindgen needs it to read mpi.h when feature `mpi` is built"
            }
            Requirement::RustComponents => "rustfmt and clippy: the checks of formatting and lints",
            Requirement::Iproute2 => "iproute2 (ip): networks of simulated nodes",
            Requirement::Python => {
                "Python with venv and headers: the Python package in the bench, and h5py"
            }
            Requirement::Slurm => "Slurm and munge: jobs of a batch system",
            Requirement::Hdf5 => "libhdf5: the example that reads HDF5 files",
        }
    }

    /// Debian and Ubuntu packages; both MPI libraries install side by side there.
    fn debian(self) -> &'static [&'static str] {
        match self {
            Requirement::OpenMpi => &["openmpi-bin", "libopenmpi-dev"],
            Requirement::Mpich => &["mpich", "libmpich-dev"],
            Requirement::LibClang => &["libclang-dev"],
            Requirement::RustComponents => &[],
            Requirement::Iproute2 => &["iproute2"],
            Requirement::Python => &["python3-venv", "python3-dev"],
            Requirement::Slurm => &[
                "slurmctld",
                "slurmd",
                "slurm-client",
                "slurm-wlm-basic-plugins",
                "munge",
            ],
            Requirement::Hdf5 => &["libhdf5-dev"],
        }
    }

    fn fedora(self) -> &'static [&'static str] {
        match self {
            Requirement::OpenMpi => &["openmpi", "openmpi-devel"],
            Requirement::Mpich => &["mpich", "mpich-devel"],
            Requirement::LibClang => &["clang-devel"],
            Requirement::RustComponents => &[],
            Requirement::Iproute2 => &["iproute"],
            Requirement::Python => &["python3-devel"],
            Requirement::Slurm => &["slurm-slurmctld", "slurm-slurmd", "munge"],
            Requirement::Hdf5 => &["hdf5-devel"],
        }
    }

    fn brew(self) -> &'static [&'static str] {
        match self {
            Requirement::OpenMpi => &["open-mpi"],
            // Homebrew's MPICH and Open MPI exclude each other.
            Requirement::Mpich
            | Requirement::RustComponents
            | Requirement::Iproute2
            | Requirement::Slurm => &[],
            Requirement::LibClang => &["llvm"],
            Requirement::Python => &["python"],
            Requirement::Hdf5 => &["hdf5"],
        }
    }
}

/// How packages can be installed on this machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Installer {
    /// apt-get, as root.
    Root,
    /// apt-get through sudo, which asks for no password.
    Sudo,
    /// No apt-get, or no permission to use it.
    None,
}

/// The commands that install `missing`; `update` says whether the package lists have to be fetched first.
pub(crate) fn apt_commands(
    missing: &[Requirement],
    installer: Installer,
    update: bool,
) -> Vec<Vec<String>> {
    let packages: Vec<&str> = missing
        .iter()
        .flat_map(|requirement| requirement.debian())
        .copied()
        .collect();
    let prefix: &[&str] = match installer {
        _ if packages.is_empty() => return Vec::new(),
        Installer::None => return Vec::new(),
        Installer::Root => &["env", "DEBIAN_FRONTEND=noninteractive"],
        Installer::Sudo => &["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"],
    };
    // Machines that have just started often hold the lock for their own updates.
    let apt = [prefix, &["apt-get", "-o", "DPkg::Lock::Timeout=300"]].concat();
    let mut commands = Vec::new();
    if update {
        commands.push([&apt[..], &["update"]].concat());
    }
    commands.push(
        [
            &apt[..],
            &["install", "-y", "--no-install-recommends"],
            &packages[..],
        ]
        .concat(),
    );
    commands
        .into_iter()
        .map(|words| words.into_iter().map(String::from).collect())
        .collect()
}

/// The commands to type where nothing can be installed: one block for each kind of machine.
pub(crate) fn instructions(missing: &[Requirement]) -> String {
    let list = |names: fn(Requirement) -> &'static [&'static str]| {
        let names = missing
            .iter()
            .flat_map(|&requirement| names(requirement))
            .copied();
        names.collect::<Vec<_>>().join(" ")
    };
    let (debian, fedora, brew) = (
        list(Requirement::debian),
        list(Requirement::fedora),
        list(Requirement::brew),
    );
    let libclang = missing.contains(&Requirement::LibClang);
    let mpi = missing.contains(&Requirement::OpenMpi) || missing.contains(&Requirement::Mpich);

    let mut lines = vec!["Missing:".to_string()];
    lines.extend(
        missing
            .iter()
            .map(|requirement| format!("  {}", requirement.purpose())),
    );
    if missing.contains(&Requirement::RustComponents) {
        lines.push("\nRust:\n  rustup component add rustfmt clippy".into());
    }
    if !debian.is_empty() {
        let install = "sudo apt-get install -y --no-install-recommends";
        lines.push(format!(
            "\nDebian, Ubuntu:\n  sudo apt-get update && {install} {debian}"
        ));
        lines.push(format!("\nFedora, RHEL:\n  sudo dnf install -y {fedora}"));
    }
    if mpi {
        lines.push("  module load mpi/openmpi-x86_64   # or mpi/mpich-x86_64: one per run".into());
    }
    if !brew.is_empty() {
        lines.push(format!("\nmacOS:\n  brew install {brew}"));
    }
    if libclang {
        lines.push("  export LIBCLANG_PATH=\"$(brew --prefix llvm)/lib\"".into());
    }
    if mpi || libclang {
        lines.push("\nClusters with environment modules (`module avail` shows the names):".into());
        lines.push("  module load openmpi llvm".into());
        lines.push("  export LIBCLANG_PATH=/that/llvm/lib   # the folder of libclang.so".into());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_updates_then_installs() {
        let commands = apt_commands(
            &[Requirement::Mpich, Requirement::LibClang],
            Installer::Root,
            true,
        );
        let lines: Vec<String> = commands.iter().map(|words| words.join(" ")).collect();
        assert_eq!(
            lines,
            [
                "env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 update",
                "env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
                 install -y --no-install-recommends mpich libmpich-dev libclang-dev",
            ]
        );
    }

    #[test]
    fn sudo_is_asked_not_to_prompt() {
        let commands = apt_commands(&[Requirement::Iproute2], Installer::Sudo, false);
        assert_eq!(commands.len(), 1);
        assert_eq!(commands[0][..2], ["sudo", "-n"]);
    }

    #[test]
    fn nothing_to_run_without_installer_or_packages() {
        assert!(apt_commands(&[Requirement::OpenMpi], Installer::None, true).is_empty());
        assert!(apt_commands(&[Requirement::RustComponents], Installer::Root, true).is_empty());
    }

    #[test]
    fn instructions_name_each_kind_of_machine() {
        let text = instructions(&[
            Requirement::OpenMpi,
            Requirement::Mpich,
            Requirement::LibClang,
        ]);
        for part in [
            "apt-get install",
            "dnf install",
            "brew install open-mpi llvm",
            "module load",
            "LIBCLANG_PATH",
        ] {
            assert!(text.contains(part), "{part} not in:\n{text}");
        }
        let text = instructions(&[Requirement::RustComponents]);
        assert!(
            text.contains("rustup component add") && !text.contains("apt-get"),
            "{text}"
        );
        assert!(!instructions(&[Requirement::Iproute2]).contains("module"));
    }
}
