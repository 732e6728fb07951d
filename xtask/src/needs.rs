//! What a machine needs and which commands bring it there: decisions only, nothing is run here.

/// Something a command needs from the machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Need {
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
}

impl Need {
    /// Why it is wanted, as said before anything is installed.
    pub(crate) fn why(self) -> &'static str {
        match self {
            Need::OpenMpi => {
                "Open MPI (mpicc, mpirun): one of the two libraries that everything is tested under"
            }
            Need::Mpich => {
                "MPICH (mpicc, mpiexec): the other library that everything is tested under"
            }
            Need::LibClang => {
                "libclang: bindgen needs it to read mpi.h when feature `mpi` is built"
            }
            Need::RustComponents => "rustfmt and clippy: the checks of formatting and lints",
            Need::Iproute2 => "iproute2 (ip): networks of simulated nodes",
            Need::Python => "Python with venv and headers: the Python package in the bench",
        }
    }

    /// Debian and Ubuntu packages; both MPI libraries install side by side there.
    fn debian(self) -> &'static [&'static str] {
        match self {
            Need::OpenMpi => &["openmpi-bin", "libopenmpi-dev"],
            Need::Mpich => &["mpich", "libmpich-dev"],
            Need::LibClang => &["libclang-dev"],
            Need::RustComponents => &[],
            Need::Iproute2 => &["iproute2"],
            Need::Python => &["python3-venv", "python3-dev"],
        }
    }

    fn fedora(self) -> &'static [&'static str] {
        match self {
            Need::OpenMpi => &["openmpi", "openmpi-devel"],
            Need::Mpich => &["mpich", "mpich-devel"],
            Need::LibClang => &["clang-devel"],
            Need::RustComponents => &[],
            Need::Iproute2 => &["iproute"],
            Need::Python => &["python3-devel"],
        }
    }

    fn brew(self) -> &'static [&'static str] {
        match self {
            Need::OpenMpi => &["open-mpi"],
            // Homebrew's MPICH and Open MPI exclude each other.
            Need::Mpich | Need::RustComponents | Need::Iproute2 => &[],
            Need::LibClang => &["llvm"],
            Need::Python => &["python"],
        }
    }
}

/// How packages can be installed here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Means {
    /// apt-get, as root.
    Root,
    /// apt-get through sudo, which asks for no password.
    Sudo,
    /// No apt-get, or not allowed to.
    Nothing,
}

/// The commands that install `missing`; `update` says whether the package lists have to be fetched first.
pub(crate) fn apt_commands(missing: &[Need], means: Means, update: bool) -> Vec<Vec<String>> {
    let packages: Vec<&str> = missing
        .iter()
        .flat_map(|need| need.debian())
        .copied()
        .collect();
    let prefix: &[&str] = match means {
        _ if packages.is_empty() => return Vec::new(),
        Means::Nothing => return Vec::new(),
        Means::Root => &["env", "DEBIAN_FRONTEND=noninteractive"],
        Means::Sudo => &["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"],
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

/// What to type where we cannot install: one block for each kind of machine.
pub(crate) fn advice(missing: &[Need]) -> String {
    let list = |names: fn(Need) -> &'static [&'static str]| {
        let names = missing.iter().flat_map(|&need| names(need)).copied();
        names.collect::<Vec<_>>().join(" ")
    };
    let (debian, fedora, brew) = (list(Need::debian), list(Need::fedora), list(Need::brew));
    let libclang = missing.contains(&Need::LibClang);
    let mpi = missing.contains(&Need::OpenMpi) || missing.contains(&Need::Mpich);

    let mut lines = vec!["Missing:".to_string()];
    lines.extend(missing.iter().map(|need| format!("  {}", need.why())));
    if missing.contains(&Need::RustComponents) {
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
        let commands = apt_commands(&[Need::Mpich, Need::LibClang], Means::Root, true);
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
        let commands = apt_commands(&[Need::Iproute2], Means::Sudo, false);
        assert_eq!(commands.len(), 1);
        assert_eq!(commands[0][..2], ["sudo", "-n"]);
    }

    #[test]
    fn nothing_to_run_without_means_or_packages() {
        assert!(apt_commands(&[Need::OpenMpi], Means::Nothing, true).is_empty());
        assert!(apt_commands(&[Need::RustComponents], Means::Root, true).is_empty());
    }

    #[test]
    fn advice_names_each_kind_of_machine() {
        let text = advice(&[Need::OpenMpi, Need::Mpich, Need::LibClang]);
        for part in [
            "apt-get install",
            "dnf install",
            "brew install open-mpi llvm",
            "module load",
            "LIBCLANG_PATH",
        ] {
            assert!(text.contains(part), "{part} not in:\n{text}");
        }
        let text = advice(&[Need::RustComponents]);
        assert!(
            text.contains("rustup component add") && !text.contains("apt-get"),
            "{text}"
        );
        assert!(!advice(&[Need::Iproute2]).contains("module"));
    }
}
