//! The composite layouts, `Ragged<T>`, `Strings`, `Text`, `Map<K, V>` and `Csr<T>`, as types of fields.
//!
//! They are recognised by their name and the number of their type arguments, because other types have such names, too.

use crate::types::{first_and_last, last_segment};
use crate::unsupported::{Place, check};
use proc_macro2::Span;
use syn::{GenericArgument, PathArguments, Result, Type};

/// A composite layout with its type arguments.
pub(crate) struct Composite {
    form: &'static Form,
    arguments: Vec<Type>,
}

/// What all composites of one name have in common.
struct Form {
    name: &'static str,
    /// Number of type arguments.
    arguments: usize,
    /// The names of its extents, in the order in which `shape = [..]` lists them.
    extents: &'static [&'static str],
    /// The extent that counts its rows or entries, if it consists of such.
    rows: Option<&'static str>,
}

const FORMS: &[Form] = &[
    Form {
        name: "Ragged",
        arguments: 1,
        extents: &["rows", "items"],
        rows: Some("rows"),
    },
    Form {
        name: "Strings",
        arguments: 0,
        extents: &["rows", "items"],
        rows: Some("rows"),
    },
    Form {
        name: "Text",
        arguments: 0,
        extents: &["bytes"],
        rows: None,
    },
    Form {
        name: "Map",
        arguments: 2,
        extents: &["entries", "key_bytes"],
        rows: Some("entries"),
    },
    Form {
        name: "Csr",
        arguments: 1,
        extents: &["rows", "cols", "nnz"],
        rows: Some("rows"),
    },
];

impl Composite {
    /// The composite that a type is by its name, or `None`.
    pub(crate) fn of(ty: &Type) -> Option<Self> {
        let segment = last_segment(ty)?;
        let form = FORMS.iter().find(|form| segment.ident == form.name)?;
        let all = match &segment.arguments {
            PathArguments::None => Vec::new(),
            PathArguments::AngleBracketed(arguments) => arguments.args.iter().collect(),
            PathArguments::Parenthesized(_) => return None,
        };
        let types: Option<Vec<Type>> = all
            .into_iter()
            .map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty.clone()),
                _ => None,
            })
            .collect();
        let arguments = types.filter(|types| types.len() == form.arguments)?;
        Some(Composite { form, arguments })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.form.name
    }

    /// The type of the items or of the values.
    pub(crate) fn element(&self) -> Option<&Type> {
        self.arguments.last()
    }

    /// The type of the keys.
    pub(crate) fn key(&self) -> Option<&Type> {
        match &self.arguments[..] {
            [key, _] => Some(key),
            _ => None,
        }
    }

    /// Spans of the first and the last token of its items or values, or of the whole type if it has none.
    pub(crate) fn element_span(&self, ty: &Type) -> (Span, Span) {
        first_and_last(self.element().unwrap_or(ty))
    }

    /// Rejects types that cannot be its items, keys or values.
    pub(crate) fn check(&self, ty: &Type) -> Result<()> {
        let Some(element) = self.element() else {
            return Ok(());
        };
        if let Some(key) = self.key() {
            check(key, &Place::Key { value: element })?;
        }
        match self.name() {
            "Ragged" => check(element, &Place::Row { of: ty }),
            _ => check(element, &Place::Inside),
        }
    }

    /// The names of the extents, in the order in which `shape = [..]` lists them.
    pub(crate) fn extents(&self) -> &'static [&'static str] {
        self.form.extents
    }

    /// The extent that counts the rows or entries.
    pub(crate) fn rows(&self) -> Option<&'static str> {
        self.form.rows
    }
}

#[cfg(test)]
mod tests {
    use super::Composite;

    /// The name of the composite that this type is.
    fn name(ty: &str) -> Option<&'static str> {
        let ty = syn::parse_str(ty).expect("the type is Rust");
        Composite::of(&ty).map(|composite| composite.name())
    }

    #[test]
    fn name_and_number_of_arguments_decide() {
        assert_eq!(name("pshmem::Ragged<[f64; 3]>"), Some("Ragged"));
        assert_eq!(name("(Strings)"), Some("Strings"));
        assert_eq!(name("Text"), Some("Text"));
        assert_eq!(name("Map<str, f64>"), Some("Map"));
        assert_eq!(name("Csr<T>"), Some("Csr"));
        for other in [
            "Ragged",
            "Ragged<A, B>",
            "Strings<u8>",
            "Text<'a>",
            "Text<32>",
            "Map<V>",
            "Map<K, V, S>",
            "Csr<T, 3>",
            "<T as Layouts>::Text",
            "Text::Inner",
        ] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}
