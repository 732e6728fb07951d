//! Tests that run in processes of their own, because they change what belongs to a whole process.

use std::process::{Command, ExitStatus, Stdio};

/// Makes a test run in a process of its own, which has this variable.
const CHILD: &str = "PSHMEM_TEST_PROCESS";

/// Whether this is the process of one test.
pub(crate) fn in_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// A command that runs one test of this executable in a process of its own.
pub(crate) fn child_of(module: &str, test: &str) -> Command {
    let (_crate, module) = module.split_once("::").expect("modules are in the crate");
    let mut command = Command::new(std::env::current_exe().expect("this executable"));
    command
        .args(["--exact", &format!("{module}::{test}"), "--nocapture"])
        .env(CHILD, "1")
        .stdout(Stdio::null());
    command
}

/// Runs one test of this executable in a process of its own.
pub(crate) fn run_as_child(module: &str, test: &str) -> ExitStatus {
    run(&mut child_of(module, test))
}

/// Runs a command of [`child_of`], of which other settings may have been changed.
pub(crate) fn run(child: &mut Command) -> ExitStatus {
    let output = child.stdout(Stdio::piped()).stderr(Stdio::inherit());
    let output = output.output().expect("it can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("running 1 test\n"), "no such test: {child:?}");
    output.status
}
