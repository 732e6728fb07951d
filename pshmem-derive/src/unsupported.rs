//! Field types that cannot be in node-shared memory, each with the reason and a type to use instead.
//!
//! Only common types are listed. Every other type is left to the trait `Element`, whose error message is general. A type of the
//! user's that has one of these names can be used under an alias.

use crate::errors::code_text;
use crate::kind::container;
use crate::types::{last_segment, type_arguments, ungroup};
use syn::{Error, Result, Type};

/// Rejects types that cannot be a plain value.
pub(crate) fn check_value(ty: &Type) -> Result<()> {
    if let Type::Slice(slice) = ungroup(ty) {
        let element = code_text(&slice.elem);
        return Err(unsupported(
            ty,
            "its length is not part of its type",
            &format!("use `Vec<{element}>` or `Box<[{element}]>`"),
        ));
    }
    check_element(ty)
}

/// Rejects types that cannot be elements of a container.
pub(crate) fn check_element(ty: &Type) -> Result<()> {
    let (reason, instead) = match ungroup(ty) {
        Type::Reference(reference) => {
            let instead = match ungroup(&reference.elem) {
                Type::Slice(slice) => {
                    format!("use `Vec<{}>`", code_text(&slice.elem))
                }
                Type::Path(path) if path.path.is_ident("str") => {
                    "use `Vec<u8>`, or `[u8; N]` for short text".to_owned()
                }
                target => use_itself(Some(target)),
            };
            ("a reference is valid in one process only", instead)
        }
        Type::Ptr(_) => (
            "an address is valid in one process only",
            "use an index into a `Vec<T>` field".to_owned(),
        ),
        Type::FnPtr(_) => (
            "an address is valid in one process only",
            "use an integer that selects the function".to_owned(),
        ),
        Type::TraitObject(_) | Type::ImplTrait(_) => {
            ("its size is unknown", "use a concrete type".to_owned())
        }
        Type::Tuple(tuple) if !tuple.elems.is_empty() => (
            "the memory layout of a tuple is unspecified",
            "use an array, or a struct with `#[repr(C)]` and `#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]`".to_owned(),
        ),
        Type::Array(array) => return check_element(&array.elem),
        Type::Slice(_) => ("its length is not part of its type", FLATTEN.to_owned()),
        _ => return check_name(ty),
    };
    Err(unsupported(ty, reason, &instead))
}

/// What replaces a container of containers.
const FLATTEN: &str = "use `Array2<T>` for rows of equal length, or one `Vec<T>` for all rows and one `Vec<usize>` for their \
                       offsets";

fn check_name(ty: &Type) -> Result<()> {
    let Some(segment) = last_segment(ty) else {
        return Ok(());
    };
    let argument = type_arguments(segment).first().copied();
    let (reason, instead) = match segment.ident.to_string().as_str() {
        "Vec" | "Columns" | "Array" => element_grows(),
        _ if container(ty)?.is_some() => element_grows(),
        "String" => (
            "its text is in private memory, behind a pointer",
            "use `Vec<u8>`, or `[u8; N]` for short text".to_owned(),
        ),
        "Rc" | "Arc" => (
            "it is a pointer to private memory",
            use_itself(argument),
        ),
        "Box" => (
            "it is a pointer to private memory",
            format!("{}, or `Box<[T]>` for many", use_itself(argument)),
        ),
        "HashMap" | "BTreeMap" => (
            "its entries are in private memory, behind pointers",
            "use one `Vec` of sorted keys and one `Vec` of values, and search the keys with `binary_search`".to_owned(),
        ),
        "HashSet" | "BTreeSet" => (
            "its entries are in private memory, behind pointers",
            "use a sorted `Vec`, and search it with `binary_search`".to_owned(),
        ),
        "VecDeque" | "BinaryHeap" | "LinkedList" => (
            "a shared field cannot grow or shrink",
            "use `Vec<T>`".to_owned(),
        ),
        "ArrayD" => (
            "the number of dimensions must be part of the type",
            "use `Array1<T>` to `Array6<T>`".to_owned(),
        ),
        _ => return Ok(()),
    };
    Err(unsupported(ty, reason, &instead))
}

/// What replaces a pointer to `target`.
fn use_itself(target: Option<&Type>) -> String {
    match target.map(ungroup) {
        None => "use the value itself".to_owned(),
        Some(Type::TraitObject(_)) => "use a concrete type".to_owned(),
        Some(target) => format!("use `{}` itself", code_text(target)),
    }
}

fn element_grows() -> (&'static str, String) {
    (
        "all elements of a container must have one fixed size",
        FLATTEN.to_owned(),
    )
}

fn unsupported(ty: &Type, reason: &str, instead: &str) -> Error {
    Error::new_spanned(
        ty,
        format!(
            "`{}` cannot live in node-shared memory, because {reason}: {instead}",
            code_text(ty)
        ),
    )
}
