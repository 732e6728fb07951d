//! What the nightly toolchain has to offer here, and the advice where something is missing.
//!
//! Nothing is installed: a toolchain is the user's own choice, and these checks are extra.

use crate::cargo;
use crate::steps;
use std::path::Path;
use std::process::Command;

/// Parts of the nightly toolchain that a check needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Part {
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
    /// The toolchain with `parts`, or what to type to get it.
    pub(crate) fn find(parts: &[Part]) -> Result<Self, String> {
        let list = output(Command::new("rustup").args(["toolchain", "list"]));
        let name = list.and_then(|list| steps::toolchain(&list, "nightly"));
        let toolchain = name.ok_or_else(|| advice(&[&[Part::Toolchain], parts].concat()))?;
        let about = output(Command::new("rustup").args(["run", &toolchain, "rustc", "-vV"]));
        let about = about.ok_or_else(|| advice(&[&[Part::Toolchain], parts].concat()))?;
        let host = about.lines().find_map(|line| line.strip_prefix("host: "));
        let nightly = Self {
            host: host.unwrap_or_default().to_owned(),
            version: about.lines().next().unwrap_or_default().to_owned(),
            toolchain,
        };
        let missing = |part: &&Part| !nightly.has(**part);
        let missing: Vec<Part> = parts.iter().filter(missing).copied().collect();
        if missing.is_empty() {
            Ok(nightly)
        } else {
            Err(advice(&missing))
        }
    }

    fn has(&self, part: Part) -> bool {
        match part {
            Part::Toolchain => true,
            Part::Source => {
                let sysroot = output(self.command("rustc").args(["--print", "sysroot"]));
                let library = "lib/rustlib/src/rust/library/std/src/lib.rs";
                sysroot.is_some_and(|root| Path::new(root.trim()).join(library).is_file())
            }
            Part::Miri => output(self.command("cargo").args(["miri", "--version"])).is_some(),
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
fn advice(missing: &[Part]) -> String {
    let what = |part: &Part| match part {
        Part::Toolchain => "a nightly toolchain",
        Part::Source => "the source of the standard library (rust-src)",
        Part::Miri => "Miri",
    };
    let what: Vec<&str> = missing.iter().map(what).collect();
    let components: Vec<&str> = [(Part::Miri, "miri"), (Part::Source, "rust-src")]
        .into_iter()
        .filter_map(|(part, name)| missing.contains(&part).then_some(name))
        .collect();
    let mut line = String::from("rustup toolchain install nightly --profile minimal");
    if !components.is_empty() {
        line += " --component ";
        line += &components.join(",");
    }
    format!("missing: {}\nInstall with:\n  {line}", what.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_names_what_is_missing_and_how_to_get_it() {
        let text = advice(&[Part::Toolchain, Part::Source]);
        assert!(text.contains("a nightly toolchain, the source"), "{text}");
        assert!(
            text.ends_with("install nightly --profile minimal --component rust-src"),
            "{text}"
        );
        assert!(advice(&[Part::Toolchain]).ends_with("--profile minimal"));
        let text = advice(&[Part::Miri, Part::Source]);
        assert!(text.ends_with("--component miri,rust-src"), "{text}");
    }
}
