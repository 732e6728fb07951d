//! Third pass: what can only be checked when the whole struct is known.

use crate::errors::Errors;
use crate::kind::Kind;
use crate::model::{Field, Model};
use crate::names;
use crate::shape::Extent;
use crate::text::text;
use proc_macro2::{Ident, TokenStream};
use std::collections::HashMap;

/// Checks extents against dims; notes every mistake.
pub(crate) fn validate(model: &Model, errors: &mut Errors) {
    let mut dims = Dims::declared(model);
    for field in &model.fields {
        check_words(model, field, errors);
        for_each_extent(field, |extent| dims.use_in(extent, model, errors));
    }
    let unclear = model.fields.iter().any(|field| field.unclear);
    if let Some(given) = &model.dims
        && !unclear
    {
        for dim in &given.value {
            dims.check_use(&dim.name, errors);
        }
    }
}

/// Calls `visit` with every extent that a field states.
fn for_each_extent<'f>(field: &'f Field, mut visit: impl FnMut(&'f Extent)) {
    if let Some(shape) = &field.shape {
        shape.value.extents.iter().for_each(&mut visit);
    }
    if let Some(dims) = &field.dims {
        dims.value
            .extents(&TokenStream::new(), &mut |_, extent| visit(extent));
    }
}

/// How the struct's dims are used.
struct Dims {
    uses: HashMap<String, Use>,
}

#[derive(Default, Clone, Copy)]
struct Use {
    anywhere: bool,
    alone: bool,
}

impl Dims {
    fn declared(model: &Model) -> Self {
        let dims = model.dims.iter().flat_map(|given| &given.value);
        Dims {
            uses: dims
                .map(|dim| (names::text(&dim.name), Use::default()))
                .collect(),
        }
    }

    fn use_in(&mut self, extent: &Extent, model: &Model, errors: &mut Errors) {
        if let Some(dim) = extent
            .name()
            .and_then(|name| self.uses.get_mut(&names::text(name)))
        {
            dim.alone = true;
        }
        extent.names(&mut |path| {
            let Some(name) = path.path.get_ident() else { return };
            if let Some(dim) = self.uses.get_mut(&names::text(name)) {
                dim.anywhere = true;
            } else if let Some(given) = &model.dims
                && looks_like_a_dim(name, model)
            {
                let known: Vec<_> = given.value.iter().map(|dim| format!("`{}`", dim.name)).collect();
                errors.at(
                    name,
                    format!(
                        "unknown dim `{name}`: the struct names {}; add it to `dims(..)`, or write a constant in capitals",
                        known.join(", ")
                    ),
                );
            }
        });
    }

    fn check_use(&self, dim: &Ident, errors: &mut Errors) {
        let Some(uses) = self.uses.get(&names::text(dim)) else {
            return;
        };
        if !uses.anywhere {
            errors.at(
                dim,
                format!("dim `{dim}` is never used: use it in a `shape`, or remove it"),
            );
        } else if !uses.alone {
            errors.at(
                dim,
                format!(
                    "dim `{dim}` never stands alone, so its value cannot be read off an owned struct: write `{dim}` itself as \
                     an extent of one `shape` or nested `dims`"
                ),
            );
        }
    }
}

/// Constants are written in capitals; const parameters are known.
fn looks_like_a_dim(name: &Ident, model: &Model) -> bool {
    let is_param = model
        .generics
        .const_params()
        .any(|param| param.ident == *name);
    !is_param && !names::text(name).contains(char::is_uppercase)
}

fn check_words(model: &Model, field: &Field, errors: &mut Errors) {
    let name = &field.name;
    if field.refused {
        return;
    }
    if let (Some(shape), Some(_)) = (&field.shape, &field.dims) {
        errors.at(
            &shape.word,
            "`shape` is for containers, `dims` for nested structs: keep one of them",
        );
        return;
    }
    let words = [
        field.shape.as_ref().map(|given| &given.word),
        field.dims.as_ref().map(|given| &given.word),
    ];
    let value = matches!(field.kind, Kind::Value);
    for word in words.into_iter().flatten() {
        if value {
            errors.at(
                word,
                format!("`{word}` is for containers, and `{name}` is one value: remove it"),
            );
        } else if model.dims.is_none() && !model.unclear {
            errors.at(
                word,
                format!(
                    "`{word}` needs names for extents: add `#[shared(dims(nx, ny))]` to the struct"
                ),
            );
        }
    }
    if let (Some(dims), Some(rank)) = (&field.dims, field.kind.rank()) {
        errors.at(
            &dims.word,
            format!("`{name}` is a container: write `{}`", example(model, rank)),
        );
        return;
    }
    if field.unclear {
        return;
    }
    match (&field.shape, field.kind.rank()) {
        (Some(shape), Some(rank)) if shape.value.extents.len() != rank => {
            let found = shape.value.extents.len();
            let dimensions = if rank == 1 { "dimension" } else { "dimensions" };
            errors.at_span(
                shape.value.bracket.span.join(),
                format!(
                    "`{}` has {rank} {dimensions}, but its shape states {found}",
                    text(&field.ty)
                ),
            );
        }
        (None, Some(rank))
            if model.dims.is_some()
                && field.dims.is_none()
                && !matches!(field.kind, Kind::Column) =>
        {
            errors.at(
                &field.ty,
                format!(
                    "`{name}` must state its shape, because the struct names dims: add `#[shared({})]`",
                    example(model, rank)
                ),
            );
        }
        (None, None) if model.dims.is_some() && field.dims.is_none() && !value => {
            errors.at(
                &field.ty,
                format!(
                    "`{name}` must state its extents, because the struct names dims: add `#[shared(dims = {}Dims {{ .. }})]`, \
                     or `#[shared(layout, shape = [..])]` if it is an alias of a container",
                    last_name(field)
                ),
            );
        }
        _ => {}
    }
}

/// `shape = [nx, ny]`, with the struct's own dims where there are enough.
fn example(model: &Model, rank: usize) -> String {
    let mut dims: Vec<_> = model
        .dims
        .iter()
        .flat_map(|given| &given.value)
        .map(|dim| dim.name.to_string())
        .collect();
    dims.resize(rank, "..".to_owned());
    format!("shape = [{}]", dims.join(", "))
}

fn last_name(field: &Field) -> String {
    crate::kind::last_segment(&field.ty)
        .map_or_else(String::new, |segment| segment.ident.to_string())
}
