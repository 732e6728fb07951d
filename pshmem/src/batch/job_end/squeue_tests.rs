//! Tests with a script in place of `squeue`, each in a process of its own.

use super::*;
use crate::batch::test_process::{child_of, in_child, run};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{Permissions, set_permissions, write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Runs a test in a process whose `squeue` is a script. Its output is kept in `stdout` of the process.
fn with_squeue(test: &str, script: &str, variables: &[(&str, &str)]) {
    let dir = tempfile::tempdir().unwrap();
    let squeue = dir.path().join("squeue");
    write(&squeue, format!("#!/bin/sh\n{script}\n")).unwrap();
    set_permissions(&squeue, Permissions::from_mode(0o755)).unwrap();
    let mut child = child_of(module_path!(), test);
    child
        .env("PATH", format!("{}:/usr/bin:/bin", dir.path().display()))
        .env("SLURM_JOB_ID", "7")
        .env("PSHMEM_TEST_DIR", dir.path());
    for name in ["SLURM_JOB_END_TIME", "SLURM_ARRAY_JOB_ID"] {
        child.env_remove(name);
    }
    let status = run(child.envs(variables.iter().copied()));
    if let Ok(id) = std::fs::read_to_string(dir.path().join("sleeps")) {
        let id = id.trim().parse().ok().and_then(Pid::from_raw);
        kill_process(id.unwrap(), Signal::KILL).unwrap();
    }
    assert_eq!(status.code(), Some(0), "{status}");
}

#[test]
fn squeue_is_asked_for_the_job() {
    let test = "squeue_is_asked_for_the_job";
    if !in_child() {
        // The child of the script keeps the pipe open.
        let script = "sleep 1000 & echo $! > \"$PSHMEM_TEST_DIR/sleeps\"
            test \"$*\" = \"-h -j 7 -o %L\" && echo 1:40";
        with_squeue(test, script, &[]);
        // An end that has passed may have been raised.
        with_squeue(test, script, &[("SLURM_JOB_END_TIME", "1000")]);
        with_squeue(test, script, &[("SLURM_JOB_END_TIME", "soon")]);
        let script = "test \"$*\" = \"-h -j 6_3 -o %L\" && echo 1:40";
        let array = [("SLURM_ARRAY_JOB_ID", "6"), ("SLURM_ARRAY_TASK_ID", "3")];
        with_squeue(test, script, &array);
        return;
    }
    assert_eq!(time_left(), Some(Duration::from_secs(90)));
}

#[test]
fn a_squeue_that_tells_nothing_is_no_limit() {
    let test = "a_squeue_that_tells_nothing_is_no_limit";
    if !in_child() {
        for script in ["echo nonsense", "echo 10:00; exit 1", "true", "kill -9 $$"] {
            with_squeue(test, script, &[]);
        }
        // More than a pipe holds: it never ends.
        with_squeue(test, "while true; do echo 10:00; done", &[]);
        return;
    }
    assert_eq!(time_left(), None);
}

#[test]
fn a_squeue_that_hangs_is_killed() {
    let test = "a_squeue_that_hangs_is_killed";
    if !in_child() {
        with_squeue(
            test,
            "echo $$ > \"$PSHMEM_TEST_DIR/id\"; exec sleep 1000",
            &[],
        );
        return;
    }
    let start = Instant::now();
    assert_eq!(time_left(), None);
    assert!(start.elapsed() >= SQUEUE_LIMIT);
    let dir = std::env::var("PSHMEM_TEST_DIR").unwrap();
    let id = std::fs::read_to_string(Path::new(&dir).join("id")).unwrap();
    assert!(!Path::new("/proc").join(id.trim()).exists(), "it is gone");
}

#[test]
fn a_batch_learns_its_time_unless_it_is_given_one() {
    use crate::batch::Batch;
    use crate::local::Cluster;

    let test = "a_batch_learns_its_time_unless_it_is_given_one";
    if !in_child() {
        with_squeue(
            test,
            "echo asked >> \"$PSHMEM_TEST_DIR/asked\"; echo 0:00",
            &[],
        );
        return;
    }
    let dir = std::env::var("PSHMEM_TEST_DIR").unwrap();
    let begins = |walltime: Option<Duration>, state_dir: bool| {
        let root = Path::new(&dir).join(format!("{walltime:?}"));
        let begun = Cluster::new(&[1, 2]).run(|comm| {
            let mut builder = Batch::builder(comm, 3).root(1);
            if let Some(walltime) = walltime {
                builder = builder.walltime(walltime);
            }
            if state_dir {
                builder = builder.state_dir(&root, ["a", "b", "c"]);
            }
            let batch = builder.build().unwrap();
            let task = batch.next_task().unwrap();
            task.map(|task| task.done().unwrap()).is_some()
        });
        begun.iter().filter(|begun| **begun).count()
    };
    let asked = || {
        let asked = std::fs::read_to_string(Path::new(&dir).join("asked"));
        asked.unwrap_or_default().lines().count()
    };
    assert!(begins(Some(Duration::MAX), false) > 0);
    assert!(begins(Some(Duration::MAX), true) > 0);
    assert_eq!(asked(), 0);
    assert_eq!(begins(None, false), 0, "no rank begins a task");
    assert_eq!(begins(None, true), 0);
    assert_eq!(asked(), 2, "only the root has asked");
}
