//! What the library reports when a program misuses it.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use pshmem_tests::watchdog;

/// Runs the program `fault`, and returns whether it succeeded, and its standard error. A job that does not end is killed.
fn run(misuse: &str, env: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fault"));
    command.arg(misuse).envs(env.iter().copied());
    let (output, _) = watchdog::run(&mut command, Duration::from_secs(200));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), stderr)
}

/// The standard error of the program `fault`, which must fail.
fn stderr_of(misuse: &str, env: &[(&str, &str)]) -> String {
    let (is_success, stderr) = run(misuse, env);
    assert!(!is_success, "{stderr}");
    stderr
}

/// The standard error of the program `fault`, which must not fail.
fn stderr_of_success(misuse: &str, env: &[(&str, &str)]) -> String {
    let (is_success, stderr) = run(misuse, env);
    assert!(is_success, "{stderr}");
    stderr
}

#[test]
fn a_write_outside_the_accessed_fields_is_found_at_level_2() {
    for nodes in ["2", "1+1"] {
        let stderr = stderr_of(
            "stray-write",
            &[("PSHMEM_LOCAL", nodes), ("PSHMEM_CHECK", "2")],
        );
        assert!(
            stderr.contains("field 1 `other` has changed, but was never written to"),
            "{stderr}"
        );
    }
}

#[test]
fn copies_that_differ_are_found_at_level_2() {
    let stderr = stderr_of(
        "data-race",
        &[("PSHMEM_LOCAL", "1+2"), ("PSHMEM_CHECK", "2")],
    );
    let expected = "after `update`: the copies that ranks 0 and 1 read differ in what was written";
    assert!(stderr.contains(expected), "{stderr}");
}

/// The source file of the programs.
const PLACE: &str = "tests/faults/misuse.rs:";

/// What `stderr_of` returns for a program in a deadlock, which is ended after five seconds.
fn stderr_of_deadlock(misuse: &str, nodes: &str) -> String {
    let env = [("PSHMEM_LOCAL", nodes), ("PSHMEM_HANG_ABORT", "5")];
    let stderr = stderr_of(misuse, &env);
    if nodes.contains('+') {
        // Of all the ranks that find it, one reports it.
        assert_eq!(stderr.matches("deadlock among").count(), 1, "{stderr}");
    }
    stderr
}

#[test]
fn a_deadlock_on_two_comms_is_reported() {
    for (nodes, first, second) in [
        ("2", "rank 0", "rank 1"),
        ("1+1", "rank 0 on node0", "rank 1 on node1"),
        ("1+2", "rank 0 on node0", "rank 1 on node1"),
    ] {
        let stderr = stderr_of_deadlock("deadlock", nodes);
        let parts = [
            &format!("deadlock among ranks of the world: {first} waits in `barrier` at "),
            PLACE,
            &format!(" for {second}; {second} waits in `barrier` at "),
            PLACE,
            &format!(" for {first}"),
        ];
        assert_reported(&stderr, &parts);
    }
}

/// Checks that one line contains all parts, in this order.
fn assert_reported(stderr: &str, parts: &[&str]) {
    let contains = |line: &str| {
        let mut rest = line;
        parts.iter().all(|part| match rest.find(part) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        })
    };
    assert!(stderr.lines().any(contains), "{parts:?}: {stderr}");
}

#[test]
fn a_rank_that_forgets_a_call_is_named_with_both_lines() {
    let place = "tests/faults/misuse.rs:";
    for (nodes, last) in [("2", 1), ("1+1", 1), ("2+1", 2), ("1+2", 2)] {
        let stderr = stderr_of("forgotten", &[("PSHMEM_LOCAL", nodes)]);
        let missing = format!(", but rank {last} on node");
        let parts = [
            // `rank 0 on node0 waits`, or `others wait` for the leader of another node.
            " in `fill` of object 1 ([u64]) at ",
            place,
            &missing,
            " has dropped its last handle or returned from `run`; its last call on this Comm: `set` of object 1 ([u64]) with root 0 at ",
            place,
            "Does one of the calls stand inside `if comm.rank() == ..`, or does a rank return before it?",
        ];
        assert_reported(&stderr, &parts);
    }
}

