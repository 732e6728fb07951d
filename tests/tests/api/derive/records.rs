//! `#[derive(Record)]`: descriptions of structs and enums, and checks of bytes of unknown origin.

use bytemuck::{NoUninit, Pod, Zeroable, bytes_of};
use num_complex::Complex32;
use pshmem::Record;

/// Type and extents, as numpy writes them.
fn described<T: Record>() -> (String, Vec<usize>) {
    let item = T::item();
    assert_eq!(item.size(), size_of::<T>());
    (item.dtype.to_string(), item.extents)
}

/// The bytes with one of them replaced.
fn with<const N: usize>(mut bytes: [u8; N], at: usize, byte: u8) -> [u8; N] {
    bytes[at] = byte;
    bytes
}

#[derive(Clone, Copy, Pod, Zeroable, Record)]
#[repr(C)]
struct Line {
    frequency: f64,
    strength: [f32; 2],
    r#type: u64,
}

#[test]
fn fields_are_listed_by_name() {
    let text = "[('frequency', '<f8'), ('strength', '<f4', (2,)), ('type', '<u8')]";
    assert_eq!(described::<Line>(), (text.to_owned(), vec![]));
    const { assert!(Line::ANY_BITS) };
    assert!(Line::is_valid(&[0xFF; 24]));
    assert!(!Line::is_valid(&[0; 23]) && !Line::is_valid(&[0; 25]) && !Line::is_valid(&[]));
}

#[derive(Clone, Copy, NoUninit, Zeroable, Record)]
#[repr(C)]
struct Flags {
    letter: char,
    on: [bool; 2],
    kind: Kind,
    count: u8,
}

/// Sparse, with a value that is implied by the one before.
#[derive(Clone, Copy, NoUninit, Zeroable, Record)]
#[repr(u8)]
enum Kind {
    Land,
    Sea,
    Ice = 200,
    Snow,
}

#[derive(Clone, Copy, NoUninit, Zeroable, Record)]
#[repr(i16)]
enum Signed {
    Below = -300,
    Zero = 0,
    Above = 7,
}

#[derive(Clone, Copy, NoUninit, Zeroable, Record)]
#[repr(u64)]
enum Wide {
    Zero,
    Largest = u64::MAX,
}

#[derive(Clone, Copy, NoUninit, Zeroable, Record)]
#[repr(isize)]
enum Word {
    Only = 0,
}

#[test]
fn an_enum_is_one_of_its_discriminants() {
    assert_eq!(described::<Kind>(), ("'|u1'".to_owned(), vec![]));
    assert_eq!(described::<Signed>().0, i16::item().dtype.to_string());
    assert_eq!(described::<Wide>().0, u64::item().dtype.to_string());
    assert_eq!(described::<Word>().0, isize::item().dtype.to_string());
    const { assert!(!Kind::ANY_BITS && !Signed::ANY_BITS && !Wide::ANY_BITS) };
    for byte in 0..=u8::MAX {
        assert_eq!(
            Kind::is_valid(&[byte]),
            matches!(byte, 0 | 1 | 200 | 201),
            "{byte}"
        );
    }
    for number in i16::MIN..=i16::MAX {
        let is_valid = Signed::is_valid(bytes_of(&number));
        assert_eq!(is_valid, matches!(number, -300 | 0 | 7), "{number}");
    }
    for (number, expected) in [
        (0, true),
        (u64::MAX, true),
        (1, false),
        (u64::MAX - 1, false),
    ] {
        assert_eq!(Wide::is_valid(bytes_of(&number)), expected, "{number}");
    }
    for (number, expected) in [(0_isize, true), (1, false), (-1, false)] {
        assert_eq!(Word::is_valid(bytes_of(&number)), expected, "{number}");
    }
    for bytes in [&[][..], &[0], &[0; 3]] {
        assert!(!Signed::is_valid(bytes), "{bytes:?}");
    }
    // All variants are used.
    assert!(
        [Kind::Land, Kind::Sea, Kind::Ice, Kind::Snow]
            .iter()
            .all(|kind| Kind::is_valid(bytes_of(kind)))
    );
    assert!(
        [Signed::Below, Signed::Zero, Signed::Above]
            .iter()
            .all(|number| Signed::is_valid(bytes_of(number)))
    );
    assert!(
        [Wide::Zero, Wide::Largest]
            .iter()
            .all(|number| Wide::is_valid(bytes_of(number)))
    );
    assert!(Word::is_valid(bytes_of(&Word::Only)));
}

