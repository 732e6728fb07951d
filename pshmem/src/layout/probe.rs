//! Printing what can be printed: the generated code asks for `Debug` where a type has it, and goes on where it has not.
//!
//! Each question is a pair of traits with one method of the same name. The method call finds the first trait for a `Probe`
//! or `Show` of a type with `Debug`, and only else, one reference further, the second ("autoref specialisation"). In generic
//! code it depends on the bounds that are written there. The methods have long names because the calls stand in the user's
//! scope, where a trait of theirs could have a `show` for every type.

use crate::layout::{Preview, SharedLayout};
use std::fmt::{self, Debug, Write};
use std::marker::PhantomData;

/// Values of a layout, to be printed in a summary.
#[derive(Debug)]
pub struct Probe<L: ?Sized>(PhantomData<fn(&L)>);

impl<L: ?Sized> Probe<L> {
    /// The question.
    #[expect(clippy::new_without_default, reason = "for generated code only")]
    #[must_use]
    pub const fn new() -> Self {
        Probe(PhantomData)
    }
}

/// The answer for layouts with [`Preview`].
pub trait PutValues<L: SharedLayout + ?Sized> {
    /// Writes the values, or that there is nothing to write.
    ///
    /// # Errors
    /// Those of the writer.
    fn pshmem_put(&self, view: L::View<'_>, f: &mut dyn Write) -> fmt::Result;
}

impl<L: Preview + ?Sized> PutValues<L> for Probe<L> {
    fn pshmem_put(&self, view: L::View<'_>, f: &mut dyn Write) -> fmt::Result {
        L::preview(view, f)
    }
}

/// The answer for all others.
pub trait PutNothing {
    /// Writes that there is nothing to write.
    ///
    /// # Errors
    /// Those of the writer.
    fn pshmem_put<V>(&self, view: V, f: &mut dyn Write) -> fmt::Result;
}

impl<L: ?Sized> PutNothing for &Probe<L> {
    fn pshmem_put<V>(&self, _: V, f: &mut dyn Write) -> fmt::Result {
        f.write_str("..")
    }
}

/// A field of a view, to be printed by `{:?}`.
#[derive(Debug)]
pub struct Show<'a, T>(pub &'a T);

/// The answer for types with `Debug`.
pub trait ShowDebug<'a> {
    /// What to print.
    fn pshmem_show(&self) -> &'a dyn Debug;
}

impl<'a, T: Debug> ShowDebug<'a> for Show<'a, T> {
    fn pshmem_show(&self) -> &'a dyn Debug {
        self.0
    }
}

/// The answer for all others.
pub trait ShowNothing {
    /// What to print.
    fn pshmem_show(&self) -> &'static dyn Debug;
}

impl<T> ShowNothing for &Show<'_, T> {
    fn pshmem_show(&self) -> &'static dyn Debug {
        &Nothing
    }
}

/// Stands for a value without `Debug`.
struct Nothing;

impl Debug for Nothing {
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
    struct Silent(u8);

    #[test]
    fn prints_where_there_is_something_to_print() {
        let mut text = String::new();
        (&Probe::<Value<u8>>::new())
            .pshmem_put(&3, &mut text)
            .unwrap();
        (&Probe::<Value<Silent>>::new())
            .pshmem_put(&Silent(3), &mut text)
            .unwrap();
        assert_eq!(text, "3..");
        assert_eq!(
            format!(
                "{:?} {:?}",
                (&Show(&5)).pshmem_show(),
                (&Show(&Silent(5))).pshmem_show()
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
