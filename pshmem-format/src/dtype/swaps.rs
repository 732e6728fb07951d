//! Compares the element of a program with the dtype of a file.

use super::descr::shortened;
use super::text::Shape;
use super::{Dtype, Item};

/// A file has elements of another dtype than a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the dtype of the file is {file}, that of the program {program}{difference}")]
pub struct DtypeMismatch {
    /// The dtype of the file.
    pub file: String,
    /// The dtype of the program.
    pub program: String,
    /// The first difference of structured dtypes, as the end of a sentence.
    difference: String,
}

impl Item {
    /// Compares the element that a program has with the dtype of a file. Byte orders may differ, nothing else: kinds, sizes, names,
    /// offsets and the size of the whole must be equal. The file's last axes must be the extents of the item, which the caller
    /// compares.
    ///
    /// Returns the numbers whose bytes are to be reversed, as (offset in the element, bytes). A complex number is two of them.
    ///
    /// ```
    /// use pshmem_format::{Item, Scalar};
    ///
    /// let item = Item { dtype: Scalar::of("<f8").unwrap().into(), extents: vec![2] };
    /// let file = Scalar::of(">f8").unwrap().into();
    /// assert_eq!(item.byte_swaps(&file).unwrap(), [(0, 8), (8, 8)]);
    /// ```
    ///
    /// # Errors
    ///
    /// [`DtypeMismatch`] names both dtypes, and the member that differs.
    pub fn byte_swaps(&self, file: &Dtype) -> Result<Vec<(usize, usize)>, DtypeMismatch> {
        let mut swaps = Vec::new();
        if let Err(difference) = compare(&self.dtype, file, &mut swaps) {
            return Err(DtypeMismatch {
                file: named(file),
                program: named(&self.dtype),
                difference: match &self.dtype {
                    Dtype::Struct { .. } => format!(": {difference}"),
                    Dtype::Scalar(_) => String::new(),
                },
            });
        }
        Ok(repeat(&swaps, self))
    }
}

/// For messages. Two long dtypes would hide the difference.
fn named(dtype: &Dtype) -> String {
    match dtype {
        Dtype::Scalar(scalar) => scalar.to_string(),
        Dtype::Struct { .. } => shortened(&dtype.to_string()),
    }
}

/// Adds what is to be reversed in one element. `Err` says what differs.
fn compare(program: &Dtype, file: &Dtype, swaps: &mut Vec<(usize, usize)>) -> Result<(), String> {
    let (fields, itemsize, others, other_size) = match (program, file) {
        (Dtype::Scalar(ours), Dtype::Scalar(theirs)) => {
            if (ours.kind, ours.size) != (theirs.kind, theirs.size) {
                return Err(format!(
                    "the file has {theirs} where the program has {ours}"
                ));
            }
            if ours.order != theirs.order {
                let word = ours.word();
                swaps.extend((0..ours.size / word).map(|i| (i * word, word)));
            }
            return Ok(());
        }
        (
            Dtype::Struct { fields, itemsize },
            Dtype::Struct {
                fields: others,
                itemsize: other_size,
            },
        ) => (fields, *itemsize, others, *other_size),
        (Dtype::Scalar(_), Dtype::Struct { .. }) => return Err("the file has members".to_owned()),
        (Dtype::Struct { .. }, Dtype::Scalar(_)) => {
            return Err("the file has no members".to_owned());
        }
    };
    for (ours, theirs) in fields.iter().zip(others) {
        let name = &ours.name;
        if *name != theirs.name {
            return Err(format!(
                "the file has the member `{}` where the program has `{name}`",
                theirs.name
            ));
        }
        if ours.offset != theirs.offset {
            return Err(format!(
                "the member `{name}` is at byte {} in the file, at byte {} in the program",
                theirs.offset, ours.offset
            ));
        }
        if ours.item.extents != theirs.item.extents {
            return Err(format!(
                "the member `{name}` has the extents {} in the file, {} in the program",
                Shape(&theirs.item.extents),
                Shape(&ours.item.extents)
            ));
        }
        let mut inner = Vec::new();
        compare(&ours.item.dtype, &theirs.item.dtype, &mut inner)
            .map_err(|difference| format!("in the member `{name}`, {difference}"))?;
        let inner = repeat(&inner, &ours.item);
        swaps.extend(inner.into_iter().map(|(at, size)| (ours.offset + at, size)));
    }
    if fields.len() != others.len() {
        return Err(format!(
            "{} members in the file, {} in the program",
            others.len(),
            fields.len()
        ));
    }
    if itemsize != other_size {
        return Err(format!(
            "{other_size} bytes in the file, {itemsize} in the program"
        ));
    }
    Ok(())
}

