//! Field types that cannot be in node-shared memory, each with the reason. `instead` says what to use.
//!
//! Only common types are listed. Every other type is left to the trait `Element`, whose error message is general. A field whose
//! type has one of these names, but is another one, is marked `#[shared(value)]`; in other places it needs an alias.

use crate::composite::Composite;
use crate::errors::code_text;
use crate::instead::instead;
use crate::kind::{Kind, container};
use crate::types::{last_segment, type_arguments, ungroup};
use syn::{Error, Result, Type};

/// Where a type stands.
#[derive(Clone, Copy)]
pub(crate) enum Place<'t> {
    /// It is the type of a field.
    Field,
    /// In a list `of` one axis: `Vec<T>`, `[T; N]`.
    List { of: &'t Type },
    /// It is the item of rows, `Ragged<T>`.
    Row { of: &'t Type },
    /// It is the key of a map with these values.
    Key { value: &'t Type },
    /// Anywhere else in another type.
    Inside,
}

/// What a type that is not supported consists of.
pub(crate) enum Content {
    /// Text, or something like it that need not be UTF-8.
    Text {
        is_utf8: bool,
    },
    /// Any number of these.
    List(Type),
    /// A container of another number of axes, with elements of this type.
    Array {
        element: Type,
        rank: usize,
    },
    /// Records.
    Columns(Type),
    /// A composite that is no text.
    Composite(Composite),
    Table {
        key: Box<Type>,
        value: Box<Type>,
    },
    Set(Type),
    /// Something for which this text says what to use.
    Other(String),
}

/// Rejects types that cannot be in this place.
pub(crate) fn check(ty: &Type, place: &Place<'_>) -> Result<()> {
    let ty = ungroup(ty);
    if let Type::Array(array) = ty {
        let place = match place {
            Place::Field => Place::List { of: ty },
            _ => Place::Inside,
        };
        return check(&array.elem, &place);
    }
    if matches!(place, Place::Key { .. }) && is_name(ty, "str") {
        return Ok(());
    }
    let Some((reason, content)) = content(ty)? else {
        return Ok(());
    };
    if !matches!(place, Place::Field)
        && let Content::List(element) | Content::Array { element, .. } = &content
    {
        check(element, &Place::Inside)?;
    }
    let instead = match (place, container_behind(ty)?) {
        (Place::Field, Some(target)) => format!("use `{}` itself", code_text(target)),
        _ => instead(&content, place),
    };
    Err(Error::new_spanned(
        ty,
        format!(
            "`{}` cannot live in node-shared memory, because {reason}: {instead}",
            code_text(ty)
        ),
    ))
}

/// The container to which a type is a pointer.
fn container_behind(ty: &Type) -> Result<Option<&Type>> {
    let target = match ty {
        Type::Reference(reference) => Some(&*reference.elem),
        ty => last_segment(ty)
            .filter(|segment| POINTERS.iter().any(|name| segment.ident == name))
            .and_then(|segment| type_arguments(segment).first().copied()),
    };
    Ok(match target {
        Some(target) if container_content(target)?.is_some() => Some(target),
        _ => None,
    })
}

/// Rejects types that cannot be a value whatever their name means.
pub(crate) fn check_marked_value(ty: &Type) -> Result<()> {
    match ungroup(ty) {
        Type::Path(_) => Ok(()),
        _ => check(ty, &Place::Field),
    }
}

/// Whether a type is supported as an element.
pub(crate) fn is_element(ty: &Type) -> bool {
    check(ty, &Place::Inside).is_ok()
}

/// Types that are pointers to their argument. `Box<[T]>` is a container, which is recognised before.
const POINTERS: &[&str] = &["Rc", "Arc", "Box", "Cow"];

const IN_ONE_PROCESS: &str = "an address is valid in one process only";
const BEHIND_POINTERS: &str = "its entries are in private memory, behind pointers";
const NO_LENGTH: &str = "its length is not part of its type";
const TEXT_ELSEWHERE: &str = "its text is in private memory, behind a pointer";

/// Why a type is not supported, and what it consists of. `None` for all other types.
pub(crate) fn content(ty: &Type) -> Result<Option<(&'static str, Content)>> {
    Ok(Some(match ungroup(ty) {
        Type::Reference(reference) => (
            "a reference is valid in one process only",
            behind(Some(&reference.elem))?,
        ),
        Type::Ptr(_) => (IN_ONE_PROCESS, other("use an index into a `Vec<T>` field")),
        Type::FnPtr(_) => (
            IN_ONE_PROCESS,
            other("use an integer that selects the function"),
        ),
        Type::TraitObject(_) | Type::ImplTrait(_) => {
            ("its size is unknown", other("use a concrete type"))
        }
        Type::Tuple(tuple) if !tuple.elems.is_empty() => (
            "the memory layout of a tuple is unspecified",
            other(
                "use an array, or a struct with `#[repr(C)]` and `#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]`",
            ),
        ),
        Type::Slice(slice) => (NO_LENGTH, Content::List((*slice.elem).clone())),
        ty => return content_by_name(ty),
    }))
}

fn content_by_name(ty: &Type) -> Result<Option<(&'static str, Content)>> {
    if let Some(content) = container_content(ty)? {
        let reason = "all elements of a container must have one fixed size";
        return Ok(Some((reason, content)));
    }
    let Some(segment) = last_segment(ty) else {
        return Ok(None);
    };
    let arguments = type_arguments(segment);
    let argument = |index: usize| arguments.get(index).map(|&ty| ty.clone());
    Ok(Some(match segment.ident.to_string().as_str() {
        "str" => (NO_LENGTH, Content::Text { is_utf8: true }),
        "String" => (TEXT_ELSEWHERE, Content::Text { is_utf8: true }),
        "OsString" | "PathBuf" | "CString" => (TEXT_ELSEWHERE, Content::Text { is_utf8: false }),
        name if POINTERS.contains(&name) => {
            let content = match behind(arguments.first().copied())? {
                Content::Other(instead) if name == "Box" => {
                    Content::Other(format!("{instead}, or `Box<[T]>` for many"))
                }
                content => content,
            };
            ("it is a pointer to private memory", content)
        }
        "HashMap" | "BTreeMap" | "IndexMap" | "FxHashMap" | "AHashMap" => {
            let (Some(key), Some(value)) = (argument(0), argument(1)) else {
                return Ok(None);
            };
            let (key, value) = (Box::new(key), Box::new(value));
            (BEHIND_POINTERS, Content::Table { key, value })
        }
        "HashSet" | "BTreeSet" | "IndexSet" | "FxHashSet" | "AHashSet" => match argument(0) {
            Some(element) => (BEHIND_POINTERS, Content::Set(element)),
            None => return Ok(None),
        },
        "VecDeque" | "BinaryHeap" | "LinkedList" => match argument(0) {
            Some(element) => (
                "a shared field cannot grow or shrink",
                Content::List(element),
            ),
            None => return Ok(None),
        },
        // `Option<NonZeroU32>` and the like are integers, of which 0 is `None`.
        "Option" => match argument(0) {
            Some(content) if !is_nonzero(&content) => (
                "the bytes of an `Option` that is `None` have no value",
                Content::Other(optional(&content)?),
            ),
            _ => return Ok(None),
        },
        "ArrayD" => (
            "the number of dimensions must be part of the type",
            other("use `Array1<T>` to `Array6<T>`"),
        ),
        _ => return Ok(None),
    }))
}

/// The content of a container. `Text` is none here, because it is a likely name of a plain type as well.
fn container_content(ty: &Type) -> Result<Option<Content>> {
    if let Some(composite) = Composite::of(ty).filter(|composite| composite.name() != "Text") {
        return Ok(Some(Content::Composite(composite)));
    }
    Ok(container(ty)?.and_then(|kind| match kind {
        Kind::Slice { element } | Kind::Array { element, rank: 1 } => Some(Content::List(element)),
        Kind::Array { element, rank } => Some(Content::Array { element, rank }),
        Kind::Columns => {
            let record = last_segment(ty).map(type_arguments)?.first().copied()?;
            Some(Content::Columns(record.clone()))
        }
        _ => None,
    }))
}

/// What is behind a pointer.
fn behind(target: Option<&Type>) -> Result<Content> {
    let Some(target) = target.map(ungroup) else {
        return Ok(other("use the value itself"));
    };
    if ["Path", "OsStr", "CStr"]
        .iter()
        .any(|name| is_name(target, name))
    {
        return Ok(Content::Text { is_utf8: false });
    }
    Ok(match content(target)? {
        Some((_, content)) => content,
        None => Content::Other(format!("use `{}` itself", code_text(target))),
    })
}

/// Whether a type is one of the integers that are never 0.
fn is_nonzero(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident.to_string().starts_with("NonZero"))
}

/// What to use in place of an `Option` of this type.
fn optional(ty: &Type) -> Result<String> {
    Ok(match content(ty)? {
        Some((_, Content::Text { .. })) => {
            "use `Text` or `Strings`, in which an empty string means none".to_owned()
        }
        Some((_, Content::List(_) | Content::Array { .. } | Content::Composite(_))) => {
            format!("use `{}`, which may be empty", code_text(ty))
        }
        _ => format!(
            "use `{}` with a value that means none (NaN, -1), a `bool` field beside it, or `Option<NonZeroU32>` and the like",
            code_text(ty)
        ),
    })
}

fn is_name(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == name)
}

fn other(instead: &str) -> Content {
    Content::Other(instead.to_owned())
}
