//! Reads dtypes: from the value of `descr` in a header, or from a text.
//!
//! Accepted is all that numpy writes: a name, or a list of members, each with a name or a title and a name, a dtype, and perhaps
//! extents; and the dict with `names`, `formats`, `offsets` and `itemsize`, which old versions could write.

use super::budget::{Budget, Exhausted};
use super::literal::{self, DEPTH, SyntaxError, Value};
use super::text::Quoted;
use super::{Dtype, Item, Scalar, StructField};
use std::str::FromStr;

/// Why a dtype cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescrError {
    /// The text is no literal of Python.
    #[error("expected {expected} at byte {at}")]
    Syntax {
        /// What should be there.
        expected: &'static str,
        /// Where, in the text of the header or of the dtype.
        at: usize,
    },
    /// Brackets are nested too deeply.
    #[error("the bracket at byte {at} is inside of {DEPTH} others; deeper nesting is refused")]
    TooDeep {
        /// Where, in the text of the header or of the dtype.
        at: usize,
    },
    /// The limit of memory is reached.
    #[error(
        "it describes so much that it would need more memory than the file has bytes, and more than 16 MiB"
    )]
    TooMuch,
    /// A dtype of numpy that has no counterpart.
    #[error("the dtype {dtype} is not supported: {why}")]
    Unsupported {
        /// As it is written.
        dtype: String,
        /// Why it is not supported.
        why: &'static str,
    },
    /// It is a literal of Python, but no dtype.
    #[error("{0}")]
    Malformed(String),
}

impl From<Exhausted> for DescrError {
    fn from(_: Exhausted) -> Self {
        DescrError::TooMuch
    }
}

impl From<SyntaxError> for DescrError {
    fn from(error: SyntaxError) -> Self {
        match error {
            SyntaxError::Expected(expected, at) => DescrError::Syntax { expected, at },
            SyntaxError::TooDeep(at) => DescrError::TooDeep { at },
            SyntaxError::TooMuch => DescrError::TooMuch,
        }
    }
}

type Result<T> = std::result::Result<T, DescrError>;

/// As numpy writes it in a header; or the name of a scalar alone, without quotation marks.
impl FromStr for Dtype {
    type Err = DescrError;

    fn from_str(text: &str) -> Result<Self> {
        let mut budget = Budget::of_file(text.len() as u64);
        if text.trim_start().starts_with(['\'', '"', '[', '(', '{']) {
            let value = literal::parse(text, &mut budget)?;
            dtype(&value, &mut budget)
        } else {
            name(text)
        }
    }
}

/// The dtype of an array's elements.
pub(crate) fn dtype(descr: &Value<'_>, budget: &mut Budget) -> Result<Dtype> {
    let item = item(descr, budget)?;
    if item.extents.is_empty() {
        Ok(item.dtype)
    } else {
        let what =
            "the dtype of an array is a sub-array, whose extents belong into the array's shape";
        malformed(what)
    }
}

/// A dtype, with extents if it is a sub-array.
fn item(descr: &Value<'_>, budget: &mut Budget) -> Result<Item> {
    match descr {
        Value::Text(text) => Ok(name(text)?.into()),
        Value::List(members) => Ok(list(members, budget)?.into()),
        Value::Dict(entries) => Ok(dict(entries, budget)?.into()),
        Value::Tuple(parts) => match &parts[..] {
            [of, Value::Tuple(shape)] => repeated(item(of, budget)?, shape, budget),
            _ => malformed("a dtype is a tuple, but not of a dtype and a shape"),
        },
        _ => malformed("a dtype is neither a string, a list, a tuple, nor a dict"),
    }
}

