//! Arrays of any length are combined in the order of ranks, through slots in node memory.

use crate::comm::closure::ClosureRunner;
use crate::comm::protocol::call::Call;
use crate::comm::rank_state::RankState;
use crate::comm::transfer::Target;
use crate::comm::transfer::chain::{ChainWork, Chunks};
use crate::error::{Error, Result};
use crate::layout::region::Region;
use crate::layout::{Element, Op};
use crate::values::long::target_of;
use std::ops::Range;
use std::slice::{from_mut, from_ref};

/// Runs the operation on elements in node memory. After a failure it does nothing more, but the rank goes on, because others wait
/// for its steps.
pub(super) struct Combiner<'a, T> {
    op: &'a Op<'a, T>,
    closure: &'a mut ClosureRunner,
    pub(super) fault: Option<Error>,
}

impl<'a, T: Element> Combiner<'a, T> {
    pub(super) fn new(op: &'a Op<'a, T>, closure: &'a mut ClosureRunner) -> Self {
        Combiner {
            op,
            closure,
            fault: None,
        }
    }

    /// Combines elements of this rank into those in a slot. The first rank's replace what is there.
    ///
    /// # Safety
    /// As for [`Target::run_mut`]; and the slot is aligned for `T`. If this rank is not the first one, the slot has elements.
    unsafe fn combine(
        &mut self,
        target: &Target<'_>,
        slot: Range<usize>,
        is_first: bool,
        mine: &[T],
    ) {
        // SAFETY: passed on from the caller.
        let bytes = unsafe { target.run_mut(slot.start, slot.len()) };
        if is_first {
            bytes.copy_from_slice(bytemuck::cast_slice(mine));
        } else if self.fault.is_none() {
            assert_eq!(bytes.len(), size_of_val(mine));
            let start = bytes.as_mut_ptr().cast::<T>();
            assert!(start.is_aligned());
            // SAFETY: aligned and as long as `mine`, as checked. The bytes are elements of the same type that other ranks of this
            // executable have stored (caller's duty), and borrowed mutably.
            let results = unsafe { std::slice::from_raw_parts_mut(start, mine.len()) };
            let combined = self.closure.run(|| {
                self.op.combine(results, mine);
                Ok(())
            });
            self.fault = combined.err();
        }
    }
}

/// Replaces the values by those of all ranks, combined. The caller ends the call with a round.
pub(super) fn all_reduce<T: Element>(
    core: &RankState,
    call: Call,
    values: &mut [T],
    combiner: &mut Combiner<'_, T>,
) -> Result<()> {
    let topology = &core.group.topology;
    let chunks = Chunks::new(
        topology,
        size_of_val(values),
        size_of::<T>(),
        align_of::<T>(),
    );
    let scratch = core.scratch(call, chunks.slot_bytes())?;
    let target = target_of(&scratch, chunks.slot_bytes());
    let work = AllReduce {
        target: &target,
        chunks,
        is_first: topology.rank == 0,
        values,
        combiner,
    };
    core.chain(call, &target, chunks, work);
    Ok(())
}

/// One rank's part.
struct AllReduce<'a, 'op, T> {
    target: &'a Target<'a>,
    chunks: Chunks,
    is_first: bool,
    values: &'a mut [T],
    combiner: &'a mut Combiner<'op, T>,
}

impl<T: Element> AllReduce<'_, '_, T> {
    fn elements(&self, chunk: usize) -> Range<usize> {
        let bytes = self.chunks.bytes_of(chunk);
        bytes.start / size_of::<T>()..bytes.end / size_of::<T>()
    }
}

impl<T: Element> ChainWork for AllReduce<'_, '_, T> {
    fn work(&mut self, chunk: usize, slot: Range<usize>) {
        let mine = &self.values[self.elements(chunk)];
        let (target, is_first) = (self.target, self.is_first);
        // SAFETY: the chain gives a slot to one rank at a time, in the order of ranks; slots are aligned for `T` (`Chunks::new`).
        unsafe { self.combiner.combine(target, slot, is_first, mine) };
    }

    fn take(&mut self, chunk: usize, slot: Range<usize>) {
        let elements = self.elements(chunk);
        let bytes = self.target.bytes(slot.start, slot.len());
        // SAFETY: the ranks, which all pass this type, have stored elements there.
        unsafe { copy_elements(bytes, &mut self.values[elements]) };
    }
}

/// What the ranks before this one pass, combined; `None` on rank 0. The caller ends the call with a round.
pub(super) fn exclusive_scan<T: Element>(
    core: &RankState,
    call: Call,
    value: &T,
    combiner: &mut Combiner<'_, T>,
) -> Result<Option<T>> {
    let rank = core.group.topology.rank;
    let bytes = size_of::<T>();
    let scratch = core.scratch(call, bytes)?;
    let target = target_of(&scratch, bytes);
    let mut before = None;
    core.pipeline(call, &target, &[Region::run(0, bytes)], |_| {
        if rank > 0 {
            let result = from_mut(before.insert(T::zeroed()));
            // SAFETY: the ranks before this one, which pass the same type, have stored an element there.
            unsafe { copy_elements(target.bytes(0, bytes), result) };
        }
        // SAFETY: the pipeline gives the element to one rank at a time, in the order of ranks; it is aligned to a page.
        unsafe { combiner.combine(&target, 0..bytes, rank == 0, from_ref(value)) };
    });
    Ok(before)
}

/// Copies elements that are there as bytes.
///
/// # Safety
/// The bytes are those of valid values of `T`.
pub(super) unsafe fn copy_elements<T: Element>(bytes: &[u8], elements: &mut [T]) {
    assert_eq!(bytes.len(), size_of_val(elements), "as many elements");
    let start = elements.as_mut_ptr().cast::<u8>();
    // SAFETY: both are as long, as checked; the elements are borrowed mutably, so they do not overlap; elements are `Copy`, and the
    // bytes are valid for them (caller's duty).
    unsafe { start.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
}