#[test]
fn a_lock_that_is_held_in_a_barrier_is_a_deadlock() {
    for (nodes, holder, waiting) in [
        ("2", "rank 0", "rank 1"),
        ("1+1", "rank 0 on node0", "rank 1 on node1"),
        ("2+1", "rank 0 on node0", "rank 1 on node0"),
        ("1+2", "rank 0 on node0", "rank 1 on node1"),
    ] {
        let stderr = stderr_of_deadlock("lock-in-barrier", nodes);
        let deadlock = [
            &format!("deadlock among ranks of the world: {holder} waits in `barrier` at "),
            PLACE,
            " while it has lock 1 (since ",
            PLACE,
            &format!(") for {waiting}; {waiting} waits in `lock` of lock 1 at "),
            PLACE,
            &format!(" for {holder}, which has the lock"),
        ];
        assert_reported(&stderr, &deadlock);
    }
    // On one node, the report of a long wait says the same of the rank that is missing.
    let env = [
        ("PSHMEM_LOCAL", "2"),
        ("PSHMEM_HANG_ABORT", "4"),
        ("PSHMEM_HANG_REPORT", "2"),
    ];
    let missing = [
        "  rank 1 is missing (last call: ",
        " and waits in `lock` of lock 1 at ",
        PLACE,
        ", which rank 0 of the world has",
    ];
    assert_reported(&stderr_of("lock-in-barrier", &env), &missing);
}

#[test]
fn ranks_that_wait_for_locks_of_each_other_are_a_deadlock() {
    let two = [
        "deadlock among ranks of the world: rank 0",
        " waits in `lock` of lock 2 at ",
        PLACE,
        " while it has lock 1 (since ",
        PLACE,
        ") for rank 1",
        ", which has the lock; rank 1",
        " waits in `lock` of lock 1 at ",
        PLACE,
        " while it has lock 2 (since ",
        ") for rank 0",
        ", which has the lock",
    ];
    for nodes in ["2", "1+1"] {
        assert_reported(&stderr_of_deadlock("lock-ring", nodes), &two);
    }
    let three = [
        "deadlock among ranks of the world: rank 0 on node0 waits in `lock` of lock 2 at ",
        " for rank 1 on node0, which has the lock; rank 1 on node0 waits in `lock` of lock 3 at ",
        " for rank 2 on node1, which has the lock; rank 2 on node1 waits in `lock` of lock 1 at ",
        " for rank 0 on node0, which has the lock",
    ];
    assert_reported(&stderr_of_deadlock("lock-ring", "2+1"), &three);
}

#[test]
fn readers_in_a_barrier_and_a_writer_are_a_deadlock() {
    for nodes in ["2", "1+1", "2+1"] {
        let stderr = stderr_of_deadlock("readers-in-barrier", nodes);
        let parts = [
            "deadlock among ranks of the world: rank 0",
            " waits in `barrier` at ",
            " while it has lock 1 (RwLock<u64>) (since ",
            // The writer, or a reader that waits behind it.
            " of lock 1 (RwLock<u64>) at ",
            PLACE,
            " for rank 0",
            ", which has the lock",
        ];
        assert_reported(&stderr, &parts);
    }
}

#[test]
fn waits_that_end_by_themselves_are_no_deadlock() {
    for nodes in ["2", "1+1", "2+1"] {
        let stderr = stderr_of_success("lock-limits", &[("PSHMEM_LOCAL", nodes)]);
        assert!(!stderr.contains("deadlock"), "{stderr}");
    }
}

#[test]
fn slow_programs_are_in_no_deadlock() {
    for nodes in ["3", "2+1", "1+1+2"] {
        // Waits of 10 ms count as long.
        let env = [("PSHMEM_LOCAL", nodes), ("PSHMEM_HANG_REPORT", "0.02")];
        let stderr = stderr_of_success("slow-locks", &env);
        assert!(stderr.contains(" has waited for "), "{stderr}");
        assert!(!stderr.contains("deadlock"), "{stderr}");
    }
}

#[test]
fn a_node_that_cannot_be_divided_by_domains_is_reported_once() {
    // The second node can be divided.
    let stderr = stderr_of("unbound", &[("PSHMEM_LOCAL", "3+2")]);
    let report = [
        "pshmem: `with_domains`: 3 ranks on node0 share one copy of each object instead of one for each NUMA domain, because of \
         rank 1: it may run everywhere; bind each rank: `mpirun --bind-to core`",
    ];
    assert_reported(&stderr, &report);
    assert_eq!(stderr.matches("with_domains").count(), 1, "{stderr}");
    assert_reported(&stderr, &["failed: ", "2 nodes became 3"]);
}

