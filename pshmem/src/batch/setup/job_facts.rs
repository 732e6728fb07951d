//! What only the root finds out about the job, and all ranks of a batch learn: its name, and how much time it has left.

use crate::batch::job_end;
use crate::comm::Comm;
use crate::comm::collective::allgather::AllgatherItem;
use crate::comm::protocol::call::{Call, Step};
use crate::error::{Result, clip};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Bytes of the name.
const NAME: usize = 60;

/// Facts about the job.
#[derive(Debug)]
pub(super) struct JobFacts {
    /// Its name, for the state directory.
    pub(super) name: String,
    /// When the time for tasks ends, if there is a limit.
    end: Option<Instant>,
}

/// What the root passes: the name, and the time that is left.
#[derive(Debug, Serialize, Deserialize)]
struct Item(String, Option<Duration>);

impl AllgatherItem for Item {
    // The name with its length and the ellipsis of a name that was clipped; whether there is a time, its seconds, and its
    // nanoseconds.
    const BYTES: usize = NAME + 4 + 1 + 10 + 5;
}

impl JobFacts {
    /// All ranks learn the facts from the root. Collective. Only if `asks`, which all ranks give alike, the root asks how much
    /// time is left.
    pub(super) fn learn(all: &Comm, call: Call, root: usize, asks: bool) -> Result<Self> {
        let find_out = || {
            let left = asks.then(job_end::time_left).flatten();
            Item(job_name(all.host()), left)
        };
        let mine = (all.rank() == root).then(find_out);
        let call = call.step(Step::Gather);
        let items = all.core.allgather(call, &[root], mine.as_ref())?;
        let Item(name, left) = items.into_iter().next().expect("the root passes an item");
        // A time beyond the range of the clock is no limit.
        let end = left.and_then(|left| Instant::now().checked_add(left));
        Ok(JobFacts { name, end })
    }

    /// The time that is left for tasks now, if there is a limit.
    pub(super) fn left(&self) -> Option<Duration> {
        let end = self.end?;
        Some(end.saturating_duration_since(Instant::now()))
    }
}

/// The name that the batch system gives to the job; elsewhere one that is made of this host and process.
fn job_name(host: &str) -> String {
    let id = ["SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    let name = id.unwrap_or_else(|| format!("{host}-{}", std::process::id()));
    clip(&name, NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_item_fits() {
        let name = clip(&"long-name-".repeat(20), NAME);
        let item = Item(name, Some(Duration::MAX));
        let bytes = postcard::to_allocvec(&item).unwrap();
        assert_eq!(bytes.len(), Item::BYTES);
    }
}
