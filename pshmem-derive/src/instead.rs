//! What to use in place of a type that cannot be in node-shared memory.

use crate::composite::Composite;
use crate::errors::code_text;
use crate::kind::MAX_RANK;
use crate::types::ungroup;
use crate::unsupported::{Content, Place, content, is_element};
use syn::Type;

/// The advice, which begins with a verb.
pub(crate) fn instead(content: &Content, place: &Place<'_>) -> String {
    match content {
        Content::Text { is_utf8 } => text(*is_utf8, place),
        Content::List(element) => list(element, place),
        Content::Array { element, rank } => array(element, *rank, place),
        Content::Columns(record) => {
            let record = code_text(record);
            match place {
                Place::Field => format!("use `Columns<{record}>` itself"),
                _ => format!(
                    "use one `Columns<{record}>` for all records, and one `Vec<usize>` for the first record of each group"
                ),
            }
        }
        Content::Composite(composite) => nested(composite, place),
        Content::Table { key, value } => table(key, value, place),
        Content::Set(element) => set(element, place),
        Content::Other(instead) => instead.clone(),
    }
}

fn text(is_utf8: bool, place: &Place<'_>) -> String {
    match place {
        Place::Field if is_utf8 => {
            "use `Text` for one string of run-time length, `Strings` for many, or `[u8; N]` for a short one".to_owned()
        }
        Place::Field => "use `Text` for one, `Strings` for many, or `Vec<u8>` for bytes that need not be UTF-8".to_owned(),
        Place::List { of } => format!("use `Strings` in place of `{}`", code_text(of)),
        Place::Row { of } => format!(
            "use `Strings` if `{}` is a list of strings; otherwise use one `Strings` for all of them, and a \
             `Ragged<usize>` of their numbers",
            code_text(of)
        ),
        Place::Key { value } => format!(
            "write `Map<str, {}>`, whose keys are strings of any length",
            code_text(value)
        ),
        Place::Inside => "use one `Strings` field for all of them, and store the number of each here".to_owned(),
    }
}

fn list(element: &Type, place: &Place<'_>) -> String {
    let element = code_text(element);
    match place {
        Place::Field => format!("use `Vec<{element}>` or `Box<[{element}]>`"),
        Place::List { of } => format!(
            "use `Ragged<{element}>` in place of `{}`, or `Array2<{element}>` for rows of equal length",
            code_text(of)
        ),
        Place::Row { .. } => format!("write `Ragged<{element}>`, each row of which is such a list"),
        Place::Key { .. } => format!("use an array such as `[{element}; 2]`"),
        Place::Inside => format!(
            "use one `Ragged<{element}>` field for all of them, and store the number of each here"
        ),
    }
}

fn array(element: &Type, rank: usize, place: &Place<'_>) -> String {
    let element = code_text(element);
    let more = rank + 1;
    match place {
        Place::Field => format!("use `Array{rank}<{element}>` itself"),
        Place::List { .. } if more <= MAX_RANK => format!(
            "use `Array{more}<{element}>` for arrays of equal extents, or `Ragged<{element}>` with the elements of one array in \
             each row"
        ),
        _ => format!("use a `Ragged<{element}>` field with the elements of one array in each row"),
    }
}

fn nested(composite: &Composite, place: &Place<'_>) -> String {
    let name = composite.name();
    match (name, place) {
        (_, Place::Field) => format!("use `{name}` itself"),
        ("Map", _) => ONE_MAP.to_owned(),
        ("Csr", _) => "use one `Csr` field with the rows of all matrices, and one `Vec<usize>` for the first row of each".to_owned(),
        (_, _) => format!("use one `{name}` field with the rows of all, and one `Vec<usize>` for the first row of each"),
    }
}

/// What replaces a container of tables.
const ONE_MAP: &str =
    "use one `Map<K, V>` field for all of them, with the number of the table as a part of the key";

fn table(key: &Type, value: &Type, place: &Place<'_>) -> String {
    if !matches!(place, Place::Field) {
        return ONE_MAP.to_owned();
    }
    let key = if is_text(key) {
        "str".to_owned()
    } else if is_element(key) {
        code_text(key)
    } else {
        return "use `Map<K, V>` with keys that are integers, arrays of them, or structs that derive `Record`; `Map<str, V>` for strings".to_owned();
    };
    if is_element(value) {
        return format!("use `Map<{key}, {}>`", code_text(value));
    }
    match content(value) {
        Ok(Some((_, Content::Text { .. }))) => {
            format!(
                "use `Map<{key}, usize>`, whose values are the numbers of strings in a `Strings` field"
            )
        }
        Ok(Some((_, Content::List(item)))) if is_element(&item) => format!(
            "use `Map<{key}, usize>`, whose values are the numbers of rows in a `Ragged<{}>` field",
            code_text(&item)
        ),
        Ok(Some((_, Content::Table { .. }))) => {
            "use one `Map<K, V>`, whose keys are arrays or structs of the keys of both tables"
                .to_owned()
        }
        _ => format!("use `Map<{key}, V>`"),
    }
}

fn set(element: &Type, place: &Place<'_>) -> String {
    if is_text(element) {
        return "use `Map<str, usize>`, which also gives each string a number".to_owned();
    }
    match place {
        Place::Field => format!(
            "use a sorted `Vec<{}>`, and search it with `binary_search`",
            code_text(element)
        ),
        _ => format!(
            "use a `Ragged<{}>` field with one sorted set in each row, and search it with `binary_search`",
            code_text(element)
        ),
    }
}

fn is_text(ty: &Type) -> bool {
    matches!(content(ungroup(ty)), Ok(Some((_, Content::Text { .. }))))
}
