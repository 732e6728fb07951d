//! The types of one field in the generated structs.
//!
//! Views name concrete types such as `&T` and `ArrayView2<T>` instead of associated types of the layout. Concrete types are easier
//! to read in the user's docs, and they are covariant in the lifetime.

use crate::kind::Kind;
use crate::model::{Field, Model};
use crate::names::numbered;
use crate::types::{last_segment, type_arguments};
use proc_macro2::{Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Lifetime, WherePredicate, parse_quote};

/// The tokens with another location, so that the compiler's messages underline the user's type.
fn located_at(tokens: &TokenStream, location: Span) -> TokenStream {
    let relocate = |mut token: TokenTree| {
        token.set_span(Span::call_site().located_at(location));
        token
    };
    tokens.clone().into_iter().map(relocate).collect()
}

/// Spans of the first and the last token.
fn first_and_last(tokens: impl ToTokens) -> (Span, Span) {
    let mut spans = tokens
        .into_token_stream()
        .into_iter()
        .map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}

impl Field {
    /// The layout of the field: the type parameter of its handle `Field<'_, L>`.
    pub(crate) fn layout(&self, model: &Model) -> TokenStream {
        let ty = &self.ty;
        let (first, last) = first_and_last(ty);
        match self.kind {
            Kind::Value => {
                let open = located_at(&model.private(), first);
                let open = quote_spanned!(first=> #open::Value<);
                let close = quote_spanned!(last=> >);
                quote!(#open #ty #close)
            }
            Kind::Column => quote!([#ty]),
            Kind::Slice { .. } | Kind::Array { .. } | Kind::Columns | Kind::Layout => quote!(#ty),
        }
    }

    /// `<Layout as Trait>`, to be followed by an item of the trait. Layouts of elements use the trait without the bound `Element`;
    /// [`check`](Field::check) states the bound once.
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
        let (first, last) = first_and_last(&self.ty);
        let open = quote_spanned!(Span::call_site().located_at(first)=> <);
        let krate = located_at(&model.krate, last);
        let name = located_at(name, last);
        let close = quote_spanned!(Span::call_site().located_at(last)=> as #krate::#name>);
        quote!(#open #layout #close)
    }

    /// The bound `Layout: SharedLayout<Owned = Layout>` of a nested field, or `P: SharedColumns` of columns.
    pub(crate) fn nested_bound(&self, model: &Model) -> Option<WherePredicate> {
        let (ty, bound) = match self.kind {
            Kind::Layout => (&self.ty, quote!(SharedLayout)),
            Kind::Columns => (
                *last_segment(&self.ty).map(type_arguments)?.first()?,
                quote!(SharedColumns),
            ),
            _ => return None,
        };
        let (_, last) = first_and_last(ty);
        let (krate, bound) = (located_at(&model.krate, last), located_at(&bound, last));
        let location = Span::call_site().located_at(last);
        let owned =
            matches!(self.kind, Kind::Layout).then(|| quote_spanned!(location=> <Owned = #ty>));
        Some(parse_quote!(#ty: #krate::#bound #owned))
    }

    /// A statement that compiles only if the elements of the field are `Element`s.
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
        let (first, last) = first_and_last(&self.ty);
        let krate = located_at(krate, first);
        let open = quote_spanned!(Span::call_site().located_at(first)=> #krate::Field<#life,);
        let close = quote_spanned!(Span::call_site().located_at(last)=> >);
        quote!(#open #layout #close)
    }

    /// The type of the extents. It does not mention the element type, so that `XDims` needs fewer type parameters.
    pub(crate) fn dims_type(&self, model: &Model) -> TokenStream {
        let number = quote!(::core::primitive::usize);
        match &self.kind {
            Kind::Slice { .. } | Kind::Columns | Kind::Column => number,
            Kind::Array { rank, .. } => {
                let rank = Literal::usize_unsuffixed(*rank);
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
    /// The module of pshmem for generated code.
    pub(crate) fn private(&self) -> TokenStream {
        let krate = &self.krate;
        quote!(#krate::__private)
    }
}
