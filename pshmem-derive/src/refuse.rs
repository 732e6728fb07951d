//! Types that can never live in node-shared memory, refused by name with what to write instead.
//!
//! Everything that is not listed is left to the trait `Element`, whose message is general. A user's own type that has one of
//! these names can be used under an alias.

use crate::kind::{bare, container, last_segment, type_arguments};
use crate::text::text;
use syn::{Error, Result, Type};

/// Refuses what cannot be a plain field.
pub(crate) fn value(ty: &Type) -> Result<()> {
    if let Type::Slice(_) = bare(ty) {
        return Err(cannot(
            ty,
            "its length must be part of the value: use `Vec<T>` or `Box<[T]>`",
        ));
    }
    element(ty)
}

/// Refuses what cannot be an element of a container either.
pub(crate) fn element(ty: &Type) -> Result<()> {
    match bare(ty) {
        Type::Reference(reference) => {
            let instead = match bare(&reference.elem) {
                Type::Slice(_) => "use `Vec<T>` instead of `&[T]`",
                Type::Path(path) if path.path.is_ident("str") => {
                    "use `Vec<u8>` for text, or `[u8; N]` for short text"
                }
                _ => "use the value itself",
            };
            Err(cannot(
                ty,
                &format!("a reference means nothing to other ranks: {instead}"),
            ))
        }
        Type::Ptr(_) => Err(cannot(
            ty,
            "an address means nothing to other ranks: use an index into a `Vec<T>` field",
        )),
        Type::FnPtr(_) => Err(cannot(
            ty,
            "an address means nothing to other ranks: use a number that selects the function",
        )),
        Type::TraitObject(_) | Type::ImplTrait(_) => {
            Err(cannot(ty, "its size is unknown: use a concrete type"))
        }
        Type::Tuple(tuple) if !tuple.elems.is_empty() => Err(cannot(
            ty,
            "a tuple's layout is unspecified: use an array, or a struct with `#[repr(C)]` and `#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]`",
        )),
        Type::Array(array) => element(&array.elem),
        Type::Slice(_) => Err(cannot(
            ty,
            "its length is unknown: use one flat `Vec<T>` field and one with offsets",
        )),
        _ => named(ty),
    }
}

fn named(ty: &Type) -> Result<()> {
    let Some(segment) = last_segment(ty) else {
        return Ok(());
    };
    let inner = || type_arguments(segment).first().map_or("T".to_owned(), text);
    let reason = match segment.ident.to_string().as_str() {
        "String" => "its characters are behind a pointer: use `Vec<u8>` for text, or `[u8; N]` for short text".to_owned(),
        "Rc" | "Arc" => format!("it is a pointer into private memory: use `{}` itself", inner()),
        "Box" => format!("it is a pointer into private memory: use `{}` itself, or `Box<[T]>` for many", inner()),
        "HashMap" | "BTreeMap" => {
            "its nodes are behind pointers: use one `Vec` of sorted keys and one of values, and search with `binary_search`"
                .to_owned()
        }
        "HashSet" | "BTreeSet" => "its nodes are behind pointers: use a sorted `Vec` and `binary_search`".to_owned(),
        "VecDeque" | "BinaryHeap" | "LinkedList" => "it grows and shrinks, a shared field does not: use `Vec`".to_owned(),
        "ArrayD" => "the number of dimensions must be in the type: use `Array1<T>` to `Array6<T>`".to_owned(),
        "Vec" | "Columns" | "Array" => grows(),
        _ if container(ty)?.is_some() => grows(),
        _ => return Ok(()),
    };
    Err(cannot(ty, &reason))
}

fn grows() -> String {
    "an element has a fixed size: use `Array2<T>` for rows of equal length, or one flat `Vec<T>` field and one with offsets"
        .to_owned()
}

fn cannot(ty: &Type, reason: &str) -> Error {
    Error::new_spanned(
        ty,
        format!("`{}` cannot live in node-shared memory: {reason}", text(ty)),
    )
}
