//! The layout of `Strings` in node memory: the number of strings, offsets and bytes.

use super::{Strings, StringsMut, StringsView};
use crate::error::Result;
use crate::layout::Preview;
use crate::layout::composite::ragged::{self, Ragged, RaggedDims, RaggedMut, RaggedView};
use crate::layout::composite::{
    Composite, Full, PartsView, PartsViewMut, composite_layout, read_only,
};
use crate::layout::printing::preview_list;
use std::fmt;

impl Composite for Strings {
    type Parts = <Ragged<u8> as Composite>::Parts;
    type Dims = RaggedDims;
    type View<'a> = StringsView<'a>;
    type ViewMut<'a> = StringsMut<'a>;

    const NAMES: &'static [&'static str] = &["used", "offsets", "bytes"];

    fn part_dims(dims: &RaggedDims) -> Result<((), usize, usize)> {
        <Ragged<u8> as Composite>::part_dims(dims)
    }

    fn dims_of(&self) -> RaggedDims {
        Composite::dims_of(&self.rows)
    }

    fn encode_dims(dims: &RaggedDims, out: &mut Vec<usize>) {
        <Ragged<u8> as Composite>::encode_dims(dims, out);
    }

    fn decode_dims(from: &mut dyn Iterator<Item = usize>) -> Option<RaggedDims> {
        <Ragged<u8> as Composite>::decode_dims(from)
    }

    unsafe fn view<'a>(
        _: &RaggedDims,
        (used, offsets, bytes): PartsView<'a, Self>,
    ) -> StringsView<'a> {
        let rows = RaggedView::of_parts(*used, offsets, bytes);
        // SAFETY: `check` has accepted the bytes (caller's duty).
        unsafe { StringsView::of_rows(rows) }
    }

    unsafe fn view_mut<'a>(
        _: &RaggedDims,
        (used, offsets, bytes): PartsViewMut<'a, Self>,
    ) -> StringsMut<'a> {
        StringsMut {
            rows: RaggedMut::of_parts(used, offsets, bytes),
        }
    }

    fn store(&self, mut into: StringsMut<'_>) -> Result<(), Full> {
        into.assign(self)
    }

    fn load(from: StringsView<'_>) -> Self {
        let bytes = RaggedView::of_parts(from.len() as u64, from.offsets, from.text.as_bytes());
        Strings {
            rows: Composite::load(bytes),
        }
    }

    fn lengths(_: &RaggedDims, leaves: &[&[u8]]) -> Vec<usize> {
        ragged::lengths(leaves)
    }

    fn check_lengths(dims: &RaggedDims, lengths: &[usize]) -> Result<(), String> {
        <Ragged<u8> as Composite>::check_lengths(dims, lengths)
    }

    fn check(dims: &RaggedDims, leaves: &[&[u8]]) -> Result<(), String> {
        let end = ragged::check_offsets(dims, leaves)?;
        check_text(leaves, end)
    }

    fn complete(
        dims: &RaggedDims,
        lengths: &[usize],
        leaves: &mut [&mut [u8]],
    ) -> Result<(), String> {
        let end = ragged::complete_offsets(dims, lengths, leaves)?;
        check_text(&read_only(leaves), end)
    }
}

composite_layout! {
    [] Strings, where []
    Dims = RaggedDims, View<'a> = StringsView<'a>, ViewMut<'a> = StringsMut<'a>
}

/// Checks that all strings, which end at `end`, are valid UTF-8.
fn check_text(leaves: &[&[u8]], end: usize) -> Result<(), String> {
    let used = bytemuck::cast_slice::<u8, u64>(leaves[0])[0] as usize;
    let offsets = &bytemuck::cast_slice::<u8, u64>(leaves[1])[..=used];
    let bytes = &leaves[2][..end];
    // Faster than string by string, and it is what a view needs.
    if let Ok(text) = std::str::from_utf8(bytes)
        && offsets
            .iter()
            .all(|&offset| text.is_char_boundary(offset as usize))
    {
        return Ok(());
    }
    let is_text = |row: usize| {
        let row = offsets[row] as usize..offsets[row + 1] as usize;
        std::str::from_utf8(&bytes[row]).is_ok()
    };
    let bad = (0..used).find(|&row| !is_text(row));
    Err(format!(
        "string {} is not valid UTF-8",
        bad.expect("one is not, or all together would be")
    ))
}

impl Preview for Strings {
    fn preview(view: StringsView<'_>, f: &mut dyn fmt::Write) -> fmt::Result {
        preview_list(f, view.len(), |f, row| {
            <crate::Text as Preview>::preview(view.row(row), f)
        })
    }
}
