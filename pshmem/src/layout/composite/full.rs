//! `Full`: the error of a composite that has no room.

use std::fmt;

/// A [`Ragged`](crate::Ragged), [`Strings`](crate::Strings), [`Text`](crate::Text), [`Map`](crate::Map) or [`Csr`](crate::Csr) has
/// no room for what was to be added or assigned, or a matrix of another shape was assigned. Nothing has changed.
///
/// The room is what the extents of the object say; more needs a new object.
///
/// ```
/// use pshmem::{Comm, Full, Ragged, RaggedDims, Shared};
///
/// let mut tracks = Shared::<Ragged<f64>>::new(&Comm::solo(), RaggedDims { rows: 9, items: 3 })?;
/// let full: Option<Result<(), Full>> = tracks.update(0, |mut w| {
///     w.push(&[1.0, 2.0])?;
///     w.push(&[3.0, 4.0])
/// })?;
/// assert_eq!(full.unwrap().unwrap_err().to_string(), "4 items are needed, but there is room for 3");
/// assert_eq!(tracks.view().len(), 1);
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Full(Reason);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Room {
        what: &'static str,
        needed: usize,
        room: usize,
    },
    /// Rows and columns.
    Shape {
        given: (usize, usize),
        expected: (usize, usize),
    },
}

impl Full {
    /// `Ok` if there is room for what is needed.
    pub(crate) fn check(what: &'static str, needed: usize, room: usize) -> Result<(), Self> {
        if needed <= room {
            return Ok(());
        }
        Err(Full(Reason::Room { what, needed, room }))
    }

    /// `Ok` if a matrix has as many rows and columns as the one that it replaces.
    pub(crate) fn check_shape(given: (usize, usize), expected: (usize, usize)) -> Result<(), Self> {
        if given == expected {
            return Ok(());
        }
        Err(Full(Reason::Shape { given, expected }))
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Reason::Room { what, needed, room } => {
                write!(
                    f,
                    "{needed} {what} are needed, but there is room for {room}"
                )
            }
            Reason::Shape { given, expected } => {
                let ((rows, cols), (of_rows, of_cols)) = (given, expected);
                write!(
                    f,
                    "a matrix of {rows} rows and {cols} columns cannot replace one of {of_rows} rows and {of_cols} columns"
                )
            }
        }
    }
}

impl std::error::Error for Full {}
