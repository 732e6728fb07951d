//! `cargo xtask setup`: finds out what is missing on this machine, and installs it if possible.
//!
//! - `requirements` what there may be to install · `libraries` MPI libraries of Python packages · `toolchains` other versions of Rust · `python_env` the Python package
//! - `venv` other environments of Python

pub(crate) mod libraries;
pub(crate) mod python_env;
pub(crate) mod requirements;
pub(crate) mod toolchains;
pub(crate) mod venv;

use crate::mpi::{Mpi, in_path};
use crate::{cargo, process};
use requirements::{Installer, Requirement, apt_commands, instructions};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The time limit of one installation, which may have to download a lot.
const LIMIT: Duration = Duration::from_secs(1800);

/// The command: everything that the tests require.
pub(crate) fn command() -> Result<(), String> {
    let required = [
        Requirement::RustComponents,
        Requirement::OpenMpi,
        Requirement::Mpich,
        Requirement::LibClang,
        Requirement::Iproute2,
    ];
    let missing = prepare(&required, true);
    for mpi in Mpi::find_all() {
        println!("{}: {} and {}", mpi.name, mpi.mpicc, mpi.launcher);
    }
    if missing.is_empty() {
        println!("Everything is there. Next: cargo xtask test");
        Ok(())
    } else {
        Err(instructions(&missing))
    }
}

/// Installs those of `required` that are missing, if possible, and returns those that are still missing.
/// With `echo`, what the installers print is shown as it comes.
pub(crate) fn prepare(required: &[Requirement], echo: bool) -> Vec<Requirement> {
    let missing = missing(required);
    if missing.is_empty() {
        return missing;
    }
    if missing.contains(&Requirement::RustComponents) && in_path("rustup").is_some() {
        println!("{}", Requirement::RustComponents.purpose());
        let _ = show_and_run(
            &["rustup", "component", "add", "rustfmt", "clippy"].map(String::from),
            echo,
        );
    }
    install(&missing, echo);
    self::missing(required)
}

fn install(missing: &[Requirement], echo: bool) {
    let installer = installer();
    let commands = apt_commands(missing, installer, false);
    let Some(install) = commands.last() else {
        return;
    };
    println!("This machine lacks:");
    for requirement in missing {
        println!("  {}", requirement.purpose());
    }
    let user = if installer == Installer::Root {
        "root"
    } else {
        "root, through sudo"
    };
    println!("Installing with apt-get as {user}:");
    // The lists may be absent (fresh container) or too old to download from.
    if has_lists(missing) && show_and_run(install, echo).is_ok() {
        return;
    }
    for command in apt_commands(missing, installer, true) {
        if show_and_run(&command, echo).is_err() {
            return;
        }
    }
}

fn show_and_run(words: &[String], echo: bool) -> Result<(), String> {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    println!("+ {}", process::command_line(&command));
    let outcome = process::run(command, LIMIT, &cargo::log_of("setup"), echo);
    outcome.end.check().inspect_err(|why| {
        if !echo {
            println!("{}", outcome.output.trim_end());
        }
        println!("{}: {why}", words.join(" "));
    })
}

/// Whether apt knows all the packages already.
fn has_lists(missing: &[Requirement]) -> bool {
    let commands = apt_commands(missing, Installer::Root, false);
    let packages = commands
        .iter()
        .flatten()
        .skip_while(|word| *word != "--no-install-recommends")
        .skip(1);
    let known = Command::new("apt-cache")
        .args(["show", "--no-all-versions"])
        .args(packages)
        .output();
    known.is_ok_and(|output| output.status.success())
}

fn installer() -> Installer {
    if in_path("apt-get").is_none() {
        Installer::None
    } else if is_root() {
        Installer::Root
    } else if succeeds("sudo", &["-n", "true"]) {
        Installer::Sudo
    } else {
        Installer::None
    }
}

/// Whether we are root (of this machine, container or user namespace).
pub(crate) fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Whether the command can be started and ends well; what it prints is dropped.
pub(crate) fn succeeds(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .output()
        .is_ok_and(|output| output.status.success())
}

