//! The derive's own picture of a struct. It keeps the user's tokens, so that later messages can point at them.

use crate::attr::{DimName, FieldAttrs, Given, StructAttrs};
use crate::errors::Errors;
use crate::kind::Kind;
use crate::names::{self, Names};
use crate::own_type::{own_type, resolve};
use crate::shape::{Shape, Value};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Data, DeriveInput, Fields, GenericParam, Generics, Lifetime, LitInt, Type,
    Visibility,
};

/// A struct that derives a layout.
pub(crate) struct Model {
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
    pub(crate) names: Names,
    /// As written; see `generics` for what generated types get.
    pub(crate) generics: Generics,
    /// The lifetime of the generated views.
    pub(crate) lifetime: Lifetime,
    /// How this crate reaches pshmem.
    pub(crate) krate: TokenStream,
    /// The struct's own type, `Name<T, N>`.
    pub(crate) own: TokenStream,
    /// `dims(..)`, if written.
    pub(crate) dims: Option<Given<Vec<DimName>>>,
    /// Some arguments on the struct were not understood.
    pub(crate) unclear: bool,
    pub(crate) fields: Vec<Field>,
}

/// One field.
pub(crate) struct Field {
    pub(crate) docs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) kind: Kind,
    /// The type was refused; the field takes part in nothing but the stubs of the views.
    pub(crate) refused: bool,
    pub(crate) shape: Option<Given<Shape>>,
    pub(crate) dims: Option<Given<Value>>,
    pub(crate) align: Option<LitInt>,
    /// Some of the field's arguments were not understood.
    pub(crate) unclear: bool,
}

impl Field {
    /// Whether the extents of the struct have a part for this field.
    pub(crate) fn has_dims(&self) -> bool {
        !self.refused && !matches!(self.kind, Kind::Value)
    }

    /// The lines that document the field in generated types.
    pub(crate) fn docs(&self) -> TokenStream {
        let docs = &self.docs;
        if docs.is_empty() {
            let text = format!("Field `{}`.", names::text(&self.name));
            return quote!(#[doc = #text]);
        }
        quote!(#(#docs)*)
    }
}

/// Which derive asks.
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
    /// Second pass: the struct and its fields. Mistakes are noted, and what is understood is kept.
    pub(crate) fn parse(input: &DeriveInput, derive: Derive, errors: &mut Errors) -> Self {
        let StructAttrs {
            dims,
            krate,
            unclear,
        } = StructAttrs::parse(&input.attrs, errors);
        let dims = dims.filter(|given| !given.value.is_empty());
        let krate = krate.map_or_else(|| quote!(::pshmem), |given| given.value.to_token_stream());
        for param in &input.generics.params {
            if let GenericParam::Lifetime(param) = param {
                errors.at(
                    &param.lifetime,
                    format!(
                        "a shared struct cannot borrow, because other ranks read it too: remove `{}` and own the data \
                         (`Vec<T>` instead of `&[T]`)",
                        param.lifetime
                    ),
                );
            }
        }
        if derive == Derive::Columns
            && let Some(dims) = &dims
        {
            errors.at(
                &dims.word,
                "the columns of a record have one common length: remove `dims(..)`",
            );
        }
        Model {
            vis: input.vis.clone(),
            name: input.ident.clone(),
            names: match derive {
                Derive::Layout => Names::of_layout(&input.ident),
                Derive::Columns => Names::of_columns(&input.ident),
            },
            generics: input.generics.clone(),
            lifetime: names::lifetime(input),
            krate,
            own: own_type(input),
            dims,
            unclear,
            fields: fields(input, derive, errors),
        }
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
                        "`#[derive({derive_name})]` needs named fields, because views and extents have fields of the same \
                         names: write `struct {} {{ name: Type, .. }}`",
                        input.ident
                    ),
                );
                return Vec::new();
            }
            _ => format!(
                "`{}` has no fields, so there is nothing to share: give it one",
                input.ident
            ),
        },
        Data::Enum(data) => {
            errors.at(
                data.enum_token,
                format!(
                    "`#[derive({derive_name})]` is for structs; an enum's fields depend on its value: use a struct, with a \
                     plain number that tells the cases apart"
                ),
            );
            return Vec::new();
        }
        Data::Union(data) => {
            errors.at(
                data.union_token,
                format!(
                    "`#[derive({derive_name})]` is for structs; nothing says which field of a union is valid: use a struct"
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
        // A nested `dims` binding says as much as `layout`. Containers are recognised first: `layout` on them is harmless.
        Derive::Layout if attrs.layout.is_some() || attrs.dims.is_some() => {
            Ok(match crate::kind::container(&ty) {
                Ok(Some(kind)) => kind,
                _ => Kind::Layout,
            })
        }
        // First as written, for messages that show the user's own lifetimes.
        Derive::Layout => Kind::of(&field.ty).and_then(|_| Kind::of(&ty)),
    };
    let refused = kind.is_err();
    let align = attrs.align.map(|given| given.value);
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
            .expect("only structs with named fields come here"),
        ty,
        kind: errors.ok(kind).unwrap_or(Kind::Value),
        refused,
        shape: attrs.shape,
        dims: attrs.dims,
        unclear: attrs.unclear,
        align,
    }
}

fn column(ty: &Type, attrs: &FieldAttrs, errors: &mut Errors) -> syn::Result<Kind> {
    let words = [
        attrs.layout.as_ref().map(|given| &given.word),
        attrs.shape.as_ref().map(|given| &given.word),
        attrs.dims.as_ref().map(|given| &given.word),
    ];
    for word in words.into_iter().flatten() {
        errors.at(word, format!("`{word}` is for `#[derive(SharedLayout)]`; a record's fields are plain values: remove it"));
    }
    crate::refuse::element(ty).map(|()| Kind::Column)
}
