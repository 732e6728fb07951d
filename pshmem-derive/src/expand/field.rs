//! The types of one field in the generated structs.
//!
//! Views name concrete types such as `&T` and `ArrayView2<T>` instead of associated types of the layout. Concrete types are easier
//! to read in the user's docs, and they are covariant in the lifetime.

use crate::kind::Kind;
use crate::model::{Field, Model};
use crate::names::{self, numbered};
use crate::types::{first_and_last, located_at};
use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Lifetime;

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
            Kind::Slice { .. }
            | Kind::Array { .. }
            | Kind::Columns
            | Kind::Composite(_)
            | Kind::Layout => quote!(#ty),
        }
    }

    /// `<Layout as SharedLayout>`, to be followed by an associated type. For nested fields only: other layouts implement the trait
    /// only with the bound `Element`.
    fn as_layout(&self, model: &Model) -> TokenStream {
        let layout = self.layout(model);
        let (first, last) = first_and_last(&self.ty);
        let open = quote_spanned!(Span::call_site().located_at(first)=> <);
        let krate = located_at(&model.krate, last);
        let close = quote_spanned!(Span::call_site().located_at(last)=> as #krate::SharedLayout>);
        quote!(#open #layout #close)
    }

    /// `FieldPlan<Layout>` or `NestedPlan<Layout>`: the type of the field in the plan, which also has the functions of the layout.
    ///
    /// The type of the struct's plan forces it to be that of the real crate, because its values come from [`Field::place`].
    pub(crate) fn plan(&self, model: &Model) -> TokenStream {
        let layout = self.layout(model);
        let (first, last) = first_and_last(&self.ty);
        let private = located_at(&model.private(), first);
        let name = if self.is_nested() {
            quote!(NestedPlan)
        } else {
            quote!(FieldPlan)
        };
        let name = located_at(&name, first);
        let open = quote_spanned!(Span::call_site().located_at(first)=> #private::#name<);
        let close = quote_spanned!(Span::call_site().located_at(last)=> >);
        quote!(#open #layout #close)
    }

    /// The expression that places the field: its name in the schema, its alignment, and its extents.
    pub(crate) fn place(&self, model: &Model, dims: &TokenStream) -> TokenStream {
        let private = model.private();
        let name = names::unraw(&self.name);
        let layout = self.layout(model);
        let align = self
            .align
            .as_ref()
            .map_or_else(|| quote!(1), ToTokens::to_token_stream);
        let function = if let Some(element) = self.element() {
            quote!(field::<#layout, #element>)
        } else {
            quote!(nested::<#layout>)
        };
        quote!(<#private::Placer>::#function(placer, #name, #align, &#dims)?)
    }

    /// A statement that compiles only if the elements of the field are `Element`s, for fallback code, which places no fields.
    pub(crate) fn check(&self, model: &Model) -> Option<TokenStream> {
        let private = model.private();
        let element = self.element()?;
        Some(quote!(#private::assert_element::<#element>();))
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
            Kind::Columns | Kind::Composite(_) | Kind::Layout => {
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
            Kind::Columns | Kind::Composite(_) | Kind::Layout => {
                let layout = self.as_layout(model);
                quote!(#layout::ViewMut<#life>)
            }
        }
    }

    /// Some rows, for one rank.
    pub(crate) fn part(&self, model: &Model, life: &Lifetime) -> TokenStream {
        let (ty, private) = (&self.ty, model.private());
        match &self.kind {
            Kind::Slice { element } => quote!(&#life mut [#element]),
            Kind::Array { element, rank } => {
                let view = numbered("ArrayViewMut", *rank);
                quote!(#private::#view<#life, #element>)
            }
            Kind::Columns => {
                let krate = &model.krate;
                quote!(<#ty as #krate::RowLayout>::Part<#life>)
            }
            Kind::Layout => {
                let index = model.index_of(self);
                quote!(<#ty as #private::RowField<'static, #index>>::Part<#life>)
            }
            Kind::Value | Kind::Column | Kind::Composite(_) => quote!(&#life mut #ty),
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
            Kind::Value | Kind::Composite(_) | Kind::Layout => {
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
