//! `Comm::for_each_dynamic`: a loop whose indices are shared out among the ranks while it runs.

use crate::comm::Comm;
use crate::comm::closure::ClosureRunner;
use crate::comm::protocol::call::{Call, Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::counter::backend::CounterRank;
use crate::counter::check_chunk;
use crate::error::{Error, Result};
use std::fmt::{Display, Write};
use std::ops::Range;
use std::panic::Location;

impl Comm {
    /// A loop over `range`: all ranks take chunks of it and call `act` with each, until none is left. So every index is passed
    /// once, to one rank, and a rank that is slow gets fewer.
    ///
    /// ```
    /// use pshmem::local::Cluster;
    /// use std::convert::Infallible;
    ///
    /// let sums = Cluster::new(&[2, 1]).run(|comm| {
    ///     let mut sum = 0;
    ///     comm.for_each_dynamic(0..1000, 16, |range| {
    ///         sum += range.sum::<usize>();
    ///         Ok::<(), Infallible>(())
    ///     }).unwrap();
    ///     sum
    /// });
    /// assert_eq!(sums.iter().sum::<usize>(), 499_500);
    /// ```
    ///
    /// A call of `act` may read objects. To write, a rank collects results and passes them to a collective call after the loop, or
    /// uses a [`Counter`](crate::Counter) inside the closure of [`scatter`](crate::Shared::scatter).
    ///
    /// If `act` fails or panics on a rank, no rank begins a further chunk. All ranks get the error, which says what was not done:
    /// the chunks that failed, of which a part may be done, and all that no rank has begun.
    ///
    /// ```
    /// use pshmem::{Comm, Error};
    ///
    /// let failed = Comm::solo().for_each_dynamic(0..10, 2, |range| if range.start < 4 { Ok(()) } else { Err("no file") });
    /// let message = "no file; not done: 4..10".to_owned();
    /// assert_eq!(failed, Err(Error::Closure { rank: 0, message }));
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same range and chunk. Three rounds, and on several nodes as many more as a
    /// [`counter`](Comm::counter). Each chunk costs a call of [`Counter::next`](crate::Counter::next).
    ///
    /// # Errors
    /// [`Error::Closure`] if `act` fails, that of the lowest rank if it fails on several; the other ranks get it also if `act`
    /// panics. [`Error::Mismatch`] if ranks pass different ranges or chunks and [`Error::InvalidSetting`] for a chunk of 0; `act`
    /// was not called then. The errors of [`barrier`](Comm::barrier).
    ///
    /// # Panics
    /// On the ranks where `act` panics, after all ranks have ended the loop.
    #[track_caller]
    pub fn for_each_dynamic<E: Display>(
        &self,
        range: Range<usize>,
        chunk: usize,
        mut act: impl FnMut(Range<usize>) -> Result<(), E>,
    ) -> Result<()> {
        let core = &self.core;
        let name = Kind::ForEachDynamic.name();
        let _call = core.enter(name, Location::caller())?;
        let call = Call::new(Kind::ForEachDynamic);
        let text = format!("the range {range:?} in chunks of {chunk}");
        let fault = Contribution::fault(check_chunk(chunk).err());
        core.agree_on(call, text.as_bytes(), fault)?;
        let counter = CounterRank::create(core, call, range.len())?;
        let mut closure = ClosureRunner::new(core.group.topology.rank);
        let mut failure = None;
        while failure.is_none() {
            let taken = match counter.take(name, chunk) {
                Ok(taken) if taken.is_empty() => break,
                Ok(taken) => range.start + taken.start..range.start + taken.end,
                Err(error) => {
                    failure = Some((error, 0..0));
                    break;
                }
            };
            let done = closure.run(|| act(taken.clone()).map_err(|error| error.to_string()));
            failure = done.err().map(|error| (error, taken));
        }
        // The other ranks find nothing left when they take their next chunk.
        let rest = match &failure {
            Some(_) => counter.take_rest(name).unwrap_or(0..0),
            None => 0..0,
        };
        let rest = range.start + rest.start..range.start + rest.end;
        let has_failed = Contribution {
            maximum: failure.is_some().then_some(1),
            ..Contribution::default()
        };
        let ended = core.agree(call.step(Step::Finish), has_failed);
        let ended = ended.and_then(|agreed| match agreed.maximum {
            Some(_) => self.fail(call, failure, rest),
            None => Ok(()),
        });
        closure.finish(ended)
    }

    /// All ranks get the failure of the lowest rank that has one, and learn what was not done.
    fn fail(
        &self,
        call: Call,
        failure: Option<(Error, Range<usize>)>,
        rest: Range<usize>,
    ) -> Result<()> {
        let core = &self.core;
        let ranks: Vec<usize> = (0..self.size()).collect();
        let failed = failure.as_ref().map_or(0..0, |(_, range)| range.clone());
        let mine = [failed.start, failed.end, rest.start, rest.end].map(|bound| bound as u64);
        let all = core.allgather(call.step(Step::Gather), &ranks, Some(&mine.to_vec()))?;
        let ranges = all.iter().flat_map(|bounds| bounds.chunks_exact(2));
        let ranges = ranges.map(|bounds| bounds[0]..bounds[1]).collect();
        let missing = list(ranges);
        let fault = failure.map(|(error, _)| match error {
            Error::Closure { rank, message } => Error::Closure {
                rank,
                message: format!("{message}; not done: {missing}"),
            },
            error => error,
        });
        core.agree(call.step(Step::Failure), Contribution::fault(fault))?;
        Ok(())
    }
}

/// Ranges that are shown.
const SHOWN: usize = 8;

/// The ranges in order, as text. Neighbours are joined.
fn list(mut ranges: Vec<Range<u64>>) -> String {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, range| {
        let is_next = next.start == range.end;
        if is_next {
            range.end = next.end;
        }
        is_next
    });
    let mut text = String::new();
    for range in ranges.iter().take(SHOWN) {
        let comma = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{comma}{range:?}");
    }
    if ranges.len() > SHOWN {
        let _ = write!(text, " and {} more ranges", ranges.len() - SHOWN);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined_and_not_too_many() {
        assert_eq!(list(vec![8..10, 0..0, 2..4, 4..6]), "2..6, 8..10");
        let many = (0..20).map(|i| 2 * i..2 * i + 1).collect();
        let text = list(many);
        assert!(
            text.ends_with("12..13, 14..15 and 12 more ranges"),
            "{text}"
        );
    }
}
