//! Workers: groups of ranks that work on one task together, how a batch cuts its ranks into them, and how the ranks of one
//! get their next task.
//!
//! A worker of several ranks has two `Comm`s. On one its ranks meet in `next_task`; it is never handed out. The other one is
//! for the program; a rank that ends its task with a failure, or goes on to the next, leaves it, so that ranks which still
//! wait there come back. When all have met, they begin anew on it, or on a fresh one if it has ended.

use crate::batch::table::Claim;
use crate::comm::Comm;
use crate::comm::collective::call::{Call, Kind, Step};
use crate::comm::collective::contribution::Contribution;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::panic::Location;

/// How many ranks work together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sizes {
    /// The same number in each worker.
    Equal(usize),
    /// A number for each worker.
    BatchConfig(Vec<usize>),
}

impl Sizes {
    /// The first rank of each worker, and the end of the last one, for `ranks` ranks.
    fn starts(&self, ranks: usize) -> Result<Vec<usize>> {
        let refusal = |value: String, reason: String| Error::InvalidSetting {
            name: match self {
                Sizes::Equal(_) => "worker_size",
                Sizes::BatchConfig(_) => "worker_sizes",
            }
            .to_owned(),
            value,
            reason,
        };
        match self {
            Sizes::Equal(size) if *size == 0 || !ranks.is_multiple_of(*size) => Err(refusal(
                size.to_string(),
                format!(
                    "the Comm has {ranks} ranks, which are not to be cut into workers of {size}; use a divisor, or \
                     `worker_sizes` for workers of different sizes"
                ),
            )),
            Sizes::Equal(size) => Ok((0..=ranks).step_by(*size).collect()),
            Sizes::BatchConfig(sizes) => {
                let mut starts = vec![0_usize];
                for size in sizes {
                    starts.push(starts[starts.len() - 1].saturating_add(*size));
                }
                if sizes.contains(&0) || starts[sizes.len()] != ranks {
                    let shown: Vec<String> = sizes.iter().take(20).map(usize::to_string).collect();
                    let more = if sizes.len() > 20 { ", ..." } else { "" };
                    return Err(refusal(
                        format!("[{}{more}]", shown.join(", ")),
                        format!(
                            "the Comm has {ranks} ranks; give each worker at least one, {ranks} in all"
                        ),
                    ));
                }
                Ok(starts)
            }
        }
    }

    /// The number of workers, and that of this rank's.
    pub(crate) fn place(&self, rank: usize, ranks: usize) -> Result<(usize, usize)> {
        let starts = self.starts(ranks)?;
        let worker = starts.partition_point(|&start| start <= rank) - 1;
        Ok((starts.len() - 1, worker))
    }
}

/// A task that a worker gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) claim: Claim,
    /// The number of the attempt in its directory, 0 without a state directory.
    pub(crate) fence: u32,
}

/// What the leader of a worker tells its ranks.
#[derive(Debug, Serialize, Deserialize)]
struct Met {
    granted: Result<Option<Grant>>,
    /// Whether the ranks need a fresh `Comm` for the task.
    fresh: bool,
}

/// One rank's worker.
#[derive(Debug)]
pub(crate) struct Worker {
    /// The number of this worker.
    pub(crate) worker: usize,
    /// How many there are.
    pub(crate) count: usize,
    /// Where its ranks meet.
    comm: Comm,
    /// What the program gets.
    open: RefCell<Comm>,
}

impl Worker {
    /// Cuts the ranks of a batch into workers. Collective over them.
    pub(crate) fn cut(all: &Comm, sizes: &Sizes) -> Result<Self> {
        let (count, worker) = sizes.place(all.rank(), all.size())?;
        let cut = |of: &Comm, color| -> Result<Comm> {
            let comm = of.split(Some(color), of.rank())?;
            Ok(comm.expect("a rank with a color gets a Comm"))
        };
        let comm = cut(all, worker)?;
        let open = if comm.size() == 1 {
            comm.clone()
        } else {
            cut(&comm, 0)?
        };
        Ok(Worker {
            worker,
            count,
            comm,
            open: RefCell::new(open),
        })
    }

