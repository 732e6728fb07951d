//! First pass: `#[shared(..)]` attributes as they are written, each argument at most once.

use crate::errors::Errors;
use crate::shape::{Shape, Value, whole};
use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, LitInt, Meta, Path, Result, Token, parenthesized};

/// An argument with the word that introduces it.
pub(crate) struct Given<T> {
    pub(crate) word: Ident,
    pub(crate) value: T,
}

/// What is written on the struct.
#[derive(Default)]
pub(crate) struct StructAttrs {
    pub(crate) dims: Option<Given<Vec<DimName>>>,
    pub(crate) krate: Option<Given<Path>>,
    /// Something was not understood, so what seems to be missing may have been meant.
    pub(crate) unclear: bool,
}

/// What is written on a field.
#[derive(Default)]
pub(crate) struct FieldAttrs {
    pub(crate) layout: Option<Given<()>>,
    pub(crate) shape: Option<Given<Shape>>,
    pub(crate) dims: Option<Given<Value>>,
    pub(crate) align: Option<Given<LitInt>>,
    /// As for the struct.
    pub(crate) unclear: bool,
}

/// A dim in `dims(nx, ny)`, with its documentation if it has any.
pub(crate) struct DimName {
    pub(crate) docs: Vec<Attribute>,
    pub(crate) name: Ident,
}

impl Parse for DimName {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        Ok(DimName {
            docs: input.call(Attribute::parse_outer)?,
            name: input.parse()?,
        })
    }
}

impl StructAttrs {
    pub(crate) fn parse(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut parsed = StructAttrs::default();
        let understood = each_argument(attrs, errors, |word, input, errors| {
            match word.to_string().as_str() {
                "dims" if input.peek(Token![=]) => {
                    return Err(Error::new(
                        word.span(),
                        "`dims = ..` belongs on a nested field; on the struct, name the dims: `#[shared(dims(nx, ny))]`",
                    ));
                }
                "dims" => {
                    let names;
                    parenthesized!(names in input);
                    let names = whole(&names, Punctuated::<DimName, Token![,]>::parse_terminated)?;
                    let names = distinct(&word, names, errors);
                    once(&mut parsed.dims, word, names, errors);
                }
                "crate" => once(&mut parsed.krate, word, crate_path(input)?, errors),
                "layout" | "shape" | "align" => {
                    return Err(Error::new(
                        word.span(),
                        format!(
                            "`{word}` belongs on a field; a struct takes `dims(..)` and `crate = path`"
                        ),
                    ));
                }
                _ => {
                    return Err(unknown(
                        &word,
                        "a struct takes `dims(..)` and `crate = path`",
                    ));
                }
            }
            Ok(())
        });
        parsed.unclear = !understood;
        parsed
    }
}

impl FieldAttrs {
    pub(crate) fn parse(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut parsed = FieldAttrs::default();
        let understood = each_argument(attrs, errors, |word, input, errors| {
            match word.to_string().as_str() {
                "layout" => once(&mut parsed.layout, word, (), errors),
                "shape" => {
                    equals(&word, input, "shape = [nx, ny]")?;
                    once(&mut parsed.shape, word, input.parse()?, errors);
                }
                "dims" => {
                    equals(&word, input, "dims = InnerDims { n: nx }")?;
                    once(&mut parsed.dims, word, input.parse()?, errors);
                }
                "align" => {
                    equals(&word, input, "align = 4096")?;
                    once(&mut parsed.align, word, alignment(input)?, errors);
                }
                "crate" => {
                    return Err(Error::new(
                        word.span(),
                        "`crate = path` belongs on the struct",
                    ));
                }
                _ => {
                    return Err(unknown(
                        &word,
                        "a field takes `layout`, `shape = [..]`, `dims = ..` and `align = N`",
                    ));
                }
            }
            Ok(())
        });
        parsed.unclear = !understood;
        parsed
    }
}

/// Calls `parse` for every argument of every `#[shared(..)]`; after a mistake it goes on with the next argument. Returns
/// whether all were understood.
fn each_argument(
    attrs: &[Attribute],
    errors: &mut Errors,
    mut parse: impl FnMut(Ident, ParseStream<'_>, &mut Errors) -> Result<()>,
) -> bool {
    let before = errors.len();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("shared")) {
        if !matches!(attr.meta, Meta::List(_)) {
            errors.at(
                &attr.meta,
                "`shared` takes its arguments in parentheses: `#[shared(..)]`",
            );
            continue;
        }
        let arguments = |input: ParseStream<'_>| {
            while !input.is_empty() {
                let word = input.call(Ident::parse_any)?;
                if let Err(error) = parse(word, input, errors) {
                    errors.push(error);
                    skip_to_comma(input);
                }
                if !input.is_empty() && input.parse::<Token![,]>().is_err() {
                    errors.push(input.error("arguments are separated by `,`"));
                    skip_to_comma(input);
                    let _ = input.parse::<Option<Token![,]>>();
                }
            }
            Ok(())
        };
        let parsed = attr.parse_args_with(arguments);
        errors.ok(parsed);
    }
    errors.len() == before
}

/// Each dim once.
fn distinct(
    word: &Ident,
    names: impl IntoIterator<Item = DimName>,
    errors: &mut Errors,
) -> Vec<DimName> {
    let mut distinct: Vec<DimName> = Vec::new();
    for dim in names {
        let name = dim.name.unraw();
        if distinct.iter().any(|other| other.name.unraw() == name) {
            errors.at(&dim.name, format!("dim `{name}` is named twice: keep one"));
        } else {
            distinct.push(dim);
        }
    }
    if distinct.is_empty() {
        errors.at(
            word,
            "`dims()` names no dim: write `dims(nx, ny)`, or remove it",
        );
    }
    distinct
}

fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty()
        && !input.peek(Token![,])
        && input.parse::<proc_macro2::TokenTree>().is_ok()
    {}
}

fn once<T>(slot: &mut Option<Given<T>>, word: Ident, value: T, errors: &mut Errors) {
    if slot.is_some() {
        errors.at(&word, format!("`{word}` is given twice: keep one"));
    } else {
        *slot = Some(Given { word, value });
    }
}

fn unknown(word: &Ident, known: &str) -> Error {
    Error::new(word.span(), format!("unknown argument `{word}`: {known}"))
}

fn equals(word: &Ident, input: ParseStream<'_>, example: &str) -> Result<()> {
    if input.peek(Token![=]) {
        return input.parse::<Token![=]>().map(|_| ());
    }
    let hint = if word == "dims" {
        "; `dims(..)` belongs on the struct"
    } else {
        ""
    };
    Err(Error::new(word.span(), format!("write `{example}`{hint}")))
}

fn crate_path(input: ParseStream<'_>) -> Result<Path> {
    let message = "write the path by which this crate reaches pshmem: `crate = my_sim::pshmem`";
    input
        .parse::<Token![=]>()
        .map_err(|error| Error::new(error.span(), message))?;
    input
        .call(Path::parse_mod_style)
        .map_err(|error| Error::new(error.span(), message))
}

fn alignment(input: ParseStream<'_>) -> Result<LitInt> {
    let message = "an alignment is a power of two up to 4096, written as a number: only the place within a page is the same \
                   on all ranks";
    let number: LitInt = input
        .parse()
        .map_err(|error| Error::new(error.span(), message))?;
    match number.base10_parse::<usize>() {
        Ok(align) if align.is_power_of_two() && align <= 4096 => Ok(number),
        _ => Err(Error::new_spanned(number, message)),
    }
}