#[test]
fn the_world_is_divided_as_the_environment_asks() {
    for domain in ["numa", "socket", "l3", "node", " node "] {
        let env = [
            ("PSHMEM_LOCAL", "2+1"),
            ("PSHMEM_DOMAIN", domain),
            ("PSHMEM_RANKS_PER_NODE", "1"),
        ];
        let stderr = stderr_of("unbound", &env);
        assert_reported(&stderr, &["failed: ", "3 nodes became 3"]);
    }
    let env = [("PSHMEM_LOCAL", "3+2"), ("PSHMEM_DOMAIN", "node")];
    let stderr = stderr_of("unbound", &env);
    assert_reported(&stderr, &["failed: ", "2 nodes became 3"]);
}

#[test]
fn a_rank_of_a_cluster_that_calls_exit_is_reported() {
    let stderr = stderr_of("exit-in-cluster", &[("PSHMEM_LOCAL", "1")]);
    let report = "pshmem: rank 1 on node1 exits inside `run`; ending the job";
    assert_reported(&stderr, &[report]);
}

#[test]
fn the_rank_that_holds_a_lock_is_named() {
    let limits = [("PSHMEM_HANG_REPORT", "0.5"), ("PSHMEM_HANG_ABORT", "1")];
    for nodes in ["2", "1+1"] {
        let stderr = stderr_of(
            "held-lock",
            &[&[("PSHMEM_LOCAL", nodes)], &limits[..]].concat(),
        );
        for part in [
            "rank 1 on node",
            "in `lock` of lock 1 at ",
            "; rank 0 on node0 has it for ",
        ] {
            assert!(stderr.contains(part), "{part}: {stderr}");
        }
    }
}

#[test]
fn a_lock_of_a_rank_that_has_returned_is_an_error() {
    let stderr = stderr_of("leaked-guard", &[("PSHMEM_LOCAL", "2")]);
    let place = "tests/faults/misuse.rs:";
    let expected = [
        "`lock` of lock 1 at ",
        place,
        ": rank 0 on node0 returned from `run`'s closure while it held the lock, because its guard was leaked",
        "The last collective call of that rank on the lock's Comm: `barrier` at ",
        place,
    ];
    assert_reported(&stderr, &expected);
    // A lock with a home rank is released, and the next rank gets it as poisoned.
    let stderr = stderr_of("leaked-guard", &[("PSHMEM_LOCAL", "1+1")]);
    assert!(
        stderr
            .contains("rank 0 panicked, or returned from `run`'s closure, while it held the lock"),
        "{stderr}"
    );
}

/// Runs the program `fault`, which must fail, in an address space of so many bytes. Returns its standard error.
fn stderr_in_small_space(misuse: &str, bytes: u64, env: &[(&str, &str)]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fault"));
    command.arg(misuse).envs(env.iter().copied());
    let limit = move || {
        let limit = libc::rlimit {
            rlim_cur: bytes,
            rlim_max: bytes,
        };
        // SAFETY: reads a limit that outlives the call.
        match unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    // SAFETY: between fork and exec, the closure makes one system call and allocates nothing.
    unsafe { command.pre_exec(limit) };
    let (output, _) = watchdog::run(&mut command, Duration::from_secs(200));
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_reason_of_several_ranks_is_printed_once() {
    for (nodes, ranks) in [("4", "0,2-3"), ("2+4+1", "0,2-6")] {
        let stderr = stderr_of("two-reasons", &[("PSHMEM_LOCAL", nodes)]);
        let mut lines: Vec<&str> = stderr
            .lines()
            .filter(|line| line.contains("failed: "))
            .collect();
        lines.sort_unstable();
        let common = format!("pshmem: ranks {ranks} failed: a common reason");
        let own = "pshmem: rank 1 on node0 failed: a reason of its own";
        assert_eq!(lines, [own, &common], "{stderr}");
    }
}

#[test]
fn threads_that_the_system_does_not_start_are_an_error() {
    // The ranks of `run` and those of a `Cluster`: room for some of the eight stacks.
    for (misuse, nodes) in [("held-lock", "8"), ("many-threads", "1")] {
        let env = [("RUST_MIN_STACK", "536870912"), ("PSHMEM_LOCAL", nodes)];
        let stderr = stderr_in_small_space(misuse, 2 << 30, &env);
        let expected = "the system could not start 8 threads, one for each rank";
        assert!(stderr.contains(expected), "{stderr}");
    }
}
