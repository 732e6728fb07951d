//! `all_reduce`, `all_reduce_into` and `exclusive_scan`: elements of all ranks, combined in the order of ranks.

use crate::comm::Comm;
use crate::comm::closure::ClosureRunner;
use crate::comm::collective::conclude::{Items, Maker};
use crate::comm::protocol::call::{Call, Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::comm::protocol::value_key::ValueKey;
use crate::error::Result;
use crate::layout::identity::type_bytes;
use crate::layout::placer::assert_alignment;
use crate::layout::{Element, Op};
use crate::values::first_round::first_round;
use crate::values::long_reduce::{self, Combiner, copy_elements};
use std::panic::Location;
use std::slice::from_mut;

#[expect(
    clippy::needless_pass_by_value,
    reason = "an operation is made for the call, as for `reduce_into`"
)]
impl Comm {
    /// The values of all ranks, combined, on all ranks.
    ///
    /// Values are combined in the order of ranks, from the left: `op(op(v0, v1), v2)`. So the result has the same bits for any
    /// placement of the ranks on nodes, and the operation need not be commutative. An array is one value for the operation;
    /// [`all_reduce_into`](Comm::all_reduce_into) combines the elements of slices. A large array that all ranks only read is better
    /// reduced into an object, once per node: see [`Shared::reduce_into`](crate::Shared::reduce_into).
    ///
    /// ```
    /// use pshmem::{Op, local::Cluster};
    ///
    /// let found = Cluster::new(&[2, 1]).run(|comm| {
    ///     let change = 0.1 * comm.rank() as f64;
    ///     let largest = comm.all_reduce(Op::max(), change).unwrap();
    ///     let hits = comm.all_reduce(Op::new(|a: [u64; 2], b: [u64; 2]| [a[0] + b[0], a[1].max(b[1])]), [1, 7]).unwrap();
    ///     (largest, hits)
    /// });
    /// assert_eq!(found, [(0.2, [3, 7]); 3]);
    /// ```
    ///
    /// # Collective
    /// All ranks call it, with the same type and operation. A closure runs on one of them. One round if a value has less than about a
    /// kilobyte, and the values of all ranks have 64 KiB; over N nodes that is 2 (N - 1) messages, which carry the values of their
    /// nodes up, and the result down, and one more for an operation that may fail: closures, operations of user types, sums of
    /// integers. Longer values take two rounds, in which each rank combines its values with those of the ranks before it, and up to
    /// four more the first time, when node memory for that is mapped. Where the ranks of each node are consecutive, such a value is
    /// sent to each node and back.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) if ranks pass different types or operations,
    /// [`Error::Closure`](crate::Error::Closure) on the other ranks when the operation panics,
    /// [`Error::NoRoom`](crate::Error::NoRoom), and those of [`barrier`](Comm::barrier).
    ///
    /// # Panics
    /// On a rank where the operation panics, after the other ranks have got their error.
    #[track_caller]
    pub fn all_reduce<T: Element>(&self, op: Op<'_, T>, mut value: T) -> Result<T> {
        let values = from_mut(&mut value);
        self.reduce(Kind::AllReduce, Location::caller(), &op, values)?;
        Ok(value)
    }

    /// Replaces the elements of a slice by those of all ranks, combined element by element.
    ///
    /// Each element is what [`all_reduce`](Comm::all_reduce) returns for the elements of all ranks at this index.
    ///
    /// ```
    /// use pshmem::{Op, local::Cluster};
    ///
    /// let sums = Cluster::new(&[2, 2]).run(|comm| {
    ///     let mut histogram = vec![0_u64; 1000];
    ///     histogram[comm.rank()] = 5;
    ///     comm.all_reduce_into(Op::sum(), &mut histogram).unwrap();
    ///     histogram
    /// });
    /// assert_eq!(sums[1][..5], [5, 5, 5, 5, 0]);
    /// ```
    ///
    /// # Collective
    /// As [`all_reduce`](Comm::all_reduce), with slices of the same length. Longer slices go through node memory in pieces, on which
    /// all ranks work at the same time: about 4 MiB on each node, however long they are.
    ///
    /// # Errors
    /// Those of [`all_reduce`](Comm::all_reduce). [`Error::Mismatch`](crate::Error::Mismatch) also if the lengths differ. After
    /// [`Error::Closure`](crate::Error::Closure), the slices hold arbitrary values; after any other error they are unchanged.
    ///
    /// # Panics
    /// As [`all_reduce`](Comm::all_reduce).
    #[track_caller]
    pub fn all_reduce_into<T: Element>(&self, op: Op<'_, T>, values: &mut [T]) -> Result<()> {
        self.reduce(Kind::AllReduceInto, Location::caller(), &op, values)
    }

