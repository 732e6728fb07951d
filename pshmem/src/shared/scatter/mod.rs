//! `scatter`: all ranks add to any elements of an array, which no rank has a private copy of.
//!
//! - `stripes` how the elements are divided, and locks of their parts · `hits` hits in private memory
//! - `unordered` the usual order: hits are combined as they come · `rounds` the reproducible one
//!
//! In both orders, each rank owns a part of the array, and hits are combined on the node of the owner only. So the copies of all
//! nodes become equal when each rank has sent its part to the other nodes, as in `update_parts`, whatever the operation does and
//! whoever has failed.

mod hits;
mod rounds;
mod stripes;
mod unordered;

use crate::comm::closure::ClosureRunner;
use crate::comm::protocol::call::{Call, Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::error::{Error, Result};
use crate::layout::partition::Partition;
use crate::layout::region::Region;
use crate::layout::{BlockLayout, Field, Op};
use crate::shared::Shared;
use rounds::Rounds;
use std::fmt::Display;
use std::panic::Location;
use stripes::Stripes;
use unordered::Unordered;

/// Takes the hits of this rank, and combines those to its part of the array.
trait Combiner<T> {
    /// Adds a hit of this rank to an element.
    fn add(&mut self, place: usize, value: T);

    /// This rank adds no more. Returns when all hits of all ranks to its part are combined, with what has run the operation, and why
    /// that has failed on this rank.
    fn finish(self) -> (ClosureRunner, Option<Error>);
}

/// Defines the calls on one type. `$write` is the `Field` on which they are implemented.
macro_rules! calls {
    ([$($generics:tt)*] $type:ty, $self:ident, $write:expr) => {
        impl<$($generics)* L: BlockLayout + ?Sized> $type {
            /// All ranks add to any elements, each as often as it likes.
            ///
            /// The closure runs on every rank. It gets a function `add(index, value)`, which combines the value into the element by
            /// `op`; the old value of the element counts. The index is a `usize` for a slice and `[usize; N]` for an array. No rank
            /// needs a private copy of the array, as [`accumulate`](Self::accumulate) does. Returns the closure's result on each
            /// rank.
            ///
            /// ```
            /// use ndarray::Array2;
            /// use pshmem::{Op, Shared, local::Cluster};
            ///
            /// let counts = Cluster::new(&[2, 1]).run(|comm| {
            ///     let mut histogram = Shared::<Array2<u32>>::new(comm, [4, 100]).unwrap();
            ///     histogram.scatter(Op::sum(), |add| {
            ///         for event in 0..1000 {
            ///             add([comm.rank(), event * event % 100], 1);
            ///         }
            ///     }).unwrap();
            ///     (histogram.view()[[2, 25]], histogram.view().sum())
            /// });
            /// assert_eq!(counts, [(100, 3000); 3]);
            /// ```
            ///
            /// The closure may read other objects, take numbers of a [`Counter`](crate::Counter), and use threads, but `add` belongs
            /// to the thread of the rank. What the object holds can be read when the call has returned.
            ///
            /// Each hit counts once. The order in which they are combined is any: sums of integers and of counts are exact, sums of
            /// floats may differ in the last bits between two runs. With [`Op::reproducible`](crate::Op::reproducible) they are
            /// ordered by rounds, then by ranks, then as the rank has added them, which gives the same bits on any nodes. A round
            /// has as many hits of each rank as 64 KiB hold, with eight bytes and an element for each: 4096 if the elements are
            /// `f64`. All ranks wait for each other at the end of each round, so a rank that computes without adding delays those
            /// that add more.
            ///
            /// # Collective
            /// All ranks call it, with the same object and operation. Three rounds; with `reproducible`, one more for each round of
            /// hits and each 300 ranks. Each rank has buffers of about 1 MiB, whatever the size of the array, and on several nodes
            /// up to 8 MiB; with `reproducible`, each node has 128 KiB for each rank of the `Comm` instead.
            ///
            /// On one node, hits are combined in node memory, by the rank that adds. Over N nodes, each hit is sent to the node that
            /// owns the element (with `reproducible`, to all nodes), as eight bytes and a value. In the end the part of each node is
            /// sent to all others once. A rank that adds more than 1 MiB of hits to the elements of another node waits if a rank
            /// there computes without adding.
            ///
            /// # Errors
            /// - [`Error::NoSuchElement`](crate::Error::NoSuchElement) when a rank adds to an element that does not exist; what it
            ///   adds afterwards is dropped.
            /// - [`Error::Closure`](crate::Error::Closure) on the other ranks when the closure or the operation panics.
            /// - [`Error::Mismatch`](crate::Error::Mismatch) when ranks pass different operations, and
            ///   [`Error::NoRoom`](crate::Error::NoRoom); no closure was called and nothing has changed then.
            /// - The errors of [`Comm::barrier`](crate::Comm::barrier).
            ///
            /// After an error of the first two kinds, what was added before is in the array, the same on all nodes. If the operation
            /// panics on a rank, some hits are missing.
            ///
            /// # Panics
            /// On the ranks where the closure or the operation panics, at the end of the call.
            #[track_caller]
            pub fn scatter<R>(
                &mut $self,
                op: Op<'_, L::Item>,
                body: impl FnOnce(&mut dyn FnMut(L::Offset, L::Item)) -> R,
            ) -> Result<R> {
                $write.scatter_hits(Location::caller(), &op, |add| Ok(body(add)))
            }

            /// Like [`scatter`](Self::scatter), with a closure that may fail.
            ///
            /// The error of the lowest rank that fails becomes [`Error::Closure`](crate::Error::Closure) on all ranks. What all
            /// ranks have added by then is in the array, the same on all nodes.
            ///
            /// ```
            /// use pshmem::{Comm, Error, Op, Shared};
            ///
            /// let mut table = Shared::<[u64]>::new(&Comm::solo(), 3)?;
            /// let failed = table.try_scatter(Op::sum(), |add| {
            ///     for word in "1 2 two".split(' ') {
            ///         add(word.parse()?, 10);
            ///     }
            ///     Ok::<(), std::num::ParseIntError>(())
            /// });
            /// assert!(matches!(failed, Err(Error::Closure { rank: 0, .. })));
            /// assert_eq!(table.view(), [0, 10, 10]);
            /// # Ok::<(), Error>(())
            /// ```
            ///
            /// # Collective
            /// As [`scatter`](Self::scatter).
            ///
            /// # Errors
            /// As [`scatter`](Self::scatter).
            ///
            /// # Panics
            /// As [`scatter`](Self::scatter).
            #[track_caller]
            pub fn try_scatter<R, E: Display>(
                &mut $self,
                op: Op<'_, L::Item>,
                body: impl FnOnce(&mut dyn FnMut(L::Offset, L::Item)) -> Result<R, E>,
            ) -> Result<R> {
                $write.scatter_hits(Location::caller(), &op, |add| {
                    body(add).map_err(|error| error.to_string())
                })
            }
        }
    };
}

calls!([] Shared<L>, self, self.whole_mut());
calls!(['a,] Field<'a, L>, self, self);

impl<L: BlockLayout + ?Sized> Field<'_, L> {
    fn scatter_hits<R>(
        &mut self,
        site: &'static Location<'static>,
        op: &Op<'_, L::Item>,
        body: impl FnOnce(&mut dyn FnMut(L::Offset, L::Item)) -> Result<R, String>,
    ) -> Result<R> {
        let core = self.core();
        let _call = core.enter(Kind::Scatter.name(), site)?;
        let call = self.call(Kind::Scatter);
        core.agree_on(call, op.text().as_bytes(), Contribution::default())?;
        let topology = &core.group.topology;
        // Elements without bytes have one value, so there is nothing to combine.
        let elements = match size_of::<L::Item>() {
            0 => 0,
            _ => L::elements(self.plan()),
        };
        let stripes = Stripes::new(elements, topology.size());
        let owners = stripes.owners(&topology.ranks_of_nodes());
        if op.is_reproducible() {
            let rounds = Rounds::new(self, call, op, stripes, &owners)?;
            self.scatter_into(call, rounds, stripes, &owners, body)
        } else {
            let unordered = Unordered::new(self, call, op, stripes, &owners)?;
            self.scatter_into(call, unordered, stripes, &owners, body)
        }
    }

    /// Runs the closure on this rank, and makes the copies of all nodes equal. All ranks have agreed on the call.
    fn scatter_into<R>(
        &self,
        call: Call,
        mut combiner: impl Combiner<L::Item>,
        stripes: Stripes,
        owners: &Partition,
        body: impl FnOnce(&mut dyn FnMut(L::Offset, L::Item)) -> Result<R, String>,
    ) -> Result<R> {
        let (core, plan) = (self.core(), self.plan());
        let mut closure = ClosureRunner::new(core.group.topology.rank);
        let mut no_element = None;
        let result = closure.run(|| {
            body(&mut |index, value| match L::place(plan, &index) {
                _ if no_element.is_some() => {}
                Some(place) if size_of::<L::Item>() > 0 => combiner.add(place, value),
                Some(_) => {}
                None => no_element = Some(L::numbers(&index)),
            })
        });
        let (op_closure, op_fault) = combiner.finish();
        let leaves = self.leaves();
        // SAFETY: every rank that arrived at this call holds its handle to the leaf mutably: `scatter_hits` has.
        let target = unsafe { self.handle().target(&leaves) };
        let all: Vec<Region> = self.handle().regions(&leaves).collect();
        core.exchange_with_all_nodes(call, &target, |rank| {
            let part = stripes.elements(&owners.of(rank));
            let size = size_of::<L::Item>();
            vec![Region::run(
                all[0].start + part.start * size,
                part.len() * size,
            )]
        });
        let no_element = no_element.map(|index| Error::NoSuchElement {
            call: call.name().to_owned(),
            rank: core.group.topology.rank,
            index,
            shape: self.extents(),
        });
        let fault = result.as_ref().err().cloned().or(op_fault).or(no_element);
        let agreed = core.agree(call.step(Step::Finish), Contribution::fault(fault));
        let checked = match &agreed {
            Err(error) if error.is_fatal() => Ok(()),
            _ => core.check_copies(call, &target, &all),
        };
        closure.finish(op_closure.finish(agreed.and(checked).and(result)))
    }
}
