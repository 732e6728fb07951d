//! What lies behind `Shared` and `Field`: one object in one segment, and a handle to some of its leaves.

use crate::comm::Comm;
use crate::comm::check;
use crate::comm::collective::call::{Call, Kind};
use crate::comm::rank_state::RankState;
use crate::comm::transfer::Target;
use crate::error::{Error, Result};
use crate::layout::identity::Described;
use crate::layout::placer::{Leaf, Placed};
use crate::layout::raw::Planned;
use crate::layout::region::Region;
use crate::layout::schema::Schema;
use crate::layout::{Base, BaseMut, Field, Flag, Handle};
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
    /// Number within the `Comm`, never reused.
    number: u64,
    leaves: Vec<Leaf>,
    /// One per leaf: whether the running update has touched it.
    flags: Box<[Flag]>,
    described: Described,
    /// Made when somebody asks.
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
            .memory
            .hold(number, described.type_name(), &segment);
        let flags = placed.leaves.iter().map(|_| Flag::new(false)).collect();
        Object {
            comm,
            segment,
            number,
            leaves: placed.leaves,
            flags,
            described,
            schema: OnceCell::new(),
        }
    }

    pub(super) fn handle(&self) -> Handle<'_> {
        Handle::new(self)
    }

    pub(crate) fn schema(&self) -> &Schema {
        self.schema.get_or_init(|| self.described.schema())
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        self.comm.core.memory.drop_held(self.number);
    }
}

impl<'a, L: Planned + ?Sized> Field<'a, L> {
    /// This rank's part of the `Comm` on which the object was made.
    pub(super) fn core(&self) -> &'a Rc<RankState> {
        &self.handle().object().comm.core
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

    /// The call `kind` on the leaves `span`.
    pub(crate) fn call(self, kind: Kind, span: &Range<usize>) -> Call {
        Call::new(kind).on(self.object().number, span)
    }

    /// Which object and leaves these are, as text that is the same on all ranks.
    pub(crate) fn name(self, span: &Range<usize>) -> String {
        let (first, count) = (span.start, span.len());
        format!(
            "object {} ({count} leaves from {first} on)",
            self.object().number
        )
    }

    /// Bytes from the first to the last of the leaves.
    fn extent(self, span: &Range<usize>) -> Range<usize> {
        let leaves = &self.object().leaves[span.clone()];
        match (leaves.first(), leaves.last()) {
            (Some(first), Some(last)) => first.offset..last.offset + last.bytes,
            _ => 0..0,
        }
    }

    pub(crate) fn bytes(self, span: &Range<usize>) -> usize {
        self.object().leaves[span.clone()]
            .iter()
            .map(|leaf| leaf.bytes)
            .sum()
    }

    /// The leaves as the target of a write.
    ///
    /// # Safety
    /// The caller is inside a collective call with `&mut` access to these leaves, and so are all ranks of the node that
    /// arrive at the same call.
    pub(crate) unsafe fn target(self, span: &Range<usize>) -> Target<'a> {
        // SAFETY: the leaves lie in the segment. Every rank that arrives at a call on them holds `&mut` to them, so no view
        // of theirs is alive between claim and release (caller's duty).
        unsafe { Target::new(self.object().segment.start(), self.extent(span)) }
    }

    pub(crate) fn clear_flags(self) {
        self.object().flags.iter().for_each(|flag| flag.set(false));
    }

    /// The leaves that were touched, as regions. Addresses come from here, never from what a closure was given.
    pub(crate) fn touched(self, span: &Range<usize>) -> impl Iterator<Item = Region> {
        span.clone()
            .filter(move |&index| self.object().flags[index].get())
            .map(move |index| {
                Region::run(
                    self.object().leaves[index].offset,
                    self.object().leaves[index].bytes,
                )
            })
    }

    /// A checksum of each leaf. Between claim and release only.
    pub(crate) fn sums(self, target: &Target<'_>, span: &Range<usize>) -> Vec<u64> {
        let sum = |region| check::checksum(target.runs(&[region]));
        self.all(span).map(sum).collect()
    }

    /// Compares the leaves that no closure has marked as touched with what they were.
    pub(crate) fn check_untouched(
        self,
        target: &Target<'_>,
        span: &Range<usize>,
        before: &[u64],
    ) -> Result<()> {
        let after = self.sums(target, span);
        for (index, (before, after)) in span.clone().zip(before.iter().zip(&after)) {
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

    /// Some of the `all` rows of the leaves, each of which has equally many bytes for every row.
    pub(crate) fn rows(self, span: &Range<usize>, all: usize, rows: &Range<usize>) -> Vec<Region> {
        let region = |leaf: &Leaf| {
            let per_row = leaf.bytes.checked_div(all).unwrap_or(0);
            Region::run(leaf.offset + rows.start * per_row, rows.len() * per_row)
        };
        let leaves = &self.object().leaves[span.clone()];
        let regions = leaves.iter().map(region);
        regions.filter(|region| region.bytes() > 0).collect()
    }

    /// All leaves as regions.
    pub(crate) fn all(self, span: &Range<usize>) -> impl Iterator<Item = Region> {
        self.object().leaves[span.clone()]
            .iter()
            .map(|leaf| Region::run(leaf.offset, leaf.bytes))
    }
}
