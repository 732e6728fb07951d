//! Second pass: the struct and its fields as the later passes use them. Tokens of the user's code are kept, so that error
//! messages can point at them.

use crate::attr::{Argument, DimName, FieldAttrs, StructAttrs};
use crate::composite::Composite;
use crate::errors::Errors;
use crate::kind::{Kind, container};
use crate::names::{self, Names};
use crate::shape::{DimsExpr, Shape};
use crate::types::{resolve, self_type};
use crate::unsupported::{Place, check, check_marked_value};
use crate::validate::counts_rows;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Data, DeriveInput, Fields, GenericParam, Generics, Lifetime, LitInt, Type,
    Visibility,
};

/// A struct that derives a layout.
pub(crate) struct Model {
    pub(crate) derive: Derive,
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
    pub(crate) names: Names,
    /// As written; see `generics` for those of the generated items.
    pub(crate) generics: Generics,
    /// The lifetime parameter of the generated views.
    pub(crate) lifetime: Lifetime,
    /// The path of pshmem in the user's crate.
    pub(crate) krate: TokenStream,
    /// The struct's own type, `Name<T, N>`.
    pub(crate) self_type: TokenStream,
    /// `dims(..)`, if given.
    pub(crate) dims: Option<Argument<Vec<DimName>>>,
    /// `rows = n`, if given.
    pub(crate) rows: Option<Argument<Ident>>,
    /// Some argument on the struct could not be parsed.
    pub(crate) has_errors: bool,
    pub(crate) fields: Vec<Field>,
}

/// One field.
pub(crate) struct Field {
    pub(crate) docs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) kind: Kind,
    /// The type is unsupported, or arguments contradict each other. The field is left out of all generated code but the fallback views.
    pub(crate) unsupported: bool,
    pub(crate) shape: Option<Argument<Shape>>,
    pub(crate) dims: Option<Argument<DimsExpr>>,
    pub(crate) align: Option<LitInt>,
    /// Some argument on the field could not be parsed.
    pub(crate) has_errors: bool,
}

impl Field {
    /// Whether the field has extents.
    pub(crate) fn has_dims(&self) -> bool {
        !self.unsupported && !matches!(self.kind, Kind::Value)
    }

    /// Whether the field is a nested struct, columns, a composite or an alias of a container.
    pub(crate) fn is_nested(&self) -> bool {
        self.element().is_none()
    }

    /// The type of the elements or of the value; none for nested fields.
    pub(crate) fn element(&self) -> Option<&Type> {
        match &self.kind {
            Kind::Value | Kind::Column => Some(&self.ty),
            Kind::Slice { element } | Kind::Array { element, .. } => Some(element),
            Kind::Columns | Kind::Composite(_) | Kind::Layout => None,
        }
    }

    /// The doc comment of the field in generated types.
    pub(crate) fn docs(&self) -> TokenStream {
        let docs = &self.docs;
        if docs.is_empty() {
            let text = format!("Field `{}`.", names::unraw(&self.name));
            return quote!(#[doc = #text]);
        }
        quote!(#(#docs)*)
    }
}

/// Which of the two derives runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Derive {
    Layout,
    Columns,
}

impl Derive {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Derive::Layout => "SharedLayout",
            Derive::Columns => "SharedColumns",
        }
    }
}

