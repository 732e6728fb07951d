//! Counters that all ranks share: numbers that are handed out once, and loops whose indices are shared out while they run.
//!
//! - `taken` the protocol on one word · `backend` where the word is: in node memory, or at a home rank
//! - `home_counter` a counter at the server of its home rank · `dynamic_loop` loops

mod backend;
mod dynamic_loop;
mod home_counter;
mod taken;

use crate::comm::Comm;
use crate::comm::protocol::call::{Call, Kind};
use crate::comm::protocol::contribution::Contribution;
use crate::error::{Error, Result};
use crate::home::engine::Engine;
use backend::{CounterRank, HOME};
use std::fmt;
use std::ops::Range;
use std::panic::Location;

/// The numbers from 0 to a limit, each of which one rank takes once.
///
/// Ranks take numbers at their own pace, so a loop over them is balanced whatever an iteration takes.
/// [`for_each_dynamic`](Comm::for_each_dynamic) is such a loop; a counter is for those that look different.
///
/// ```
/// use pshmem::local::Cluster;
///
/// let taken = Cluster::new(&[2, 1]).run(|comm| {
///     let counter = comm.counter(100).unwrap();
///     let mut mine = 0;
///     while let Some(numbers) = counter.next(8).unwrap() {
///         mine += numbers.len();
///     }
///     mine
/// });
/// assert_eq!(taken.iter().sum::<usize>(), 100);
/// ```
///
/// On one node the counter is a word of node memory, and a rank takes numbers by one atomic operation. Over several nodes it is
/// kept by rank 0, and [`engine`](Counter::engine) says how the others reach it. Dropping a counter is local and waits for nobody.
pub struct Counter {
    comm: Comm,
    number: u64,
    limit: usize,
    rank: CounterRank,
}

/// Name of the call, in errors and reports.
const NEXT: &str = "Counter::next";

impl Comm {
    /// A counter of the numbers from 0 to `limit - 1`.
    ///
    /// ```
    /// let counter = pshmem::Comm::solo().counter(10)?;
    /// assert_eq!(counter.next(4)?, Some(0..4));
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same limit. Two rounds; over several nodes, two more for the first counter, lock or batch of a
    /// `Comm`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if ranks pass different limits, [`Error::NoRoom`], and those of [`barrier`](Comm::barrier).
    #[track_caller]
    pub fn counter(&self, limit: usize) -> Result<Counter> {
        let core = &self.core;
        let _call = core.enter(Kind::Counter.name(), Location::caller())?;
        let call = Call::new(Kind::Counter);
        // Taken before anything can fail, so that all ranks number later objects alike.
        let number = core.memory.next_object();
        core.agree(
            call,
            Contribution::must_match(&(limit as u64).to_le_bytes()),
        )?;
        Ok(Counter {
            comm: self.clone(),
            number,
            limit,
            rank: CounterRank::create(core, call, limit)?,
        })
    }
}

impl Counter {
    /// Takes up to `chunk` numbers that no rank has taken; `None` when none are left. The last ones may be fewer than `chunk`.
    ///
    /// Not collective. It may also be called inside the closures of collective calls, as of
    /// [`update_parts`](crate::Shared::update_parts) or [`scatter`](crate::Shared::scatter).
    ///
    /// ```
    /// use pshmem::{Op, Shared, local::Cluster};
    ///
    /// let sums = Cluster::new(&[2, 1]).run(|comm| {
    ///     let events = comm.counter(1000).unwrap();
    ///     let mut histogram = Shared::<[u64]>::new(comm, 10).unwrap();
    ///     histogram.scatter(Op::sum(), |add| {
    ///         while let Some(chunk) = events.next(50).unwrap() {
    ///             chunk.for_each(|event| add(event % 10, 1));
    ///         }
    ///     }).unwrap();
    ///     histogram.view()[3]
    /// });
    /// assert_eq!(sums, [100; 3]);
    /// ```
    ///
    /// On one node it is one atomic operation. Over several nodes it is a request to rank 0 and a reply, or one one-sided
    /// operation; a larger chunk makes fewer of them. A rank that has got `None` sends nothing until the next
    /// [`reset`](Counter::reset).
    ///
    /// # Errors
    /// - [`Error::InvalidSetting`] for a chunk of 0.
    /// - The error with which the `Comm` has ended, [`Error::MpiFinalized`], and [`Error::HomeLeft`] if rank 0 has left.
    #[inline]
    pub fn next(&self, chunk: usize) -> Result<Option<Range<usize>>> {
        let sync = &self.comm.core.sync;
        if chunk == 0 || !sync.is_able() {
            self.check(chunk)?;
        }
        let range = self.rank.take(NEXT, chunk)?;
        Ok((!range.is_empty()).then_some(range))
    }

    /// Whether numbers can be taken. Other than collective calls, they can be inside the closure of one.
    #[cold]
    fn check(&self, chunk: usize) -> Result<()> {
        check_chunk(chunk)?;
        self.comm.core.sync.check_alive(NEXT)
    }

    /// Makes all numbers available again.
    ///
    /// ```
    /// let counter = pshmem::Comm::solo().counter(10)?;
    /// counter.next(8)?;
    /// counter.reset()?;
    /// assert_eq!(counter.next(8)?, Some(0..8));
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks of the `Comm`. One round: no rank takes old numbers after it has begun, or new ones before it has.
    ///
    /// # Errors
    /// Those of [`Comm::barrier`].
    #[track_caller]
    pub fn reset(&self) -> Result<()> {
        let core = &self.comm.core;
        let name = Kind::CounterReset.name();
        let _call = core.enter(name, Location::caller())?;
        let call = Call::new(Kind::CounterReset)
            .on(self.number, &(0..1))
            .root(HOME);
        core.write(call, None, |_| self.rank.reset(name).map(|()| Vec::new()))?;
        self.rank.forget_seen();
        Ok(())
    }

    /// How many numbers there are.
    ///
    /// ```
    /// assert_eq!(pshmem::Comm::solo().counter(10)?.limit(), 10);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// How the counter works.
    ///
    /// ```
    /// let counter = pshmem::Comm::solo().counter(10)?;
    /// assert_eq!(counter.engine(), pshmem::Engine::NodeAtomics);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.rank.engine()
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Counter(below {}, number {}, {})",
            self.limit,
            self.number,
            self.engine()
        )
    }
}

/// A chunk of no numbers would never end.
fn check_chunk(chunk: usize) -> Result<()> {
    if chunk > 0 {
        return Ok(());
    }
    Err(Error::InvalidSetting {
        name: "chunk".to_owned(),
        value: chunk.to_string(),
        reason: "a rank takes at least one number at a time".to_owned(),
    })
}
