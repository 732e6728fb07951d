//! Writes dtypes as numpy does in headers: `'<f8'`, or a list of the members in which names `''` stand for padding.

use super::{Dtype, Item, StructField};
use std::fmt::{self, Write};

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dtype::Scalar(scalar) => write!(f, "'{scalar}'"),
            Dtype::Struct { fields, itemsize } if is_list(fields, *itemsize) => {
                write_list(f, fields, *itemsize)
            }
            Dtype::Struct { fields, itemsize } => write_dict(f, fields, *itemsize),
        }
    }
}

/// The dtype; with extents, `(dtype, (3,))`, which is what Python calls a sub-array.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.extents.is_empty() {
            return self.dtype.fmt(f);
        }
        write!(f, "({}, {})", self.dtype, Shape(&self.extents))
    }
}

/// Whether the members lie one behind the other, so that a list says where.
fn is_list(fields: &[StructField], itemsize: usize) -> bool {
    let mut end = 0;
    let rises = |field: &StructField| {
        let is_behind = field.offset >= end;
        end = field.offset.saturating_add(field.item.size());
        is_behind
    };
    fields.iter().all(rises) && end <= itemsize
}

fn write_list(f: &mut fmt::Formatter<'_>, fields: &[StructField], itemsize: usize) -> fmt::Result {
    f.write_char('[')?;
    let mut separator = "";
    let mut end = 0;
    for StructField { name, offset, item } in fields {
        if *offset > end {
            write!(f, "{separator}('', '|V{}')", offset - end)?;
            separator = ", ";
        }
        write!(f, "{separator}({}, {}", Quoted(name), item.dtype)?;
        if !item.extents.is_empty() {
            write!(f, ", {}", Shape(&item.extents))?;
        }
        f.write_char(')')?;
        separator = ", ";
        end = offset + item.size();
    }
    if itemsize > end {
        write!(f, "{separator}('', '|V{}')", itemsize - end)?;
    }
    f.write_char(']')
}

/// As numpy prints dtypes whose members overlap or do not lie in their order; it writes no such file.
fn write_dict(f: &mut fmt::Formatter<'_>, fields: &[StructField], itemsize: usize) -> fmt::Result {
    f.write_str("{'names': [")?;
    write_separated(f, fields, |f, field| write!(f, "{}", Quoted(&field.name)))?;
    f.write_str("], 'formats': [")?;
    write_separated(f, fields, |f, field| write!(f, "{}", field.item))?;
    f.write_str("], 'offsets': [")?;
    write_separated(f, fields, |f, field| write!(f, "{}", field.offset))?;
    write!(f, "], 'itemsize': {itemsize}}}")
}

fn write_separated<T>(
    f: &mut fmt::Formatter<'_>,
    values: &[T],
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (i, value) in values.iter().enumerate() {
        f.write_str(if i > 0 { ", " } else { "" })?;
        write(f, value)?;
    }
    Ok(())
}

/// Extents as a tuple of Python: `()`, `(3,)`, `(3, 4)`.
pub(crate) struct Shape<'a>(pub(crate) &'a [usize]);

impl fmt::Display for Shape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('(')?;
        write_separated(f, self.0, |f, extent| write!(f, "{extent}"))?;
        f.write_str(if self.0.len() == 1 { ",)" } else { ")" })
    }
}

/// A string with quotation marks, as Python's `repr` writes it. Characters beyond ASCII that are neither letters nor digits are
/// escaped; Python does so with fewer of them, and reads both.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = self.0.contains('\'') && !self.0.contains('"');
        let quote = if is_plain { '"' } else { '\'' };
        f.write_char(quote)?;
        for c in self.0.chars() {
            match c {
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '\\' => f.write_str("\\\\")?,
                _ if c == quote => write!(f, "\\{c}")?,
                ' '..='~' => f.write_char(c)?,
                _ if !c.is_ascii() && c.is_alphanumeric() => f.write_char(c)?,
                ..='\u{ff}' => write!(f, "\\x{:02x}", c as u32)?,
                ..='\u{ffff}' => write!(f, "\\u{:04x}", c as u32)?,
                _ => write!(f, "\\U{:08x}", c as u32)?,
            }
        }
        f.write_char(quote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::Scalar;

    fn field(name: &str, offset: usize, scalar: &str, extents: &[usize]) -> StructField {
        StructField {
            name: name.into(),
            offset,
            item: Item {
                dtype: Scalar::of(scalar).unwrap().into(),
                extents: extents.to_vec(),
            },
        }
    }

    #[test]
    fn dtypes_are_written_as_numpy_does() {
        let dtype = |fields: Vec<StructField>, itemsize| Dtype::Struct { fields, itemsize };
        let text = |dtype: &Dtype| dtype.to_string();
        assert_eq!(text(&Scalar::of("<f8").unwrap().into()), "'<f8'");
        assert_eq!(text(&dtype(vec![], 0)), "[]");
        assert_eq!(text(&dtype(vec![], 8)), "[('', '|V8')]");
        let inner = dtype(
            vec![field("y", 0, ">c8", &[2]), field("z", 16, "i1", &[])],
            20,
        );
        assert_eq!(
            text(&inner),
            "[('y', '>c8', (2,)), ('z', '|i1'), ('', '|V3')]"
        );
        let outer = StructField {
            name: "it's".into(),
            offset: 3,
            item: Item {
                dtype: inner,
                extents: vec![2, 1],
            },
        };
        assert_eq!(
            text(&dtype(vec![outer], 43)),
            "[('', '|V3'), (\"it's\", [('y', '>c8', (2,)), ('z', '|i1'), ('', '|V3')], (2, 1))]"
        );
        let backwards = vec![field("a", 8, "<i4", &[]), field("b", 0, "<f8", &[1])];
        assert_eq!(
            text(&dtype(backwards, 12)),
            "{'names': ['a', 'b'], 'formats': ['<i4', ('<f8', (1,))], 'offsets': [8, 0], 'itemsize': 12}"
        );
    }

    #[test]
    fn strings_are_quoted_as_python_does() {
        let cases = [
            ("a b", "'a b'"),
            ("it's", "\"it's\""),
            ("\"", "'\"'"),
            ("'\"", r#"'\'"'"#),
            ("\\\n\r\t", r"'\\\n\r\t'"),
            ("\0\x7f\u{a0}", r"'\x00\x7f\xa0'"),
            ("éα", "'éα'"),
            ("\u{2028}", r"'\u2028'"),
            ("😀", r"'\U0001f600'"),
        ];
        for (string, quoted) in cases {
            assert_eq!(Quoted(string).to_string(), quoted);
        }
    }
}
