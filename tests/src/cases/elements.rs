//! Element types: every layout transfers every type of element unchanged.

use std::fmt::Debug;

use bytemuck::{NoUninit, Pod, Zeroable};
use ndarray::{Array2, s};
use num_complex::Complex;
use pshmem::{Comm, Element, Shared, Value};

use crate::report::Outcome;
use crate::values::{assert_array_eq, assert_slice_eq, number};

/// A struct with a larger alignment than any primitive type.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C, align(16))]
struct Aligned {
    x: f64,
    id: u64,
}

/// An element with the size and alignment of a page, which is the largest alignment allowed.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C, align(4096))]
struct Page([u8; 4096]);

/// An element that is no `Pod`: not every byte is a valid value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, NoUninit)]
#[repr(u8)]
enum Phase {
    Gas,
    Star,
    Dark,
}

// SAFETY: zero is the value of `Gas`.
unsafe impl Zeroable for Phase {}

fn round_trip<T: Element + PartialEq + Debug>(comm: &Comm, make: impl Fn(usize) -> T) -> Outcome {
    const LEN: usize = 37;
    let mut list = Shared::<[T]>::new(comm, LEN)?;
    let mut model: Vec<T> = vec![T::zeroed(); LEN];
    assert_slice_eq(list.view(), &model);
    let mut value = Shared::<Value<T>>::new(comm, ())?;
    for root in 0..comm.size() {
        let block: Vec<T> = (0..5).map(|index| make(10 * root + index)).collect();
        let at = 3 * root % (LEN - 5);
        model[at..at + 5].copy_from_slice(&block);
        list.set(root, at, (comm.rank() == root).then_some(&block))?;
        assert_slice_eq(list.view(), &model);

        model[LEN - 1] = make(root);
        list.update(root, |mut w| w[LEN - 1] = make(root))?;
        assert_slice_eq(list.view(), &model);

        value.update(root, |mut w| *w = make(root + 1))?;
        assert_eq!(*value.view(), make(root + 1));

        let square = |of: usize| Array2::from_shape_fn([3, 4], |(i, j)| make(of + 4 * i + j));
        let mut grid = Shared::<Array2<T>>::from_root(comm, root, || square(root))?;
        let column = square(99).slice_move(s![.., 1..2]);
        grid.assign([0, 2], (comm.rank() == root).then(|| column.view()))?;
        let mut expected = square(root);
        expected.slice_mut(s![.., 2..3]).assign(&column);
        assert_array_eq(grid.view(), expected.view());
    }
    list.fill(make(7))?;
    assert_slice_eq(list.view(), &[make(7); LEN]);
    let kept = Shared::<Vec<T>>::from_root(comm, 0, || model.clone())?;
    assert_slice_eq(&kept.to_owned(), &model);
    assert_eq!(kept.bytes(), LEN * size_of::<T>());
    Ok(())
}

/// Integers of every width.
pub(crate) fn integers(comm: &Comm) -> Outcome {
    round_trip(comm, |i| number(1, i) as u8)?;
    round_trip(comm, |i| number(2, i) as u16)?;
    round_trip(comm, |i| number(3, i) as u32)?;
    round_trip(comm, |i| number(4, i))?;
    round_trip(comm, |i| u128::from(number(5, i)) << 60)?;
    round_trip(comm, |i| number(6, i) as usize)?;
    round_trip(comm, |i| number(7, i).cast_signed() as i8)?;
    round_trip(comm, |i| number(8, i).cast_signed() as i16)?;
    round_trip(comm, |i| number(9, i).cast_signed() as i32)?;
    round_trip(comm, |i| number(10, i).cast_signed())?;
    round_trip(comm, |i| -(i128::from(number(11, i)) << 60))?;
    round_trip(comm, |i| number(12, i).cast_signed() as isize)
}

