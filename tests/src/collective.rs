//! What all ranks of a `Comm` do together in a test: they compare texts and errors, and check that the `Comm` is usable.

use std::ops::Range;

use pshmem::{Comm, Error, Result, Shared};

use crate::report::{Failure, Outcome};
use crate::values::{assert_slice_eq, number};

/// Bytes of a rank's text that the others receive.
const TEXT_BYTES: usize = 2048;

/// A `Comm` of the ranks that pass the same color, ordered by key. Collective.
///
/// # Errors
/// When `comm` does not work.
pub fn split(comm: &Comm, color: usize, key: usize) -> Result<Comm> {
    let part = comm.split(Some(color), key)?;
    Ok(part.expect("a rank with a color gets a Comm"))
}

/// A new `Comm` of the same ranks in the same order. Collective.
///
/// # Errors
/// When `comm` does not work.
pub fn duplicate(comm: &Comm) -> Result<Comm> {
    split(comm, 0, comm.rank())
}

/// The sum of what all ranks pass. Collective.
///
/// # Errors
/// When `comm` does not work.
pub fn sum(comm: &Comm, mine: u64) -> Result<u64> {
    let mut table = Shared::<[u64]>::new(comm, comm.size())?;
    for rank in 0..comm.size() {
        table.set_with(rank, rank, || [mine])?;
    }
    Ok(table.view().iter().sum())
}

/// The text of each rank, on all ranks. Longer texts are cut. Collective.
///
/// # Errors
/// When `comm` does not work.
pub fn gather_texts(comm: &Comm, text: &str) -> Result<Vec<String>> {
    let mut row = [0; TEXT_BYTES];
    let len = text.len().min(TEXT_BYTES);
    row[..len].copy_from_slice(&text.as_bytes()[..len]);
    let mut table = Shared::<[u8]>::new(comm, comm.size() * TEXT_BYTES)?;
    for rank in 0..comm.size() {
        table.set(
            rank,
            rank * TEXT_BYTES,
            (comm.rank() == rank).then_some(&row),
        )?;
    }
    let texts = table.view().chunks_exact(TEXT_BYTES).map(|row| {
        let end = row.iter().position(|&byte| byte == 0).unwrap_or(TEXT_BYTES);
        String::from_utf8_lossy(&row[..end]).into_owned()
    });
    Ok(texts.collect())
}

/// Checks that all ranks pass the same text. Collective.
///
/// # Errors
/// When the texts differ.
pub fn check_same_text(comm: &Comm, text: &str) -> Outcome {
    let texts = gather_texts(comm, text)?;
    match texts.iter().position(|other| *other != texts[0]) {
        None => Ok(()),
        Some(rank) => Err(format!(
            "rank 0 has `{}`, rank {rank} has `{}`",
            texts[0], texts[rank]
        )
        .into()),
    }
}

/// The error that a call returned on all ranks, with equal variant and equal text. Collective.
///
/// # Errors
/// When ranks differ, or the call succeeded.
pub fn same_error<T>(comm: &Comm, result: Result<T>) -> Result<Error, Failure> {
    let error = result.err();
    check_same_text(comm, &text(error.as_ref()))?;
    error.ok_or_else(|| "the call succeeded on every rank".into())
}

/// The error that a call returned on all ranks but one. The rank `panicked` passes `None` and gets `None`. Collective.
///
/// # Errors
/// When the errors of the others differ, or one of them has no error.
pub fn error_of_others(
    comm: &Comm,
    panicked: usize,
    error: Option<Error>,
) -> Result<Option<Error>, Failure> {
    let mut texts = gather_texts(comm, &text(error.as_ref()))?;
    texts.remove(panicked);
    if let Some(other) = texts.iter().find(|other| **other != texts[0]) {
        return Err(format!("errors differ: `{}` and `{other}`", texts[0]).into());
    }
    if (comm.rank() == panicked) != error.is_none() {
        return Err(format!(
            "only rank {panicked} should panic, but this rank has: {}",
            text(error.as_ref())
        )
        .into());
    }
    Ok(error)
}

fn text(error: Option<&Error>) -> String {
    error.map_or("no error".to_owned(), |error| format!("{error:?}: {error}"))
}

/// Checks that `comm` still works: a barrier, a new object, and a write by each rank. Collective.
///
/// # Errors
/// When a call fails.
///
/// # Panics
/// When the object does not hold what was written.
pub fn check_usable(comm: &Comm) -> Outcome {
    comm.barrier()?;
    let mut table = Shared::<[u64]>::new(comm, comm.size())?;
    for root in 0..comm.size() {
        table.set(root, root, Some(&[number(7, root)]))?;
    }
    let expected: Vec<u64> = (0..comm.size()).map(|root| number(7, root)).collect();
    assert_slice_eq(table.view(), &expected);
    Ok(())
}

/// An object that holds the numbers 1 to 8. Collective.
///
/// # Errors
/// When `comm` does not work.
pub fn one_to_eight(comm: &Comm) -> Result<Shared<[u64]>> {
    Shared::from_root(comm, 0, || (1..=8).collect())
}

/// The ranks that can take the part of the one that differs from all others: none where there are no others.
#[must_use]
pub fn outliers(comm: &Comm) -> Range<usize> {
    if comm.size() > 1 {
        0..comm.size()
    } else {
        0..0
    }
}
