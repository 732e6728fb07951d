//! Settings and directories with which no batch is built.

use std::time::Duration;

use pshmem::{Batch, Comm, Error, TaskState};

use crate::collective::{check_usable, outliers, same_error};
use crate::report::Outcome;
use crate::temp_dir::TempDir;

/// Invalid settings are the same error on all ranks.
pub(crate) fn invalid_settings(comm: &Comm) -> Outcome {
    let size = comm.size();
    let builder = || Batch::builder(comm, 3);
    let invalid: Vec<(&str, pshmem::Result<Batch>)> = vec![
        ("size 0", builder().worker_size(0).build()),
        ("too large", builder().worker_size(size + 1).build()),
        ("no sizes", builder().worker_sizes(&[]).build()),
        (
            "an empty worker",
            builder().worker_sizes(&[size, 0]).build(),
        ),
        ("too few", builder().worker_sizes(&[size + 2]).build()),
        ("names", builder().names(["a", "b"]).build()),
        ("states", builder().states(&[TaskState::Open]).build()),
        ("root", builder().root(size).build()),
        ("SIGKILL", builder().stop_at_signals([9]).build()),
        ("a signal", builder().stop_at_signals([15, 1000]).build()),
        ("tasks", Batch::builder(comm, usize::MAX).build()),
        (
            "no silence",
            builder().lease_timeout(Duration::from_millis(9)).build(),
        ),
        (
            "any silence",
            builder().lease_timeout(Duration::MAX).build(),
        ),
        ("retries", builder().retries(u32::MAX).build()),
        ("a pause", builder().retry_pause(Duration::MAX).build()),
        ("no time", builder().task_timeout(Duration::ZERO).build()),
    ];
    for (what, result) in invalid {
        let error = same_error(comm, result)?;
        assert!(
            matches!(
                error,
                Error::InvalidSetting { .. } | Error::NoSuchRank { .. } | Error::TooLarge { .. }
            ),
            "{what}: {error:?}"
        );
    }
    check_usable(comm)
}

/// Both ways to name a signal mean the same, and ranks may have measured different walltimes.
pub(crate) fn settings_mean_the_same(comm: &Comm) -> Outcome {
    let is_even = comm.rank().is_multiple_of(2);
    let builder = Batch::builder(comm, 1);
    let builder = if is_even {
        builder.stop_at_sigterm(true)
    } else {
        builder.stop_at_signals([pshmem::signal::SIGTERM; 2])
    };
    let left = Duration::from_secs(1000 + comm.rank() as u64);
    builder.walltime(left).build()?;
    check_usable(comm)
}

/// Settings that differ between ranks are the same error on all ranks.
pub(crate) fn settings_differ(comm: &Comm) -> Outcome {
    for outlier in outliers(comm) {
        let is_outlier = comm.rank() == outlier;
        let tasks = Batch::builder(comm, 3 + usize::from(is_outlier)).build();
        let names = Batch::builder(comm, 1)
            .names([if is_outlier { "a" } else { "b" }])
            .build();
        let order = Batch::builder(comm, 2);
        let order = if is_outlier {
            order.order(|task| task).build()
        } else {
            order.build()
        };
        let builder = Batch::builder(comm, 2).stop_at_sigterm(true);
        let signals = if is_outlier {
            builder.stop_at_signals([pshmem::signal::SIGUSR1])
        } else {
            builder
        };
        let walltime = Batch::builder(comm, 2);
        let walltime = if is_outlier {
            walltime.walltime(Duration::from_secs(9))
        } else {
            walltime
        };
        for result in [tasks, names, order, signals.build(), walltime.build()] {
            let error = same_error(comm, result)?;
            assert!(matches!(error, Error::Mismatch { .. }), "{error:?}");
        }
    }
    check_usable(comm)
}

/// Task names that are no directory names, and state directories that cannot be created or used.
pub(crate) fn invalid_directories(comm: &Comm) -> Outcome {
    let dir = TempDir::shared(comm)?;
    let build = |names: [&str; 2]| {
        let builder = Batch::builder(comm, 2);
        builder.state_dir(dir.path(), names).build()
    };
    let long = "x".repeat(300);
    for names in [
        ["a", "a"],
        ["a", "b/c"],
        ["..", "b"],
        ["", "b"],
        ["a\0b", "b"],
        [&long, "b"],
    ] {
        let error = same_error(comm, build(names))?;
        assert!(
            matches!(error, Error::InvalidSetting { .. }),
            "{names:?}: {error:?}"
        );
    }
    let batch = Batch::builder(comm, 2);
    let error = same_error(
        comm,
        batch.state_dir("/proc/no/such/place", ["a", "b"]).build(),
    )?;
    assert!(matches!(error, Error::Directory { .. }), "{error:?}");
    let both = Batch::builder(comm, 2)
        .state_dir(dir.path(), ["a", "b"])
        .states(&[TaskState::Open; 2]);
    let error = same_error(comm, both.build())?;
    assert!(matches!(error, Error::InvalidSetting { .. }), "{error:?}");
    let timeout = Batch::builder(comm, 2).lease_timeout(Duration::ZERO);
    let error = same_error(comm, timeout.build())?;
    assert!(matches!(error, Error::InvalidSetting { .. }), "{error:?}");
    check_usable(comm)
}
