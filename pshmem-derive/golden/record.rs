// #[shared(crate = sim::shm)]
// #[repr(C)]
// pub struct Line<T: Copy> {
//     r#type: u32,
//     strength: [T; 2],
// }

#[doc(hidden)]
#[allow(
    dead_code,
    deprecated,
    missing_docs,
    non_local_definitions,
    nonstandard_style,
    private_bounds,
    private_interfaces,
    single_use_lifetimes,
    trivial_bounds,
    unreachable_pub,
    unsafe_code,
    unused,
    unused_qualifications,
    clippy::all,
    clippy::nursery,
    clippy::pedantic,
    clippy::undocumented_unsafe_blocks
)]
const _: () = {
    #[automatically_derived]
    unsafe impl<T: Copy> sim::shm::Record for Line<T>
    where
        u32: sim::shm::Record,
        [T; 2]: sim::shm::Record,
        Line<T>: sim::shm::Element,
    {
        const ANY_BITS: ::core::primitive::bool = <u32 as sim::shm::Record>::ANY_BITS
            && <[T; 2] as sim::shm::Record>::ANY_BITS;
        fn item() -> sim::shm::__private::Item {
            sim::shm::__private::Item {
                dtype: sim::shm::__private::Dtype::Struct {
                    fields: ::core::convert::From::from([
                        sim::shm::__private::StructField {
                            name: ::core::convert::From::from("type"),
                            offset: ::core::mem::offset_of!(Self, r#type),
                            item: <u32 as sim::shm::Record>::item(),
                        },
                        sim::shm::__private::StructField {
                            name: ::core::convert::From::from("strength"),
                            offset: ::core::mem::offset_of!(Self, strength),
                            item: <[T; 2] as sim::shm::Record>::item(),
                        },
                    ]),
                    itemsize: ::core::mem::size_of::<Self>(),
                },
                extents: ::core::default::Default::default(),
            }
        }
        fn is_valid(bytes: &[::core::primitive::u8]) -> ::core::primitive::bool {
            <[_]>::len(bytes) == ::core::mem::size_of::<Self>()
                && {
                    let at = ::core::mem::offset_of!(Self, r#type);
                    <u32 as sim::shm::Record>::is_valid(
                        &bytes[at..at + ::core::mem::size_of::<u32>()],
                    )
                }
                && {
                    let at = ::core::mem::offset_of!(Self, strength);
                    <[T; 2] as sim::shm::Record>::is_valid(
                        &bytes[at..at + ::core::mem::size_of::<[T; 2]>()],
                    )
                }
        }
    }
    fn __fields<T: Copy>(record: Line<T>)
    where
        u32: sim::shm::Record,
        [T; 2]: sim::shm::Record,
        Line<T>: sim::shm::Element,
    {
        let Line { r#type: __field_0, strength: __field_1 } = record;
        let _: u32 = __field_0;
        let _: [T; 2] = __field_1;
    }
};
