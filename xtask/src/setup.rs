//! `cargo xtask setup`: looks at the machine, says what is missing and installs it where it may.

use crate::mpi::{Mpi, in_path};
use crate::needs::{Means, Need, advice, apt_commands};
use crate::{cargo, process};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Installing over a slow line takes its time.
const LIMIT: Duration = Duration::from_secs(1800);

/// The command: everything that the tests need.
pub(crate) fn command() -> Result<(), String> {
    let needs = [
        Need::RustComponents,
        Need::OpenMpi,
        Need::Mpich,
        Need::LibClang,
        Need::Iproute2,
    ];
    let missing = prepare(&needs);
    for mpi in Mpi::find_all() {
        println!("{}: {} and {}", mpi.name, mpi.mpicc, mpi.launcher);
    }
    if missing.is_empty() {
        println!("Everything is there. Next: cargo xtask test");
        Ok(())
    } else {
        Err(advice(&missing))
    }
}

/// Installs those of `needs` that are missing, where it may. Gives those that are still missing.
pub(crate) fn prepare(needs: &[Need]) -> Vec<Need> {
    let missing = missing(needs);
    if missing.is_empty() {
        return missing;
    }
    if missing.contains(&Need::RustComponents) && in_path("rustup").is_some() {
        println!("{}", Need::RustComponents.why());
        let _ =
            show_and_run(&["rustup", "component", "add", "rustfmt", "clippy"].map(String::from));
    }
    install(&missing);
    self::missing(needs)
}

fn install(missing: &[Need]) {
    let means = means();
    let commands = apt_commands(missing, means, false);
    let Some(install) = commands.last() else {
        return;
    };
    println!("This machine lacks:");
    for need in missing {
        println!("  {}", need.why());
    }
    let as_whom = if means == Means::Root {
        "root"
    } else {
        "root, through sudo"
    };
    println!("Installing with apt-get as {as_whom}:");
    // The lists may be absent (fresh container) or too old to download from.
    if has_lists(missing) && show_and_run(install).is_ok() {
        return;
    }
    for command in apt_commands(missing, means, true) {
        if show_and_run(&command).is_err() {
            return;
        }
    }
}

fn show_and_run(words: &[String]) -> Result<(), String> {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    println!("+ {}", process::line(&command));
    let outcome = process::run(command, LIMIT, &cargo::log_of("setup"), true);
    outcome
        .end
        .check()
        .inspect_err(|why| println!("{}: {why}", words.join(" ")))
}

/// Whether apt knows all the packages already.
fn has_lists(missing: &[Need]) -> bool {
    let commands = apt_commands(missing, Means::Root, false);
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

fn means() -> Means {
    if in_path("apt-get").is_none() {
        Means::Nothing
    } else if is_root() {
        Means::Root
    } else if succeeds("sudo", &["-n", "true"]) {
        Means::Sudo
    } else {
        Means::Nothing
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

/// Those of `needs` that this machine lacks.
pub(crate) fn missing(needs: &[Need]) -> Vec<Need> {
    let libraries = Mpi::find_all();
    needs
        .iter()
        .copied()
        .filter(|&need| !present(need, &libraries))
        .collect()
}

fn present(need: Need, libraries: &[Mpi]) -> bool {
    // Where only one library goes by the plain names, it is the one to test under: the machine has no
    // second set of names to install under, except where apt brings both.
    let one_for_all =
        libraries.iter().any(|mpi| mpi.name == "default") && in_path("apt-get").is_none();
    match need {
        Need::OpenMpi => one_for_all || libraries.iter().any(|mpi| mpi.is("openmpi")),
        Need::Mpich => one_for_all || libraries.iter().any(|mpi| mpi.is("mpich")),
        Need::LibClang => has_libclang(),
        Need::RustComponents => ["fmt", "clippy"]
            .iter()
            .all(|tool| succeeds("cargo", &[tool, "--version"])),
        Need::Iproute2 => in_path("ip").is_some() || !cfg!(target_os = "linux"),
        Need::Python => succeeds("python3", &["-c", PYTHON_CHECK]),
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
