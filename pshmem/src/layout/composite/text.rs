//! `Text`: one string, its length known at run time.

use crate::error::Result;
use crate::layout::composite::{Composite, Full, PartsView, PartsViewMut, composite_layout};
use crate::layout::{Preview, SliceMut, ValueMut};
use std::fmt::{self, Debug, Display};
use std::ops::Deref;

/// One string, its length known at run time: a title, a parameter file.
///
/// This is the private value, and the layout of a shared one. Its extent is the largest number of bytes. What is read is always
/// valid UTF-8.
///
/// ```
/// use pshmem::{Comm, Shared, SharedLayout, Text};
///
/// #[derive(SharedLayout)]
/// struct Run {
///     parameters: Text,
///     step: u64,
/// }
///
/// let read = || Run { parameters: "h = 0.7".to_owned().into(), step: 0 };
/// let run = Shared::<Run>::from_root(&Comm::solo(), 0, read)?;
/// assert_eq!(run.view().parameters, "h = 0.7");
///
/// let mut title = Shared::<Text>::new(&Comm::solo(), 80)?;
/// title.try_update(0, |mut w| w.set("Dust"))?;
/// assert_eq!(title.view(), "Dust");
/// # Ok::<(), pshmem::Error>(())
/// ```
///
/// It is saved as one file of bytes.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(String);

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text(text)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Text(text.to_owned())
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0
    }
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

/// ```
/// let title = pshmem::Text::from("Dust");
/// assert_eq!(title, "Dust");
/// ```
impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl PartialEq<Text> for str {
    fn eq(&self, other: &Text) -> bool {
        *self == **other
    }
}

impl PartialEq<Text> for &str {
    fn eq(&self, other: &Text) -> bool {
        **self == **other
    }
}

impl Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&**self, f)
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

/// The text in these bytes.
///
/// # Safety
/// They are valid UTF-8: bytes in use of a consistent composite, which were strings when they were written, or were checked.
pub(super) unsafe fn str_of(bytes: &[u8]) -> &str {
    debug_assert!(std::str::from_utf8(bytes).is_ok());
    // SAFETY: passed on from the caller.
    unsafe { std::str::from_utf8_unchecked(bytes) }
}

/// A string inside the closure of an update; derefs to `str`.
///
/// ```
/// use pshmem::{Comm, Shared, Text, TextMut};
///
/// let mut title = Shared::<Text>::new(&Comm::solo(), 8)?;
/// title.update(0, |mut w: TextMut| {
///     assert!(w.set("a long title").is_err());
///     assert_eq!(&*w, "");
///     w.set("short")
/// })?;
/// assert_eq!(title.view(), "short");
/// # Ok::<(), pshmem::Error>(())
/// ```
pub struct TextMut<'a> {
    used: ValueMut<'a, u64>,
    /// Of the whole capacity. The first `used` ones are valid UTF-8.
    bytes: SliceMut<'a, u8>,
}

impl TextMut<'_> {
    /// The largest number of bytes.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// Removes the text.
    pub fn clear(&mut self) {
        if !self.is_empty() {
            *self.used = 0;
        }
    }

    /// Replaces the text.
    ///
    /// # Errors
    /// [`Full`] if there is no room for it; nothing has changed then.
    pub fn set(&mut self, text: &str) -> Result<(), Full> {
        Full::check("bytes", text.len(), self.capacity())?;
        // Nothing is in use while the bytes change.
        *self.used = 0;
        self.bytes[..text.len()].copy_from_slice(text.as_bytes());
        *self.used = text.len() as u64;
        Ok(())
    }

    /// Replaces the text.
    ///
    /// # Errors
    /// As [`set`](TextMut::set).
    pub fn assign(&mut self, text: &Text) -> Result<(), Full> {
        self.set(text)
    }
}

impl Deref for TextMut<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        // SAFETY: only strings were written.
        unsafe { str_of(&self.bytes[..*self.used as usize]) }
    }
}

impl Debug for TextMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&**self, f)
    }
}

impl Composite for Text {
    type Parts = (u64, Vec<u8>);
    type Dims = usize;
    type View<'a> = &'a str;
    type ViewMut<'a> = TextMut<'a>;

    const NAMES: &'static [&'static str] = &["used", "bytes"];

    fn part_dims(&bytes: &usize) -> Result<((), usize)> {
        Ok(((), bytes))
    }

    fn dims_of(&self) -> usize {
        self.len()
    }

    fn encode_dims(&bytes: &usize, out: &mut Vec<usize>) {
        out.push(bytes);
    }

    fn decode_dims(from: &mut dyn Iterator<Item = usize>) -> Option<usize> {
        from.next()
    }

    unsafe fn view<'a>(_: &usize, (used, bytes): PartsView<'a, Self>) -> &'a str {
        // SAFETY: `check` has accepted the bytes (caller's duty).
        unsafe { str_of(&bytes[..*used as usize]) }
    }

    unsafe fn view_mut<'a>(_: &usize, (used, bytes): PartsViewMut<'a, Self>) -> TextMut<'a> {
        TextMut { used, bytes }
    }

    fn store(&self, mut into: TextMut<'_>) -> Result<(), Full> {
        into.set(self)
    }

    fn load(from: &str) -> Self {
        from.into()
    }

    fn lengths(_: &usize, leaves: &[&[u8]]) -> Vec<usize> {
        vec![1, used(leaves[0]) as usize]
    }

    fn check_lengths(_: &usize, _: &[usize]) -> Result<(), String> {
        Ok(())
    }

    fn check(&bytes: &usize, leaves: &[&[u8]]) -> Result<(), String> {
        let used = used(leaves[0]);
        if used > bytes as u64 {
            return Err(format!("{used} bytes are in use of {bytes}"));
        }
        let checked = std::str::from_utf8(&leaves[1][..used as usize]);
        checked.map(|_| ()).map_err(|error| {
            let at = error.valid_up_to();
            format!("the text is not valid UTF-8 from byte {at} on")
        })
    }

    fn complete(dims: &usize, lengths: &[usize], leaves: &mut [&mut [u8]]) -> Result<(), String> {
        bytemuck::cast_slice_mut(leaves[0])[0] = lengths[1] as u64;
        Self::check(dims, &[leaves[0], leaves[1]])
    }
}

composite_layout! {
    [] Text, where []
    Dims = usize, View<'a> = &'a str, ViewMut<'a> = TextMut<'a>
}

fn used(leaf: &[u8]) -> u64 {
    bytemuck::cast_slice(leaf)[0]
}

impl Preview for Text {
    fn preview(view: &str, f: &mut dyn fmt::Write) -> fmt::Result {
        /// Characters of a long text that are shown.
        const SHOWN: usize = 60;
        match view.char_indices().nth(SHOWN) {
            Some((end, _)) => write!(f, "{:?}..", &view[..end]),
            None => write!(f, "{view:?}"),
        }
    }
}
