//! Whole objects: other extents, a copy of another object, two objects exchanged. No byte goes between nodes.

use crate::comm::collective::call::{Call, Kind, Step};
use crate::comm::transfer::Target;
use crate::error::{Error, Result};
use crate::layout::partition::share;
use crate::layout::region::{Region, common};
use crate::layout::{Field, RowLayout, SharedLayout};
use crate::shared::Shared;
use std::panic::Location;
use std::rc::Rc;

impl<L: RowLayout + ?Sized> Shared<L> {
    /// Gives the object other extents. The elements that both have, with the same indices, stay; new ones are zero.
    ///
    /// Every node copies what stays within itself, all its ranks at work. The old memory is given back afterwards, so there
    /// must be room for both.
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
    /// Over all ranks, with the same object and extents. One meeting more than [`new`](Shared::new).
    ///
    /// # Errors
    /// As [`new`](Shared::new); the object is as it was then.
    #[track_caller]
    pub fn resize(&mut self, dims: L::Dims) -> Result<()> {
        let comm = self.object.comm.clone();
        let core = &comm.core;
        core.enter(Kind::Resize.name(), Location::caller())?;
        let number = core.next_object();
        let call = self
            .whole()
            .handle()
            .call(Kind::Resize, &L::span(&self.plan));
        let mut new = Self::create(&comm, call, number, &dims)?;
        keep_common(&mut new.whole_mut(), &self.whole_mut());
        core.barrier(call.step(Step::Finish))?;
        *self = new;
        Ok(())
    }
}

/// This rank's share of the rows that both have.
fn keep_common<L: RowLayout + ?Sized>(new: &mut Field<'_, L>, old: &Field<'_, L>) {
    let shape = |field: &Field<'_, L>| {
        let mut shape = Vec::new();
        L::put_dims(&L::dims(field.plan()), &mut shape);
        shape
    };
    let (from, to) = (shape(old), shape(new));
    let mut block: Vec<usize> = from.iter().zip(&to).map(|(&a, &b)| a.min(b)).collect();
    if block.contains(&0) {
        return;
    }
    let topology = &new.core().topology;
    let rows = share(
        &(0..block[0]),
        topology.local_rank,
        topology.node_ranks.len(),
    );
    block[0] = rows.len();
    let mut offset = vec![0; block.len()];
    offset[0] = rows.start;
    let (old_span, new_span) = (L::span(old.plan()), L::span(new.plan()));
    // SAFETY: all ranks of the node are in a call on the old object that they hold mutably, and have met in it, so no view of
    // it is alive; it is only read.
    let source = unsafe { old.handle().target(&old_span) };
    // SAFETY: nobody but the ranks in this call knows of the new object.
    let target = unsafe { new.handle().target(&new_span) };
    for (old, new) in old.handle().all(&old_span).zip(new.handle().all(&new_span)) {
        let size = old.run / from.iter().product::<usize>();
        let old = Region::block(old.start, size, &from, &offset, &block);
        let new = Region::block(new.start, size, &to, &offset, &block);
        for (at, to, len) in common(&old, &new) {
            for bytes in source.runs(&[Region::run(at, len)]) {
                // SAFETY: each rank writes the rows of its own share, and none leaves before all have met again.
                unsafe { target.write(to, bytes) };
            }
        }
    }
}

