//! Prints fields in generated code: by `Preview` or `Debug` if the type implements them, otherwise as `..`.
//!
//! The choice is made by autoref specialisation. [`PreviewOf`] and [`DebugOf`] each have two traits with a method of the same
//! name. Method lookup finds the first trait if the type has `Preview` or `Debug`; otherwise it adds a reference and finds the
//! second. In generic code the bounds written there decide. The methods have long names because the calls are in the user's
//! scope, where a trait of the user could have a shorter name for every type.

use crate::layout::{Preview, SharedLayout};
use std::fmt::{self, Debug, Write};
use std::marker::PhantomData;

/// Writes the first and the last few items of a list; `item` writes the one with this number.
pub(crate) fn preview_list(
    f: &mut dyn Write,
    len: usize,
    item: impl Fn(&mut dyn Write, usize) -> fmt::Result,
) -> fmt::Result {
    preview_items(f, ['[', ']'], len, item)
}

/// As `preview_list`, between these brackets.
pub(crate) fn preview_items(
    f: &mut dyn Write,
    [open, close]: [char; 2],
    len: usize,
    item: impl Fn(&mut dyn Write, usize) -> fmt::Result,
) -> fmt::Result {
    const ENDS: usize = 4;
    f.write_char(open)?;
    let mut separator = "";
    for at in 0..len {
        if at == ENDS && len > 2 * ENDS {
            write!(f, "{separator}..")?;
        }
        if at < ENDS || at + ENDS >= len {
            write!(f, "{separator}")?;
            item(f, at)?;
        }
        separator = ", ";
    }
    f.write_char(close)
}

/// Prints the values of a layout in the summary of an object.
#[derive(Debug)]
pub struct PreviewOf<L: ?Sized>(PhantomData<fn(&L)>);

impl<L: ?Sized> PreviewOf<L> {
    /// A value to call `pshmem_preview` on.
    #[expect(clippy::new_without_default, reason = "for generated code only")]
    #[must_use]
    pub const fn new() -> Self {
        PreviewOf(PhantomData)
    }
}

/// Layouts with [`Preview`].
pub trait WithPreview<L: SharedLayout + ?Sized> {
    /// Writes the values.
    ///
    /// # Errors
    /// Those of the writer.
    fn pshmem_preview(&self, view: L::View<'_>, f: &mut dyn Write) -> fmt::Result;
}

impl<L: Preview + ?Sized> WithPreview<L> for PreviewOf<L> {
    fn pshmem_preview(&self, view: L::View<'_>, f: &mut dyn Write) -> fmt::Result {
        L::preview(view, f)
    }
}

/// All other layouts.
pub trait WithoutPreview {
    /// Writes `..`.
    ///
    /// # Errors
    /// Those of the writer.
    fn pshmem_preview<V>(&self, view: V, f: &mut dyn Write) -> fmt::Result;
}

impl<L: ?Sized> WithoutPreview for &PreviewOf<L> {
    fn pshmem_preview<V>(&self, _: V, f: &mut dyn Write) -> fmt::Result {
        f.write_str("..")
    }
}

/// Prints a field of a view by `{:?}`.
#[derive(Debug)]
pub struct DebugOf<'a, T>(pub &'a T);

/// Types with `Debug`.
pub trait WithDebug<'a> {
    /// What to print.
    fn pshmem_debug(&self) -> &'a dyn Debug;
}

impl<'a, T: Debug> WithDebug<'a> for DebugOf<'a, T> {
    fn pshmem_debug(&self) -> &'a dyn Debug {
        self.0
    }
}

/// All other types.
pub trait WithoutDebug {
    /// What to print.
    fn pshmem_debug(&self) -> &'static dyn Debug;
}

impl<T> WithoutDebug for &DebugOf<'_, T> {
    fn pshmem_debug(&self) -> &'static dyn Debug {
        &Placeholder
    }
}

/// Printed for a value without `Debug`.
struct Placeholder;

impl Debug for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

/// As `Formatter::debug_struct`, in one call.
///
/// # Errors
/// Those of the formatter.
pub fn debug_struct(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    fields: &[(&str, &dyn Debug)],
) -> fmt::Result {
    let mut all = f.debug_struct(name);
    for (name, value) in fields {
        all.field(name, value);
    }
    all.finish()
}

/// One line `name: values`; values of several lines follow indented.
///
/// # Errors
/// Those of the writer and of `values`.
pub fn preview_field(
    f: &mut dyn Write,
    is_first: bool,
    name: &str,
    values: impl FnOnce(&mut String) -> fmt::Result,
) -> fmt::Result {
    let mut text = String::new();
    values(&mut text)?;
    if !is_first {
        f.write_char('\n')?;
    }
    if !text.contains('\n') {
        return write!(f, "{name}: {text}");
    }
    write!(f, "{name}:")?;
    text.lines().try_for_each(|line| write!(f, "\n  {line}"))
}

#[cfg(test)]
#[expect(
    clippy::needless_borrow,
    reason = "as in generated code, where the type decides"
)]
mod tests {
    use super::*;
    use crate::layout::Value;

    #[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
    #[repr(C)]
    struct NoDebug(u8);

    #[test]
    fn types_without_debug_print_as_dots() {
        let mut text = String::new();
        (&PreviewOf::<Value<u8>>::new())
            .pshmem_preview(&3, &mut text)
            .unwrap();
        (&PreviewOf::<Value<NoDebug>>::new())
            .pshmem_preview(&NoDebug(3), &mut text)
            .unwrap();
        assert_eq!(text, "3..");
        assert_eq!(
            format!(
                "{:?} {:?}",
                (&DebugOf(&5)).pshmem_debug(),
                (&DebugOf(&NoDebug(5))).pshmem_debug()
            ),
            "5 .."
        );
    }

    #[test]
    fn long_values_are_indented() {
        let mut text = String::new();
        preview_field(&mut text, true, "a", |f| f.write_str("1")).unwrap();
        preview_field(&mut text, false, "b", |f| f.write_str("2\n3")).unwrap();
        assert_eq!(text, "a: 1\nb:\n  2\n  3");
    }
}