    #[inline]
    pub(crate) fn size(&self) -> usize {
        self.comm.size()
    }

    #[inline]
    pub(crate) fn rank(&self) -> usize {
        self.comm.rank()
    }

    /// The `Comm` for the program.
    pub(crate) fn open(&self) -> Comm {
        self.open.borrow().clone()
    }

    /// This rank has failed: others that wait for it on the program's `Comm` come back.
    pub(crate) fn fail(&self, task: usize, reason: &str) {
        self.open.borrow().core.end_task(Some((task, reason)));
    }

    /// All ranks meet; if none has a fault, one claims the next task for all of them.
    #[inline]
    pub(crate) fn meet(
        &self,
        fault: Option<Error>,
        site: &'static Location<'static>,
        claim: impl FnOnce() -> Result<Option<Grant>>,
    ) -> Result<Option<Grant>> {
        if self.size() == 1 {
            return fault.map_or_else(claim, Err);
        }
        self.meet_others(fault, site, claim)
    }

    fn meet_others(
        &self,
        fault: Option<Error>,
        site: &'static Location<'static>,
        claim: impl FnOnce() -> Result<Option<Grant>>,
    ) -> Result<Option<Grant>> {
        let core = &self.comm.core;
        core.enter(Kind::NextTask.name(), site)?;
        let call = Call::new(Kind::NextTask);
        let open = self.open();
        if fault.is_none() {
            open.core.end_task(None);
        }
        let contribution = Contribution {
            fault,
            maximum: open.core.has_ended().then_some(1),
            ..Contribution::default()
        };
        if core.is_multi_node() {
            core.agree(call, contribution)?;
            self.renew()?;
            let met = core.write(call.step(Step::Write).root(0), None, |_| {
                let granted = claim();
                let fresh = false;
                Ok(encode(&Met { granted, fresh }))
            })?;
            return decode(&met).granted;
        }
        let agreed = core.agree_with(call, contribution, |agreed| {
            let fresh = agreed.maximum.is_some() || !open.core.rejoin_all();
            let granted = claim();
            encode(&Met { granted, fresh })
        })?;
        let Met { granted, fresh } = decode(&agreed.from_leader);
        if fresh {
            self.renew()?;
        } else {
            open.core.rejoined();
        }
        granted
    }

    /// Gives the program a fresh `Comm`. Collective over the worker.
    fn renew(&self) -> Result<()> {
        let fresh = self.comm.split(Some(0), self.rank())?;
        self.open
            .replace(fresh.expect("a rank with a color gets a Comm"));
        Ok(())
    }
}

fn encode(met: &Met) -> Vec<u8> {
    postcard::to_allocvec(met).expect("plain data always encodes")
}

fn decode(bytes: &[u8]) -> Met {
    postcard::from_bytes(bytes).expect("what this executable encoded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_cut_into_workers_in_order() {
        let equal = Sizes::Equal(2);
        assert_eq!(equal.place(0, 6), Ok((3, 0)));
        assert_eq!(equal.place(5, 6), Ok((3, 2)));
        let given = Sizes::BatchConfig(vec![4, 2, 1]);
        assert_eq!(given.place(3, 7), Ok((3, 0)));
        assert_eq!(given.place(4, 7), Ok((3, 1)));
        assert_eq!(given.place(6, 7), Ok((3, 2)));
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        for sizes in [
            Sizes::Equal(0),
            Sizes::Equal(4),
            Sizes::Equal(7),
            Sizes::BatchConfig(vec![]),
            Sizes::BatchConfig(vec![3, 2]),
            Sizes::BatchConfig(vec![6, 0]),
            Sizes::BatchConfig(vec![usize::MAX, 7]),
        ] {
            assert!(
                matches!(sizes.place(0, 6), Err(Error::InvalidSetting { .. })),
                "{sizes:?}"
            );
        }
    }
}
