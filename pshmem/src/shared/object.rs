//! `Object`: one object in node memory, and access to its leaves through handles and fields.

use crate::comm::Comm;
use crate::comm::check;
use crate::comm::protocol::call::{Call, Kind};
use crate::comm::rank_state::RankState;
use crate::comm::transfer::Target;
use crate::error::{Error, Result};
use crate::layout::composite::PlacedComposite;
use crate::layout::identity::Described;
use crate::layout::placer::{Leaf, Placed};
use crate::layout::raw::Planned;
use crate::layout::region::Region;
use crate::layout::schema::Schema;
use crate::layout::{Base, BaseMut, Field, Flag, Handle, SharedLayout};
use crate::memory::Segment;
use std::cell::OnceCell;
use std::ops::Range;
use std::rc::Rc;

/// One object on this rank's node.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) comm: Comm,
    /// Laid out by the plan that the owner of this object keeps. Its bytes change only between the claim and the release of a
    /// collective call that this rank takes part in with `&mut` access to the leaves concerned.
    segment: Segment,
    /// Number of the object within the `Comm`, never reused.
    number: u64,
    leaves: Vec<Leaf>,
    composites: Vec<PlacedComposite>,
    /// For each leaf, whether the running update has touched it.
    flags: Box<[Flag]>,
    described: Described,
    /// Made by the first call of `schema`.
    schema: OnceCell<Schema>,
}

impl Object {
    /// # Safety
    /// `segment` has room for `placed`, holds zeros or values of the leaves' types, and the other ranks of the node make an
    /// object of the same number with the same memory and the same placement.
    pub(crate) unsafe fn new(
        comm: Comm,
        segment: Segment,
        number: u64,
        placed: Placed,
        described: Described,
    ) -> Self {
        comm.core
            .add_object(number, described.type_name(), &segment);
        let flags = placed.leaves.iter().map(|_| Flag::new(false)).collect();
        Object {
            comm,
            segment,
            number,
            leaves: placed.leaves,
            composites: placed.composites,
            flags,
            described,
            schema: OnceCell::new(),
        }
    }

    pub(super) fn handle(&self) -> Handle<'_> {
        Handle::new(self)
    }

    pub(super) fn segment(&self) -> &Segment {
        &self.segment
    }

    pub(crate) fn schema(&self) -> &Schema {
        self.schema.get_or_init(|| self.described.schema())
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        self.comm.core.remove_object(self.number);
    }
}

impl<'a, L: Planned + ?Sized> Field<'a, L> {
    /// This rank's part of the `Comm` on which the object was made.
    pub(crate) fn core(&self) -> &'a Rc<RankState> {
        &self.handle().object().comm.core
    }
}

impl<L: SharedLayout + ?Sized> Field<'_, L> {
    /// The leaves of the field, by their numbers in the object.
    pub(crate) fn leaves(&self) -> Range<usize> {
        L::leaves(self.plan())
    }

    /// The call `kind` on this field.
    pub(crate) fn call(&self, kind: Kind) -> Call {
        Call::new(kind).on(self.handle().object().number, &self.leaves())
    }

    /// Some bytes of a leaf of the field.
    pub(crate) fn bytes_of(&self, leaf: &Leaf, bytes: Range<usize>) -> &[u8] {
        assert!(
            self.leaves().contains(&leaf.index) && bytes.end <= leaf.bytes,
            "the bytes are those of a leaf of the field"
        );
        // SAFETY: the segment holds the leaf: it is laid out by the plan (`Field::new`).
        let start = unsafe { self.handle().base().leaf::<u8>(leaf) };
        // SAFETY: inside the leaf, as checked.
        let first = unsafe { start.add(bytes.start) };
        // SAFETY: inside the leaf, as checked. All bytes are initialised: elements have no padding (`NoUninit`), and new memory is
        // zeroed. Nothing is written while this rank borrows `self`, as in `Field::read`.
        unsafe { std::slice::from_raw_parts(first.as_ptr(), bytes.len()) }
    }

    /// The extents as numbers, outermost first.
    pub(crate) fn extents(&self) -> Vec<usize> {
        let mut extents = Vec::new();
        L::encode_dims(&L::dims(self.plan()), &mut extents);
        extents
    }

    /// Which object and leaves these are, as text that is the same on all ranks.
    pub(super) fn name(&self) -> String {
        let (leaves, number) = (self.leaves(), self.handle().object().number);
        let (first, count) = (leaves.start, leaves.len());
        format!("object {number} ({count} leaves from {first} on)")
    }
}

