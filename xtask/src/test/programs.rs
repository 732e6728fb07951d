//! Programs and examples under one MPI library that each show one thing.

use super::commands::{clean, in_own_folders, without_processes};
use super::injector;
use super::leftovers::{only_expected, only_files};
use super::memory_cgroup::MemoryCgroup;
use super::permissions::{Permission, in_mount_namespace};
use super::suites::{LIMIT, ONE_SIDED, program};
use crate::mpi::{Kind, Mpi};
use crate::report::{Row, Verdict};
use crate::{cargo, process};
use std::path::Path;
use std::process::Command;

/// Objects until a small `/dev/shm` is full, in a mount namespace of its own.
pub(super) fn small_shm(mpi: &Mpi, verbose: bool) -> Row {
    let row = Row::under("full /dev/shm", mpi.name, "2");
    if let Err(why) = Permission::Mounts.check() {
        return row.skipped(why);
    }
    let mut launch = small_memory(mpi, "shm");
    launch.env("PSHMEM_MEMORY", "window");
    let command = in_small_shm(mpi, &launch);
    clean(row, command, LIMIT, verbose, |_| Ok(()))
}

/// A command with a `/dev/shm` of 16 MB.
pub(super) fn in_small_shm(mpi: &Mpi, launch: &Command) -> Command {
    // MPICH 5 itself fails in 16 MB.
    let size = if mpi.name == "mpich5" { "32m" } else { "16m" };
    let script = format!("mount -t tmpfs -o size={size} \"$0\" /dev/shm; exec \"$@\"");
    process::inside(Some(in_mount_namespace(&script, "tmpfs")), launch)
}

/// Objects until a cgroup with little memory is full, though `/dev/shm` is not.
pub(super) fn small_cgroup(mpi: &Mpi, verbose: bool) -> Row {
    const LIMIT_OF_MEMORY: usize = 200 << 20;
    let row = Row::under("full cgroup", mpi.name, "2");
    if let Err(why) = Permission::MemoryCgroups.check() {
        return row.skipped(why);
    }
    let cgroup = match MemoryCgroup::new(LIMIT_OF_MEMORY) {
        Ok(cgroup) => cgroup,
        Err(why) => return row.failed(why),
    };
    let command = cgroup.around(&small_memory(mpi, "cgroup"));
    clean(row, command, LIMIT, verbose, |output| {
        has(
            output,
            &["6291456 B, then: not enough room", &cgroup.name()],
        )?;
        has(output, &["small_memory: all is well"])?;
        cgroup.no_kills()
    })
}

fn small_memory(mpi: &Mpi, scenario: &str) -> Command {
    let mut launch = mpi.launch(2, &program(mpi, "small_memory"));
    launch.arg(scenario);
    launch
}

/// Saves on a small file system, in a mount namespace of its own: the second does not fit, and the first stands.
pub(super) fn full_disk(mpi: &Mpi, verbose: bool) -> Row {
    saves(mpi, "full", "size=4m", verbose)
}

/// Saves on a file system that may not be written to.
pub(super) fn read_only_disk(mpi: &Mpi, verbose: bool) -> Row {
    saves(mpi, "read-only", "ro", verbose)
}

fn saves(mpi: &Mpi, scenario: &str, options: &str, verbose: bool) -> Row {
    let row = Row::under(&format!("{scenario} disk"), mpi.name, "2");
    if let Err(why) = Permission::Mounts.check() {
        return row.skipped(why);
    }
    let folder = cargo::log_of(&row.title()).with_extension("d");
    if let Err(why) = std::fs::create_dir_all(&folder) {
        return row.failed(format!("{}: {why}", folder.display()));
    }
    let folder = folder.display().to_string();
    let mut launch = mpi.launch(2, &program(mpi, "saves"));
    launch.args([scenario, &folder]);
    let script = format!("mount -t tmpfs -o {options} tmpfs \"$0\"; exec \"$@\"");
    let command = process::inside(Some(in_mount_namespace(&script, &folder)), &launch);
    clean(row, command, LIMIT, verbose, |output| {
        has(output, &["saves: all is well"])
    })
}

