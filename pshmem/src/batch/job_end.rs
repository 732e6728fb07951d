//! When Slurm will end this job, for batches without a `walltime`.
//!
//! Slurm tells it in `SLURM_JOB_END_TIME`, and older versions only by the program `squeue`. Whatever cannot be learnt is a
//! warning, and no limit.

use crate::batch::child_guard::ChildGuard;
use crate::error::clip;
use crate::events;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::io::{self, ErrorKind, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long `squeue` may take. It waits for a controller that does not answer.
const SQUEUE_LIMIT: Duration = Duration::from_secs(5);
/// More is not read of what `squeue` prints.
const SQUEUE_BYTES: u64 = 4096;
/// The most that is kept back at the end of a job.
const MAX_RESERVE: Duration = Duration::from_secs(60);

/// The time that is left for tasks, if this is a job of Slurm with a time limit. A part is kept back, in which tasks that still
/// run can save their work.
pub(crate) fn time_left() -> Option<Duration> {
    let left = job_time_left(|name| std::env::var(name).ok())?;
    let usable = without_reserve(left);
    events::debug!(?left, ?usable, "the job's time limit");
    Some(usable)
}

/// The time until the end of the job.
fn job_time_left(variable: impl Fn(&str) -> Option<String>) -> Option<Duration> {
    let id = variable("SLURM_JOB_ID")?;
    if let Some(end) = variable("SLURM_JOB_END_TIME") {
        match until(&end, SystemTime::now()) {
            Some(left) if !left.is_zero() => return Some(left),
            // A time limit that was raised after the start of the job is not in the variable.
            Some(_) => {}
            None => events::warn!(end, "SLURM_JOB_END_TIME is not a time; asking squeue"),
        }
    }
    // The number of an array's last job is also that of the whole array.
    let array = variable("SLURM_ARRAY_JOB_ID").zip(variable("SLURM_ARRAY_TASK_ID"));
    let id = array.map_or(id, |(job, task)| format!("{job}_{task}"));
    let answer = ask_squeue(&id).and_then(|answer| parse(&answer).map_err(io::Error::other));
    answer.unwrap_or_else(|error| {
        events::warn!(job = id, %error, "squeue does not tell how much time is left; the batch has no time limit");
        None
    })
}

/// The time until `end`, a Unix time; zero if it has passed. `None` if it is no time.
fn until(end: &str, now: SystemTime) -> Option<Duration> {
    let end = Duration::from_secs(end.trim().parse().ok()?);
    let now = now.duration_since(UNIX_EPOCH).ok()?;
    Some(end.saturating_sub(now))
}

/// What is left for tasks.
fn without_reserve(left: Duration) -> Duration {
    left.saturating_sub(MAX_RESERVE.min(left / 10))
}

/// What `squeue` says about the time that is left for a job.
fn ask_squeue(id: &str) -> io::Result<String> {
    let deadline = Instant::now() + SQUEUE_LIMIT;
    let mut command = Command::new("squeue");
    command.args(["-h", "-j", id, "-o", "%L"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut squeue = ChildGuard::spawn(command.stderr(Stdio::null()))?;
    let mut output = squeue.take_stdout().expect("its output is a pipe");
    // Its own children may keep the pipe open after its end.
    let flags = fcntl_getfl(&output)?;
    fcntl_setfl(&output, flags | OFlags::NONBLOCK)?;
    let Some(status) = squeue.wait_until(deadline)? else {
        let text = format!("squeue has not ended after {SQUEUE_LIMIT:?}, and was killed");
        return Err(io::Error::new(ErrorKind::TimedOut, text));
    };
    if !status.success() {
        return Err(io::Error::other(format!("squeue failed: {status}")));
    }
    let mut text = Vec::new();
    match output.by_ref().take(SQUEUE_BYTES).read_to_end(&mut text) {
        Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
        _ => Ok(String::from_utf8_lossy(&text).into_owned()),
    }
}

/// What squeue's answer means: the least of the times in its lines, which are several for a job of several components. `None` if
/// there is no limit.
fn parse(answer: &str) -> Result<Option<Duration>, String> {
    let mut least = None;
    let mut lines = answer
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .peekable();
    if lines.peek().is_none() {
        return Err("squeue knows no such job".to_owned());
    }
    for line in lines {
        let left = match line {
            "UNLIMITED" | "NOT_SET" => continue,
            "INVALID" => return Err("the job has passed its time limit".to_owned()),
            time => parse_time(time).ok_or_else(|| {
                let shown = clip(&time.escape_debug().to_string(), 100);
                format!("squeue has printed `{shown}`, which is no time")
            })?,
        };
        least = Some(least.map_or(left, |least: Duration| least.min(left)));
    }
    Ok(least)
}

/// A time as Slurm prints it: `[D-]HH:MM:SS` or `MM:SS`.
fn parse_time(text: &str) -> Option<Duration> {
    let (days, time) = match text.split_once('-') {
        Some((days, time)) => (number(days)?, time),
        None => (0, text),
    };
    let fields: Vec<u64> = time.split(':').map(number).collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match fields[..] {
        [hours, minutes, seconds] => (hours, minutes, seconds),
        [minutes, seconds] if !text.contains('-') => (0, minutes, seconds),
        _ => return None,
    };
    let hours = days.checked_mul(24)?.checked_add(hours)?;
    let minutes = hours.checked_mul(60)?.checked_add(minutes)?;
    let seconds = minutes.checked_mul(60)?.checked_add(seconds)?;
    Some(Duration::from_secs(seconds))
}

/// A number without a sign.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(all(test, not(miri), not(loom)))]
mod squeue_tests;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn times_of_slurm_are_understood() {
        for (text, time) in [
            ("0:00", 0),
            ("1:02", 62),
            ("59:59", 3599),
            ("1:00:00", 3600),
            ("01:02:03", 3723),
            ("2-03:04:05", 183_845),
            ("100-00:00:00", 8_640_000),
        ] {
            assert_eq!(parse_time(text), Some(seconds(time)), "{text}");
        }
        for text in [
            "",
            "7",
            "1-2",
            "1-2:03",
            "1:2:3:4",
            "-1:00",
            "+1:00",
            "1::2",
            ":",
            "a:b",
            "1:00 ",
            "1-1-1:00:00",
            "99999999999999999999:00",
            "9999999999999999999-00:00:00",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    #[test]
    fn answers_of_squeue_are_understood() {
        assert_eq!(parse("  10:00\n"), Ok(Some(seconds(600))));
        assert_eq!(parse("UNLIMITED\n"), Ok(None));
        assert_eq!(parse("NOT_SET\n"), Ok(None));
        let several = "UNLIMITED\n1:00:00\n59:00\n1:00:00\n";
        assert_eq!(parse(several), Ok(Some(seconds(3540))));
        for (answer, reason) in [
            ("", "no such job"),
            ("\n \n", "no such job"),
            ("INVALID\n", "passed its time limit"),
            ("slurm_load_jobs error\n", "which is no time"),
            ("10:00\nhello\n", "`hello`"),
        ] {
            let error = parse(answer).unwrap_err();
            assert!(error.contains(reason), "{answer}: {error}");
        }
    }

    #[test]
    fn a_part_of_the_time_is_kept_back() {
        assert_eq!(without_reserve(seconds(3600)), seconds(3540));
        assert_eq!(without_reserve(seconds(100)), seconds(90));
        assert_eq!(without_reserve(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn ends_of_jobs_are_unix_times() {
        let now = UNIX_EPOCH + seconds(1000);
        assert_eq!(until("1500\n", now), Some(seconds(500)));
        assert_eq!(until("900", now), Some(Duration::ZERO));
        assert_eq!(until("soon", now), None);
    }

    #[test]
    fn outside_of_slurm_and_where_the_environment_tells_nobody_is_asked() {
        assert_eq!(job_time_left(|_| None), None);
        let end = (SystemTime::now() + seconds(5000)).duration_since(UNIX_EPOCH);
        let end = end.unwrap().as_secs().to_string();
        let left = job_time_left(|name| match name {
            "SLURM_JOB_ID" => Some("7".to_owned()),
            "SLURM_JOB_END_TIME" => Some(end.clone()),
            _ => None,
        });
        let left = left.unwrap();
        assert!(left > seconds(1000) && left <= seconds(5000), "{left:?}");
    }
}