    /// The values of the ranks before this one, combined. `None` on rank 0.
    ///
    /// They are combined as by [`all_reduce`](Comm::all_reduce). With sums of counts, these are the places at which each rank's rows
    /// begin.
    ///
    /// ```
    /// use pshmem::{Op, local::Cluster};
    ///
    /// let starts = Cluster::new(&[2, 1]).run(|comm| {
    ///     let rows = 10 * (comm.rank() + 1);
    ///     comm.exclusive_scan(Op::sum(), rows).unwrap()
    /// });
    /// assert_eq!(starts, [None, Some(10), Some(30)]);
    /// ```
    ///
    /// # Collective
    /// As [`all_reduce`](Comm::all_reduce); in one round also the results of all ranks must have less than 8 KiB. Longer values go from
    /// rank to rank.
    ///
    /// # Errors
    /// As [`all_reduce`](Comm::all_reduce).
    ///
    /// # Panics
    /// As [`all_reduce`](Comm::all_reduce).
    #[track_caller]
    pub fn exclusive_scan<T: Element>(&self, op: Op<'_, T>, value: T) -> Result<Option<T>> {
        const { assert_alignment::<T>() };
        let core = &self.core;
        let kind = Kind::ExclusiveScan;
        let _call = core.enter(kind.name(), Location::caller())?;
        let (call, rank) = (Call::new(kind), self.rank());
        if self.size() == 1 {
            return Ok(None);
        }
        let mut closure = ClosureRunner::new(rank);
        let type_id = type_bytes::<T>();
        let mine = Ok(Some(bytemuck::bytes_of(&value)));
        let key = key::<T>(&type_id, None, &op);
        let maker = Maker {
            run: |items: &Items| closure.run(|| Ok(prefixes(&op, items))),
            once: !op.cannot_fail(),
        };
        let prefixes = first_round(core, call, &key, mine, maker);
        let result = prefixes.and_then(|prefixes| {
            let Some(prefixes) = prefixes else {
                let mut combiner = Combiner::new(&op, &mut closure);
                let before = long_reduce::exclusive_scan(core, call, &value, &mut combiner)?;
                let fault = Contribution::fault(combiner.fault);
                core.agree(call.step(Step::Finish), fault)?;
                return Ok(before);
            };
            if rank == 0 {
                return Ok(None);
            }
            let mut before = T::zeroed();
            let at = (rank - 1) * size_of::<T>();
            // SAFETY: the ranks have compared their types, and `prefixes` makes elements of that type.
            unsafe { copy_elements(&prefixes[at..at + size_of::<T>()], from_mut(&mut before)) };
            Ok(Some(before))
        });
        closure.finish(result)
    }

    fn reduce<T: Element>(
        &self,
        kind: Kind,
        site: &'static Location<'static>,
        op: &Op<'_, T>,
        values: &mut [T],
    ) -> Result<()> {
        const { assert_alignment::<T>() };
        let core = &self.core;
        let _call = core.enter(kind.name(), site)?;
        let call = Call::new(kind);
        if self.size() == 1 {
            return Ok(());
        }
        let mut closure = ClosureRunner::new(self.rank());
        let type_id = type_bytes::<T>();
        let len = (kind == Kind::AllReduceInto).then_some(values.len());
        let key = key::<T>(&type_id, len, op);
        // Elements without bytes need no operation: there is only one value of them.
        let len = size_of_val(values).checked_div(size_of::<T>()).unwrap_or(0);
        let mine = Ok(Some(bytemuck::cast_slice(values)));
        let maker = Maker {
            run: |items: &Items| closure.run(|| Ok(fold(op, items, len))),
            once: !op.cannot_fail(),
        };
        let sent = first_round(core, call, &key, mine, maker);
        let result = sent.and_then(|sent| {
            if let Some(combined) = sent {
                // SAFETY: the ranks have compared their types and lengths, and `fold` makes as many elements of that type.
                unsafe { copy_elements(&combined, &mut values[..len]) };
                return Ok(());
            }
            let mut combiner = Combiner::new(op, &mut closure);
            long_reduce::all_reduce(core, call, values, &mut combiner)?;
            let fault = Contribution::fault(combiner.fault);
            core.agree(call.step(Step::Finish), fault).map(|_| ())
        });
        closure.finish(result)
    }
}

/// What all ranks must pass alike.
fn key<'a, T: Element>(type_id: &'a [u8], len: Option<usize>, op: &Op<'_, T>) -> ValueKey<'a> {
    ValueKey {
        type_name: std::any::type_name::<T>(),
        type_id,
        len,
        op: Some(op.name()),
    }
}

/// `len` elements of each rank, combined in the order of ranks.
fn fold<T: Element>(op: &Op<'_, T>, items: &Items, len: usize) -> Vec<u8> {
    let mut combined = Combined::new(op, len);
    for (_, item) in items {
        combined.add(item);
    }
    bytemuck::cast_slice(&combined.values).to_vec()
}

/// For each rank but the first, the elements of the ranks before it, combined.
fn prefixes<T: Element>(op: &Op<'_, T>, items: &Items) -> Vec<u8> {
    let mut prefixes = Vec::with_capacity(items.len() * size_of::<T>());
    let mut combined = Combined::new(op, 1);
    for (_, item) in &items[..items.len() - 1] {
        combined.add(item);
        prefixes.extend_from_slice(bytemuck::cast_slice(&combined.values));
    }
    prefixes
}

/// Elements of the ranks so far, combined.
struct Combined<'a, T> {
    op: &'a Op<'a, T>,
    values: Vec<T>,
    next: Vec<T>,
    is_empty: bool,
}

impl<'a, T: Element> Combined<'a, T> {
    fn new(op: &'a Op<'a, T>, len: usize) -> Self {
        Combined {
            op,
            values: vec![T::zeroed(); len],
            next: vec![T::zeroed(); len],
            is_empty: true,
        }
    }

    /// Combines the elements of the next rank, as they came in the first round.
    fn add(&mut self, item: &[u8]) {
        let is_first = std::mem::take(&mut self.is_empty);
        let into = if is_first {
            &mut self.values
        } else {
            &mut self.next
        };
        // SAFETY: the ranks have compared their types before this runs.
        unsafe { copy_elements(item, into) };
        if !is_first {
            self.op.combine(&mut self.values, &self.next);
        }
    }
}
