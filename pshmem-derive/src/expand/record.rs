//! `impl Record` for a struct or an enum.

use super::const_block;
use crate::record::{Form, Record, RecordField};
use crate::types::{first_and_last, located_at};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Generics, WherePredicate, parse_quote, parse_quote_spanned};

/// All code of `#[derive(Record)]` for a type without errors.
pub(crate) fn expand(record: &Record) -> TokenStream {
    let (name, krate) = (&record.name, &record.krate);
    let bounded = bounded(record);
    let (generics, parameters, clause) = bounded.split_for_impl();
    let items = match &record.form {
        Form::Struct(fields) => structure(record, fields),
        Form::Transparent(field) => transparent(record, field),
        Form::Enum { integer, variants } => enumeration(record, integer, variants),
    };
    let checks = checks(record, &bounded);
    const_block(&[
        quote! {
            // SAFETY: see the comments at `is_valid`. `item` lists each field with its offset, or is that of the only number. The
            // bound `Element` of the trait says that there is no padding.
            //
            // The user chooses the path of pshmem, but this holds for every module: an impl of another trait is never called, and
            // the real trait forces its own functions on the fields, and the types in `item` to be the real ones.
            #[automatically_derived]
            unsafe impl #generics #krate::Record for #name #parameters #clause {
                #items
            }
        },
        checks,
    ])
}

/// The user's generics, with the bound `Record` for each field. The compiler reports a bound that does not hold once, and assumes
/// it everywhere else.
fn bounded(record: &Record) -> Generics {
    let (name, krate) = (&record.name, &record.krate);
    let mut generics = record.generics.clone();
    let (_, parameters, _) = record.generics.split_for_impl();
    let whole: Option<WherePredicate> = (!record.generics.params.is_empty())
        .then(|| parse_quote!(#name #parameters: #krate::Element));
    let predicates = &mut generics.make_where_clause().predicates;
    for field in record.fields() {
        let ty = &field.ty;
        let (_, last) = first_and_last(ty);
        let bound = located_at(&quote!(#krate::Record), last);
        let location = Span::call_site().located_at(last);
        predicates.push(parse_quote_spanned!(location=> #ty: #bound));
    }
    predicates.extend(whole);
    generics
}

fn structure(record: &Record, fields: &[RecordField]) -> TokenStream {
    let (krate, private) = (&record.krate, record.private());
    let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
    let members: Vec<_> = fields.iter().map(|field| &field.member).collect();
    let texts = fields.iter().map(|field| &field.text);
    quote! {
        const ANY_BITS: ::core::primitive::bool = #(<#types as #krate::Record>::ANY_BITS)&&*;

        fn item() -> #private::Item {
            #private::Item {
                dtype: #private::Dtype::Struct {
                    fields: ::core::convert::From::from([#(
                        #private::StructField {
                            name: ::core::convert::From::from(#texts),
                            offset: ::core::mem::offset_of!(Self, #members),
                            item: <#types as #krate::Record>::item(),
                        },
                    )*]),
                    itemsize: ::core::mem::size_of::<Self>(),
                },
                extents: ::core::default::Default::default(),
            }
        }

        // A struct without padding is a value if all its fields are.
        fn is_valid(bytes: &[::core::primitive::u8]) -> ::core::primitive::bool {
            <[_]>::len(bytes) == ::core::mem::size_of::<Self>()
                #(&& {
                    let at = ::core::mem::offset_of!(Self, #members);
                    <#types as #krate::Record>::is_valid(&bytes[at..at + ::core::mem::size_of::<#types>()])
                })*
        }
    }
}

fn transparent(record: &Record, field: &RecordField) -> TokenStream {
    let (krate, private, ty) = (&record.krate, record.private(), &field.ty);
    quote! {
        const ANY_BITS: ::core::primitive::bool = <#ty as #krate::Record>::ANY_BITS;

        fn item() -> #private::Item {
            <#ty as #krate::Record>::item()
        }

        // The value is its only field.
        fn is_valid(bytes: &[::core::primitive::u8]) -> ::core::primitive::bool {
            <#ty as #krate::Record>::is_valid(bytes)
        }
    }
}

fn enumeration(record: &Record, integer: &Ident, variants: &[Ident]) -> TokenStream {
    let (krate, private) = (&record.krate, record.private());
    quote! {
        const ANY_BITS: ::core::primitive::bool = false;

        fn item() -> #private::Item {
            <::core::primitive::#integer as #krate::Record>::item()
        }

        // The value is its discriminant, an integer of the type in `repr`.
        fn is_valid(bytes: &[::core::primitive::u8]) -> ::core::primitive::bool {
            <[_]>::len(bytes) == ::core::mem::size_of::<Self>()
                && match ::core::convert::TryFrom::try_from(bytes) {
                    ::core::result::Result::Ok(bytes) => {
                        let number = ::core::primitive::#integer::from_ne_bytes(bytes);
                        #(number == Self::#variants as ::core::primitive::#integer)||*
                    }
                    ::core::result::Result::Err(_) => false,
                }
        }
    }
}

/// Code that compiles only if the type is as the derive has seen it: attributes that run after a derive can change it.
fn checks(record: &Record, bounded: &Generics) -> TokenStream {
    let name = &record.name;
    if matches!(record.form, Form::Enum { .. }) {
        return TokenStream::new();
    }
    let (generics, parameters, clause) = bounded.split_for_impl();
    let (members, types): (Vec<_>, Vec<_>) = record
        .fields()
        .iter()
        .map(|field| (&field.member, &field.ty))
        .unzip();
    let variables: Vec<_> = (0..members.len())
        .map(|index| quote::format_ident!("__field_{index}", span = Span::mixed_site()))
        .collect();
    let size = record.generics.params.is_empty().then(|| {
        let text = format!(
            "`{name}` has padding between its fields or at its end, whose bytes have no value: order the fields by size, the largest \
             first, or fill the gaps with fields such as `_padding: [u8; 4]`"
        );
        quote_spanned! {Span::call_site().located_at(name.span())=>
            const _: () = ::core::assert!(
                ::core::mem::size_of::<#name>() == 0 #(+ ::core::mem::size_of::<#types>())*, #text
            );
        }
    });
    quote! {
        fn __fields #generics(record: #name #parameters) #clause {
            let #name { #(#members: #variables),* } = record;
            #(let _: #types = #variables;)*
        }
        #size
    }
}

impl Record {
    fn fields(&self) -> &[RecordField] {
        match &self.form {
            Form::Struct(fields) => fields,
            Form::Transparent(field) => std::slice::from_ref(&**field),
            Form::Enum { .. } => &[],
        }
    }

    /// The module of pshmem for generated code.
    fn private(&self) -> TokenStream {
        let krate = &self.krate;
        quote!(#krate::__private)
    }
}
