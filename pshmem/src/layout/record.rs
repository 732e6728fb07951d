//! `Record`: elements whose bytes may come from a file.

use crate::layout::Element;
use num_complex::Complex;
use pshmem_format::{ByteOrder, Dtype, Item, Scalar, ScalarKind};

/// An [`Element`] that can be stored in files and loaded: its bytes have a description that numpy understands, and bytes of
/// unknown origin can be checked.
///
/// It is implemented for integers of up to 64 bits, floats, `bool`, `char`, complex numbers and arrays of records.
/// [`#[derive(Record)]`](derive@crate::Record) implements it for structs and for enums without fields. numpy has no integers of 128
/// bits, so `u128` and `i128` are no records: use `[u64; 2]`.
///
/// ```
/// use pshmem::Record;
///
/// assert_eq!(f64::item().size(), 8);
/// assert!(bool::is_valid(&[1]));
/// assert!(!bool::is_valid(&[2])); // a file may contain it, a `bool` must not
/// assert!(!<[char; 2]>::is_valid(&[0, 0, 0, 0, 0, 0xD8, 0, 0])); // a surrogate
/// ```
///
/// # Safety
/// Safe code makes values of bytes that came from a file and passed the check, so an implementation promises that
/// - `is_valid` returns `true` only for `size_of::<Self>()` bytes, aligned or not, that are a value of the type;
/// - `ANY_BITS` is `true` only if all bytes are a value, whatever they are;
/// - `item` describes the bytes of the type: the size is the same, and each scalar lies where it says.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in files",
    label = "this type does not implement `pshmem::Record`",
    note = "add `#[derive(pshmem::Record)]` to a struct with `#[repr(C)]`, or to an enum without fields with `#[repr(u8)]` or another integer",
    note = "numpy, which opens the files, has no `u128` and no `i128`: use `[u64; 2]`"
)]
pub unsafe trait Record: Element {
    /// Whether all bytes are a value, so that nothing needs to be checked.
    const ANY_BITS: bool;

    /// Type, size and place of each number in the bytes of a value.
    fn item() -> Item;

    /// Whether these bytes are a value.
    fn is_valid(bytes: &[u8]) -> bool;
}

/// The item of one number of type `T`.
fn scalar<T>(kind: ScalarKind) -> Item {
    Item {
        dtype: Dtype::Scalar(Scalar {
            kind,
            size: size_of::<T>(),
            order: ByteOrder::NATIVE,
        }),
        extents: Vec::new(),
    }
}

macro_rules! numbers {
    ($($kind:ident: $($t:ty)*;)*) => {$($(
        // SAFETY: all bytes are a value; one number without padding.
        unsafe impl Record for $t {
            const ANY_BITS: bool = true;

            fn item() -> Item {
                scalar::<$t>(ScalarKind::$kind)
            }

            fn is_valid(bytes: &[u8]) -> bool {
                bytes.len() == size_of::<$t>()
            }
        }
    )*)*};
}

numbers! {
    Uint: u8 u16 u32 u64 usize;
    Int: i8 i16 i32 i64 isize;
    Float: f32 f64;
    Complex: Complex<f32> Complex<f64>;
}

// SAFETY: 0 and 1 are the values of a `bool`, which is one byte.
unsafe impl Record for bool {
    const ANY_BITS: bool = false;

    fn item() -> Item {
        scalar::<bool>(ScalarKind::Bool)
    }

    fn is_valid(bytes: &[u8]) -> bool {
        matches!(bytes, [0 | 1])
    }
}

// SAFETY: a `char` has the bytes of its number; `char::from_u32` accepts exactly the numbers of `char`s.
unsafe impl Record for char {
    const ANY_BITS: bool = false;

    fn item() -> Item {
        scalar::<char>(ScalarKind::Uint)
    }

    fn is_valid(bytes: &[u8]) -> bool {
        let number = bytes.try_into().map(u32::from_ne_bytes);
        number.is_ok_and(|number| char::from_u32(number).is_some())
    }
}

// SAFETY: an array is its elements, one behind the other; all of them are checked.
unsafe impl<T: Record, const N: usize> Record for [T; N]
where
    [T; N]: Element,
{
    const ANY_BITS: bool = T::ANY_BITS;

    fn item() -> Item {
        let Item { dtype, mut extents } = T::item();
        extents.insert(0, N);
        Item { dtype, extents }
    }

    fn is_valid(bytes: &[u8]) -> bool {
        bytes.len() == size_of::<[T; N]>() && first_invalid::<T>(bytes).is_none()
    }
}