impl Model {
    /// Builds the model. Errors are added to `errors`; what could be parsed is kept.
    pub(crate) fn parse(input: &DeriveInput, derive: Derive, errors: &mut Errors) -> Self {
        let StructAttrs {
            dims,
            rows,
            krate,
            has_errors,
        } = StructAttrs::parse(&input.attrs, errors);
        let dims = dims.filter(|argument| !argument.value.is_empty());
        let krate = krate.map_or_else(
            || quote!(::pshmem),
            |argument| argument.value.to_token_stream(),
        );
        for param in &input.generics.params {
            if let GenericParam::Lifetime(param) = param {
                errors.at(
                    &param.lifetime,
                    format!(
                        "a shared struct cannot have lifetime parameters, because a reference is valid in one process only: \
                         remove `{}`, and use `Vec<T>` instead of `&[T]`",
                        param.lifetime
                    ),
                );
            }
        }
        if derive == Derive::Columns {
            let dims = dims.as_ref().map(|dims| (&dims.name, "dims(..)"));
            let rows = rows.as_ref().map(|rows| (&rows.name, "rows = .."));
            if let Some((name, argument)) = dims.or(rows) {
                errors.at(
                    name,
                    format!("all columns of a record have the same length, so there are no dims to declare: remove `{argument}`"),
                );
            }
        }
        Model {
            derive,
            vis: input.vis.clone(),
            name: input.ident.clone(),
            names: match derive {
                Derive::Layout => Names::of_layout(&input.ident),
                Derive::Columns => Names::of_columns(&input.ident),
            },
            generics: input.generics.clone(),
            lifetime: names::lifetime(input),
            krate,
            self_type: self_type(input),
            dims,
            rows,
            has_errors,
            fields: fields(input, derive, errors),
        }
    }

    /// The position of a field of this struct.
    pub(crate) fn index_of(&self, field: &Field) -> usize {
        let position = self
            .fields
            .iter()
            .position(|other| std::ptr::eq(other, field));
        position.expect("the field belongs to the struct")
    }

    pub(crate) fn all_fields(&self) -> Vec<&Field> {
        self.fields.iter().collect()
    }

    /// The fields that have the rows of `rows = n`, but for composites, whose rows have no fixed length.
    pub(crate) fn fields_of_part(&self) -> Vec<&Field> {
        let Some(rows) = &self.rows else {
            return Vec::new();
        };
        let has_parts = |field: &&Field| {
            counts_rows(field, &rows.value) && !matches!(field.kind, Kind::Composite(_))
        };
        self.fields.iter().filter(has_parts).collect()
    }

    /// The dim that `rows = n` names, as it is declared.
    pub(crate) fn dim_of_rows(&self) -> Option<&Ident> {
        let rows = names::unraw(&self.rows.as_ref()?.value);
        let mut declared = self.dims.iter().flat_map(|argument| &argument.value);
        let dim = declared.find(|dim| names::unraw(&dim.name) == rows)?;
        Some(&dim.name)
    }

    /// Whether the struct has extents at all.
    pub(crate) fn has_dims(&self) -> bool {
        self.dims.is_some() || self.fields.iter().any(Field::has_dims)
    }
}

fn fields(input: &DeriveInput, derive: Derive, errors: &mut Errors) -> Vec<Field> {
    let derive_name = derive.name();
    let message = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) if !fields.named.is_empty() => {
                return fields
                    .named
                    .iter()
                    .map(|field| parse_field(input, field, derive, errors))
                    .collect();
            }
            Fields::Unnamed(fields) if !fields.unnamed.is_empty() => {
                errors.at(
                    fields,
                    format!(
                        "`#[derive({derive_name})]` needs named fields, because the generated types have fields of the same \
                         names: write `struct {} {{ name: Type, .. }}`",
                        input.ident
                    ),
                );
                return Vec::new();
            }
            _ => format!(
                "`{}` has no fields, so there is nothing to share: add a field",
                input.ident
            ),
        },
        Data::Enum(data) => {
            let has_fields = data
                .variants
                .iter()
                .any(|variant| !variant.fields.is_empty());
            let instead = if has_fields {
                "because the fields of an enum depend on its variant: use a struct with an integer field that tells the variants \
                 apart"
            } else {
                "and an enum without fields is one value: write `#[repr(u8)]` and \
                 `#[derive(Clone, Copy, bytemuck::NoUninit, bytemuck::Zeroable)]` instead, with a variant that is 0"
            };
            errors.at(
                data.enum_token,
                format!("`#[derive({derive_name})]` supports structs only, {instead}"),
            );
            return Vec::new();
        }
        Data::Union(data) => {
            errors.at(
                data.union_token,
                format!(
                    "`#[derive({derive_name})]` supports structs only, because the valid field of a union is unknown: use a struct"
                ),
            );
            return Vec::new();
        }
    };
    errors.at(&input.ident, message);
    Vec::new()
}