/// Objects that outlive `MPI_Finalize`.
pub(super) fn after_mpi(mpi: &Mpi, verbose: bool) -> Row {
    let row = Row::under("after MPI_Finalize", mpi.name, "2");
    let command = mpi.launch(2, &program(mpi, "after_mpi"));
    clean(row, command, LIMIT, verbose, both_are_well)
}

/// What `early_end` can show, and how MPI is started for it. A rank whose last handle is gone still sends only where no thread of
/// the home rank receives.
const EARLY_END: [(&str, &str); 9] = [
    ("drops", "single"),
    ("drops", "multiple"),
    ("finalizes", "single"),
    ("finalizes", "multiple"),
    ("keeps", "single"),
    ("keeps", "multiple"),
    ("leaks", "single"),
    ("leaks", "multiple"),
    ("sends", "single"),
];

/// Ranks that drop their handles, or end MPI, before the others.
pub(super) fn early_end(mpi: &Mpi, verbose: bool) -> Row {
    let mut row = Row::under("early end", mpi.name, "2");
    for (scenario, level) in EARLY_END {
        let mut command = mpi.launch(2, &program(mpi, "early_end"));
        command.args([scenario, level]);
        // How long a rank waits for one that has dropped all its handles.
        command.env("PSHMEM_HANG_REPORT", "2");
        let one = Row::under(&format!("early end, {scenario}, {level}"), mpi.name, "2");
        let one = clean(one, command, LIMIT, verbose, both_are_well);
        row.seconds += one.seconds;
        if let Verdict::Failed(why) = one.verdict {
            row.verdict = Verdict::Failed(format!("{scenario}, {level}: {why}"));
            break;
        }
    }
    row
}

fn both_are_well(output: &str) -> Result<(), String> {
    match output.matches("all is well").count() {
        2 => Ok(()),
        ranks => Err(format!("{ranks} of 2 ranks came to the end")),
    }
}

/// Several jobs of two ranks on one state directory, which are killed or frozen.
pub(super) fn jobs(mpi: &Mpi, scenario: &[&str], verbose: bool) -> Row {
    let row = Row::under(&format!("jobs, {}", scenario.join(" ")), mpi.name, "2");
    let program = program(mpi, "jobs");
    // The program starts the jobs, so it gets the launcher's arguments but for the last, its own name.
    let launch = mpi.launch(2, &program);
    let arguments: Vec<_> = launch.get_args().collect();
    let mut command = Command::new(&program);
    command
        .args(scenario)
        .arg(launch.get_program())
        .args(&arguments[..arguments.len() - 1]);
    for (name, value) in launch.get_envs() {
        command.envs(value.map(|value| (name, value)));
    }
    let check = |output: &str| {
        // With the seed of the random moments, and what has become of the tasks.
        let said = |line: &&str| line.contains(" DONE ") || line.starts_with("JOBS_SEED=");
        for line in output.lines().filter(said) {
            println!("   {line}");
        }
        if output.contains("all is well") {
            Ok(())
        } else {
            Err("no line `all is well`".to_owned())
        }
    };
    if scenario.first() == Some(&"storm") {
        // It kills launchers with their ranks, so what the MPI library has made stays.
        return without_processes(row, command, LIMIT, verbose, check);
    }
    clean(row, command, LIMIT, verbose, check)
}

/// Ranks of two executables, which do not agree about types, must end with an error.
pub(super) fn two_programs(mpi: &Mpi) -> Row {
    let mut command = mpi.launch(1, &program(mpi, "examples/quickstart"));
    command
        .args([":", "-n", "1"])
        .arg(program(mpi, "examples/typed"));
    let row = Row::under("two programs", mpi.name, "1+1");
    must_fail(mpi, row, &command, |output| {
        has(output, &["ranks 0-1 failed: ", "run different executables"])?;
        has_reports(output, 1)
    })
}