/// The first of these elements that is no value.
pub(crate) fn first_invalid<T: Record>(elements: &[u8]) -> Option<usize> {
    if T::ANY_BITS || size_of::<T>() == 0 {
        return None;
    }
    elements
        .chunks(size_of::<T>())
        .position(|element| !T::is_valid(element))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of<T: bytemuck::NoUninit>(value: &T) -> &[u8] {
        bytemuck::bytes_of(value)
    }

    fn number(kind: ScalarKind, size: usize, extents: &[usize]) -> Item {
        Item {
            dtype: Dtype::Scalar(Scalar {
                kind,
                size,
                order: ByteOrder::NATIVE,
            }),
            extents: extents.to_vec(),
        }
    }

    #[test]
    fn items_of_all_numbers() {
        use ScalarKind::{Bool, Complex as Pair, Float, Int, Uint};
        let word = size_of::<usize>();
        let items = [
            (u8::item(), Uint, 1),
            (u16::item(), Uint, 2),
            (u32::item(), Uint, 4),
            (u64::item(), Uint, 8),
            (usize::item(), Uint, word),
            (i8::item(), Int, 1),
            (i16::item(), Int, 2),
            (i32::item(), Int, 4),
            (i64::item(), Int, 8),
            (isize::item(), Int, word),
            (f32::item(), Float, 4),
            (f64::item(), Float, 8),
            (Complex::<f32>::item(), Pair, 8),
            (Complex::<f64>::item(), Pair, 16),
            (bool::item(), Bool, 1),
            (char::item(), Uint, 4),
        ];
        for (item, kind, size) in items {
            assert_eq!(item, number(kind, size, &[]));
        }
    }

    #[test]
    fn items_of_arrays_have_the_outer_extent_first() {
        let float = |extents| number(ScalarKind::Float, 8, extents);
        assert_eq!(<[f64; 3]>::item(), float(&[3]));
        assert_eq!(<[[f64; 3]; 2]>::item(), float(&[2, 3]));
        assert_eq!(<[[f64; 3]; 2]>::item().size(), 48);
        assert_eq!(<[f64; 0]>::item().size(), 0);
    }

    #[test]
    fn every_number_is_a_value_of_any_bits() {
        const { assert!(u8::ANY_BITS && <[Complex<f64>; 4]>::ANY_BITS) };
        assert!(u64::is_valid(&[0xFF; 8]));
        assert!(Complex::<f32>::is_valid(&[0xFF; 8]));
        assert!(f64::is_valid(bytes_of(&f64::NAN)));
    }

    #[test]
    fn another_number_of_bytes_is_no_value() {
        for bytes in [&[][..], &[0; 7], &[0; 9]] {
            assert!(!u64::is_valid(bytes) && !<[u32; 2]>::is_valid(bytes));
            assert!(!char::is_valid(bytes) && !<[bool; 8]>::is_valid(bytes));
        }
        assert!(!bool::is_valid(&[]) && !bool::is_valid(&[0, 0]));
    }

    #[test]
    fn a_bool_is_zero_or_one() {
        const { assert!(!bool::ANY_BITS && !<[bool; 2]>::ANY_BITS) };
        for byte in 0..=u8::MAX {
            assert_eq!(bool::is_valid(&[byte]), byte < 2, "{byte}");
        }
        assert!(<[bool; 3]>::is_valid(&[1, 0, 1]));
        assert!(!<[bool; 3]>::is_valid(&[1, 0, 2]));
        assert!(<[bool; 0]>::is_valid(&[]));
    }

    #[test]
    fn a_char_is_no_surrogate_and_not_too_large() {
        let is_valid = |number: u32| char::is_valid(bytes_of(&number));
        for valid in [0, 0xD7FF, 0xE000, 0x10_FFFF] {
            assert!(is_valid(valid), "{valid:#x}");
        }
        for invalid in [0xD800, 0xDFFF, 0x11_0000, u32::MAX] {
            assert!(!is_valid(invalid), "{invalid:#x}");
        }
        assert!(<[char; 2]>::is_valid(bytes_of(&['a', '\u{10FFFF}'])));
        assert!(!<[char; 2]>::is_valid(bytes_of(&[0x61, 0xDC00_u32])));
    }

    #[test]
    fn the_first_element_that_is_no_value_is_found() {
        assert_eq!(first_invalid::<bool>(&[0, 1, 2, 3]), Some(2));
        assert_eq!(first_invalid::<[bool; 2]>(&[0, 1, 2, 3]), Some(1));
        assert_eq!(first_invalid::<bool>(&[0, 1]), None);
        assert_eq!(first_invalid::<u8>(&[0, 9]), None);
        assert_eq!(first_invalid::<[bool; 0]>(&[]), None);
        // Bytes that are missing at the end.
        assert_eq!(first_invalid::<char>(&[0; 6]), Some(1));
    }
}