/// Writes `copy_from` for one type; it copies from `$other`, a `$of`. `$read` and `$write` make the `Field`s that do the work.
macro_rules! copies {
    ([$($generics:tt)*] $type:ty, $of:ty, $self:ident, $other:ident, $write:expr, $read:expr) => {
        impl<$($generics)* L: SharedLayout + ?Sized> $type {
            /// Copies all values of another object of the same `Comm` and the same extents. Every node copies within itself,
            /// all its ranks at work.
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
            /// Over all ranks, with the same two objects. Two meetings; nothing travels.
            ///
            /// # Errors
            /// [`Error::Extents`](crate::Error::Extents) when the extents differ, [`Error::Mismatch`](crate::Error::Mismatch) when
            /// ranks copy from different objects, [`Error::OtherComm`](crate::Error::OtherComm); nothing has changed then.
            /// Those of [`Comm::barrier`](crate::Comm::barrier).
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
    /// Exchanges two objects of the same `Comm`, of any extents: each handle then stands for the other's object. No value is
    /// copied.
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
    /// Over all ranks, with the same two objects. One meeting.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) when ranks exchange with different objects,
    /// [`Error::OtherComm`](crate::Error::OtherComm); nothing has changed then. Those of
    /// [`Comm::barrier`](crate::Comm::barrier).
    #[track_caller]
    pub fn swap(&mut self, other: &mut Self) -> Result<()> {
        self.whole_mut()
            .agree_on_other(Kind::Swap, Location::caller(), &other.whole(), false)?;
        std::mem::swap(self, other);
        Ok(())
    }
}

impl<L: SharedLayout + ?Sized> Field<'_, L> {
    /// Exchanges all values of two fields of the same extents, of one struct or of two objects of the same `Comm`. Fields have
    /// fixed places, so the values move: every node exchanges within itself, all its ranks at work.
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
    /// Over all ranks, with the same two fields. Two meetings; nothing travels.
    ///
    /// # Errors
    /// As [`copy_from`](Self::copy_from).
    #[track_caller]
    pub fn swap_data(&mut self, other: &mut Field<'_, L>) -> Result<()> {
        let call = self.agree_on_other(Kind::Swap, Location::caller(), other, true)?;
        self.each_share(other, |mine, at, theirs, other_at, len| {
            // SAFETY: all ranks of the node hold both handles mutably in this call, and each exchanges its own share.
            unsafe { mine.swap(at, theirs, other_at, len) };
        });
        let core = self.core();
        core.barrier(call.step(Step::Finish))
    }

    fn copy_all(&mut self, site: &'static Location<'static>, other: &Field<'_, L>) -> Result<()> {
        let call = self.agree_on_other(Kind::CopyFrom, site, other, true)?;
        self.each_share(other, |mine, at, theirs, other_at, len| {
            for bytes in theirs.runs(&[Region::run(other_at, len)]) {
                // SAFETY: all ranks of the node hold this handle mutably in this call, and each writes its own share.
                unsafe { mine.write(at, bytes) };
            }
        });
        let core = self.core();
        core.barrier(call.step(Step::Finish))
    }

    /// All ranks meet for a call on this object and another one, which is the same for all of them.
    fn agree_on_other(
        &mut self,
        kind: Kind,
        site: &'static Location<'static>,
        other: &Field<'_, L>,
        is_equal: bool,
    ) -> Result<Call> {
        let core = self.core();
        core.enter(kind.name(), site)?;
        let call = self.handle().call(kind, &L::span(self.plan()));
        // Handles are exchanged in one meeting, values in two: ranks that mix these make different calls.
        let call = if is_equal {
            call
        } else {
            call.step(Step::SwapHandles)
        };
        let list = |field: &Field<'_, L>| {
            let mut list = Vec::new();
            L::put_dims(&L::dims(field.plan()), &mut list);
            list
        };
        let (found, expected) = (list(other), list(self));
        let fault = if !Rc::ptr_eq(core, other.core()) {
            Some(Error::OtherComm {
                call: kind.name().to_owned(),
            })
        } else if is_equal && found != expected {
            Some(Error::Extents {
                call: kind.name().to_owned(),
                rank: core.topology.rank,
                found,
                expected,
            })
        } else {
            None
        };
        let name = other.handle().name(&L::span(other.plan()));
        core.agree_on(call, name.as_bytes(), fault)?;
        Ok(call)
    }

    /// Calls `act` for this rank's share of every leaf: its place in this field and in the other, which has the same extents.
    fn each_share(
        &self,
        other: &Field<'_, L>,
        mut act: impl FnMut(&Target<'_>, usize, &Target<'_>, usize, usize),
    ) {
        let topology = &self.core().topology;
        let (mine, theirs) = (L::span(self.plan()), L::span(other.plan()));
        // SAFETY: all ranks of the node are in a call on these two fields, and have met in it: nobody else writes them, and
        // nobody reads what the call writes before all have met again.
        let target = unsafe { self.handle().target(&mine) };
        // SAFETY: as above.
        let source = unsafe { other.handle().target(&theirs) };
        for (to, from) in self.handle().all(&mine).zip(other.handle().all(&theirs)) {
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