fn parse_field(
    input: &DeriveInput,
    field: &syn::Field,
    derive: Derive,
    errors: &mut Errors,
) -> Field {
    let attrs = FieldAttrs::parse(&field.attrs, errors);
    let ty = resolve(&field.ty, input);
    let kind = match derive {
        Derive::Columns => column(&ty, &attrs, errors),
        Derive::Layout if attrs.value.is_some() => {
            check_marked_value(&field.ty).map(|()| Kind::Value)
        }
        // On a container that is no composite, `layout` has no effect.
        Derive::Layout if attrs.layout.is_some() => Ok(match container(&ty) {
            Ok(Some(kind)) => kind,
            _ => Kind::Layout,
        }),
        // `dims = ..` implies `layout`.
        Derive::Layout if attrs.dims.is_some() => match container(&ty) {
            Ok(Some(kind)) => Ok(kind),
            _ if Composite::of(&ty).is_some() => unmarked(&field.ty).and_then(|_| unmarked(&ty)),
            _ => Ok(Kind::Layout),
        },
        // First the type as written, for messages that show the user's own lifetimes.
        Derive::Layout => unmarked(&field.ty).and_then(|_| unmarked(&ty)),
    };
    let contradicts = derive == Derive::Layout && contradicts(&attrs, errors);
    let unsupported = kind.is_err() || contradicts;
    let align = attrs.align.map(|argument| argument.value);
    Field {
        docs: field
            .attrs
            .iter()
            .filter(|attr| attr.path().is_ident("doc"))
            .cloned()
            .collect(),
        vis: field.vis.clone(),
        name: field
            .ident
            .clone()
            .expect("the caller has checked that fields are named"),
        ty,
        kind: errors.ok(kind).unwrap_or(Kind::Value),
        unsupported,
        shape: attrs.shape,
        dims: attrs.dims,
        has_errors: attrs.has_errors,
        align,
    }
}

/// Reports `value` beside an argument that no value has.
fn contradicts(attrs: &FieldAttrs, errors: &mut Errors) -> bool {
    let other = [
        attrs.layout.as_ref().map(|argument| &argument.name),
        attrs.shape.as_ref().map(|argument| &argument.name),
        attrs.dims.as_ref().map(|argument| &argument.name),
    ];
    let other = other.into_iter().flatten().next();
    let (Some(value), Some(other)) = (&attrs.value, other) else {
        return false;
    };
    errors.at(
        &value.name,
        format!(
            "`value` says that the field is one plain value, but `{other}` is for fields that are none: remove one of them"
        ),
    );
    true
}

/// The kind of a field without marks.
fn unmarked(ty: &Type) -> syn::Result<Kind> {
    if let Some(kind) = container(ty)? {
        match &kind {
            Kind::Slice { element } | Kind::Array { element, rank: 1 } => {
                check(element, &Place::List { of: ty })?;
            }
            Kind::Array { element, .. } => check(element, &Place::Inside)?,
            _ => {}
        }
        return Ok(kind);
    }
    if let Some(composite) = Composite::of(ty) {
        composite.check(ty)?;
        return Ok(Kind::Composite(composite));
    }
    check(ty, &Place::Field).map(|()| Kind::Value)
}

fn column(ty: &Type, attrs: &FieldAttrs, errors: &mut Errors) -> syn::Result<Kind> {
    let names = [
        attrs.layout.as_ref().map(|argument| &argument.name),
        attrs.shape.as_ref().map(|argument| &argument.name),
        attrs.dims.as_ref().map(|argument| &argument.name),
    ];
    for name in names.into_iter().flatten() {
        errors.at(
            name,
            format!("`{name}` cannot be used with `#[derive(SharedColumns)]`, where every field is a plain value: remove it"),
        );
    }
    let checked = if attrs.value.is_some() {
        check_marked_value(ty)
    } else {
        check(ty, &Place::Inside)
    };
    checked.map(|()| Kind::Column)
}