/// Floats and complex numbers.
pub(crate) fn floats(comm: &Comm) -> Outcome {
    let float = |i: usize| f64::from(number(1, i) as u32) * 0.37 - 1e8;
    round_trip(comm, |i| float(i) as f32)?;
    round_trip(comm, float)?;
    round_trip(comm, |i| Complex::new(float(i) as f32, float(i + 1) as f32))?;
    round_trip(comm, |i| Complex::new(float(i), -float(i + 1)))?;
    // A complex number is a layout of its own, too.
    let mut one = Shared::<Complex<f64>>::new(comm, ())?;
    one.update(comm.size() - 1, |mut w| w.im = -2.0)?;
    assert_eq!(*one.view(), Complex::new(0.0, -2.0));
    Ok(())
}

/// `bool`, `char` and fixed arrays.
pub(crate) fn bool_char_and_fixed_arrays(comm: &Comm) -> Outcome {
    round_trip(comm, |i| i % 3 == 0)?;
    round_trip(comm, |i| {
        char::from_u32(0x4e00 + i as u32).expect("a letter")
    })?;
    round_trip(comm, |i| [number(1, i) as u8; 3])?;
    round_trip(comm, |i| [i as u16, 1, 2])?;
    round_trip(comm, |i| [[i as u32, 1], [2, 3], [4, 5]])?;
    round_trip(comm, |i| [number(2, i) as u8; 1024])
}

/// User-defined structs of alignment 16 and 4096, and an enum.
pub(crate) fn structs(comm: &Comm) -> Outcome {
    round_trip(comm, |i| Aligned {
        x: f64::from(i as u32),
        id: number(1, i),
    })?;
    round_trip(comm, |i| [Phase::Gas, Phase::Star, Phase::Dark][i % 3])?;
    round_trip(comm, |i| Page([number(2, i) as u8; 4096]))
}

/// Elements of size zero: all calls work, and no memory is used.
pub(crate) fn zero_sized(comm: &Comm) -> Outcome {
    round_trip(comm, |_| ())?;
    round_trip(comm, |_| [0_u64; 0])?;
    let many = Shared::<[()]>::new(comm, 1 << 40)?;
    assert_eq!((many.view().len(), many.bytes()), (1 << 40, 0));
    Ok(())
}

/// Views have the alignment of their element type, in the mapping of every rank.
pub(crate) fn aligned_views(comm: &Comm) -> Outcome {
    let mut keep = Vec::new();
    for len in [1, 3, 100, 5000] {
        // Objects of odd sizes shift the ones that follow.
        keep.push(Shared::<[u8]>::new(comm, 2 * len - 1)?);
        assert!(
            Shared::<[Aligned]>::new(comm, len)?
                .view()
                .as_ptr()
                .is_aligned()
        );
        assert!(
            Shared::<[u128]>::new(comm, len)?
                .view()
                .as_ptr()
                .is_aligned()
        );
        assert!(
            Shared::<[Page]>::new(comm, len.min(100))?
                .view()
                .as_ptr()
                .is_aligned()
        );
        assert!(std::ptr::from_ref(Shared::<Value<Page>>::new(comm, ())?.view()).is_aligned());
        let bytes = Shared::<[u8]>::new(comm, len)?;
        assert_eq!(
            bytes.view().as_ptr().addr() % 64,
            0,
            "fields start on a cache line"
        );
    }
    Ok(())
}

/// Values are transferred as bytes: NaNs keep their payload and zeros their sign.
pub(crate) fn bits_are_preserved(comm: &Comm) -> Outcome {
    let bits = [
        0x7ff8_0000_0000_1234,
        0xfff0_dead_beef_0001,
        0x8000_0000_0000_0000,
        0,
        1,
    ];
    let values = bits.map(f64::from_bits);
    let mut list = Shared::<[f64]>::from_root(comm, comm.size() - 1, || values.to_vec())?;
    assert_eq!(
        list.to_owned()
            .iter()
            .map(|x| x.to_bits())
            .collect::<Vec<_>>(),
        bits
    );
    // `fill` compares bytes between ranks, so that a NaN equals itself.
    list.fill(values[0])?;
    assert!(list.view().iter().all(|x| x.to_bits() == bits[0]));
    Ok(())
}
