//! `#[derive(Record)]`: parses a struct or an enum, and reports mistakes.

use crate::attr::{FieldAttrs, StructAttrs};
use crate::errors::Errors;
use crate::types::resolve;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{
    Attribute, Data, DataEnum, DeriveInput, Fields, GenericParam, Generics, Member, Type,
    parenthesized, token,
};

/// A type that derives `Record`.
pub(crate) struct Record {
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    /// The path of pshmem in the user's crate.
    pub(crate) krate: TokenStream,
    pub(crate) form: Form,
}

pub(crate) enum Form {
    /// `#[repr(C)]`: the description names each field.
    Struct(Vec<RecordField>),
    /// `#[repr(transparent)]`: the same as its only field.
    Transparent(Box<RecordField>),
    /// An enum without fields, stored as this integer.
    Enum {
        integer: Ident,
        variants: Vec<Ident>,
    },
}

pub(crate) struct RecordField {
    pub(crate) member: Member,
    /// The name in the description: as numpy does, `f0` and so on for fields without names.
    pub(crate) text: String,
    pub(crate) ty: Type,
}

/// The integers that a `repr` may name and numpy has.
const INTEGERS: &[&str] = &[
    "u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize",
];

const USE_INTEGER: &str = "add `#[repr(u8)]`, or another integer of up to 64 bits";

impl Record {
    /// `None` if there are errors.
    pub(crate) fn parse(input: &DeriveInput, errors: &mut Errors) -> Option<Self> {
        let StructAttrs {
            dims, rows, krate, ..
        } = StructAttrs::parse(&input.attrs, errors);
        let dims = dims.as_ref().map(|dims| (&dims.name, "dims(..)"));
        let rows = rows.as_ref().map(|rows| (&rows.name, "rows = .."));
        if let Some((name, argument)) = dims.or(rows) {
            errors.at(
                name,
                format!(
                    "a record has no dims to declare, because its size is fixed: remove `{argument}`"
                ),
            );
        }
        for param in &input.generics.params {
            if let GenericParam::Lifetime(param) = param {
                errors.at(
                    &param.lifetime,
                    format!(
                        "a record cannot have lifetime parameters, because a reference is valid in one process only: remove `{}`",
                        param.lifetime
                    ),
                );
            }
        }
        let reprs = reprs(&input.attrs, errors);
        let form = match &input.data {
            Data::Struct(data) => structure(input, &data.fields, &reprs, errors),
            Data::Enum(data) => enumeration(input, data, &reprs, errors),
            Data::Union(data) => {
                errors.at(
                    data.union_token,
                    "`#[derive(Record)]` supports structs, and enums without fields, because the valid field of a union is \
                     unknown: use a struct",
                );
                None
            }
        };
        let krate = krate.map_or_else(
            || quote!(::pshmem),
            |argument| argument.value.to_token_stream(),
        );
        form.filter(|_| errors.is_empty()).map(|form| Record {
            name: input.ident.clone(),
            generics: input.generics.clone(),
            krate,
            form,
        })
    }
}

/// The names in `#[repr(..)]`.
fn reprs(attrs: &[Attribute], errors: &mut Errors) -> Vec<Ident> {
    let mut names = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("repr")) {
        let parsed = attr.parse_nested_meta(|meta| {
            if meta.input.peek(token::Paren) {
                let inner;
                parenthesized!(inner in meta.input);
                inner.parse::<TokenStream>()?;
            }
            names.extend(meta.path.get_ident().cloned());
            Ok(())
        });
        errors.ok(parsed);
    }
    names
}

fn structure(
    input: &DeriveInput,
    fields: &Fields,
    reprs: &[Ident],
    errors: &mut Errors,
) -> Option<Form> {
    if fields.is_empty() {
        errors.at(
            &input.ident,
            format!(
                "`{}` has no fields, so there is nothing to store: add a field",
                input.ident
            ),
        );
        return None;
    }
    for field in fields {
        FieldAttrs::parse(&field.attrs, errors);
    }
    let mut all = fields
        .iter()
        .enumerate()
        .map(|(index, field)| record_field(input, index, field));
    if reprs.iter().any(|name| name == "transparent") {
        let first = all.next();
        if let Some(second) = fields.iter().nth(1) {
            errors.at(
                second,
                "a record with `#[repr(transparent)]` is its only field: remove the others, or use `#[repr(C)]`",
            );
        }
        return first.map(|field| Form::Transparent(Box::new(field)));
    }
    if !reprs.iter().any(|name| name == "C") {
        errors.at(
            &input.ident,
            format!(
                "the compiler may place the fields of `{}` in another order in each version, but a file lasts: add \
                 `#[repr(C)]`",
                input.ident
            ),
        );
        return None;
    }
    Some(Form::Struct(all.collect()))
}

fn record_field(input: &DeriveInput, index: usize, field: &syn::Field) -> RecordField {
    let (member, text) = match &field.ident {
        Some(name) => (Member::from(name.clone()), name.unraw().to_string()),
        None => (Member::from(index), format!("f{index}")),
    };
    RecordField {
        member,
        text,
        ty: resolve(&field.ty, input),
    }
}

fn enumeration(
    input: &DeriveInput,
    data: &DataEnum,
    reprs: &[Ident],
    errors: &mut Errors,
) -> Option<Form> {
    let before = errors.len();
    if data.variants.is_empty() {
        errors.at(
            &input.ident,
            format!(
                "`{}` has no variants, so it has no value to store",
                input.ident
            ),
        );
    }
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            errors.at(
                variant,
                format!(
                    "`{}` has fields, which depend on the variant, but all records of a file have the same fields: use a struct \
                     with an enum field that tells the variants apart",
                    variant.ident
                ),
            );
        }
    }
    let integer = reprs.iter().find(|name| is_integer(name));
    if errors.len() != before {
        return None;
    }
    let Some(integer) = integer else {
        let wide = reprs.iter().find(|name| *name == "u128" || *name == "i128");
        match wide {
            Some(wide) => errors.at(wide, format!("numpy has no `{wide}`: {USE_INTEGER}")),
            None => errors.at(
                &input.ident,
                format!(
                    "the size of `{}` is unspecified: {USE_INTEGER}",
                    input.ident
                ),
            ),
        }
        return None;
    };
    Some(Form::Enum {
        integer: Ident::new(&integer.to_string(), Span::call_site()),
        variants: data
            .variants
            .iter()
            .map(|variant| variant.ident.clone())
            .collect(),
    })
}

fn is_integer(name: &Ident) -> bool {
    INTEGERS.iter().any(|integer| name == integer)
}
