//! Tests of programs that tasks run.

use super::{start, wait};
use crate::batch::test_process::{child_of, in_child, run};
use crate::batch::{Batch, Task};
use crate::comm::Comm;
use crate::error::{Error, Result};
use crate::local::Cluster;
use std::fs::{read_to_string, write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// A batch with a state directory.
fn batch_in(dir: &Path, names: &[&str]) -> Batch {
    let comm = Comm::solo();
    let builder = Batch::builder(&comm, names.len());
    let builder = builder.state_dir(dir, names.iter().copied());
    builder.build().unwrap()
}

/// Runs `work` with the only task of a batch, which has a folder, and returns the folder.
fn with_task(dir: &Path, work: impl Fn(&Task)) -> PathBuf {
    let batch = batch_in(dir, &["a"]);
    let task = batch.next_task().unwrap().unwrap();
    work(&task);
    task.done().unwrap();
    dir.join("a")
}

fn temp_dir() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// How a program has failed, and the end of its stderr.
fn failure(outcome: Result<()>) -> (String, String) {
    match outcome {
        Err(Error::Command { status, tail, .. }) => (status, tail),
        other => panic!("{other:?}"),
    }
}

#[test]
fn output_is_in_the_folder_and_replaced() {
    let dir = temp_dir();
    let folder = with_task(dir.path(), |task| {
        task.command(shell("echo long output; echo trouble >&2; echo x > result"))
            .unwrap();
        task.command(&mut shell("pwd")).unwrap();
    });
    assert_eq!(read_to_string(folder.join("stderr")).unwrap(), "");
    assert_eq!(read_to_string(folder.join("result")).unwrap(), "x\n");
    let shown = read_to_string(folder.join("stdout")).unwrap();
    assert_eq!(
        Path::new(shown.trim_end()).canonicalize().unwrap(),
        folder.canonicalize().unwrap()
    );
}

#[test]
fn each_rank_of_a_worker_has_its_own_output() {
    let dir = temp_dir();
    let outcomes = Cluster::new(&[1, 1]).run(|comm| -> Result<()> {
        let builder = Batch::builder(comm, 1).worker_size(2);
        let batch = builder.state_dir(dir.path(), ["a"]).build()?;
        let rank = comm.rank();
        batch.run(|task, _| task.command(shell(&format!("echo {rank}"))))?;
        Ok(())
    });
    assert_eq!(outcomes, [Ok(()), Ok(())]);
    let output = |name: &str| read_to_string(dir.path().join("a").join(name)).unwrap();
    assert_eq!([output("stdout"), output("stdout.1")], ["0\n", "1\n"]);
    assert_eq!([output("stderr"), output("stderr.1")], ["", ""]);
}

#[test]
fn a_failure_says_how_the_program_ended_and_what_it_wrote_last() {
    let dir = temp_dir();
    with_task(dir.path(), |task| {
        let error = task.command(shell("echo bad input >&2; exit 3"));
        let error = error.unwrap_err().to_string();
        let expected = "`sh -c \"echo bad input >&2; exit 3\"` ended with exit code 3, on rank 0 (";
        assert!(error.starts_with(expected), "{error}");
        assert!(
            error.ends_with("; the end of its stderr: bad input"),
            "{error}"
        );
        let (status, tail) = failure(task.command(shell("kill -9 $$")));
        assert_eq!((&*status, &*tail), ("was ended by signal 9 (SIGKILL)", ""));
        let (status, _) = failure(task.command(Command::new("no-such-program")));
        assert!(
            status.starts_with("could not be started: No such file"),
            "{status}"
        );
        let (status, _) = failure(task.command(Command::new("./here")));
        assert!(status.contains("its path is relative"), "{status}");
    });
}

#[test]
fn a_program_that_fails_makes_its_task_fail() {
    let dir = temp_dir();
    let report = batch_in(dir.path(), &["a", "b"]).run(|task, _| {
        let name = task.name().to_owned();
        task.command(shell(&format!("echo of {name} >&2; test {name} = b")))
    });
    let report = report.unwrap();
    let reason = report.tasks[0].error.as_deref().unwrap();
    assert!(
        reason.contains("exit code 1") && reason.ends_with("of a"),
        "{reason}"
    );
    assert_eq!(report.tasks[1].error, None);
}

#[test]
fn a_command_may_be_used_again_for_another_task() {
    let dir = temp_dir();
    let batch = batch_in(dir.path(), &["a", "b"]);
    let mut command = shell("pwd >&2; echo $0");
    command.arg("argument");
    batch.run(|task, _| task.command(&mut command)).unwrap();
    for name in ["a", "b"] {
        let folder = dir.path().join(name);
        let output = read_to_string(folder.join("stdout")).unwrap();
        assert_eq!(output, "argument\n");
        let shown = read_to_string(folder.join("stderr")).unwrap();
        assert!(shown.ends_with(&format!("/{name}\n")), "{shown}");
    }
}

#[test]
fn a_directory_that_the_user_sets_is_used() {
    let (dir, other) = (temp_dir(), temp_dir());
    let folder = with_task(dir.path(), |task| {
        let mut command = shell("pwd; echo x > result");
        task.command(&mut command).unwrap();
        task.command(command.current_dir(other.path())).unwrap();
    });
    let shown = read_to_string(folder.join("stdout")).unwrap();
    let shown = Path::new(shown.trim_end()).canonicalize().unwrap();
    assert_eq!(shown, other.path().canonicalize().unwrap());
    assert!(other.path().join("result").exists());
}

#[test]
fn without_a_folder_the_command_keeps_its_settings() {
    let dir = temp_dir();
    let batch = Batch::builder(&Comm::solo(), 1).build().unwrap();
    let task = batch.next_task().unwrap().unwrap();
    let file = std::fs::File::create(dir.path().join("own")).unwrap();
    task.command(shell("echo mine").stdout(file)).unwrap();
    let own = read_to_string(dir.path().join("own")).unwrap();
    assert_eq!(own, "mine\n");
    let mut endless = Command::new("yes");
    let (status, tail) = failure(task.command(endless.stdout(Stdio::piped())));
    assert!(status.contains("signal 13") && tail.is_empty(), "{status}");
    task.command(Command::new("cat").stdin(Stdio::piped()))
        .unwrap();
    task.done().unwrap();
}

#[test]
fn a_link_in_place_of_a_file_is_refused() {
    for name in ["stdout", "stderr"] {
        let dir = temp_dir();
        let victim = dir.path().join("victim");
        write(&victim, "precious").unwrap();
        let folder = with_task(&dir.path().join("root"), |task| {
            let link = task.dir().unwrap().join(name);
            symlink(&victim, &link).unwrap();
            let refused = task.command(shell("echo harm; echo harm >&2; touch ran"));
            match refused {
                Err(Error::Directory { path, .. }) => assert_eq!(path, link.display().to_string()),
                other => panic!("{other:?}"),
            }
        });
        assert_eq!(read_to_string(&victim).unwrap(), "precious");
        assert!(!folder.join("ran").exists());
    }
}

#[test]
fn variables_of_the_launcher_are_removed() {
    const VARIABLES: [&str; 3] = ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "HYDRA_TEST"];
    if !in_child() {
        let mut child = child_of(module_path!(), "variables_of_the_launcher_are_removed");
        for name in VARIABLES {
            child.env(name, "1");
        }
        assert!(run(child.env("KEPT", "1")).success());
        return;
    }
    let dir = temp_dir();
    let folder = with_task(dir.path(), |task| {
        task.command(Command::new("env").env("PMI_RANK", "2"))
            .unwrap();
    });
    let output = read_to_string(folder.join("stdout")).unwrap();
    let is_of = |line: &&str| VARIABLES.iter().any(|name| line.starts_with(name));
    let mut found: Vec<&str> = output
        .lines()
        .filter(|line| line.starts_with("KEPT") || is_of(line))
        .collect();
    found.sort_unstable();
    assert_eq!(found, ["KEPT=1", "PMI_RANK=2"]);
}

