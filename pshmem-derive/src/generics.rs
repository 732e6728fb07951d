//! Which parameters and bounds each generated item gets.

use crate::kind::{Kind, bare};
use crate::model::{Field, Model};
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{GenericParam, Generics, Type, TypeParamBound, WherePredicate, parse_quote};

/// The parameters of one struct, as its generated items need them.
pub(crate) struct Scopes {
    /// For items that name layouts: the user's bounds, and what the fields' types ask of the parameters.
    pub(crate) full: Generics,
    /// The same with the lifetime of views in front.
    pub(crate) full_view: Generics,
    /// For views: the user's bounds, with the lifetime in front; more only where a view's type is that of a nested layout.
    pub(crate) view: Generics,
    /// For the extents: only the parameters that nested fields mention.
    pub(crate) dims: Generics,
}

impl Scopes {
    pub(crate) fn of(model: &Model) -> Self {
        let plain = without_lifetimes(&model.generics);
        let params = Params::of(&plain);
        let full = bounded(&plain, &params, model, |_| true);
        let view = bounded(&plain, &params, model, is_nested);
        Scopes {
            full_view: with_lifetime(&full, model),
            view: with_lifetime(&view, model),
            dims: dims(&plain, &params, model),
            full,
        }
    }
}

/// Names of the type and const parameters.
struct Params(Vec<Ident>);

impl Params {
    fn of(generics: &Generics) -> Self {
        let name = |param: &GenericParam| match param {
            GenericParam::Type(param) => Some(param.ident.clone()),
            GenericParam::Const(param) => Some(param.ident.clone()),
            GenericParam::Lifetime(_) => None,
        };
        Params(generics.params.iter().filter_map(name).collect())
    }

    /// The parameters that some tokens mention.
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

/// Refused already; kept out of what is generated, so that no further message comes of them.
fn without_lifetimes(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    generics.params = generics
        .params
        .into_iter()
        .filter(|param| !matches!(param, GenericParam::Lifetime(_)))
        .collect();
    generics
}

/// The bounds that the chosen fields ask of the parameters: `T: Element` for a `Vec<T>`, and so on.
fn bounded(
    generics: &Generics,
    params: &Params,
    model: &Model,
    choose: impl Fn(&Field) -> bool,
) -> Generics {
    let mut generics = generics.clone();
    let krate = &model.krate;
    let mut added: Vec<String> = Vec::new();
    for field in model
        .fields
        .iter()
        .filter(|&field| !field.refused && choose(field))
    {
        let (asked, predicate): (&Type, WherePredicate) = match &field.kind {
            Kind::Value | Kind::Column => (&field.ty, element(krate, &field.ty)),
            Kind::Slice { element: ty } | Kind::Array { element: ty, .. } => {
                (ty, element(krate, ty))
            }
            Kind::Layout | Kind::Columns => match field.nested_bound(model) {
                Some(predicate) => (&field.ty, predicate),
                None => continue,
            },
        };
        // A concrete nested type gets its bound too: if it does not hold, the compiler says so once, at this bound, and takes
        // it for granted everywhere else. For elements, `Field::check` does that.
        let wanted = is_nested(field) || !params.mentioned(asked).is_empty();
        let text = predicate.to_token_stream().to_string();
        if wanted && !added.contains(&text) && !says_element(&generics, asked) {
            generics.make_where_clause().predicates.push(predicate);
            added.push(text);
        }
    }
    generics
}

fn element(krate: &TokenStream, ty: &Type) -> WherePredicate {
    parse_quote!(#ty: #krate::Element)
}

/// Whether the user has written `T: Element` for a bare parameter; a second time would be a lint's business.
fn says_element(generics: &Generics, ty: &Type) -> bool {
    let Type::Path(path) = bare(ty) else {
        return false;
    };
    let is_element = |bound: &TypeParamBound| match bound {
        TypeParamBound::Trait(bound) => bound
            .path
            .segments
            .last()
            .is_some_and(|segment| segment.ident == "Element"),
        _ => false,
    };
    generics
        .type_params()
        .any(|param| path.path.is_ident(&param.ident) && param.bounds.iter().any(is_element))
}

fn is_nested(field: &Field) -> bool {
    matches!(field.kind, Kind::Layout | Kind::Columns)
}

fn with_lifetime(generics: &Generics, model: &Model) -> Generics {
    let mut generics = generics.clone();
    let lifetime = &model.lifetime;
    generics.params.insert(0, parse_quote!(#lifetime));
    generics
}

/// Keeps the parameters that the extents of nested fields mention, and the bounds on these alone.
fn dims(plain: &Generics, params: &Params, model: &Model) -> Generics {
    let has_layouts = model.dims.is_none();
    let nested = |field: &Field| has_layouts && matches!(field.kind, Kind::Layout);
    let fields = model.fields.iter().filter(|field| nested(field));
    let kept: Vec<&Ident> = fields
        .flat_map(|field| params.mentioned(&field.ty))
        .collect();
    let all_kept = |tokens: TokenStream| {
        params
            .mentioned(tokens)
            .iter()
            .all(|param| kept.contains(param))
    };
    let mut generics = bounded(&Generics::default(), params, model, nested);
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