#[test]
fn a_struct_is_valid_if_all_its_fields_are() {
    const { assert!(!Flags::ANY_BITS) };
    let flags = Flags {
        letter: 'x',
        on: [true, false],
        kind: Kind::Snow,
        count: 255,
    };
    let bytes: [u8; 8] = bytes_of(&flags).try_into().unwrap();
    assert!(Flags::is_valid(&bytes));
    assert!(
        Flags::is_valid(&with(bytes, 7, 0)),
        "`count` may be anything"
    );
    // One byte of each field.
    let top = if cfg!(target_endian = "little") { 3 } else { 0 };
    for (at, byte) in [(top, 1), (4, 2), (5, 255), (6, 2), (6, 199)] {
        assert!(!Flags::is_valid(&with(bytes, at, byte)), "{at} {byte}");
    }
    let surrogate: [u8; 4] = 0xD800_u32.to_ne_bytes();
    let mut with_surrogate = bytes;
    with_surrogate[..4].copy_from_slice(&surrogate);
    assert!(!Flags::is_valid(&with_surrogate));
}

#[derive(Clone, Copy, NoUninit, Zeroable, Record)]
#[repr(C)]
struct Nested {
    flags: Flags,
    line: Line,
}

#[derive(Clone, Copy, Pod, Zeroable, Record)]
#[repr(C)]
struct Lines {
    lines: [[Line; 2]; 3],
    waves: [Complex32; 2],
}

#[test]
fn records_are_nested() {
    let (text, _) = described::<Nested>();
    let inner = "[('letter', '<u4'), ('on', '|b1', (2,)), ('kind', '|u1'), ('count', '|u1')]";
    let line = described::<Line>().0;
    assert_eq!(text, format!("[('flags', {inner}), ('line', {line})]"));
    let (text, _) = described::<Lines>();
    assert_eq!(
        text,
        format!("[('lines', {line}, (3, 2)), ('waves', '<c8', (2,))]")
    );
    assert_eq!(described::<[Lines; 5]>().1, [5]);

    let bytes = [0; 32];
    assert!(Nested::is_valid(&bytes));
    assert!(Nested::is_valid(&with(bytes, 31, 255)));
    assert!(!Nested::is_valid(&with(bytes, 5, 2)));
    assert!(!Nested::is_valid(&with(bytes, 6, 2)));
    const { assert!(Lines::ANY_BITS && !Nested::ANY_BITS) };
}

/// Fields without names; the first two bytes of the second one are not aligned.
#[derive(Clone, Copy, NoUninit, Zeroable, Record)]
#[repr(C, packed)]
struct Packed(bool, u16);

#[derive(Clone, Copy, Default, Pod, Zeroable, Record)]
#[repr(transparent)]
struct Kelvin(f64);

#[derive(Clone, Copy, NoUninit, Zeroable, Record)]
#[repr(transparent)]
struct Answer {
    yes: bool,
}

#[test]
fn structs_without_names_padding_or_fields_of_their_own() {
    let text = "[('f0', '|b1'), ('f1', '<u2')]".to_owned();
    assert_eq!(described::<Packed>(), (text, vec![]));
    assert!(Packed::is_valid(&[1, 9, 9]) && !Packed::is_valid(&[9, 1, 1]));
    assert_eq!(described::<Kelvin>(), described::<f64>());
    assert_eq!(described::<Answer>(), described::<bool>());
    const { assert!(Kelvin::ANY_BITS && !Answer::ANY_BITS) };
    assert!(Answer::is_valid(&[1]) && !Answer::is_valid(&[2]) && !Answer::is_valid(&[]));
}

#[derive(Clone, Copy, Debug, PartialEq, Zeroable, Record)]
#[repr(C)]
struct Pair<T, const N: usize>
where
    T: Copy + Default,
{
    all: [T; N],
    last: T,
}

// SAFETY: fields of one type, so that there is no padding, and of a type without any.
unsafe impl<T: Pod + Default, const N: usize> NoUninit for Pair<T, N> {}

/// Nothing is said about the type but that it can be stored.
fn is_valid<T: Record>(bytes: &[u8]) -> bool {
    T::is_valid(bytes)
}

#[test]
fn generic_structs_are_records_where_their_fields_are() {
    let (text, _) = described::<Pair<f32, 3>>();
    assert_eq!(text, "[('all', '<f4', (3,)), ('last', '<f4')]");
    assert!(is_valid::<Pair<i8, 1>>(&[1, 2]));
    assert!(!is_valid::<Pair<i8, 1>>(&[1, 2, 3]));
    assert_eq!(
        described::<Pair<Kelvin, 1>>().0,
        "[('all', '<f8', (1,)), ('last', '<f8')]"
    );
}

/// The length of a field is a constant of the struct.
#[derive(Clone, Copy, Record)]
#[repr(C)]
struct Named {
    name: [u8; Self::LENGTH],
}

// SAFETY: all bytes zero is a value.
unsafe impl Zeroable for Named {}
// SAFETY: one field, without padding.
unsafe impl Pod for Named {}

impl Named {
    const LENGTH: usize = 12;
}

#[test]
fn constants_of_the_struct_are_known() {
    assert_eq!(described::<Named>().0, "[('name', '|u1', (12,))]");
}