/// A library that has no shared windows fails on all ranks. One of them names the call.
pub(super) fn no_windows(mpi: &Mpi) -> Row {
    let row = Row::under("no shared windows", mpi.name, "2");
    let injector = match injector::compile(mpi) {
        Ok(injector) => injector,
        Err(why) => return row.failed(why),
    };
    let mut command = mpi.launch(2, Path::new("env"));
    command
        .arg(format!("LD_PRELOAD={}", injector.display()))
        .args(["INJECT_RANK=all", "INJECT_CALL=1", "INJECT_KIND=fail"])
        .args([
            "INJECT_FUNCTION=MPI_Win_allocate_shared",
            "PSHMEM_MEMORY=window",
        ])
        .arg(program(mpi, "examples/quickstart"));
    must_fail(mpi, row, &command, |output| {
        has(
            output,
            &["MPI_Win_allocate_shared failed on rank 0 (", ") with code "],
        )?;
        has_reports(output, 1)
    })
}

/// The launcher is killed while one rank computes and the other one waits for it. Both end, and leave what the MPI library leaves.
pub(super) fn killed_launcher(mpi: &Mpi, verbose: bool) -> Row {
    // The shell waits for the line that rank 1 prints when it computes, and then kills the launcher. `wait` says so on stderr.
    const SCRIPT: &str = r#""$@" >"$0" 2>&1 & launcher=$!
        until grep -q "commits the fault" "$0"; do sleep 0.1; kill -0 $launcher || exit 3; done
        kill -s KILL $launcher; wait $launcher 2>/dev/null; exit 0"#;
    let mut row = Row::under("killed launcher", mpi.name, "2");
    let mut launch = mpi.launch(2, &program(mpi, "fault"));
    launch.args(["compute", "1"]);
    let log = cargo::log_of(&format!("output of {}", row.title()));
    let mut shell = Command::new("sh");
    shell.args(["-c", SCRIPT]).arg(&log);
    let command = process::inside(Some(shell), &launch);
    let (outcome, leftovers) = match in_own_folders(&row, &command, LIMIT) {
        Ok(ran) => ran,
        Err(why) => return row.failed(why),
    };
    row = row.finished(&outcome, |_| only_files(&leftovers));
    if verbose || !row.passed() {
        println!(
            "{}",
            std::fs::read_to_string(&log).unwrap_or_default().trim_end()
        );
    }
    println!("   left by {}: {}", row.title(), leftovers.join(" "));
    row
}

/// So many lines of reports.
pub(super) fn has_reports(output: &str, expected: usize) -> Result<(), String> {
    match output
        .lines()
        .filter(|line| line.starts_with("pshmem: "))
        .count()
    {
        lines if lines == expected => Ok(()),
        lines => Err(format!("{lines} lines of reports, not {expected}")),
    }
}

/// A program started by the launcher of another library must end with an error, instead of running as several jobs of one rank.
pub(super) fn wrong_launcher(mpi: &Mpi, other: &Mpi) -> Row {
    let row = Row::under(&format!("started by {}", other.name), mpi.name, "2");
    let mut command = other.launch(2, Path::new("env"));
    // The launcher has its own libraries, the ranks those of the program.
    command
        .args(
            mpi.variables()
                .map(|(name, value)| format!("{name}={value}")),
        )
        .arg(program(mpi, "examples/quickstart"));
    must_fail(mpi, row, &command, |output| {
        // MPICH 5 refuses a launcher that speaks PMIx itself, and ends the process.
        if mpi.name == "mpich5" && has(output, &["unsupported PMI version PMIx"]).is_ok() {
            return Ok(());
        }
        has(
            output,
            &["has started 2 processes, but MPI sees only one: the program uses"],
        )?;
        has(output, &["Start it by `mpi", "MPI_DISABLE=1"])
    })
}

