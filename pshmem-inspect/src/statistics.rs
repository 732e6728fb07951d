//! Reads the values of a file: one row of statistics for each scalar of its dtype.

use crate::saved::NpyFile;
use crate::values::Values;
use crate::window::Window;
use pshmem_format::{Dtype, Item, Scalar};
use std::io;

/// At most as many bytes are added at once.
const PART: u64 = 64 << 10;

/// Statistics of a scalar, which is the whole dtype or a member of it.
pub(crate) struct Row {
    /// The names of the members that lead to it, each after a dot.
    pub(crate) member: String,
    /// Its extents inside of an element.
    pub(crate) extents: Vec<usize>,
    pub(crate) scalar: Scalar,
    pub(crate) values: Values,
}

/// A dtype with the rows of its scalars.
enum Node {
    Scalar {
        row: usize,
        size: usize,
    },
    Struct {
        members: Vec<(u64, u64, Node)>,
        size: usize,
    },
}

/// The statistics of a file.
pub(crate) fn of(file: &mut NpyFile) -> io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let dtype = file.header.dtype.clone();
    let root = Node::new(&dtype, String::new(), &[], &mut rows);
    let elements = product(&file.header.shape);
    let mut window = Window::new(file);
    root.read(0, elements, &mut window, &mut rows)?;
    Ok(rows)
}

/// The number of items. Their bytes are in the file, so it does not overflow if they have any.
fn product(extents: &[usize]) -> u64 {
    let times = |product: u64, extent: &usize| product.saturating_mul(*extent as u64);
    if extents.contains(&0) {
        return 0;
    }
    extents.iter().fold(1, times)
}

impl Node {
    fn new(dtype: &Dtype, member: String, outer: &[usize], rows: &mut Vec<Row>) -> Self {
        match dtype {
            Dtype::Scalar(scalar) => {
                rows.push(Row {
                    member,
                    extents: outer.to_vec(),
                    scalar: *scalar,
                    values: Values::new(*scalar),
                });
                Node::Scalar {
                    row: rows.len() - 1,
                    size: scalar.size,
                }
            }
            Dtype::Struct { fields, itemsize } => {
                let mut members: Vec<(u64, u64, Node)> = Vec::new();
                for field in fields {
                    let Item { dtype, extents } = &field.item;
                    let all = [outer, extents].concat();
                    let node = Node::new(dtype, format!("{member}.{}", field.name), &all, rows);
                    members.push((field.offset as u64, product(extents), node));
                }
                // So that the file is read forwards.
                members.sort_by_key(|(offset, _, _)| *offset);
                Node::Struct {
                    members,
                    size: *itemsize,
                }
            }
        }
    }

    /// Adds the values of that many items, which begin at this byte of the data.
    fn read(
        &self,
        at: u64,
        count: u64,
        window: &mut Window<'_>,
        rows: &mut [Row],
    ) -> io::Result<()> {
        match self {
            Node::Scalar { row, size } => {
                let size = *size as u64;
                let end = at + count * size;
                let mut at = at;
                while at < end {
                    let len = (end - at).min(PART / size * size);
                    rows[*row].values.add(window.read(at, len as usize)?);
                    at += len;
                }
            }
            // Any number of items without bytes fit a file.
            Node::Struct { size: 0, .. } => {}
            Node::Struct { members, size } => {
                for i in 0..count {
                    let start = at + i * *size as u64;
                    for (offset, count, node) in members {
                        node.read(start + offset, *count, window, rows)?;
                    }
                }
            }
        }
        Ok(())
    }
}
