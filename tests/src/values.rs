//! Values that tests write, and comparisons of arrays and slices with short messages.

use ndarray::{Array, ArrayView, Dimension, ShapeBuilder};

/// A number that differs between indices and between seeds (splitmix64).
#[must_use]
pub fn number(seed: usize, index: usize) -> u64 {
    let mut x = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ (index as u64).wrapping_add(0xd1b5_4a32_d192_ed03);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// `len` bytes that depend on `seed`.
#[must_use]
pub fn bytes(seed: usize, len: usize) -> Vec<u8> {
    let numbers = (0..len.div_ceil(8)).flat_map(|index| number(seed, index).to_le_bytes());
    numbers.take(len).collect()
}

/// An array of numbers that depend on `seed`.
#[must_use]
pub fn array<D: Dimension>(seed: usize, shape: D) -> Array<u64, D> {
    let mut next = 0;
    Array::from_shape_simple_fn(shape.into_shape_with_order(), || {
        next += 1;
        number(seed, next)
    })
}

/// Asserts that two arrays have the same shape and elements; the message shows the first difference only.
///
/// # Panics
/// When they differ.
#[allow(
    clippy::needless_pass_by_value,
    reason = "views are passed like references, as ndarray does"
)]
#[track_caller]
pub fn assert_array_eq<T: PartialEq + std::fmt::Debug, D: Dimension>(
    found: ArrayView<T, D>,
    expected: ArrayView<T, D>,
) {
    assert_eq!(found.shape(), expected.shape(), "shapes");
    if found == expected {
        return; // The fast path: large arrays are compared often.
    }
    let difference = found
        .iter()
        .zip(expected.iter())
        .enumerate()
        .find(|(_, (found, expected))| found != expected);
    if let Some((at, (one, other))) = difference {
        panic!(
            "{one:?} instead of {other:?} at position {at} of shape {:?}",
            found.shape()
        );
    }
}

/// Asserts that two slices are equal; the message shows the first difference only.
///
/// # Panics
/// When they differ.
#[track_caller]
pub fn assert_slice_eq<T: PartialEq + std::fmt::Debug>(found: &[T], expected: &[T]) {
    assert_eq!(found.len(), expected.len(), "lengths");
    if found == expected {
        return; // The fast path: large slices are compared often.
    }
    if let Some(at) = (0..found.len()).find(|&at| found[at] != expected[at]) {
        panic!(
            "{:?} instead of {:?} at {at} of {}",
            found[at],
            expected[at],
            found.len()
        );
    }
}