/// What several ranks fail for is printed once, with their numbers.
pub(super) fn two_reasons(mpi: &Mpi) -> Row {
    let mut command = mpi.launch(3, &program(mpi, "fault"));
    command.arg("two-reasons");
    let row = Row::under("two reasons", mpi.name, "3");
    must_fail(mpi, row, &command, |output| {
        has(output, &["pshmem: ranks 0,2 failed: a common reason"])?;
        has(
            output,
            &["pshmem: rank 1 on ", " failed: a reason of its own"],
        )?;
        match output.matches(" failed: a ").count() {
            2 => Ok(()),
            lines => Err(format!("{lines} reasons are printed")),
        }
    })
}

/// Runs a program that must fail, and checks what it prints and leaves.
pub(super) fn must_fail(
    mpi: &Mpi,
    mut row: Row,
    command: &Command,
    check: impl Fn(&str) -> Result<(), String>,
) -> Row {
    let (outcome, leftovers) = match in_own_folders(&row, command, LIMIT) {
        Ok(ran) => ran,
        Err(why) => return row.failed(why),
    };
    row.seconds = outcome.seconds;
    let checked = has_failed(&outcome)
        .and_then(|()| check(&outcome.output))
        .and_then(|()| only_expected(&leftovers, mpi.leaves()));
    if let Err(why) = checked {
        println!("{}", outcome.output.trim_end());
        row.verdict = Verdict::Failed(why);
    }
    row
}

/// Whether a run has ended by itself, with an exit code that is not zero.
pub(super) fn has_failed(outcome: &process::Outcome) -> Result<(), String> {
    match outcome.end {
        process::End::Exit(code) if code != 0 => Ok(()),
        _ => Err(format!("ended with {:?}", outcome.end)),
    }
}

/// Whether one line has all parts, in this order.
pub(super) fn has(output: &str, parts: &[&str]) -> Result<(), String> {
    let has_all = |line: &str| {
        let rest = |line, part| str::split_once(line, part).map(|(_, rest)| rest);
        parts
            .iter()
            .try_fold(line, |line, part| rest(line, *part))
            .is_some()
    };
    if output.lines().any(has_all) {
        Ok(())
    } else {
        Err(format!("no line has {}", parts.join(" ... ")))
    }
}

/// The choice made by the self-test of one-sided operations: Open MPI, MPICH 5 and Intel MPI have them inside a node, MPICH 4 carries
/// them out only while the target is inside MPI.
pub(super) fn one_sided_test(mpi: &Mpi, verbose: bool) -> Row {
    let expected = match mpi.kind {
        Kind::Mpich if !mpi.is_apart() => "works by a service thread",
        _ => "works by one-sided operations",
    };
    let mut command = mpi.launch(2, &program(mpi, "examples/lock"));
    command.envs(ONE_SIDED).env("PSHMEM_RANKS_PER_NODE", "1");
    let row = Row::under("one-sided self-test", mpi.name, "2");
    let check = |output: &str| {
        if output.contains(expected) {
            Ok(())
        } else {
            Err(format!("no line `{expected}`"))
        }
    };
    clean(row, command, LIMIT, verbose, check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_must_fail_and_say_why() {
        let ended = |code| process::Outcome {
            end: process::End::Exit(code),
            output: String::new(),
            seconds: 0.0,
            mark: String::new(),
        };
        assert_eq!(has_failed(&ended(1)), Ok(()));
        assert!(has_failed(&ended(0)).is_err());
        let output = "x\npshmem: rank 1 on vm failed: no file\n";
        assert_eq!(has(output, &["rank 1 on ", " failed: no file"]), Ok(()));
        assert!(has(output, &["failed: ", "rank 1"]).is_err());
        assert!(has(output, &["x", "pshmem"]).is_err());
        assert_eq!(has_reports(output, 1), Ok(()));
        assert!(has_reports(output, 2).is_err());
    }
}
