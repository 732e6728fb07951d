//! Properties of dtypes and headers, for random ones.

use proptest::prelude::*;
use pshmem_format::{ByteOrder, Dtype, Header, Item, Scalar, ScalarKind, StructField};

fn scalars() -> impl Strategy<Value = Scalar> {
    let sizes = prop_oneof![
        Just((ScalarKind::Bool, 1)),
        prop_oneof![Just(ScalarKind::Int), Just(ScalarKind::Uint)]
            .prop_flat_map(|kind| (Just(kind), (0..4).prop_map(|power| 1_usize << power))),
        (1..4).prop_map(|power| (ScalarKind::Float, 1_usize << power)),
        (3..5).prop_map(|power| (ScalarKind::Complex, 1_usize << power)),
    ];
    (sizes, any::<bool>()).prop_map(|((kind, size), is_big)| {
        let order = match is_big {
            _ if size == 1 => ByteOrder::NATIVE,
            true => ByteOrder::Big,
            false => ByteOrder::Little,
        };
        Scalar { kind, size, order }
    })
}

fn extents() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0_usize..5, 0..3)
}

/// Members one behind the other with gaps, or, after `shuffle`, at offsets in any order.
fn structs(items: impl Strategy<Value = Item>) -> impl Strategy<Value = Dtype> {
    // Names of padding are empty, those of members need not be anything that Rust would accept.
    let member = (items, "[ -~éα😀\n\u{85}]{0,4}", 0_usize..9);
    let members = prop::collection::vec(member, 0..4);
    (members, 0_usize..9, any::<bool>()).prop_map(|(members, behind, shuffled)| {
        let mut fields: Vec<StructField> = Vec::new();
        let mut end = 0;
        for (i, (item, name, gap)) in members.into_iter().enumerate() {
            let offset = end + gap;
            end = offset + item.size();
            // Two members cannot have one name.
            let name = format!("{name}{i}");
            fields.push(StructField { name, offset, item });
        }
        if shuffled {
            fields.reverse();
        }
        let itemsize = end + behind;
        Dtype::Struct { fields, itemsize }
    })
}

fn repeated(dtypes: BoxedStrategy<Dtype>) -> impl Strategy<Value = Item> {
    (dtypes, extents()).prop_map(|(dtype, extents)| Item { dtype, extents })
}

fn items() -> impl Strategy<Value = Item> {
    let scalars = scalars().prop_map(Dtype::from);
    let mut dtypes = scalars.boxed();
    for _ in 0..3 {
        let items = repeated(dtypes.clone());
        dtypes = prop_oneof![2 => dtypes, 1 => structs(items)].boxed();
    }
    repeated(dtypes)
}

/// The dtype with every byte order reversed.
fn swapped(dtype: &Dtype) -> Dtype {
    match dtype {
        Dtype::Scalar(scalar) => {
            let order = match scalar.order {
                _ if scalar.size == 1 => scalar.order,
                ByteOrder::Little => ByteOrder::Big,
                ByteOrder::Big => ByteOrder::Little,
            };
            Scalar { order, ..*scalar }.into()
        }
        Dtype::Struct { fields, itemsize } => Dtype::Struct {
            fields: fields.iter().map(swapped_field).collect(),
            itemsize: *itemsize,
        },
    }
}

fn swapped_field(field: &StructField) -> StructField {
    let StructField { name, offset, item } = field.clone();
    let dtype = swapped(&item.dtype);
    let item = Item { dtype, ..item };
    StructField { name, offset, item }
}

/// How many bytes of an item belong to scalars of more than one byte.
fn bytes_of_words(item: &Item) -> usize {
    let one = match &item.dtype {
        Dtype::Scalar(scalar) if scalar.size > 1 => scalar.size,
        Dtype::Scalar(_) => 0,
        Dtype::Struct { fields, .. } => {
            fields.iter().map(|field| bytes_of_words(&field.item)).sum()
        }
    };
    one * item.extents.iter().product::<usize>()
}

proptest! {
    #[test]
    fn headers_are_read_as_they_were_written(item in items(), extents in extents()) {
        let bytes = Header::encode(&item, &extents);
        prop_assert_eq!(bytes.len() % 64, 0);
        prop_assert_eq!(bytes.last(), Some(&b'\n'));
        let header = Header::read(&mut &bytes[..], bytes.len() as u64).unwrap();
        prop_assert_eq!(&header.dtype, &item.dtype);
        let shape = [&extents[..], &item.extents].concat();
        prop_assert_eq!(&header.shape, &shape);
        prop_assert_eq!(header.data_at, bytes.len() as u64);
        let elements: usize = extents.iter().product();
        let data = (elements * item.size()) as u64;
        prop_assert_eq!(header.data_bytes(), Some(data));
        let len = header.data_at + data;
        prop_assert_eq!(header.check_length(len), Ok(data));
        prop_assert!(header.check_length(len + 1).is_err());
        prop_assert!(header.check_length(len - 1).is_err());
    }

    #[test]
    fn dtypes_are_read_as_they_were_written(item in items()) {
        let text = item.dtype.to_string();
        prop_assert_eq!(text.parse::<Dtype>(), Ok(item.dtype));
    }

    #[test]
    fn an_element_fits_its_own_dtype_and_no_other(item in items(), other in items()) {
        prop_assert_eq!(item.byte_swaps(&item.dtype), Ok(vec![]));
        let fits = item.byte_swaps(&other.dtype).is_ok();
        let same = item.dtype == other.dtype || item.dtype == swapped(&other.dtype);
        prop_assert!(fits || !same);
        if let Ok(swaps) = item.byte_swaps(&other.dtype) {
            prop_assert_eq!(item.dtype.size(), other.dtype.size());
            prop_assert!(same || !swaps.is_empty());
        }
    }

    #[test]
    fn all_numbers_are_reversed_once(item in items()) {
        let mut swaps = item.byte_swaps(&swapped(&item.dtype)).unwrap();
        let bytes: usize = swaps.iter().map(|(_, size)| size).sum();
        prop_assert_eq!(bytes, bytes_of_words(&item));
        swaps.sort_unstable();
        let mut end = 0;
        for (at, size) in swaps {
            prop_assert!(at >= end, "two swaps overlap");
            end = at + size;
        }
        prop_assert!(end <= item.size());
    }

    #[test]
    fn random_bytes_behind_the_magic_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let file = [b"\x93NUMPY".to_vec(), bytes].concat();
        let _ = Header::read(&mut &file[..], file.len() as u64);
    }
}
