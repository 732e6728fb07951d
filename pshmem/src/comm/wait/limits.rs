//! How long a wait may take before it is reported, and before it ends the job.

use crate::error::{Error, Result};
use std::sync::OnceLock;
use std::time::Duration;

/// The limits that the environment sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WaitLimits {
    pub(crate) report: Duration,
    pub(crate) abort: Option<Duration>,
}

const REPORT: &str = "PSHMEM_HANG_REPORT";
pub(super) const ABORT: &str = "PSHMEM_HANG_ABORT";

fn seconds(name: &str) -> Result<Option<Duration>> {
    let Ok(value) = std::env::var(name) else {
        return Ok(None);
    };
    match value.trim().parse::<f64>().map(Duration::try_from_secs_f64) {
        Ok(Ok(time)) if !time.is_zero() => Ok(Some(time)),
        _ => Err(Error::InvalidSetting {
            name: name.to_owned(),
            value,
            reason: "write a number of seconds above 0".to_owned(),
        }),
    }
}

/// Checks the variables. `run` does so on every rank, so that a wrong value is an error and not ignored.
pub(crate) fn check_environment() -> Result<()> {
    seconds(REPORT).and(seconds(ABORT)).map(|_| ())
}

/// The limits of this process.
pub(crate) fn wait_limits() -> WaitLimits {
    static LIMITS: OnceLock<WaitLimits> = OnceLock::new();
    *LIMITS.get_or_init(|| WaitLimits {
        report: seconds(REPORT)
            .ok()
            .flatten()
            .unwrap_or(Duration::from_secs(60)),
        abort: seconds(ABORT).ok().flatten(),
    })
}

/// A time after which a wait is looked at more closely: sooner where waits are reported sooner.
pub(crate) fn within_report(time: Duration) -> Duration {
    time.min(wait_limits().report / 2)
}
