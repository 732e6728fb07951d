// #[repr(i16)]
// enum Kind {
//     Land,
//     Sea = -3,
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
    unsafe impl ::pshmem::Record for Kind {
        const ANY_BITS: ::core::primitive::bool = false;
        fn item() -> ::pshmem::__private::Item {
            <::core::primitive::i16 as ::pshmem::Record>::item()
        }
        fn is_valid(bytes: &[::core::primitive::u8]) -> ::core::primitive::bool {
            <[_]>::len(bytes) == ::core::mem::size_of::<Self>()
                && match ::core::convert::TryFrom::try_from(bytes) {
                    ::core::result::Result::Ok(bytes) => {
                        let number = ::core::primitive::i16::from_ne_bytes(bytes);
                        number == Self::Land as ::core::primitive::i16
                            || number == Self::Sea as ::core::primitive::i16
                    }
                    ::core::result::Result::Err(_) => false,
                }
        }
    }
};
