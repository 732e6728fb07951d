//! Generic parameters and bounds of the generated items.

use crate::kind::Kind;
use crate::model::{Field, Model};
use crate::types::{first_and_last, last_segment, located_at, type_arguments, ungroup};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{GenericParam, Generics, Type, TypeParamBound, WherePredicate, parse_quote};

/// The generic parameters of one struct, for each kind of generated item.
pub(crate) struct ItemGenerics {
    /// For items that name layouts: the user's bounds, and those that the types of the fields need.
    pub(crate) full: Generics,
    /// The same with the lifetime parameter of views in front.
    pub(crate) full_view: Generics,
    /// For views: the lifetime parameter, the user's bounds, and those of nested layouts, whose view types are associated types.
    pub(crate) view: Generics,
    /// For the extents: only the parameters that the types of nested fields mention.
    pub(crate) dims: Generics,
    /// For the part: the lifetime parameter, the parameters that its fields mention, and its conditions.
    pub(crate) part: Generics,
}

impl ItemGenerics {
    pub(crate) fn new(model: &Model) -> Self {
        let plain = without_lifetimes(&model.generics);
        let params = ParamNames::of(&plain);
        let full = with_field_bounds(&plain, &params, model, |_| true);
        let view = with_field_bounds(&plain, &params, model, Field::is_nested);
        ItemGenerics {
            full_view: with_lifetime(&full, model),
            view: with_lifetime(&view, model),
            dims: dims(&plain, &params, model),
            part: part(&plain, &params, model),
            full,
        }
    }
}

/// Adds one bound for each nested field of the part, as for files: such a struct can be shared although the bound does not hold.
pub(crate) fn with_conditions_of_part(generics: &Generics, model: &Model) -> Generics {
    let mut generics = generics.clone();
    let private = model.private();
    for field in model.fields_of_part() {
        if !field.unsupported && matches!(field.kind, Kind::Layout) {
            let (ty, index) = (&field.ty, model.index_of(field));
            let clause = generics.make_where_clause();
            let bound = parse_quote!(for<'__part> #ty: #private::RowField<'__part, #index>);
            clause.predicates.push(bound);
        }
    }
    generics
}

/// Names of the type and const parameters.
struct ParamNames(Vec<Ident>);

impl ParamNames {
    fn of(generics: &Generics) -> Self {
        let name = |param: &GenericParam| match param {
            GenericParam::Type(param) => Some(param.ident.clone()),
            GenericParam::Const(param) => Some(param.ident.clone()),
            GenericParam::Lifetime(_) => None,
        };
        ParamNames(generics.params.iter().filter_map(name).collect())
    }

    /// The parameters that `tokens` mention.
    fn mentioned(&self, tokens: impl ToTokens) -> Vec<&Ident> {
        let mut found = Vec::new();
        self.collect(tokens.into_token_stream(), &mut found);
        found
    }

    fn collect<'p>(&'p self, tokens: TokenStream, found: &mut Vec<&'p Ident>) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    found.extend(self.0.iter().find(|&param| *param == ident));
                }
                TokenTree::Group(group) => self.collect(group.stream(), found),
                _ => {}
            }
        }
    }
}

/// Lifetime parameters have been reported as errors. They are left out, so that they cause no further errors.
fn without_lifetimes(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    generics.params = generics
        .params
        .into_iter()
        .filter(|param| !matches!(param, GenericParam::Lifetime(_)))
        .collect();
    generics
}

