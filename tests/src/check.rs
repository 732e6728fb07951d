//! What cases compare with: values to write, and what all ranks say.

use ndarray::{Array, ArrayView, Dimension, ShapeBuilder};
use pshmem::{Comm, Error, Result, Shared};

use crate::report::{Failure, Outcome};

/// Bytes of a rank's text that the others see.
const ROW: usize = 2048;

/// A number that differs from index to index and from seed to seed (splitmix64).
#[must_use]
pub fn number(seed: usize, index: usize) -> u64 {
    let mut x = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ (index as u64).wrapping_add(0xd1b5_4a32_d192_ed03);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// `len` bytes that depend on the seed.
#[must_use]
pub fn bytes(seed: usize, len: usize) -> Vec<u8> {
    let numbers = (0..len.div_ceil(8)).flat_map(|index| number(seed, index).to_le_bytes());
    numbers.take(len).collect()
}

/// An array of numbers that depend on the seed.
#[must_use]
pub fn array<D: Dimension>(seed: usize, shape: D) -> Array<u64, D> {
    let mut next = 0;
    Array::from_shape_simple_fn(shape.into_shape_with_order(), || {
        next += 1;
        number(seed, next)
    })
}

/// Whether two arrays have the same shape and elements, with a message that stays short for large ones.
///
/// # Panics
/// When they differ.
#[allow(
    clippy::needless_pass_by_value,
    reason = "views are passed like references, as ndarray does"
)]
#[track_caller]
pub fn assert_same<T: PartialEq + std::fmt::Debug, D: Dimension>(
    found: ArrayView<T, D>,
    expected: ArrayView<T, D>,
) {
    assert_eq!(found.shape(), expected.shape(), "shapes");
    if found == expected {
        return; // the quick way: large arrays are compared often
    }
    let differs = found
        .iter()
        .zip(expected.iter())
        .enumerate()
        .find(|(_, (found, expected))| found != expected);
    if let Some((at, (one, other))) = differs {
        panic!(
            "{one:?} instead of {other:?} at position {at} of shape {:?}",
            found.shape()
        );
    }
}

/// Whether two slices are equal, with a message that stays short for large ones.
///
/// # Panics
/// When they differ.
#[track_caller]
pub fn assert_equal<T: PartialEq + std::fmt::Debug>(found: &[T], expected: &[T]) {
    assert_eq!(found.len(), expected.len(), "lengths");
    if found == expected {
        return; // the quick way: large slices are compared often
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

/// The text of each rank, on all ranks. Collective.
///
/// # Errors
/// When `comm` does not work.
pub fn gather(comm: &Comm, text: &str) -> Result<Vec<String>> {
    let mut row = [0; ROW];
    let len = text.len().min(ROW);
    row[..len].copy_from_slice(&text.as_bytes()[..len]);
    let mut table = Shared::<[u8]>::new(comm, comm.size() * ROW)?;
    for rank in 0..comm.size() {
        table.set(rank, rank * ROW, (comm.rank() == rank).then_some(&row))?;
    }
    let texts = table.view().chunks_exact(ROW).map(|row| {
        let end = row.iter().position(|&byte| byte == 0).unwrap_or(ROW);
        String::from_utf8_lossy(&row[..end]).into_owned()
    });
    Ok(texts.collect())
}

/// The same text on all ranks. Collective.
///
/// # Errors
/// When the texts differ.
pub fn all_say(comm: &Comm, text: &str) -> Outcome {
    let texts = gather(comm, text)?;
    match texts.iter().position(|other| *other != texts[0]) {
        None => Ok(()),
        Some(rank) => Err(format!(
            "rank 0 has `{}`, rank {rank} has `{}`",
            texts[0], texts[rank]
        )
        .into()),
    }
}

/// The error that a call returned on all ranks: equal variant, equal text. Collective.
///
/// # Errors
/// When ranks differ, or the call went well.
pub fn same_error<T>(comm: &Comm, result: Result<T>) -> Result<Error, Failure> {
    let error = result.err();
    all_say(comm, &text(error.as_ref()))?;
    error.ok_or_else(|| "the call went well on every rank".into())
}

/// The error that all ranks but one have: that one panicked, passes `None` and gets `None`. Collective.
///
/// # Errors
/// When the others differ, or one of them has no error.
pub fn others_error(
    comm: &Comm,
    panicked: usize,
    error: Option<Error>,
) -> Result<Option<Error>, Failure> {
    let mut texts = gather(comm, &text(error.as_ref()))?;
    texts.remove(panicked);
    if let Some(other) = texts.iter().find(|other| **other != texts[0]) {
        return Err(format!("errors differ: `{}` and `{other}`", texts[0]).into());
    }
    if (comm.rank() == panicked) != error.is_none() {
        return Err(format!(
            "only rank {panicked} was to panic, but here: {}",
            text(error.as_ref())
        )
        .into());
    }
    Ok(error)
}

fn text(error: Option<&Error>) -> String {
    error.map_or("no error".to_owned(), |error| format!("{error:?}: {error}"))
}

/// `comm` is as good as new. Collective.
///
/// # Errors
/// When it is not.
///
/// # Panics
/// When bytes do not arrive.
pub fn works(comm: &Comm) -> Outcome {
    comm.barrier()?;
    let mut table = Shared::<[u64]>::new(comm, comm.size())?;
    for root in 0..comm.size() {
        table.set(root, root, Some(&[number(7, root)]))?;
    }
    let expected: Vec<u64> = (0..comm.size()).map(|root| number(7, root)).collect();
    assert_equal(table.view(), &expected);
    Ok(())
}

/// An object that holds 1 to 8. Collective.
///
/// # Errors
/// When `comm` does not work.
pub fn one_to_eight(comm: &Comm) -> Result<Shared<[u64]>> {
    Shared::from_root(comm, 0, || (1..=8).collect())
}

/// The ranks that may differ from the rest: all, if there is a rest.
#[must_use]
pub fn odd_ranks(comm: &Comm) -> std::ops::Range<usize> {
    if comm.size() > 1 {
        0..comm.size()
    } else {
        0..0
    }
}