/// A dtype without members.
fn name(text: &str) -> Result<Dtype> {
    if let Some(scalar) = Scalar::of(text) {
        return Ok(scalar.into());
    }
    let kind = text.trim_start_matches(['<', '>', '|', '=']);
    let why = match kind.chars().next() {
        Some('S' | 'U' | 'a') => "text in arrays has no counterpart in Rust",
        Some('O') => "objects of Python are stored with pickle",
        Some('M' | 'm') => "dates and times have no counterpart in Rust; store them as integers",
        Some('V') => "bytes without a meaning",
        Some('f' | 'c') => {
            "supported are floats of 2, 4 and 8 bytes, and complex numbers of 8 and 16"
        }
        Some('i' | 'u') => "supported are integers of 1, 2, 4 and 8 bytes",
        _ => "it is no dtype that numpy writes",
    };
    Err(DescrError::Unsupported {
        dtype: shortened(text),
        why,
    })
}

/// The item, repeated along more axes, which come first.
fn repeated(item: Item, shape: &[Value<'_>], budget: &mut Budget) -> Result<Item> {
    let mut extents = Vec::new();
    for value in shape {
        budget.push(&mut extents, extent(value)?)?;
    }
    for inner in item.extents {
        budget.push(&mut extents, inner)?;
    }
    Ok(Item {
        dtype: item.dtype,
        extents,
    })
}

/// An extent of an array, an offset, or a size.
pub(crate) fn extent(value: &Value<'_>) -> Result<usize> {
    match value {
        Value::Integer(digits) if digits.starts_with('-') => {
            malformed(&format!("{} is negative", shortened(digits)))
        }
        Value::Integer(digits) => match digits.parse() {
            Ok(number) => Ok(number),
            Err(_) => malformed(&format!("{} does not fit 64 bits", shortened(digits))),
        },
        _ => malformed("an extent, an offset or a size is no integer"),
    }
}

/// The members of a structured dtype, one behind the other.
fn list(members: &[Value<'_>], budget: &mut Budget) -> Result<Dtype> {
    let mut fields = Fields::default();
    for member in members {
        let (name, descr, shape) = match member {
            Value::Tuple(parts) => match &parts[..] {
                [name, descr] => (name, descr, &[][..]),
                [name, descr, Value::Tuple(shape)] => (name, descr, &shape[..]),
                _ => {
                    return malformed(
                        "a member is no tuple of a name, a dtype, and perhaps a shape",
                    );
                }
            },
            _ => return malformed("a member of a structured dtype is no tuple"),
        };
        let name = member_name(name)?;
        let offset = fields.end;
        if let (true, Value::Text(descr)) = (name.is_empty(), descr)
            && let Some(size) = void(descr)
        {
            let size = shape.iter().try_fold(size, |size: usize, value| {
                Ok::<_, DescrError>(size.saturating_mul(extent(value)?))
            })?;
            fields.end = end(offset, size)?;
            continue;
        }
        let item = repeated(item(descr, budget)?, shape, budget)?;
        fields.push(name, offset, item, budget)?;
    }
    let itemsize = fields.end;
    fields.finish(itemsize, budget)
}

/// The size of a dtype of bytes without a meaning, which a list contains as padding.
fn void(name: &str) -> Option<usize> {
    let digits = name.strip_prefix('|').unwrap_or(name).strip_prefix('V')?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// A name, or the second one of a title and a name.
fn member_name<'v>(value: &'v Value<'_>) -> Result<&'v str> {
    match value {
        Value::Text(name) => Ok(name),
        Value::Tuple(parts) => match &parts[..] {
            [_, Value::Text(name)] => Ok(name),
            _ => malformed("the name of a member is a tuple, but not of a title and a name"),
        },
        _ => malformed("the name of a member is no string"),
    }
}

/// Members with their offsets.
fn dict(entries: &[(Value<'_>, Value<'_>)], budget: &mut Budget) -> Result<Dtype> {
    let entry = |wanted: &str| {
        let mut found = entries
            .iter()
            .filter(|(key, _)| matches!(key, Value::Text(key) if key == wanted));
        found.next().map(|(_, value)| value)
    };
    let list = |wanted: &str| match entry(wanted) {
        Some(Value::List(values) | Value::Tuple(values)) => Ok(Some(&values[..])),
        None => Ok(None),
        Some(_) => malformed(&format!("`{wanted}` of a dtype is no list")),
    };
    let (Some(names), Some(formats)) = (list("names")?, list("formats")?) else {
        return malformed("a dtype is a dict without `names` and `formats`");
    };
    let offsets = list("offsets")?;
    if offsets.is_none() && entry("aligned") == Some(&Value::Bool(true)) {
        return malformed("a dtype is a dict that says `aligned`, but has no `offsets`");
    }
    if names.len() != formats.len() || offsets.is_some_and(|offsets| offsets.len() != names.len()) {
        return malformed("`names`, `formats` and `offsets` of a dtype have different lengths");
    }
    let mut fields = Fields::default();
    for (i, (name, format)) in names.iter().zip(formats).enumerate() {
        let offset = match offsets {
            Some(offsets) => extent(&offsets[i])?,
            None => fields.end,
        };
        fields.push(member_name(name)?, offset, item(format, budget)?, budget)?;
    }
    let itemsize = entry("itemsize").map_or(Ok(fields.end), extent)?;
    fields.finish(itemsize, budget)
}

/// Members of a structured dtype, up to now.
#[derive(Default)]
struct Fields {
    fields: Vec<StructField>,
    /// The end of the last byte of all.
    end: usize,
}

impl Fields {
    fn push(&mut self, name: &str, offset: usize, item: Item, budget: &mut Budget) -> Result<()> {
        self.end = self.end.max(end(offset, item.size())?);
        budget.take(name.len())?;
        let name = name.to_owned();
        Ok(budget.push(&mut self.fields, StructField { name, offset, item })?)
    }

    fn finish(self, itemsize: usize, budget: &mut Budget) -> Result<Dtype> {
        let Fields { fields, end: last } = self;
        if end(itemsize, 0)? < last {
            return malformed(&format!(
                "a dtype of {itemsize} bytes has members up to byte {last}"
            ));
        }
        budget.take(fields.len().saturating_mul(size_of::<&str>()))?;
        let mut names = Vec::with_capacity(fields.len());
        names.extend(fields.iter().map(|field| field.name.as_str()));
        names.sort_unstable();
        let mut pairs = names.iter().zip(names.iter().skip(1));
        if let Some((twice, _)) = pairs.find(|(name, next)| name == next) {
            let name = shortened(&Quoted(twice).to_string());
            return malformed(&format!("two members of a dtype have the name {name}"));
        }
        Ok(Dtype::Struct { fields, itemsize })
    }
}

/// The end of bytes in an element, which has to be an address.
fn end(offset: usize, size: usize) -> Result<usize> {
    let end = offset.saturating_add(size);
    if isize::try_from(end).is_err() {
        return malformed("a dtype is larger than any memory");
    }
    Ok(end)
}

fn malformed<T>(what: &str) -> Result<T> {
    Err(DescrError::Malformed(what.to_owned()))
}

/// For messages: a text of at most 60 characters.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}...", &text[..at]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Dtype> {
        text.parse()
    }

    fn error(text: &str) -> String {
        read(text).expect_err(text).to_string()
    }

    #[test]
    fn what_numpy_writes_is_read_and_written_again() {
        for text in [
            "'<f8'",
            "[]",
            "[('', '|V8')]",
            "[('', '|V3'), ('a', '|i1'), ('', '|V5')]",
            "[('x', [('y', '>c8', (2,)), ('z', '|i1'), ('', '|V3')], (2, 1))]",
            "[('a', '<f2'), (\"it's\", '|b1'), ('é', '|u1')]",
            "{'names': ['a', 'b'], 'formats': ['<i4', ('<f8', (1,))], 'offsets': [8, 0], 'itemsize': 12}",
        ] {
            assert_eq!(read(text).unwrap().to_string(), text);
        }
        for name in ["<f8", "u1", "=u8"] {
            assert_eq!(read(name), Ok(Scalar::of(name).unwrap().into()));
        }
    }

    #[test]
    fn titles_sub_arrays_and_dicts_are_read() {
        let same = |text: &str, canonical: &str| {
            assert_eq!(read(text).unwrap().to_string(), canonical);
        };
        same(
            "[(('title', 'a'), '<f8'), ((None, u'b'), '<i4', (3L,))]",
            "[('a', '<f8'), ('b', '<i4', (3,))]",
        );
        same("[('a', ('<f8', (3,)), (2,))]", "[('a', '<f8', (2, 3))]");
        same(
            "[('', '|V2', (3,)), ('a', '|u1')]",
            "[('', '|V6'), ('a', '|u1')]",
        );
        same("[('', '<f8')]", "[('', '<f8')]");
        same(
            "{'names': ['a', 'b'], 'formats': ['<i4', '<f8']}",
            "[('a', '<i4'), ('b', '<f8')]",
        );
        same(
            "{'names': ['a'], 'formats': [[('b', 'u1')]], 'offsets': [4], 'titles': ['t'], 'itemsize': 8, 'aligned': True}",
            "[('', '|V4'), ('a', [('b', '|u1')]), ('', '|V3')]",
        );
    }

    #[test]
    fn other_dtypes_of_numpy_are_named() {
        for name in [
            "<U5", "|S3", "|O", "<M8[ns]", "|V8", "<f16", "<c32", "<i16", "d", "f8,i4", "",
        ] {
            let text = error(&format!("'{name}'"));
            assert!(
                text.contains(&format!("the dtype {name} is not supported")),
                "{text}"
            );
        }
        assert!(error("[('a', '|V8')]").contains("|V8"));
        assert!(error(&format!("'{}'", "x".repeat(100_000))).len() < 200);
    }

    #[test]
    fn what_is_no_dtype_says_why() {
        let cases = [
            ("[('a', '<f8'), ('a', '<f8')]", "the name 'a'"),
            ("[('a',)]", "no tuple of a name"),
            ("['a']", "is no tuple"),
            ("[(1, '<f8')]", "no string"),
            ("[(('t', 'a', 'b'), '<f8')]", "a title and a name"),
            ("[('a', 1)]", "neither a string"),
            ("[('a', '<f8', 3)]", "perhaps a shape"),
            ("[('a', '<f8', (-3,))]", "-3 is negative"),
            (
                "[('a', '<f8', (18446744073709551616,))]",
                "18446744073709551616 does not fit",
            ),
            ("[('a', '<f8', (True,))]", "no integer"),
            (
                "[('a', '<f8', (9223372036854775807, 9223372036854775807))]",
                "larger than any memory",
            ),
            (
                "[('', '|V9223372036854775807'), ('a', '|u1')]",
                "larger than any memory",
            ),
            ("('<f8', (3,))", "is a sub-array"),
            ("('<f8',)", "not of a dtype and a shape"),
            ("{'names': ['a']}", "without `names` and `formats`"),
            (
                "{'names': 'a', 'formats': []}",
                "`names` of a dtype is no list",
            ),
            (
                "{'names': ['a'], 'formats': ['<f8'], 'offsets': []}",
                "different lengths",
            ),
            (
                "{'names': ['a'], 'formats': ['<f8'], 'offsets': [1], 'itemsize': 8}",
                "up to byte 9",
            ),
            (
                "{'names': ['a'], 'formats': ['<f8'], 'aligned': True}",
                "has no `offsets`",
            ),
            ("[('a', '<f8')", "at byte 13"),
        ];
        for (text, part) in cases {
            assert!(error(text).contains(part), "{text}: {}", error(text));
        }
    }
}
