//! First pass: parses `#[shared(..)]` attributes. Each argument may be given once.

use crate::errors::Errors;
use crate::shape::{DimsExpr, Shape, parse_all};
use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, LitInt, Meta, Path, Result, Token, parenthesized};

/// The arguments that a struct takes, for messages.
const ON_STRUCT: &str = "a struct takes `dims(..)`, `rows = n` and `crate = path`";

/// An argument: `name = value`, `name(value)` or just `name`.
pub(crate) struct Argument<T> {
    pub(crate) name: Ident,
    pub(crate) value: T,
}

/// The arguments on the struct.
#[derive(Default)]
pub(crate) struct StructAttrs {
    pub(crate) dims: Option<Argument<Vec<DimName>>>,
    pub(crate) rows: Option<Argument<Ident>>,
    pub(crate) krate: Option<Argument<Path>>,
    /// Some argument could not be parsed. Missing arguments are not reported then, because it may have been one of them.
    pub(crate) has_errors: bool,
}

/// The arguments on a field.
#[derive(Default)]
pub(crate) struct FieldAttrs {
    pub(crate) layout: Option<Argument<()>>,
    pub(crate) value: Option<Argument<()>>,
    pub(crate) shape: Option<Argument<Shape>>,
    pub(crate) dims: Option<Argument<DimsExpr>>,
    pub(crate) align: Option<Argument<LitInt>>,
    /// As for the struct.
    pub(crate) has_errors: bool,
}

/// A dim in `dims(nx, ny)`, with its doc comments.
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
        let has_errors = for_each_argument(attrs, errors, |name, input, errors| {
            match name.to_string().as_str() {
                "dims" if input.peek(Token![=]) => {
                    return Err(Error::new(
                        name.span(),
                        "`dims = ..` belongs on a nested field; a struct declares its dims: write `#[shared(dims(nx, ny))]`",
                    ));
                }
                "dims" => {
                    let inner;
                    parenthesized!(inner in input);
                    let dims =
                        parse_all(&inner, Punctuated::<DimName, Token![,]>::parse_terminated)?;
                    let dims = without_duplicates(&name, dims, errors);
                    set_once(&mut parsed.dims, name, dims, errors);
                }
                "rows" => set_once(&mut parsed.rows, name, rows(input)?, errors),
                "crate" => set_once(&mut parsed.krate, name, crate_path(input)?, errors),
                "layout" | "value" | "shape" | "align" => {
                    return Err(Error::new(
                        name.span(),
                        format!("`{name}` belongs on a field; {ON_STRUCT}"),
                    ));
                }
                _ => return Err(unknown(&name, ON_STRUCT)),
            }
            Ok(())
        });
        parsed.has_errors = has_errors;
        parsed
    }
}

impl FieldAttrs {
    pub(crate) fn parse(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut parsed = FieldAttrs::default();
        let has_errors = for_each_argument(attrs, errors, |name, input, errors| {
            match name.to_string().as_str() {
                "layout" => set_once(&mut parsed.layout, name, (), errors),
                "value" => set_once(&mut parsed.value, name, (), errors),
                "shape" => {
                    expect_equals(&name, input, "shape = [nx, ny]")?;
                    set_once(&mut parsed.shape, name, input.parse()?, errors);
                }
                "dims" => {
                    expect_equals(&name, input, "dims = InnerDims { n: nx }")?;
                    set_once(&mut parsed.dims, name, input.parse()?, errors);
                }
                "align" => {
                    expect_equals(&name, input, "align = 4096")?;
                    set_once(&mut parsed.align, name, alignment(input)?, errors);
                }
                "crate" | "rows" => {
                    let example = if name == "rows" {
                        "rows = n"
                    } else {
                        "crate = path"
                    };
                    return Err(Error::new(
                        name.span(),
                        format!("`{example}` belongs on the struct"),
                    ));
                }
                _ => {
                    return Err(unknown(
                        &name,
                        "a field takes `layout`, `value`, `shape = [..]`, `dims = ..` and `align = N`",
                    ));
                }
            }
            Ok(())
        });
        parsed.has_errors = has_errors;
        parsed
    }
}