#[test]
fn signals_that_the_rank_blocks_or_ignores_reach_the_program() {
    let test = "signals_that_the_rank_blocks_or_ignores_reach_the_program";
    if !in_child() {
        assert!(run(&mut child_of(module_path!(), test)).success());
        return;
    }
    // SAFETY: no handler is installed.
    unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
    let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: there is room for a set.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: the set has been written, and the old one is not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), std::ptr::null_mut()) };
    let dir = temp_dir();
    let folder = with_task(dir.path(), |task| {
        let mut command = Command::new("cat");
        task.command(command.arg("/proc/self/status")).unwrap();
    });
    let status = read_to_string(folder.join("stdout")).unwrap();
    let signals = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        let (_, set) = line.unwrap().split_once(':').unwrap();
        u64::from_str_radix(set.trim(), 16).unwrap()
    };
    assert_eq!(signals("SigBlk"), 0);
    assert_eq!(signals("SigIgn") >> (libc::SIGTERM - 1) & 1, 0);
}

#[test]
fn a_program_is_ended_at_its_deadline() {
    let dir = temp_dir();
    with_task(dir.path(), |task| {
        let mut sleep = Command::new("sleep");
        let soon = Instant::now() + Duration::from_millis(20);
        let ended = task.command_until(sleep.arg("1000"), Some(soon));
        assert_eq!(
            failure(ended).0,
            "has reached its time limit and got SIGTERM"
        );
        let later = Instant::now() + Duration::from_secs(1000);
        task.command_until(&mut shell("exit 0"), Some(later))
            .unwrap();
        let ended = task.command_until(&mut shell("exit 4"), Some(later));
        assert_eq!(failure(ended).0, "ended with exit code 4");
    });
}

#[test]
fn a_program_that_ignores_its_deadline_is_killed() {
    let dir = temp_dir();
    let ready = dir.path().join("ready");
    let mut command = shell("trap '' TERM; touch ready; exec sleep 1000");
    let mut program = start(&mut command, Some(dir.path()), None).unwrap();
    while !ready.exists() {
        std::thread::yield_now();
    }
    let status = wait(&mut program, Some(Instant::now())).unwrap().unwrap();
    assert!(status.contains("SIGKILL"), "{status}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_program_dies_with_its_rank() {
    let test = "a_program_dies_with_its_rank";
    if in_child() {
        let dir = std::env::var("PSHMEM_TEST_DIR").unwrap();
        with_task(Path::new(&dir), |task| {
            let script = "echo $$ > starting; mv starting id; exec sleep 1000";
            task.command(shell(script)).unwrap();
        });
        return;
    }
    let dir = temp_dir();
    let mut rank = child_of(module_path!(), test);
    rank.env("PSHMEM_TEST_DIR", dir.path());
    let mut rank = rank.spawn().unwrap();
    let id = loop {
        if let Ok(id) = read_to_string(dir.path().join("a/id")) {
            break id.trim().to_owned();
        }
        assert_eq!(rank.try_wait().unwrap(), None, "it has failed");
    };
    let is_alive = || {
        let stat = read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let state = stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned());
        state.is_some_and(|state| !state.starts_with(['Z', 'X']))
    };
    assert!(is_alive());
    rank.kill().unwrap();
    rank.wait().unwrap();
    while is_alive() {
        std::thread::yield_now();
    }
}