/// Those of `required` that this machine lacks.
pub(crate) fn missing(required: &[Requirement]) -> Vec<Requirement> {
    let libraries = Mpi::find_all();
    required
        .iter()
        .copied()
        .filter(|&requirement| !present(requirement, &libraries))
        .collect()
}

fn present(requirement: Requirement, libraries: &[Mpi]) -> bool {
    // Where only one library goes by the plain names, it is the one to test under: the machine has no
    // second set of names to install under, except where apt brings both.
    let one_for_all =
        libraries.iter().any(|mpi| mpi.name == "default") && in_path("apt-get").is_none();
    match requirement {
        Requirement::OpenMpi => one_for_all || libraries.iter().any(|mpi| mpi.is("openmpi")),
        Requirement::Mpich => one_for_all || libraries.iter().any(|mpi| mpi.is("mpich")),
        Requirement::LibClang => has_libclang(),
        Requirement::RustComponents => ["fmt", "clippy"]
            .iter()
            .all(|tool| succeeds("cargo", &[tool, "--version"])),
        Requirement::Iproute2 => in_path("ip").is_some() || !cfg!(target_os = "linux"),
        Requirement::Python => succeeds("python3", &["-c", PYTHON_CHECK]),
        Requirement::Slurm => ["munged", "slurmctld", "slurmd", "srun"]
            .iter()
            .all(|program| in_path(program).is_some()),
        Requirement::Hdf5 => {
            in_path("h5cc").is_some() || succeeds("pkg-config", &["--exists", "hdf5"])
        }
    }
}

/// Debian splits pip's bootstrap and the headers off the `python3` package.
const PYTHON_CHECK: &str = "import ensurepip, os, sysconfig, venv
assert os.path.exists(sysconfig.get_path('include') + '/Python.h')";

/// Looks where bindgen's `clang-sys` looks. The library alone is not enough: it needs clang's own
/// `stddef.h`, which Debian packs separately.
fn has_libclang() -> bool {
    // Whoever sets it has a complete LLVM there.
    if std::env::var_os("LIBCLANG_PATH").is_some_and(|place| holds_libclang(Path::new(&place))) {
        return true;
    }
    let mut folders: Vec<PathBuf> = [
        "/usr/lib",
        "/usr/lib64",
        "/usr/local/lib",
        "/usr/local/lib64",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/opt/homebrew/opt/llvm/lib",
        "/usr/local/opt/llvm/lib",
        "/Library/Developer/CommandLineTools/usr/lib",
    ]
    .map(PathBuf::from)
    .into();
    if let Ok(output) = Command::new("llvm-config").arg("--libdir").output() {
        folders.push(String::from_utf8_lossy(&output.stdout).trim().into());
    }
    let versions = entries(Path::new("/usr/lib"));
    folders.extend(versions.map(|folder| folder.join("lib")));
    let headers = |folder: &PathBuf| {
        entries(&folder.join("clang")).any(|version| version.join("include/stddef.h").is_file())
    };
    folders.iter().any(|folder| holds_libclang(folder)) && folders.iter().any(headers)
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path())
}

fn holds_libclang(place: &Path) -> bool {
    // LIBCLANG_PATH may also name the file itself.
    if place.is_file() {
        return true;
    }
    entries(place)
        .filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned()))
        .any(|name| is_libclang(&name))
}

fn is_libclang(file: &str) -> bool {
    let rest = file.strip_prefix("libclang").unwrap_or("");
    rest == ".dylib"
        || rest.starts_with(".so")
        || (rest.starts_with('-') && rest.contains(".so") && !rest.starts_with("-cpp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libclang_files() {
        for name in [
            "libclang.so",
            "libclang-14.so.1",
            "libclang.so.17",
            "libclang.dylib",
        ] {
            assert!(is_libclang(name), "{name}");
        }
        for name in [
            "libclang-cpp.so.14",
            "libclangAST.a",
            "clang",
            "libclang-14.a",
        ] {
            assert!(!is_libclang(name), "{name}");
        }
    }
}