/// Calls `parse` for every argument of every `#[shared(..)]`. After an error it continues with the next argument. Returns
/// whether there were errors.
fn for_each_argument(
    attrs: &[Attribute],
    errors: &mut Errors,
    mut parse: impl FnMut(Ident, ParseStream<'_>, &mut Errors) -> Result<()>,
) -> bool {
    let before = errors.len();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("shared")) {
        if !matches!(attr.meta, Meta::List(_)) {
            errors.at(
                &attr.meta,
                "`shared` needs arguments in parentheses: write `#[shared(..)]`",
            );
            continue;
        }
        let arguments = |input: ParseStream<'_>| {
            while !input.is_empty() {
                let name = input.call(Ident::parse_any)?;
                if let Err(error) = parse(name, input, errors) {
                    errors.push(error);
                    skip_to_comma(input);
                }
                if !input.is_empty() && input.parse::<Token![,]>().is_err() {
                    errors.push(input.error("expected `,` between arguments"));
                    skip_to_comma(input);
                    let _ = input.parse::<Option<Token![,]>>();
                }
            }
            Ok(())
        };
        let parsed = attr.parse_args_with(arguments);
        errors.ok(parsed);
    }
    errors.len() != before
}

/// Reports dims that are declared twice, and keeps the first of each name.
fn without_duplicates(
    argument: &Ident,
    dims: impl IntoIterator<Item = DimName>,
    errors: &mut Errors,
) -> Vec<DimName> {
    let mut distinct: Vec<DimName> = Vec::new();
    for dim in dims {
        let name = dim.name.unraw();
        if distinct.iter().any(|other| other.name.unraw() == name) {
            errors.at(
                &dim.name,
                format!("dim `{name}` is declared twice: remove one"),
            );
        } else {
            distinct.push(dim);
        }
    }
    if distinct.is_empty() {
        errors.at(
            argument,
            "`dims()` declares no dim: write `dims(nx, ny)`, or remove it",
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

fn set_once<T>(target: &mut Option<Argument<T>>, name: Ident, value: T, errors: &mut Errors) {
    if target.is_some() {
        errors.at(&name, format!("`{name}` is given twice: remove one"));
    } else {
        *target = Some(Argument { name, value });
    }
}

fn unknown(name: &Ident, known: &str) -> Error {
    Error::new(name.span(), format!("unknown argument `{name}`: {known}"))
}

fn expect_equals(name: &Ident, input: ParseStream<'_>, example: &str) -> Result<()> {
    if input.peek(Token![=]) {
        return input.parse::<Token![=]>().map(|_| ());
    }
    let hint = if name == "dims" {
        "; `dims(..)` belongs on the struct"
    } else {
        ""
    };
    Err(Error::new(name.span(), format!("write `{example}`{hint}")))
}

fn rows(input: ParseStream<'_>) -> Result<Ident> {
    let message = "expected one of the struct's dims: write `rows = n`";
    let located = |error: Error| Error::new(error.span(), message);
    input.parse::<Token![=]>().map_err(located)?;
    let name = input.parse().map_err(located)?;
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(name);
    }
    Err(input.error(message))
}

fn crate_path(input: ParseStream<'_>) -> Result<Path> {
    let message =
        "expected the path of pshmem in this crate, without quotes: write `crate = my_sim::pshmem`";
    input
        .parse::<Token![=]>()
        .map_err(|error| Error::new(error.span(), message))?;
    input
        .call(Path::parse_mod_style)
        .map_err(|error| Error::new(error.span(), message))
}

fn alignment(input: ParseStream<'_>) -> Result<LitInt> {
    // Larger alignments are impossible: ranks map a segment at different addresses, equal only modulo the page size.
    let message = "an alignment must be a power of two from 1 to 4096, written as a number: write `align = 4096`";
    let number: LitInt = input
        .parse()
        .map_err(|error| Error::new(error.span(), message))?;
    match number.base10_parse::<usize>() {
        Ok(align) if align.is_power_of_two() && align <= 4096 => Ok(number),
        _ => Err(Error::new_spanned(number, message)),
    }
}
