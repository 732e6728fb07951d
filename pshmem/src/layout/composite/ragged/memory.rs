//! The layout of `Ragged<T>` in node memory: the number of rows, offsets and items.

use super::{Ragged, RaggedMut, RaggedView};
use crate::error::{Error, Result};
use crate::layout::composite::{
    Composite, Full, PartsView, PartsViewMut, composite_layout, read_only,
};
use crate::layout::derived::FromShape;
use crate::layout::printing::preview_list;
use crate::layout::{Element, Preview};
use std::fmt::{self, Debug};

/// The capacity of a shared [`Ragged`].
///
/// ```
/// use pshmem::{Comm, Ragged, RaggedDims, Shared};
///
/// let dims = RaggedDims { rows: 10, items: 50 };
/// let tracks = Shared::<Ragged<f64>>::new(&Comm::solo(), dims)?;
/// assert_eq!((tracks.dims(), tracks.view().len()), (dims, 0));
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RaggedDims {
    /// The largest number of rows.
    pub rows: usize,
    /// The largest number of items in all rows together; for [`Strings`](crate::Strings), of bytes.
    pub items: usize,
}

impl FromShape<2> for RaggedDims {
    fn from_shape([rows, items]: [usize; 2]) -> Self {
        RaggedDims { rows, items }
    }

    fn to_shape(&self) -> [usize; 2] {
        [self.rows, self.items]
    }
}

impl<T: Element> Composite for Ragged<T> {
    type Parts = (u64, Vec<u64>, Vec<T>);
    type Dims = RaggedDims;
    type View<'a> = RaggedView<'a, T>;
    type ViewMut<'a> = RaggedMut<'a, T>;

    const NAMES: &'static [&'static str] = &["used", "offsets", "items"];

    fn part_dims(dims: &RaggedDims) -> Result<((), usize, usize)> {
        Ok(((), offsets(dims)?, dims.items))
    }

    fn dims_of(&self) -> RaggedDims {
        RaggedDims {
            rows: self.len(),
            items: self.items.len(),
        }
    }

    fn encode_dims(dims: &RaggedDims, out: &mut Vec<usize>) {
        out.extend(dims.to_shape());
    }

    fn decode_dims(from: &mut dyn Iterator<Item = usize>) -> Option<RaggedDims> {
        Some(RaggedDims {
            rows: from.next()?,
            items: from.next()?,
        })
    }

    unsafe fn view<'a>(
        _: &RaggedDims,
        (used, offsets, items): PartsView<'a, Self>,
    ) -> RaggedView<'a, T> {
        RaggedView::of_parts(*used, offsets, items)
    }

    unsafe fn view_mut<'a>(
        _: &RaggedDims,
        (used, offsets, items): PartsViewMut<'a, Self>,
    ) -> RaggedMut<'a, T> {
        RaggedMut::of_parts(used, offsets, items)
    }

    fn store(&self, mut into: RaggedMut<'_, T>) -> Result<(), Full> {
        into.assign(self)
    }

    fn load(from: RaggedView<'_, T>) -> Self {
        Ragged {
            offsets: from.offsets.to_vec(),
            items: from.items.to_vec(),
        }
    }

    fn lengths(_: &RaggedDims, leaves: &[&[u8]]) -> Vec<usize> {
        lengths(leaves)
    }

    fn check_lengths(_: &RaggedDims, lengths: &[usize]) -> Result<(), String> {
        rows_in_use(lengths).map(|_| ())
    }

    fn check(dims: &RaggedDims, leaves: &[&[u8]]) -> Result<(), String> {
        check_offsets(dims, leaves).map(|_| ())
    }

    fn complete(
        dims: &RaggedDims,
        lengths: &[usize],
        leaves: &mut [&mut [u8]],
    ) -> Result<(), String> {
        complete_offsets(dims, lengths, leaves).map(|_| ())
    }
}

composite_layout! {
    [T] Ragged<T>, where [T: Element]
    Dims = RaggedDims, View<'a> = RaggedView<'a, T>, ViewMut<'a> = RaggedMut<'a, T>
}

/// The number of offsets.
pub(in crate::layout::composite) fn offsets(dims: &RaggedDims) -> Result<usize> {
    dims.rows.checked_add(1).ok_or_else(|| Error::TooLarge {
        what: "the offsets of the rows".to_owned(),
        extents: vec![dims.rows],
        size: size_of::<u64>(),
    })
}

fn numbers(leaf: &[u8]) -> &[u64] {
    bytemuck::cast_slice(leaf)
}

/// The parts in use of consistent leaves.
pub(in crate::layout::composite) fn lengths(leaves: &[&[u8]]) -> Vec<usize> {
    let used = numbers(leaves[0])[0] as usize;
    vec![1, used + 1, numbers(leaves[1])[used] as usize]
}

/// Checks all but the items. Returns their number.
pub(in crate::layout::composite) fn check_offsets(
    dims: &RaggedDims,
    leaves: &[&[u8]],
) -> Result<usize, String> {
    let used = numbers(leaves[0])[0];
    if used > dims.rows as u64 {
        return Err(format!("{used} rows are in use of {}", dims.rows));
    }
    let offsets = &numbers(leaves[1])[..=used as usize];
    if offsets[0] != 0 {
        return Err(format!("the first offset is {} instead of 0", offsets[0]));
    }
    if let Some(row) = offsets.windows(2).position(|ends| ends[0] > ends[1]) {
        let (start, end) = (offsets[row], offsets[row + 1]);
        return Err(format!("row {row} goes from offset {start} to {end}"));
    }
    let end = offsets[used as usize];
    if end > dims.items as u64 {
        return Err(format!(
            "the rows end at offset {end}, but there are {} items",
            dims.items
        ));
    }
    Ok(end as usize)
}

/// The number of rows, from that of the offsets.
fn rows_in_use(lengths: &[usize]) -> Result<usize, String> {
    let rows = lengths[1].checked_sub(1);
    rows.ok_or_else(|| "there is no offset, but one more than rows are needed".to_owned())
}

/// Writes the number of rows, and checks all but the items. Returns their number.
pub(in crate::layout::composite) fn complete_offsets(
    dims: &RaggedDims,
    lengths: &[usize],
    leaves: &mut [&mut [u8]],
) -> Result<usize, String> {
    let used = rows_in_use(lengths)?;
    bytemuck::cast_slice_mut(leaves[0])[0] = used as u64;
    let (end, items) = (check_offsets(dims, &read_only(leaves))?, lengths[2]);
    if end == items {
        return Ok(end);
    }
    // Items behind the last row belong to no row.
    Err(format!(
        "the rows end at offset {end}, but there are {items} items"
    ))
}

impl<T: Element + Debug> Preview for Ragged<T> {
    fn preview(view: RaggedView<'_, T>, f: &mut dyn fmt::Write) -> fmt::Result {
        preview_list(f, view.len(), |f, row| <[T]>::preview(view.row(row), f))
    }
}
