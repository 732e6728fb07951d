//! Rust toolchains other than the one in use: the oldest that is supported, and the nightly one with its components.
//!
//! The oldest is installed where it is missing. A nightly toolchain is not: it is large, and only extra checks need it.

use crate::{cargo, process};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The toolchain of a Rust version, which is installed first if rustup and a network are there.
pub(crate) fn of_version(version: &str) -> Option<String> {
    find(&list()?, version).or_else(|| install(version))
}

fn list() -> Option<String> {
    output(Command::new("rustup").args(["toolchain", "list"]))
}

fn install(version: &str) -> Option<String> {
    let mut command = Command::new("rustup");
    command.args(["toolchain", "install", version, "--profile", "minimal"]);
    println!("== {}", process::command_line(&command));
    let log = cargo::log_of("install toolchain");
    let outcome = process::run(command, Duration::from_secs(180), &log, false);
    outcome.end.check().ok()?;
    find(&list()?, version)
}

/// The toolchain in rustup's list that is Rust `version` (or `nightly`), any patch release of it.
fn find(list: &str, version: &str) -> Option<String> {
    let mut names = list
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let is_meant = |name: &&str| {
        name.strip_prefix(version)
            .is_some_and(|rest| rest.starts_with(['.', '-']))
    };
    names.find(is_meant).map(String::from)
}

/// A part of the nightly toolchain that a check needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Component {
    Toolchain,
    /// The source of the standard library, to build it with other flags.
    Source,
    Miri,
}

/// The nightly toolchain of this machine.
#[derive(Debug)]
pub(crate) struct Nightly {
    /// Its name for rustup.
    toolchain: String,
    /// The machine that it builds for, as in `x86_64-unknown-linux-gnu`.
    pub(crate) host: String,
    /// First line of `rustc --version`.
    pub(crate) version: String,
}

impl Nightly {
    /// The toolchain with `components`, or what to type to get it.
    pub(crate) fn find(components: &[Component]) -> Result<Self, String> {
        let name = list().and_then(|list| find(&list, "nightly"));
        let toolchain =
            name.ok_or_else(|| instructions(&[&[Component::Toolchain], components].concat()))?;
        let version = output(Command::new("rustup").args(["run", &toolchain, "rustc", "-vV"]));
        let version =
            version.ok_or_else(|| instructions(&[&[Component::Toolchain], components].concat()))?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let nightly = Self {
            host: host.unwrap_or_default().to_owned(),
            version: version.lines().next().unwrap_or_default().to_owned(),
            toolchain,
        };
        let missing = |component: &&Component| !nightly.has(**component);
        let missing: Vec<Component> = components.iter().filter(missing).copied().collect();
        if missing.is_empty() {
            Ok(nightly)
        } else {
            Err(instructions(&missing))
        }
    }

    fn has(&self, component: Component) -> bool {
        match component {
            Component::Toolchain => true,
            Component::Source => {
                let sysroot = output(self.command("rustc").args(["--print", "sysroot"]));
                let library = "lib/rustlib/src/rust/library/std/src/lib.rs";
                sysroot.is_some_and(|root| Path::new(root.trim()).join(library).is_file())
            }
            Component::Miri => output(self.command("cargo").args(["miri", "--version"])).is_some(),
        }
    }

    /// A program of the toolchain, in the workspace.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("rustup");
        command
            .current_dir(cargo::root())
            .args(["run", &self.toolchain, program]);
        command
    }
}

/// What a program prints, if it can be started and ends well.
fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(text)
}

/// What is missing, and the command that installs it.
fn instructions(missing: &[Component]) -> String {
    let name = |component: &Component| match component {
        Component::Toolchain => "a nightly toolchain",
        Component::Source => "the source of the standard library (rust-src)",
        Component::Miri => "Miri",
    };
    let names: Vec<&str> = missing.iter().map(name).collect();
    let components: Vec<&str> = [(Component::Miri, "miri"), (Component::Source, "rust-src")]
        .into_iter()
        .filter_map(|(component, name)| missing.contains(&component).then_some(name))
        .collect();
    let mut line = String::from("rustup toolchain install nightly --profile minimal");
    if !components.is_empty() {
        line += " --component ";
        line += &components.join(",");
    }
    format!("missing: {}\nInstall with:\n  {line}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_toolchain_of_a_version() {
        let list =
            "stable-x86_64-unknown-linux-gnu (active, default)\n1.88.0-x86_64-unknown-linux-gnu\n";
        assert_eq!(
            find(list, "1.88").as_deref(),
            Some("1.88.0-x86_64-unknown-linux-gnu")
        );
        assert_eq!(
            find("1.88-x86_64-apple-darwin", "1.88").as_deref(),
            Some("1.88-x86_64-apple-darwin")
        );
        assert_eq!(find("1.880-x\nno installed toolchains\n", "1.88"), None);
    }

    #[test]
    fn instructions_name_what_is_missing_and_how_to_get_it() {
        let text = instructions(&[Component::Toolchain, Component::Source]);
        assert!(text.contains("a nightly toolchain, the source"), "{text}");
        assert!(
            text.ends_with("install nightly --profile minimal --component rust-src"),
            "{text}"
        );
        assert!(instructions(&[Component::Toolchain]).ends_with("--profile minimal"));
        let text = instructions(&[Component::Miri, Component::Source]);
        assert!(text.ends_with("--component miri,rust-src"), "{text}");
    }
}
