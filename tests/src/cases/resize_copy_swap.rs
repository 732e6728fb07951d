//! `resize`, `copy_from`, `swap` and `swap_data`: changes of whole objects and fields.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "whole numbers far below 2^52, or any numbers at all"
)]

use bytemuck::{Pod, Zeroable};
use ndarray::{Array2, Array3, Dim, s};
use pshmem::{Columns, Comm, Error, Shared, SharedColumns, SharedLayout};

use super::support::assert_rejected;
use crate::collective::{check_usable, duplicate, one_to_eight, outliers};
use crate::report::Outcome;
use crate::values::{array, assert_array_eq, assert_slice_eq};

/// Elements inside both the old and the new extents keep their values, the others are zero.
pub(crate) fn resize_keeps_common_elements(comm: &Comm) -> Outcome {
    let mut list = Shared::<[u64]>::from_root(comm, 0, || (0..10).collect())?;
    let mut model: Vec<u64> = (0..10).collect();
    for len in [12, 3, 0, 5, 60_000, 59_999, 7] {
        list.resize(len)?;
        model.resize(len, 0);
        assert_slice_eq(list.view(), &model);
        if len > 5 {
            list.set(comm.size() - 1, len - 2, Some(&[77]))?;
            model[len - 2] = 77;
        }
    }
    let shapes = [
        [4, 6],
        [6, 4],
        [6, 0],
        [3, 3],
        [1, 200],
        [200, 1],
        [300, 300],
        [2, 9],
    ];
    let mut grid = Shared::<Array2<u64>>::new(comm, [5, 5])?;
    let mut model = Array2::<u64>::zeros([5, 5]);
    for (seed, shape) in shapes.into_iter().enumerate() {
        model = array(seed, Dim([model.dim().0, model.dim().1]));
        grid.set(0, [0, 0], (comm.rank() == 0).then(|| model.view()))?;
        grid.resize(shape)?;
        let (rows, columns) = (shape[0].min(model.dim().0), shape[1].min(model.dim().1));
        let mut next = Array2::zeros(shape);
        let kept = s![..rows, ..columns];
        next.slice_mut(kept).assign(&model.slice(kept));
        model = next;
        assert_eq!(grid.dims(), shape);
        assert_array_eq(grid.view(), model.view());
    }
    let cube = array(9, Dim([3, 4, 5]));
    let mut shared = Shared::<Array3<u64>>::from_root(comm, 0, || cube.clone())?;
    shared.resize([2, 6, 4])?;
    let kept = s![..2, ..4, ..4];
    assert_array_eq(shared.view().slice(kept), cube.slice(kept));
    assert!(shared.view().slice(s![.., 4.., ..]).iter().all(|&x| x == 0));

    // Extents that differ between ranks, or are too large: nothing changes.
    let mut list = one_to_eight(comm)?;
    for outlier in outliers(comm) {
        let call = list.resize(if comm.rank() == outlier { 9 } else { 7 });
        assert_rejected!(comm, list, Error::Mismatch { .. }, call);
    }
    assert_rejected!(comm, list, Error::TooLarge { .. }, list.resize(usize::MAX));
    assert_rejected!(comm, list, Error::NoRoom { .. }, list.resize(1 << 45));
    check_usable(comm)
}

#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable, SharedColumns)]
#[repr(C)]
struct Star {
    color: [u16; 3],
    id: u16,
}

fn star(id: u16) -> Star {
    Star {
        color: [id, 2, 3],
        id,
    }
}

/// `resize` of columns keeps the records.
pub(crate) fn resize_columns(comm: &Comm) -> Outcome {
    let mut stars = Shared::<Columns<Star>>::from_root(comm, 0, || (0..9).map(star).collect())?;
    let mut model: Vec<Star> = (0..9).map(star).collect();
    for len in [13, 4, 0, 2] {
        stars.resize(len)?;
        model.resize(len, Star::zeroed());
        assert_slice_eq(&stars.to_owned(), &model);
    }
    check_usable(comm)
}

#[derive(SharedLayout)]
struct Pair {
    now: Array2<u64>,
    middle: [u8; 3],
    next: Array2<u64>,
    #[shared(layout)]
    inner: Inner,
    #[shared(layout)]
    other: Inner,
}

#[derive(SharedLayout)]
struct Inner {
    list: Vec<u32>,
    scale: f32,
}

