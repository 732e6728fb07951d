//! What a job does, as the words of its command line.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::Outcome;

/// What a job does. Its words are `DIR`, and `NAME=VALUE` for what differs from the default.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) dir: PathBuf,
    /// Its number among the jobs of a scenario.
    pub(crate) job: usize,
    pub(crate) tasks: usize,
    pub(crate) worker_size: usize,
    pub(crate) lease: Duration,
    /// How long a task computes.
    pub(crate) spin: Duration,
    /// Tasks from this number on wait for the file [`CONTINUE`](crate::job::CONTINUE).
    pub(crate) waits_from: usize,
    /// Whether a task is put back when it should stop.
    pub(crate) puts_back: bool,
    /// Whether the job ends once it has opened the directory, and says how long that took.
    pub(crate) only_opens: bool,
    /// Whether the batch finds out when the job will end.
    pub(crate) ends_in_time: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            dir: PathBuf::new(),
            job: 0,
            tasks: 1,
            worker_size: 1,
            lease: Duration::from_secs(30),
            spin: Duration::ZERO,
            waits_from: usize::MAX,
            puts_back: false,
            only_opens: false,
            ends_in_time: false,
        }
    }
}

impl Settings {
    /// Settings of `jobs work`.
    pub(crate) fn from_words(words: &[String]) -> Outcome<Self> {
        let [dir, words @ ..] = words else {
            return Err("no directory is given".to_owned());
        };
        let mut settings = Settings {
            dir: PathBuf::from(dir),
            ..Settings::default()
        };
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            match name {
                "job" => settings.job = parse(word, value)?,
                "tasks" => settings.tasks = parse(word, value)?,
                "worker_size" => settings.worker_size = parse(word, value)?,
                "lease_ms" => settings.lease = Duration::from_millis(parse(word, value)?),
                "spin_us" => settings.spin = Duration::from_micros(parse(word, value)?),
                "waits_from" => settings.waits_from = parse(word, value)?,
                "puts_back" => settings.puts_back = parse(word, value)?,
                "only_opens" => settings.only_opens = parse(word, value)?,
                "ends_in_time" => settings.ends_in_time = parse(word, value)?,
                _ => return Err(format!("no setting is called `{name}`")),
            }
        }
        Ok(settings)
    }

    /// The inverse of `from_words`, except for the directory.
    pub(crate) fn words(&self) -> [String; 9] {
        [
            format!("job={}", self.job),
            format!("tasks={}", self.tasks),
            format!("worker_size={}", self.worker_size),
            format!("lease_ms={}", self.lease.as_millis()),
            format!("spin_us={}", self.spin.as_micros()),
            format!("waits_from={}", self.waits_from),
            format!("puts_back={}", self.puts_back),
            format!("only_opens={}", self.only_opens),
            format!("ends_in_time={}", self.ends_in_time),
        ]
    }
}

fn parse<T: FromStr>(word: &str, value: &str) -> Outcome<T> {
    value
        .parse()
        .map_err(|_| format!("`{word}` has no such value"))
}
