//! Third pass: checks that need the whole struct, such as whether every dim is used.

use crate::attr::DimName;
use crate::errors::{Errors, code_text};
use crate::kind::Kind;
use crate::model::{Derive, Field, Model};
use crate::names;
use crate::shape::{DimsExpr, ExtentExpr};
use crate::types::last_segment;
use proc_macro2::{Ident, TokenStream};
use std::collections::HashMap;
use syn::Member;

/// Checks the arguments of every field, and the use of every dim.
pub(crate) fn validate(model: &Model, errors: &mut Errors) {
    let mut dims = Dims::declared(model);
    for field in &model.fields {
        check_arguments(model, field, errors);
        for_each_extent(field, |extent| dims.record_use(extent, model, errors));
    }
    let has_errors = model.fields.iter().any(|field| field.has_errors);
    check_rows(model, has_errors, errors);
    if let Some(argument) = &model.dims
        && !has_errors
    {
        for dim in &argument.value {
            dims.check_use(&dim.name, errors);
        }
    }
}

/// Calls `visit` with every extent in the arguments of a field.
fn for_each_extent<'f>(field: &'f Field, mut visit: impl FnMut(&'f ExtentExpr)) {
    if let Some(shape) = &field.shape {
        shape.value.extents.iter().for_each(&mut visit);
    }
    if let Some(dims) = &field.dims {
        dims.value
            .for_each_extent(&TokenStream::new(), &mut |_, extent| visit(extent));
    }
}

/// The dims of the struct and how the fields use them.
struct Dims {
    uses: HashMap<String, Use>,
}

#[derive(Default, Clone, Copy)]
struct Use {
    /// In some extent.
    anywhere: bool,
    /// As a whole extent, so that an existing value determines the dim.
    alone: bool,
}

impl Dims {
    fn declared(model: &Model) -> Self {
        let dims = model.dims.iter().flat_map(|argument| &argument.value);
        Dims {
            uses: dims
                .map(|dim| (names::unraw(&dim.name), Use::default()))
                .collect(),
        }
    }

    fn record_use(&mut self, extent: &ExtentExpr, model: &Model, errors: &mut Errors) {
        if let Some(dim) = extent
            .name()
            .and_then(|name| self.uses.get_mut(&names::unraw(name)))
        {
            dim.alone = true;
        }
        extent.for_each_name(&mut |path| {
            let Some(name) = path.path.get_ident() else {
                return;
            };
            if let Some(dim) = self.uses.get_mut(&names::unraw(name)) {
                dim.anywhere = true;
            } else if let Some(declared) = &model.dims
                && looks_like_a_dim(name, model)
            {
                let declared = listed(&declared.value);
                errors.at(
                    name,
                    format!(
                        "unknown dim `{name}`: the struct declares {declared}; add `{name}` to `dims(..)`, or write the name of a \
                         constant in capitals"
                    ),
                );
            }
        });
    }

    fn check_use(&self, dim: &Ident, errors: &mut Errors) {
        let Some(uses) = self.uses.get(&names::unraw(dim)) else {
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
                    "dim `{dim}` is only used inside larger expressions, so an existing struct does not determine its value: \
                     use `{dim}` alone as one extent of a `shape` or of a nested `dims`"
                ),
            );
        }
    }
}

/// Checks that `rows = n` names a dim that is the first extent of some field.
fn check_rows(model: &Model, has_errors: bool, errors: &mut Errors) {
    // A record with columns has no dims; this is an error already.
    let (Some(rows), Derive::Layout) = (&model.rows, model.derive) else {
        return;
    };
    let name = &rows.value;
    let Some(declared) = &model.dims else {
        if !model.has_errors {
            errors.at(
                &rows.name,
                format!("`rows` needs dims, but the struct declares none: add `dims({name})`"),
            );
        }
        return;
    };
    if model.dim_of_rows().is_none() {
        errors.at(
            name,
            format!(
                "unknown dim `{name}`: the struct declares {}",
                listed(&declared.value)
            ),
        );
        return;
    }
    let before = errors.len();
    for field in &model.fields {
        check_other_extents(field, name, errors);
    }
    let has_errors = has_errors || errors.len() > before;
    if !has_errors && !model.fields.iter().any(|field| counts_rows(field, name)) {
        errors.at(
            name,
            format!(
                "no field has rows that `{name}` counts: use `{name}` alone as the first extent of a `shape`"
            ),
        );
    }
}

/// Whether the first extent of a field is the dim `rows`.
pub(crate) fn counts_rows(field: &Field, rows: &Ident) -> bool {
    if matches!(&field.kind, Kind::Composite(composite) if composite.rows().is_none()) {
        return false;
    }
    if let Some(shape) = &field.shape {
        return (shape.value.extents.first()).is_some_and(|extent| extent.is_name(rows));
    }
    let is_rows =
        |value: &DimsExpr| matches!(value, DimsExpr::Extent(extent) if extent.is_name(rows));
    match field.dims.as_ref().map(|dims| &dims.value) {
        Some(DimsExpr::List(list)) => list.first().is_some_and(is_rows),
        Some(DimsExpr::Struct(_, members)) => members
            .iter()
            .any(|(member, value)| may_count_rows(field, member) && is_rows(value)),
        Some(value) => is_rows(value),
        None => false,
    }
}

/// Whether this member of a field's extents may count its rows. Which one of a nested struct does is not known here.
fn may_count_rows(field: &Field, member: &Member) -> bool {
    match (&field.kind, member) {
        (Kind::Composite(composite), Member::Named(name)) => {
            composite.rows().is_some_and(|rows| name == rows)
        }
        _ => true,
    }
}