/// Adds the bounds that the chosen fields need, such as `T: Element` for a `Vec<T>`.
fn with_field_bounds(
    generics: &Generics,
    params: &ParamNames,
    model: &Model,
    choose: impl Fn(&Field) -> bool,
) -> Generics {
    let mut generics = generics.clone();
    let krate = &model.krate;
    let mut added: Vec<String> = Vec::new();
    for field in model
        .fields
        .iter()
        .filter(|&field| !field.unsupported && choose(field))
    {
        for (subject, bound) in bounds(field, params) {
            let predicate = match bound {
                Bound::Named(name) => {
                    let name = Ident::new(name, Span::call_site());
                    if has_bound(&generics, subject, &name) {
                        continue;
                    }
                    parse_quote!(#subject: #krate::#name)
                }
                Bound::Nested => match nested_bound(field, krate) {
                    Some(predicate) => predicate,
                    None => continue,
                },
            };
            // Concrete nested types get a bound as well: if it does not hold, the compiler reports it once, at this bound, and
            // assumes it everywhere else. For elements, the call that places the field has that effect.
            let is_needed = matches!(bound, Bound::Nested) || !params.mentioned(subject).is_empty();
            let text = predicate.to_token_stream().to_string();
            if is_needed && !added.contains(&text) {
                generics.make_where_clause().predicates.push(predicate);
                added.push(text);
            }
        }
    }
    generics
}

/// A bound that a field needs.
enum Bound {
    /// A trait of pshmem.
    Named(&'static str),
    /// That of a nested field.
    Nested,
}

/// The types that need a bound so that the field is a layout.
fn bounds<'f>(field: &'f Field, params: &ParamNames) -> Vec<(&'f Type, Bound)> {
    match &field.kind {
        Kind::Value | Kind::Column => vec![(&field.ty, Bound::Named("Element"))],
        Kind::Slice { element } | Kind::Array { element, .. } => {
            vec![(element, Bound::Named("Element"))]
        }
        // A bound of the whole type would hide the types of its extents and its views.
        Kind::Composite(composite) if !params.mentioned(&field.ty).is_empty() => {
            let key = composite.key().map(|key| (key, Bound::Named("MapKey")));
            let element = composite.element().map(|ty| (ty, Bound::Named("Element")));
            key.into_iter().chain(element).collect()
        }
        Kind::Composite(_) | Kind::Layout | Kind::Columns => vec![(&field.ty, Bound::Nested)],
    }
}

/// The bound `Layout: SharedLayout<Owned = Layout>` of a nested field, or `P: SharedColumns` of columns.
fn nested_bound(field: &Field, krate: &TokenStream) -> Option<WherePredicate> {
    let (ty, bound) = match field.kind {
        Kind::Layout | Kind::Composite(_) => (&field.ty, quote!(SharedLayout)),
        Kind::Columns => (
            *last_segment(&field.ty).map(type_arguments)?.first()?,
            quote!(SharedColumns),
        ),
        _ => return None,
    };
    // The compiler underlines these tokens if the bound does not hold: of a composite, its items or values.
    let (first, last) = match &field.kind {
        Kind::Composite(composite) => composite.element_span(ty),
        _ => first_and_last(ty),
    };
    let (krate, bound) = (located_at(krate, first), located_at(&bound, last));
    let location = Span::call_site().located_at(last);
    let owned =
        (!matches!(field.kind, Kind::Columns)).then(|| quote_spanned!(location=> <Owned = #ty>));
    Some(parse_quote!(#ty: #krate::#bound #owned))
}

/// Whether `ty` is a parameter that the user has bounded by this trait. A second bound would trigger a lint.
fn has_bound(generics: &Generics, ty: &Type, name: &Ident) -> bool {
    let Type::Path(path) = ungroup(ty) else {
        return false;
    };
    let is_named = |bound: &TypeParamBound| match bound {
        TypeParamBound::Trait(bound) => bound
            .path
            .segments
            .last()
            .is_some_and(|segment| segment.ident == *name),
        _ => false,
    };
    generics
        .type_params()
        .any(|param| path.path.is_ident(&param.ident) && param.bounds.iter().any(is_named))
}

fn with_lifetime(generics: &Generics, model: &Model) -> Generics {
    let mut generics = generics.clone();
    let lifetime = &model.lifetime;
    generics.params.insert(0, parse_quote!(#lifetime));
    generics
}

/// Keeps the parameters that the types of nested fields mention.
fn dims(plain: &Generics, params: &ParamNames, model: &Model) -> Generics {
    let has_layouts = model.dims.is_none();
    let nested =
        |field: &Field| has_layouts && matches!(field.kind, Kind::Layout | Kind::Composite(_));
    let fields = model.fields.iter().filter(|field| nested(field));
    let bounded = with_field_bounds(&Generics::default(), params, model, nested);
    reduced(plain, params, fields, bounded)
}

/// Keeps the parameters that the types of fields with parts mention.
fn part(plain: &Generics, params: &ParamNames, model: &Model) -> Generics {
    let fields = model.fields_of_part();
    let is_nested =
        |field: &Field| field.is_nested() && fields.iter().any(|part| std::ptr::eq(*part, field));
    let bounded = with_field_bounds(&Generics::default(), params, model, is_nested);
    let reduced = reduced(plain, params, fields.iter().copied(), bounded);
    with_lifetime(&with_conditions_of_part(&reduced, model), model)
}

/// Adds to the bounds of `bounded` the parameters that the types of `fields` mention, and the user's bounds that mention only these.
fn reduced<'f>(
    plain: &Generics,
    params: &ParamNames,
    fields: impl Iterator<Item = &'f Field>,
    bounded: Generics,
) -> Generics {
    let kept: Vec<&Ident> = fields
        .flat_map(|field| params.mentioned(&field.ty))
        .collect();
    let all_kept = |tokens: TokenStream| {
        params
            .mentioned(tokens)
            .iter()
            .all(|param| kept.contains(param))
    };
    let mut generics = bounded;
    generics.params = plain
        .params
        .iter()
        .filter_map(|param| keep_param(param, &kept, &all_kept))
        .collect();
    for predicate in plain
        .where_clause
        .iter()
        .flat_map(|clause| &clause.predicates)
    {
        let tokens = predicate.to_token_stream();
        if !params.mentioned(tokens.clone()).is_empty() && all_kept(tokens) {
            generics
                .make_where_clause()
                .predicates
                .push(predicate.clone());
        }
    }
    generics
}

fn keep_param(
    param: &GenericParam,
    kept: &[&Ident],
    all_kept: &impl Fn(TokenStream) -> bool,
) -> Option<GenericParam> {
    let mut param = param.clone();
    match &mut param {
        GenericParam::Type(ty) if kept.contains(&&ty.ident) => {
            let bounds = std::mem::take(&mut ty.bounds);
            ty.bounds = bounds
                .into_iter()
                .filter(|bound: &TypeParamBound| all_kept(bound.to_token_stream()))
                .collect();
            Some(param)
        }
        GenericParam::Const(constant) if kept.contains(&&constant.ident) => Some(param),
        _ => None,
    }
}
