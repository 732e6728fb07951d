//! The bytes of node memory that a call may access.

use crate::layout::region::Region;
use crate::stderr::report;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;

/// Says whether node memory is consistent, after these regions were received.
pub(crate) type CheckReceived<'a> = dyn Fn(&Target<'_>, &[Region]) -> Result<(), String> + 'a;

/// The fields of an object that a call names, on this rank's node.
pub(crate) struct Target<'a> {
    /// First byte of the segment.
    start: NonNull<u8>,
    /// Bytes of the fields that the call names. A view of bytes next to them may be alive.
    fields: Range<usize>,
    check_received: Option<Box<CheckReceived<'a>>>,
    life: PhantomData<&'a mut u8>,
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

impl<'a> Target<'a> {
    /// The same target, with a check of what other nodes send.
    pub(crate) fn with_check(self, check: Box<CheckReceived<'a>>) -> Self {
        Target {
            check_received: Some(check),
            ..self
        }
    }
}

impl Target<'_> {
    /// # Safety
    /// `start` is valid for reads and writes of `fields` during the value's life, and no reference to these bytes is used
    /// by any rank of the node while a call on this target is between its claim and its release.
    pub(crate) unsafe fn new(start: NonNull<u8>, fields: Range<usize>) -> Self {
        Target {
            start,
            fields,
            check_received: None,
            life: PhantomData,
        }
    }

    /// Bytes of the fields that the call names. The same on all nodes.
    pub(super) fn bytes_of_fields(&self) -> usize {
        self.fields.len()
    }

    pub(super) fn at(&self, offset: usize) -> *mut u8 {
        // An empty run may start where the fields end.
        debug_assert!((self.fields.start..=self.fields.end).contains(&offset));
        // SAFETY: `offset` is in a region inside `fields` (`check`, called for all regions), which lie in the segment.
        unsafe { self.start.add(offset) }.as_ptr()
    }

    /// The bytes of `regions`, run by run. To be called inside a call on this target, while no rank writes them.
    pub(crate) fn runs<'a>(&'a self, regions: &'a [Region]) -> impl Iterator<Item = &'a [u8]> {
        self.check(regions);
        regions.iter().flat_map(move |region| {
            region.runs(0).map(move |start| {
                // SAFETY: the run is inside the target (`check`), and stays unwritten until this rank arrives at its next
                // call on it, which is after the use of the slice (duty of the caller).
                unsafe { std::slice::from_raw_parts(self.at(start), region.run) }
            })
        })
    }

    /// Some bytes of the fields, as for `runs`.
    pub(crate) fn bytes(&self, offset: usize, len: usize) -> &[u8] {
        self.check(&[Region::run(offset, len)]);
        // SAFETY: as in `runs`.
        unsafe { std::slice::from_raw_parts(self.at(offset), len) }
    }

    /// Ends the process if what was received makes node memory inconsistent. Called before any rank of the node may read it.
    ///
    /// The ranks of the writer's node have been released, so no rank can get an error any more.
    pub(super) fn must_be_consistent(&self, received: &[Region]) {
        let checked = self.check_received.as_ref();
        if let Some(Err(why)) = checked.map(|check| check(self, received)) {
            report(format_args!(
                "what another node has sent is inconsistent: {why}. The network or the memory of a host is faulty; ending the process"
            ));
            std::process::abort();
        }
    }

    /// Writes some bytes of the fields.
    ///
    /// # Safety
    /// This rank is inside a call on this target. No rank of the node and no transfer accesses these bytes before this rank's
    /// next round or turn in the call.
    pub(crate) unsafe fn write(&self, offset: usize, bytes: &[u8]) {
        self.check(&[Region::run(offset, bytes.len())]);
        // SAFETY: inside the fields, as checked, and used by nobody else (caller's duty); private and shared memory do not
        // overlap.
        unsafe {
            self.at(offset)
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
    }

    /// Some bytes of the fields, to be written in place. They need not be valid values before this rank's next round or turn.
    ///
    /// # Safety
    /// As for `write`, as long as the slice is used.
    #[expect(
        clippy::mut_from_ref,
        reason = "unique by the caller's duty: the target is a range of node memory, not its owner"
    )]
    pub(crate) unsafe fn run_mut(&self, offset: usize, len: usize) -> &mut [u8] {
        self.check(&[Region::run(offset, len)]);
        // SAFETY: inside the fields, as checked; initialised, because node memory is zeroed and elements have no padding; used by
        // nobody else (caller's duty).
        unsafe { std::slice::from_raw_parts_mut(self.at(offset), len) }
    }

    /// Swaps some bytes of the fields with those of another target.
    ///
    /// # Safety
    /// As for `write`, for both.
    pub(crate) unsafe fn swap(&self, at: usize, other: &Target<'_>, other_at: usize, len: usize) {
        self.check(&[Region::run(at, len)]);
        other.check(&[Region::run(other_at, len)]);
        // SAFETY: inside the fields, as checked, and used by nobody else (caller's duty); two handles have no byte in common.
        unsafe { std::ptr::swap_nonoverlapping(self.at(at), other.at(other_at), len) };
    }

    /// Checks that all regions are inside the fields: whatever a header says, no call accesses other bytes.
    pub(super) fn check(&self, regions: &[Region]) {
        let inside = regions
            .iter()
            .all(|region| region.is_inside(self.fields.start, self.fields.end));
        assert!(
            inside,
            "a header names bytes outside the fields of its call"
        );
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn no_byte_outside_the_fields_is_accessed() {
        let (mut ours, mut theirs) = ([7_u8; 32], [9_u8; 32]);
        let (start, other) = (NonNull::from(&mut ours), NonNull::from(&mut theirs));
        // SAFETY: valid for as long as the target, and used through it only.
        let target = unsafe { Target::new(start.cast(), 8..24) };
        // SAFETY: as above.
        let other = unsafe { Target::new(other.cast(), 0..32) };
        let panics = |access: &dyn Fn()| catch_unwind(AssertUnwindSafe(access)).is_err();
        for (at, len, is_inside) in [
            (8, 16, true),
            (24, 0, true),
            (7, 2, false),
            (16, 9, false),
            (24, 1, false),
        ] {
            let region = [Region::run(at, len)];
            let read = || assert_eq!(target.runs(&region).map(<[u8]>::len).sum::<usize>(), len);
            // SAFETY: this thread alone uses both targets.
            let write = || unsafe { target.write(at, &[1; 16][..len]) };
            // SAFETY: as above.
            let swap = || unsafe { target.swap(at, &other, 0, len) };
            // SAFETY: as above.
            let swap_back = || unsafe { other.swap(0, &target, at, len) };
            for access in [&read as &dyn Fn(), &write, &swap, &swap_back] {
                assert_eq!(panics(access), !is_inside, "{len} bytes at {at}");
            }
        }
        assert_eq!((&ours[..8], &ours[24..]), (&[7; 8][..], &[7; 8][..]));
    }
}
