//! Values as text, for errors about ranks that pass different ones: numbers as numbers, other types as bytes.
//!
//! The rank that makes the error may know the value only as bytes, so its type goes before it.

use crate::layout::Element;
use num_complex::Complex;
use std::fmt::Debug;

/// Bytes of a value of another type that a text shows.
const SHOWN: usize = 32;
/// Elements of an array that a text shows.
const MANY: usize = 16;

/// Reads one number from its bytes.
type Show = fn(&[u8]) -> String;

/// Types that are printed as numbers, each with the end of the path in its name. Their order is what is encoded.
const NUMBERS: &[(&str, usize, Show)] = &[
    entry::<f64>("f64"),
    entry::<f32>("f32"),
    entry::<u8>("u8"),
    entry::<u16>("u16"),
    entry::<u32>("u32"),
    entry::<u64>("u64"),
    entry::<u128>("u128"),
    entry::<usize>("usize"),
    entry::<i8>("i8"),
    entry::<i16>("i16"),
    entry::<i32>("i32"),
    entry::<i64>("i64"),
    entry::<i128>("i128"),
    entry::<isize>("isize"),
    ("bool", 1, |bytes| (bytes != [0]).to_string()),
    ("char", 4, character),
    entry::<Complex<f32>>("num_complex::Complex<f32>"),
    entry::<Complex<f64>>("num_complex::Complex<f64>"),
];

/// Instead of a position in the list: another type.
const OTHER: u8 = u8::MAX;

const fn entry<T: bytemuck::AnyBitPattern + Debug>(name: &str) -> (&str, usize, Show) {
    (name, size_of::<T>(), |bytes| {
        format!("{:?}", bytemuck::pod_read_unaligned::<T>(bytes))
    })
}

fn character(bytes: &[u8]) -> String {
    let number = bytemuck::pod_read_unaligned::<u32>(bytes);
    char::from_u32(number).map_or_else(|| number.to_string(), |c| format!("{c:?}"))
}

/// A value with its type, to be compared with that of other ranks.
pub(crate) fn encode<T: Element>(value: &T) -> Vec<u8> {
    // The types of this list have no path in their names, and arrays of them have brackets only.
    let name = std::any::type_name::<T>().trim_start_matches('[');
    let name = name.split(';').next().unwrap_or(name);
    let index = NUMBERS.iter().position(|(number, ..)| *number == name);
    let mut encoded = vec![index.map_or(OTHER, |index| index as u8)];
    encoded.extend_from_slice(bytemuck::bytes_of(value));
    encoded
}

/// The texts of two values of one type that were encoded. Of long arrays, the first element that differs.
pub(crate) fn texts(ours: &[u8], theirs: &[u8]) -> (String, String) {
    match (items(ours), items(theirs)) {
        (Some(ours), Some(theirs)) => {
            let differs = ours.iter().zip(&theirs).position(|(a, b)| a != b);
            match differs {
                Some(at) if ours.len() > MANY => {
                    let text =
                        |items: &[String]| format!("{} as element {at} of the value", items[at]);
                    (text(&ours), text(&theirs))
                }
                _ => (whole(&ours), whole(&theirs)),
            }
        }
        _ => (bytes_text(bytes_of(ours)), bytes_text(bytes_of(theirs))),
    }
}

fn whole(items: &[String]) -> String {
    match items {
        [one] => format!("the value {one}"),
        items => format!("the value [{}]", items.join(", ")),
    }
}

/// The numbers of a value, if it consists of numbers.
fn items(encoded: &[u8]) -> Option<Vec<String>> {
    let (_, size, show) = NUMBERS.get(usize::from(*encoded.first()?))?;
    Some(bytes_of(encoded).chunks_exact(*size).map(show).collect())
}

fn bytes_of(encoded: &[u8]) -> &[u8] {
    encoded.get(1..).unwrap_or_default()
}

/// A value of any type.
pub(crate) fn bytes_text(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN)];
    let more = if bytes.len() > SHOWN { "…" } else { "" };
    format!("a value with the bytes {shown:02x?}{more}")
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use bytemuck::{NoUninit, Zeroable};

    fn shown<T: Element>(value: T) -> String {
        texts(&encode(&value), &encode(&value)).0
    }

    #[test]
    fn numbers_print_as_numbers() {
        assert_eq!(shown(1.5_f64), "the value 1.5");
        assert_eq!(shown(-0.0_f32), "the value -0.0");
        assert_eq!(shown(f64::NAN), "the value NaN");
        assert_eq!(shown(-7_i128), "the value -7");
        assert_eq!(shown(300_usize), "the value 300");
        assert_eq!(shown(true), "the value true");
        assert_eq!(shown('ü'), "the value 'ü'");
        assert_eq!(
            shown(Complex::new(1.0_f32, -2.0)),
            "the value Complex { re: 1.0, im: -2.0 }"
        );
        assert_eq!(shown([1_u16, 2, 3]), "the value [1, 2, 3]");
        assert_eq!(shown([[1_u8, 2], [3, 4]]), "the value [1, 2, 3, 4]");
        assert_eq!(shown([0.5_f64]), "the value 0.5");
        let mut other = [3_u8; 100];
        other[99] = 4;
        let (ours, theirs) = texts(&encode(&[3_u8; 100]), &encode(&other));
        assert_eq!(ours, "3 as element 99 of the value");
        assert_eq!(theirs, "4 as element 99 of the value");
    }

    #[test]
    fn other_types_print_as_bytes() {
        #[derive(Clone, Copy, Zeroable, NoUninit)]
        #[repr(C)]
        struct F64(u16);

        assert_eq!(shown(F64(0x1234)), "a value with the bytes [34, 12]");
        assert_eq!(texts(&[], &[OTHER]).0, "a value with the bytes []");
        let long = format!("a value with the bytes [{}00]…", "00, ".repeat(31));
        assert_eq!(bytes_text(&[0; 40]), long);
    }

    #[test]
    fn values_differ_where_their_bytes_do() {
        assert_ne!(encode(&0.0_f64), encode(&-0.0_f64));
        assert_eq!(encode(&[1_u8; 100]), encode(&[1_u8; 100]));
    }
}
