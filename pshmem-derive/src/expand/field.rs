//! The types that belong to one field, in each generated struct.
//!
//! Views name `&T`, `ArrayView2<T>` and so on instead of the layout's associated types: they read better in the user's
//! docs, and they let a view with a longer lifetime stand in for one with a shorter.

use crate::kind::{Kind, last_segment, literal, numbered, type_arguments};
use crate::model::{Field, Model};
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Lifetime, WherePredicate, parse_quote};

/// `path::to::pshmem`, placed where the user's type begins, so that the compiler's messages underline that type.
fn at(tokens: &TokenStream, span: Span) -> TokenStream {
    let place = |mut token: TokenTree| {
        token.set_span(Span::call_site().located_at(span));
        token
    };
    tokens.clone().into_iter().map(place).collect()
}

/// Spans of the first and the last token.
fn ends(tokens: impl ToTokens) -> (Span, Span) {
    let mut spans = tokens
        .into_token_stream()
        .into_iter()
        .map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}

impl Field {
    /// The layout: what the field's `Field<'_, _>` handle is for.
    pub(crate) fn layout(&self, model: &Model) -> TokenStream {
        let ty = &self.ty;
        let (first, last) = ends(ty);
        match self.kind {
            Kind::Value => {
                let open = at(&model.private(), first);
                let open = quote_spanned!(first=> #open::Value<);
                let close = quote_spanned!(last=> >);
                quote!(#open #ty #close)
            }
            Kind::Column => quote!([#ty]),
            Kind::Slice { .. } | Kind::Array { .. } | Kind::Columns | Kind::Layout => quote!(#ty),
        }
    }

    /// `<Layout as Trait>`, to be followed by an item of the trait. For elements that is the trait without the bound, which
    /// is stated once beside the calls (`checks`).
    pub(crate) fn as_layout(&self, model: &Model) -> TokenStream {
        let name = match self.kind {
            Kind::Columns | Kind::Layout => quote!(SharedLayout),
            _ => quote!(__private::RawLayout),
        };
        self.qualified(model, &name)
    }

    /// `<Layout as Planned>::Plan`
    pub(crate) fn plan(&self, model: &Model) -> TokenStream {
        let planned = self.qualified(model, &quote!(__private::Planned));
        quote!(#planned::Plan)
    }

    fn qualified(&self, model: &Model, name: &TokenStream) -> TokenStream {
        let layout = self.layout(model);
        let (first, last) = ends(&self.ty);
        let open = quote_spanned!(Span::call_site().located_at(first)=> <);
        let krate = at(&model.krate, last);
        let name = at(name, last);
        let close = quote_spanned!(Span::call_site().located_at(last)=> as #krate::#name>);
        quote!(#open #layout #close)
    }

    /// `Layout: SharedLayout<Owned = Layout>` for a nested field, `P: SharedColumns` for columns.
    pub(crate) fn nested_bound(&self, model: &Model) -> Option<WherePredicate> {
        let (ty, bound) = match self.kind {
            Kind::Layout => (&self.ty, quote!(SharedLayout)),
            Kind::Columns => (
                *last_segment(&self.ty).map(type_arguments)?.first()?,
                quote!(SharedColumns),
            ),
            _ => return None,
        };
        let (_, last) = ends(ty);
        let (krate, bound) = (at(&model.krate, last), at(&bound, last));
        let place = Span::call_site().located_at(last);
        let owned =
            matches!(self.kind, Kind::Layout).then(|| quote_spanned!(place=> <Owned = #ty>));
        Some(parse_quote!(#ty: #krate::#bound #owned))
    }

    /// The one statement of what the field's elements must be.
    pub(crate) fn check(&self, model: &Model) -> Option<TokenStream> {
        let private = model.private();
        let element = match &self.kind {
            Kind::Value | Kind::Column => &self.ty,
            Kind::Slice { element } | Kind::Array { element, .. } => element,
            Kind::Columns | Kind::Layout => return None,
        };
        Some(quote!(#private::must_be_element::<#element>();))
    }

    pub(crate) fn view(&self, model: &Model, life: &Lifetime) -> TokenStream {
        let (ty, private) = (&self.ty, model.private());
        match &self.kind {
            Kind::Value => quote!(&#life #ty),
            Kind::Slice { element } => quote!(&#life [#element]),
            Kind::Column => quote!(&#life [#ty]),
            Kind::Array { element, rank } => {
                let view = numbered("ArrayView", *rank);
                quote!(#private::#view<#life, #element>)
            }
            Kind::Columns | Kind::Layout => {
                let layout = self.as_layout(model);
                quote!(#layout::View<#life>)
            }
        }
    }

    pub(crate) fn view_mut(&self, model: &Model, life: &Lifetime) -> TokenStream {
        let (ty, krate, private) = (&self.ty, &model.krate, model.private());
        match &self.kind {
            Kind::Value => quote!(#krate::ValueMut<#life, #ty>),
            Kind::Slice { element } => quote!(#krate::SliceMut<#life, #element>),
            Kind::Column => quote!(#krate::SliceMut<#life, #ty>),
            Kind::Array { element, rank } => {
                let dimension = numbered("Ix", *rank);
                quote!(#krate::ArrayMut<#life, #element, #private::#dimension>)
            }
            Kind::Columns | Kind::Layout => {
                let layout = self.as_layout(model);
                quote!(#layout::ViewMut<#life>)
            }
        }
    }

    pub(crate) fn handle(&self, model: &Model, life: &Lifetime) -> TokenStream {
        let (krate, layout) = (&model.krate, self.layout(model));
        let (first, last) = ends(&self.ty);
        let krate = at(krate, first);
        let open = quote_spanned!(Span::call_site().located_at(first)=> #krate::Field<#life,);
        let close = quote_spanned!(Span::call_site().located_at(last)=> >);
        quote!(#open #layout #close)
    }

    /// The extents; named by the container where possible, so that they need no type parameter.
    pub(crate) fn dims_type(&self, model: &Model) -> TokenStream {
        let number = quote!(::core::primitive::usize);
        match &self.kind {
            Kind::Slice { .. } | Kind::Columns | Kind::Column => number,
            Kind::Array { rank, .. } => {
                let rank = literal(*rank);
                quote!([#number; #rank])
            }
            Kind::Value | Kind::Layout => {
                let layout = self.as_layout(model);
                quote!(#layout::Dims)
            }
        }
    }
}

impl Model {
    /// The hidden module for generated code.
    pub(crate) fn private(&self) -> TokenStream {
        let krate = &self.krate;
        quote!(#krate::__private)
    }
}