fn pair(comm: &Comm, seed: usize) -> Result<Shared<Pair>, Error> {
    let inner = |seed: usize| Inner {
        list: (0..70).map(|i| i * seed as u32).collect(),
        scale: seed as f32,
    };
    Shared::from_root(comm, 0, || Pair {
        now: array(seed, Dim([17, 3])),
        middle: [seed as u8; 3],
        next: array(seed + 1, Dim([17, 3])),
        inner: inner(seed),
        other: inner(seed + 1),
    })
}

/// Copies of whole objects and of single fields.
pub(crate) fn copy_from(comm: &Comm) -> Outcome {
    let first = pair(comm, 1)?;
    let mut second = pair(comm, 5)?;
    second.copy_from(&first)?;
    let (from, to) = (first.view(), second.view());
    assert_array_eq(to.now, from.now);
    assert_array_eq(to.next, from.next);
    assert_eq!((to.middle, to.inner.list), (from.middle, from.inner.list));
    let mut fields = second.fields();
    fields.now.copy_from(&fields.next)?;
    fields.inner.copy_from(&fields.other)?;
    let to = second.view();
    assert_array_eq(to.now, from.next);
    assert_eq!(to.inner.list, from.other.list);
    assert_eq!(to.inner.scale.to_bits(), from.other.scale.to_bits());
    assert_eq!(to.middle, from.middle);
    check_usable(comm)
}

/// Two handles exchange their objects, also of different extents.
pub(crate) fn swap_handles(comm: &Comm) -> Outcome {
    let mut one = one_to_eight(comm)?;
    let mut other = Shared::<[u64]>::from_root(comm, 0, || vec![7; 3])?;
    one.swap(&mut other)?;
    assert_slice_eq(one.view(), &[7; 3]);
    assert_slice_eq(other.view(), &[1, 2, 3, 4, 5, 6, 7, 8]);
    one.set(0, 2, Some(&[9]))?;
    other.fill(4)?;
    assert_slice_eq(one.view(), &[7, 7, 9]);
    assert_slice_eq(other.view(), &[4; 8]);
    one.swap(&mut other)?;
    assert_slice_eq(other.view(), &[7, 7, 9]);
    check_usable(comm)
}

/// Two fields exchange their values; other fields stay unchanged.
pub(crate) fn swap_field_data(comm: &Comm) -> Outcome {
    let mut both = pair(comm, 3)?;
    let before = both.to_owned();
    let mut fields = both.fields();
    fields.now.swap_data(&mut fields.next)?;
    fields.inner.swap_data(&mut fields.other)?;
    let after = both.view();
    assert_array_eq(after.now, before.next.view());
    assert_array_eq(after.next, before.now.view());
    assert_eq!(after.inner.list, before.other.list);
    assert_eq!(after.other.list, before.inner.list);
    assert_eq!(*after.middle, before.middle);
    check_usable(comm)
}

/// Objects of other extents, another object on one rank, and an object of another `Comm`.
pub(crate) fn invalid_operands(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let mut short = Shared::<[u64]>::new(comm, 7)?;
    let mut same = [
        Shared::<[u64]>::new(comm, 8)?,
        Shared::<[u64]>::new(comm, 8)?,
    ];
    let other_comm = duplicate(comm)?;
    let mut foreign = one_to_eight(&other_comm)?;
    assert_rejected!(
        comm,
        list,
        Error::Extents { rank: 0, .. },
        list.copy_from(&short)
    );
    let call = list.fields().swap_data(&mut short.fields());
    assert_rejected!(comm, list, Error::Extents { .. }, call);
    assert_rejected!(
        comm,
        list,
        Error::OtherComm { .. },
        list.copy_from(&foreign)
    );
    assert_rejected!(comm, list, Error::OtherComm { .. }, list.swap(&mut foreign));
    for outlier in outliers(comm) {
        let other = usize::from(comm.rank() == outlier);
        assert_rejected!(
            comm,
            list,
            Error::Mismatch { .. },
            list.copy_from(&same[other])
        );
        assert_rejected!(
            comm,
            list,
            Error::Mismatch { .. },
            list.swap(&mut same[other])
        );
        let call = list.fields().swap_data(&mut same[other].fields());
        assert_rejected!(comm, list, Error::Mismatch { .. }, call);
    }
    check_usable(&other_comm)?;
    check_usable(comm)
}