impl<'a> Handle<'a> {
    /// The object of which this is a handle to some leaves.
    #[inline]
    pub(super) fn object(self) -> &'a Object {
        self.downcast()
    }

    pub(crate) fn base(self) -> Base<'a> {
        Base::new(self.object().segment.start())
    }

    pub(crate) fn base_mut(self) -> BaseMut<'a> {
        BaseMut::new(self.object().segment.start(), &self.object().flags)
    }

    /// Bytes from the first to the last of the leaves.
    fn extent(self, leaves: &Range<usize>) -> Range<usize> {
        let leaves = &self.object().leaves[leaves.clone()];
        match (leaves.first(), leaves.last()) {
            (Some(first), Some(last)) => first.offset..last.offset + last.bytes,
            _ => 0..0,
        }
    }

    pub(crate) fn bytes(self, leaves: &Range<usize>) -> usize {
        self.object().leaves[leaves.clone()]
            .iter()
            .map(|leaf| leaf.bytes)
            .sum()
    }

    /// The leaves as the target of a write.
    ///
    /// # Safety
    /// The caller is inside a collective call with `&mut` access to these leaves, and so are all ranks of the node that
    /// arrive at the same call.
    pub(crate) unsafe fn target(self, leaves: &Range<usize>) -> Target<'a> {
        // SAFETY: the leaves lie in the segment. Every rank that arrives at a call on them holds `&mut` to them, so no view
        // of theirs is alive between claim and release (caller's duty).
        let target = unsafe { Target::new(self.object().segment.start(), self.extent(leaves)) };
        if self.composites(leaves).next().is_none() {
            return target;
        }
        let leaves = leaves.clone();
        target.with_check(Box::new(move |target, received| {
            self.check_received(target, &leaves, received)
        }))
    }

    /// The composites among these leaves.
    pub(crate) fn composites(
        self,
        leaves: &Range<usize>,
    ) -> impl Iterator<Item = &'a PlacedComposite> + use<'a> {
        let leaves = leaves.clone();
        let is_inside = move |composite: &&PlacedComposite| {
            leaves.start <= composite.leaves.start && composite.leaves.end <= leaves.end
        };
        self.object().composites.iter().filter(is_inside)
    }

    /// Marks these leaves as not touched. Those of other fields stay: their update may be going on around this one, on a
    /// `Comm` of one rank.
    pub(crate) fn clear_flags(self, leaves: &Range<usize>) {
        let flags = &self.object().flags[leaves.clone()];
        for flag in flags {
            flag.set(false);
        }
    }

    /// The leaves that were touched, as regions, of composites what is in use. Addresses come from the plan, never from the view
    /// that a closure was given.
    pub(crate) fn touched(
        self,
        target: &Target<'_>,
        leaves: &Range<usize>,
    ) -> impl Iterator<Item = Region> {
        let regions = leaves.clone().zip(self.used_regions(target, leaves));
        regions
            .filter(move |&(index, _)| self.object().flags[index].get())
            .map(|(_, region)| region)
    }

    /// All leaves as regions, of composites what is in use: bytes behind it may differ between nodes, because they are not sent.
    pub(crate) fn used_regions(
        self,
        target: &Target<'_>,
        leaves: &Range<usize>,
    ) -> impl Iterator<Item = Region> {
        let used = self.used_bytes(target, leaves);
        let placed = self.placed(leaves).iter().zip(used);
        placed.map(|(leaf, used)| Region::run(leaf.offset, used))
    }

    /// A checksum of each leaf. Between claim and release only.
    pub(crate) fn checksums(self, target: &Target<'_>, leaves: &Range<usize>) -> Vec<u64> {
        let sum = |region| check::checksum(target.runs(&[region]));
        self.regions(leaves).map(sum).collect()
    }

    /// Checks that leaves which the closure has not marked as touched have the checksums from before.
    pub(crate) fn check_untouched(
        self,
        target: &Target<'_>,
        leaves: &Range<usize>,
        before: &[u64],
    ) -> Result<()> {
        let after = self.checksums(target, leaves);
        for (index, (before, after)) in leaves.clone().zip(before.iter().zip(&after)) {
            if before != after && !self.object().flags[index].get() {
                let name = &self.object().schema().fields[index].name;
                return Err(Error::Corrupt {
                    call: Kind::Update.name().to_owned(),
                    what: format!("field {index} `{name}` has changed, but was never written to"),
                });
            }
        }
        Ok(())
    }

    /// The schema of the object.
    pub(crate) fn schema(self) -> &'a Schema {
        self.object().schema()
    }

    /// Where the leaves are.
    pub(crate) fn placed(self, leaves: &Range<usize>) -> &'a [Leaf] {
        &self.object().leaves[leaves.clone()]
    }

    /// The leaves as regions.
    pub(crate) fn regions(self, leaves: &Range<usize>) -> impl Iterator<Item = Region> {
        self.object().leaves[leaves.clone()]
            .iter()
            .map(|leaf| Region::run(leaf.offset, leaf.bytes))
    }
}
