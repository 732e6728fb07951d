//! `resize`, `copy_from`, `swap`, `swap_data`: calls on whole objects, which send nothing between nodes.

use crate::comm::protocol::call::{Call, Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::comm::transfer::Target;
use crate::error::{Error, Result};
use crate::layout::partition::share;
use crate::layout::region::{Region, common};
use crate::layout::{Field, ResizeLayout, SharedLayout};
use crate::shared::Shared;
use std::panic::Location;
use std::rc::Rc;

impl<L: SharedLayout + ?Sized> Shared<L> {
    /// Changes the extents. Elements whose indices are valid before and after keep their values; new ones are zero.
    ///
    /// Each node copies the old elements into new memory, with all its ranks, and frees the old memory afterwards. So there must
    /// be room for both.
    ///
    /// ```
    /// use ndarray::{Array2, array};
    /// use pshmem::{Comm, Shared};
    ///
    /// let mut table = Shared::<Array2<u8>>::from_root(&Comm::solo(), 0, || array![[1, 2, 3], [4, 5, 6]])?;
    /// table.resize([3, 2])?;
    /// assert_eq!(table.view(), array![[1, 2], [4, 5], [0, 0]]);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// All ranks call it, with the same object and extents. One round more than [`new`](Shared::new); no data are sent.
    ///
    /// # Errors
    /// As [`new`](Shared::new). The object is unchanged then.
    #[track_caller]
    pub fn resize(&mut self, dims: L::Dims) -> Result<()>
    where
        L: ResizeLayout,
    {
        let comm = self.object.comm.clone();
        let core = &comm.core;
        let _call = core.enter(Kind::Resize.name(), Location::caller())?;
        let number = core.memory.next_object();
        let call = self.whole().call(Kind::Resize);
        let mut new = Self::create(&comm, call, number, &dims)?;
        copy_common(&mut new.whole_mut(), &self.whole_mut());
        core.barrier(call.step(Step::Finish))?;
        *self = new;
        Ok(())
    }
}

/// Copies this rank's share of the rows that both have.
fn copy_common<L: ResizeLayout + ?Sized>(new: &mut Field<'_, L>, old: &Field<'_, L>) {
    let (from, to) = (old.extents(), new.extents());
    let mut block: Vec<usize> = from.iter().zip(&to).map(|(&a, &b)| a.min(b)).collect();
    if block.contains(&0) {
        return;
    }
    let topology = &new.core().group.topology;
    let rows = share(
        &(0..block[0]),
        topology.local_rank,
        topology.node_ranks.len(),
    );
    block[0] = rows.len();
    let mut offset = vec![0; block.len()];
    offset[0] = rows.start;
    let (old_leaves, new_leaves) = (old.leaves(), new.leaves());
    // SAFETY: all ranks of the node hold the old object mutably in a call at which all have arrived, so no view of it is
    // alive; it is only read.
    let source = unsafe { old.handle().target(&old_leaves) };
    // SAFETY: only the ranks in this call know the new object.
    let target = unsafe { new.handle().target(&new_leaves) };
    for (old, new) in old
        .handle()
        .regions(&old_leaves)
        .zip(new.handle().regions(&new_leaves))
    {
        let size = old.run / from.iter().product::<usize>();
        let old = Region::block(old.start, size, &from, &offset, &block);
        let new = Region::block(new.start, size, &to, &offset, &block);
        for (at, to, len) in common(&old, &new) {
            for bytes in source.runs(&[Region::run(at, len)]) {
                // SAFETY: each rank writes the rows of its own share, and none leaves before all have finished.
                unsafe { target.write(to, bytes) };
            }
        }
    }
}

/// Defines `copy_from` on one type, which copies from `$other`, a `$of`. `$read` and `$write` are the two fields.
macro_rules! copies {
    ([$($generics:tt)*] $type:ty, $of:ty, $self:ident, $other:ident, $write:expr, $read:expr) => {
        impl<$($generics)* L: SharedLayout + ?Sized> $type {
            /// Copies all values of another object, which was made on the same `Comm` and has the same extents.
            ///
            /// Each node copies within its own memory, with all its ranks.
            ///
            /// ```
            /// use pshmem::{Comm, Shared};
            ///
            /// let comm = Comm::solo();
            /// let first = Shared::<[u8]>::from_root(&comm, 0, || vec![1, 2, 3])?;
            /// let mut second = Shared::<[u8]>::new(&comm, 3)?;
            /// second.copy_from(&first)?;
            /// assert_eq!(second.view(), [1, 2, 3]);
            /// # Ok::<(), pshmem::Error>(())
            /// ```
            ///
            /// # Collective
            /// All ranks call it, with the same two objects. Two rounds; no data are sent.
            ///
            /// # Errors
            /// [`Error::Extents`](crate::Error::Extents) when the extents differ, [`Error::Mismatch`](crate::Error::Mismatch) when
            /// ranks copy from different objects, [`Error::OtherComm`](crate::Error::OtherComm); nothing has changed after
            /// these. The errors of [`Comm::barrier`](crate::Comm::barrier).
            #[track_caller]
            pub fn copy_from(&mut $self, $other: &$of) -> Result<()> {
                $write.copy_all(Location::caller(), $read)
            }
        }
    };
}

copies!([] Shared<L>, Shared<L>, self, other, self.whole_mut(), &other.whole());
copies!(['a,] Field<'a, L>, Field<'_, L>, self, other, self, other);

impl<L: SharedLayout + ?Sized> Shared<L> {
    /// Swaps two handles: each then refers to the other one's object. No value is copied.
    ///
    /// The objects were made on the same `Comm`; their extents may differ. To exchange the values of two fields, use
    /// [`swap_data`](Field::swap_data).
    ///
    /// ```
    /// use pshmem::{Comm, Shared};
    ///
    /// let comm = Comm::solo();
    /// let mut now = Shared::<[u8]>::from_root(&comm, 0, || vec![1, 2])?;
    /// let mut next = Shared::<[u8]>::from_root(&comm, 0, || vec![3])?;
    /// now.swap(&mut next)?;
    /// assert_eq!((now.view(), next.view()), (&[3][..], &[1, 2][..]));
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// All ranks call it, with the same two objects. One round; no data are sent.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) when ranks swap with different objects,
    /// [`Error::OtherComm`](crate::Error::OtherComm); nothing has changed after these. The errors of
    /// [`Comm::barrier`](crate::Comm::barrier).
    #[track_caller]
    pub fn swap(&mut self, other: &mut Self) -> Result<()> {
        self.whole_mut()
            .agree_on_other(Kind::Swap, Location::caller(), &other.whole())?;
        std::mem::swap(self, other);
        Ok(())
    }
}

impl<L: SharedLayout + ?Sized> Field<'_, L> {
    /// Exchanges all values of two fields of the same extents, of one struct or of two objects on the same `Comm`.
    ///
    /// A field has a fixed place in its object, so the values are moved: each node exchanges within its own memory, with all
    /// its ranks. [`Shared::swap`] swaps whole objects without moving values.
    ///
    /// ```
    /// use pshmem::{Comm, Shared, SharedLayout};
    ///
    /// #[derive(SharedLayout)]
    /// struct Flow {
    ///     now: [f64; 2],
    ///     next: [f64; 2],
    /// }
    ///
    /// let mut flow = Shared::from_root(&Comm::solo(), 0, || Flow { now: [1.0; 2], next: [2.0; 2] })?;
    /// let mut f = flow.fields();
    /// f.now.swap_data(&mut f.next)?;
    /// assert_eq!((f.now.view(), f.next.view()), (&[2.0; 2], &[1.0; 2]));
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// All ranks call it, with the same two fields. Two rounds; no data are sent.
    ///
    /// # Errors
    /// As [`copy_from`](Self::copy_from).
    #[track_caller]
    pub fn swap_data(&mut self, other: &mut Field<'_, L>) -> Result<()> {
        let call = self.agree_on_other(Kind::SwapData, Location::caller(), other)?;
        self.for_share(other, |to, at, from, from_at, len| {
            // SAFETY: all ranks of the node hold both handles mutably in this call, and each exchanges its own share.
            unsafe { to.swap(at, from, from_at, len) };
        });
        let core = self.core();
        core.barrier(call.step(Step::Finish))
    }

    fn copy_all(&mut self, site: &'static Location<'static>, other: &Field<'_, L>) -> Result<()> {
        let call = self.agree_on_other(Kind::CopyFrom, site, other)?;
        self.for_share(other, |to, at, from, from_at, len| {
            for bytes in from.runs(&[Region::run(from_at, len)]) {
                // SAFETY: all ranks of the node hold this handle mutably in this call, and each writes its own share.
                unsafe { to.write(at, bytes) };
            }
        });
        let core = self.core();
        core.barrier(call.step(Step::Finish))
    }

    /// The first round of a call on this object and another one, in which all ranks must name the same other one.
    fn agree_on_other(
        &mut self,
        kind: Kind,
        site: &'static Location<'static>,
        other: &Field<'_, L>,
    ) -> Result<Call> {
        let core = self.core();
        let _call = core.enter(kind.name(), site)?;
        let call = self.call(kind);
        // Only `swap`, which moves no values, works for other extents.
        let needs_equal_extents = kind != Kind::Swap;
        let (found, expected) = (other.extents(), self.extents());
        let fault = if !Rc::ptr_eq(core, other.core()) {
            Some(Error::OtherComm {
                call: kind.name().to_owned(),
            })
        } else if needs_equal_extents && found != expected {
            Some(Error::Extents {
                call: kind.name().to_owned(),
                rank: core.group.topology.rank,
                found,
                expected,
            })
        } else {
            None
        };
        let name = other.name();
        core.agree_on(call, name.as_bytes(), Contribution::fault(fault))?;
        Ok(call)
    }

    /// Calls `act` with this rank's share of every leaf: offset in this field, offset in the other one, which has the same
    /// extents, and length.
    fn for_share(
        &self,
        other: &Field<'_, L>,
        mut act: impl FnMut(&Target<'_>, usize, &Target<'_>, usize, usize),
    ) {
        let topology = &self.core().group.topology;
        let (to_leaves, from_leaves) = (self.leaves(), other.leaves());
        // SAFETY: all ranks of the node have arrived at a call on these two fields: nobody else writes them, and nobody reads
        // what the call writes before all have finished.
        let target = unsafe { self.handle().target(&to_leaves) };
        // SAFETY: as above.
        let source = unsafe { other.handle().target(&from_leaves) };
        let to = self.handle().regions(&to_leaves);
        for (to, from) in to.zip(other.handle().regions(&from_leaves)) {
            let part = share(&(0..to.run), topology.local_rank, topology.node_ranks.len());
            act(
                &target,
                to.start + part.start,
                &source,
                from.start + part.start,
                part.len(),
            );
        }
    }
}
