//! `resize`, `copy_from`, `swap`: whole objects.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "whole numbers far below 2^52, or any numbers at all"
)]

use bytemuck::{Pod, Zeroable};
use ndarray::{Array2, Array3, Dim, s};
use pshmem::{Columns, Comm, Error, Shared, SharedColumns, SharedLayout};

use crate::check::{array, assert_equal, assert_same, odd_ranks, one_to_eight, works};
use crate::report::Outcome;

/// What old and new extents share stays, the rest is zero, from each size to each other, small and large.
pub fn resize_keeps_the_common_block(comm: &Comm) -> Outcome {
    let mut list = Shared::<[u64]>::from_root(comm, 0, || (0..10).collect())?;
    let mut model: Vec<u64> = (0..10).collect();
    for len in [12, 3, 0, 5, 60_000, 59_999, 7] {
        list.resize(len)?;
        model.resize(len, 0);
        assert_equal(list.view(), &model);
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
        assert_same(grid.view(), model.view());
    }
    let cube = array(9, Dim([3, 4, 5]));
    let mut shared = Shared::<Array3<u64>>::from_root(comm, 0, || cube.clone())?;
    shared.resize([2, 6, 4])?;
    let kept = s![..2, ..4, ..4];
    assert_same(shared.view().slice(kept), cube.slice(kept));
    assert!(shared.view().slice(s![.., 4.., ..]).iter().all(|&x| x == 0));

    // Ranks that disagree: nothing changes.
    let mut list = one_to_eight(comm)?;
    for odd in odd_ranks(comm) {
        let call = list.resize(if comm.rank() == odd { 9 } else { 7 });
        refused!(comm, list, Error::Mismatch { .. }, call);
    }
    refused!(comm, list, Error::TooLarge { .. }, list.resize(usize::MAX));
    refused!(comm, list, Error::NoRoom { .. }, list.resize(1 << 45));
    works(comm)
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

/// Every column keeps its records.
pub fn resize_of_columns(comm: &Comm) -> Outcome {
    let mut stars = Shared::<Columns<Star>>::from_root(comm, 0, || (0..9).map(star).collect())?;
    let mut model: Vec<Star> = (0..9).map(star).collect();
    for len in [13, 4, 0, 2] {
        stars.resize(len)?;
        model.resize(len, Star::zeroed());
        assert_equal(&stars.to_owned(), &model);
    }
    works(comm)
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

/// Objects of any kind, whole or field by field.
pub fn copies(comm: &Comm) -> Outcome {
    let first = pair(comm, 1)?;
    let mut second = pair(comm, 5)?;
    second.copy_from(&first)?;
    let (from, to) = (first.view(), second.view());
    assert_same(to.now, from.now);
    assert_same(to.next, from.next);
    assert_eq!((to.middle, to.inner.list), (from.middle, from.inner.list));
    let mut fields = second.fields();
    fields.now.copy_from(&fields.next)?;
    fields.inner.copy_from(&fields.other)?;
    let to = second.view();
    assert_same(to.now, from.next);
    assert_eq!(to.inner.list, from.other.list);
    assert_eq!(to.inner.scale.to_bits(), from.other.scale.to_bits());
    assert_eq!(to.middle, from.middle);
    works(comm)
}

/// Two handles exchange their objects, also of different extents.
pub fn handles_are_exchanged(comm: &Comm) -> Outcome {
    let mut one = one_to_eight(comm)?;
    let mut other = Shared::<[u64]>::from_root(comm, 0, || vec![7; 3])?;
    one.swap(&mut other)?;
    assert_equal(one.view(), &[7; 3]);
    assert_equal(other.view(), &[1, 2, 3, 4, 5, 6, 7, 8]);
    one.set(0, 2, Some(&[9]))?;
    other.fill(4)?;
    assert_equal(one.view(), &[7, 7, 9]);
    assert_equal(other.view(), &[4; 8]);
    one.swap(&mut other)?;
    assert_equal(other.view(), &[7, 7, 9]);
    works(comm)
}

/// Two fields exchange their values, and nothing else.
pub fn fields_are_exchanged(comm: &Comm) -> Outcome {
    let mut both = pair(comm, 3)?;
    let before = both.to_owned();
    let mut fields = both.fields();
    fields.now.swap_data(&mut fields.next)?;
    fields.inner.swap_data(&mut fields.other)?;
    let after = both.view();
    assert_same(after.now, before.next.view());
    assert_same(after.next, before.now.view());
    assert_eq!(after.inner.list, before.other.list);
    assert_eq!(after.other.list, before.inner.list);
    assert_eq!(*after.middle, before.middle);
    works(comm)
}

/// Other extents, another object on one rank, and an object of another `Comm`.
pub fn wrong_partners(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let mut short = Shared::<[u64]>::new(comm, 7)?;
    let mut same = [
        Shared::<[u64]>::new(comm, 8)?,
        Shared::<[u64]>::new(comm, 8)?,
    ];
    let elsewhere = comm
        .split(Some(0), comm.rank())?
        .expect("a rank with a color gets a Comm");
    let mut far = one_to_eight(&elsewhere)?;
    refused!(
        comm,
        list,
        Error::Extents { rank: 0, .. },
        list.copy_from(&short)
    );
    let call = list.fields().swap_data(&mut short.fields());
    refused!(comm, list, Error::Extents { .. }, call);
    refused!(comm, list, Error::OtherComm { .. }, list.copy_from(&far));
    refused!(comm, list, Error::OtherComm { .. }, list.swap(&mut far));
    for odd in odd_ranks(comm) {
        let other = usize::from(comm.rank() == odd);
        refused!(
            comm,
            list,
            Error::Mismatch { .. },
            list.copy_from(&same[other])
        );
        refused!(
            comm,
            list,
            Error::Mismatch { .. },
            list.swap(&mut same[other])
        );
        let call = list.fields().swap_data(&mut same[other].fields());
        refused!(comm, list, Error::Mismatch { .. }, call);
    }
    works(&elsewhere)?;
    works(comm)
}