/// What is to be reversed in all repetitions of an item.
fn repeat(one: &[(usize, usize)], item: &Item) -> Vec<(usize, usize)> {
    if one.is_empty() {
        return Vec::new();
    }
    let times: usize = item.extents.iter().product();
    let size = item.dtype.size();
    let moved = |i: usize| one.iter().map(move |(at, word)| (i * size + at, *word));
    (0..times).flat_map(moved).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(dtype: &str, extents: &[usize]) -> Item {
        Item {
            dtype: dtype.parse().unwrap(),
            extents: extents.to_vec(),
        }
    }

    fn swaps(program: &Item, file: &str) -> Result<Vec<(usize, usize)>, String> {
        let file = file.parse().unwrap();
        program.byte_swaps(&file).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_of_another_byte_order_are_listed() {
        assert_eq!(swaps(&item("<f8", &[]), "<f8"), Ok(vec![]));
        assert_eq!(
            swaps(&item("<f8", &[2, 1]), ">f8"),
            Ok(vec![(0, 8), (8, 8)])
        );
        assert_eq!(swaps(&item("<c16", &[]), ">c16"), Ok(vec![(0, 8), (8, 8)]));
        assert_eq!(swaps(&item("|u1", &[3]), "|u1"), Ok(vec![]));
        assert_eq!(swaps(&item("<f8", &[0]), ">f8"), Ok(vec![]));
        let program = item(
            "[('a', '|b1'), ('', '|V3'), ('b', [('c', '<i2', (2,)), ('d', '<f4')], (2,))]",
            &[2],
        );
        let file = "[('a', '|b1'), ('', '|V3'), ('b', [('c', '>i2', (2,)), ('d', '<f4')], (2,))]";
        let expected = [4, 6, 12, 14, 24, 26, 32, 34].map(|at| (at, 2));
        assert_eq!(swaps(&program, file), Ok(expected.to_vec()));
    }

    #[test]
    fn everything_else_must_be_equal() {
        let number = "the dtype of the file is <f4, that of the program <f8";
        assert_eq!(swaps(&item("<f8", &[]), "<f4"), Err(number.to_owned()));
        assert!(swaps(&item("<i4", &[]), "<u4").is_err());
        assert!(swaps(&item("|u1", &[]), "|b1").is_err());
        let program = item("[('a', '<f8'), ('b', '<i4', (2,))]", &[]);
        let cases = [
            (
                "[('a', '<f8'), ('c', '<i4', (2,))]",
                "the member `c` where the program has `b`",
            ),
            (
                "[('a', '<f8'), ('b', '<i4', (3,))]",
                "the extents (3,) in the file, (2,) in the program",
            ),
            (
                "[('a', '<f8'), ('b', '<i8', (2,))]",
                "in the member `b`, the file has <i8 where the program has <i4",
            ),
            (
                "[('a', '<f8'), ('', '|V4'), ('b', '<i4', (2,))]",
                "`b` is at byte 12 in the file, at byte 8",
            ),
            ("[('a', '<f8')]", "1 members in the file, 2"),
            (
                "[('a', '<f8'), ('b', '<i4', (2,)), ('', '|V4')]",
                "20 bytes in the file, 16",
            ),
            ("<f8", "the file has no members"),
        ];
        for (file, part) in cases {
            let error = swaps(&program, file).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        assert!(swaps(&item("<f8", &[]), "[('a', '<f8')]").is_err());
    }
}