/// Reports the dim `rows` where it is another extent than the first one, or a part of the first one: the extents of the field would
/// not follow from those that all ranks bring.
fn check_other_extents(field: &Field, rows: &Ident, errors: &mut Errors) {
    let Some(shape) = &field.shape else {
        return;
    };
    let is_composite = matches!(field.kind, Kind::Composite(_));
    let counts = counts_rows(field, rows);
    for (axis, extent) in shape.value.extents.iter().enumerate() {
        // A capacity may be computed from the number of rows.
        let is_first = axis == 0 && counts;
        let is_capacity = axis > 0 && is_composite && !extent.is_name(rows);
        if is_first || is_capacity {
            continue;
        }
        extent.for_each_name(&mut |path| {
            if path.path.get_ident().is_some_and(|name| names::unraw(name) == names::unraw(rows)) {
                errors.at(
                    path,
                    format!(
                        "`{rows}` counts the rows, which are the first extent: write `shape = [{rows}, ..]`, or use another dim here"
                    ),
                );
            }
        });
    }
}

/// `` `nx`, `ny` ``
fn listed(dims: &[DimName]) -> String {
    let names: Vec<_> = dims.iter().map(|dim| format!("`{}`", dim.name)).collect();
    names.join(", ")
}

/// Constants are recognised by capitals in their name, const parameters by their declaration.
fn looks_like_a_dim(name: &Ident, model: &Model) -> bool {
    let is_param = model
        .generics
        .const_params()
        .any(|param| param.ident == *name);
    !is_param && !names::unraw(name).contains(char::is_uppercase)
}

/// Checks that `shape` and `dims` are used where they apply, and given where they are needed.
fn check_arguments(model: &Model, field: &Field, errors: &mut Errors) {
    let name = &field.name;
    if field.unsupported {
        return;
    }
    if let (Some(shape), Some(_)) = (&field.shape, &field.dims) {
        errors.at(
            &shape.name,
            "`shape` is for containers and `dims` is for nested structs: remove one of them",
        );
        return;
    }
    let arguments = [
        field.shape.as_ref().map(|argument| &argument.name),
        field.dims.as_ref().map(|argument| &argument.name),
    ];
    let is_value = matches!(field.kind, Kind::Value);
    for argument in arguments.into_iter().flatten() {
        if is_value {
            errors.at(
                argument,
                format!(
                    "`{argument}` is for containers, but `{name}` is one plain value: remove it"
                ),
            );
        } else if model.dims.is_none() && !model.has_errors {
            errors.at(
                argument,
                format!(
                    "`{argument}` needs dims, but the struct declares none: add `#[shared(dims(nx, ny))]` to the struct"
                ),
            );
        }
    }
    if let (Some(dims), Some(rank)) = (&field.dims, field.kind.rank())
        && !matches!(field.kind, Kind::Composite(_))
    {
        errors.at(
            &dims.name,
            format!(
                "`dims` is for nested structs, but `{name}` is a container: write `{}`",
                example(model, rank)
            ),
        );
        return;
    }
    if !field.has_errors {
        check_extents(model, field, errors);
    }
}

/// Checks that a field has a shape or dims if it needs one, with the right number of extents.
fn check_extents(model: &Model, field: &Field, errors: &mut Errors) {
    let name = &field.name;
    let is_missing = model.dims.is_some()
        && field.shape.is_none()
        && field.dims.is_none()
        && !matches!(field.kind, Kind::Value | Kind::Column);
    match (&field.shape, field.kind.rank()) {
        (Some(shape), Some(rank)) if shape.value.extents.len() != rank => {
            let count = shape.value.extents.len();
            let extents = if count == 1 { "extent" } else { "extents" };
            let message = if let Kind::Composite(composite) = &field.kind {
                let expected = if rank == 1 { "extent" } else { "extents" };
                format!(
                    "`{}` has {rank} {expected} ({}), but this shape has {count} {extents}: write one number for each",
                    code_text(&field.ty),
                    composite.extents().join(", ")
                )
            } else {
                let dimensions = if rank == 1 { "dimension" } else { "dimensions" };
                format!(
                    "`{}` has {rank} {dimensions}, but this shape has {count} {extents}: write one extent for each dimension",
                    code_text(&field.ty)
                )
            };
            errors.at_span(shape.value.bracket.span.join(), message);
        }
        (None, Some(rank)) if is_missing => {
            errors.at(
                &field.ty,
                format!(
                    "`{name}` needs a shape, because the struct declares dims: add `#[shared({})]`",
                    example(model, rank)
                ),
            );
        }
        (None, None) if is_missing => {
            let ty = last_segment(&field.ty)
                .map_or_else(String::new, |segment| segment.ident.to_string());
            errors.at(
                &field.ty,
                format!(
                    "`{name}` needs extents, because the struct declares dims: add `#[shared(dims = {ty}Dims {{ .. }})]`, or \
                     `#[shared(layout, shape = [..])]` if `{ty}` is an alias of a container"
                ),
            );
        }
        _ => {}
    }
}

/// `shape = [nx, ny]` with the struct's own dims, or `..` where there are too few.
fn example(model: &Model, rank: usize) -> String {
    let mut dims: Vec<_> = model
        .dims
        .iter()
        .flat_map(|argument| &argument.value)
        .map(|dim| dim.name.to_string())
        .collect();
    dims.resize(rank, "..".to_owned());
    format!("shape = [{}]", dims.join(", "))
}
