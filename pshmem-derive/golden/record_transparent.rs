// #[repr(transparent)]
// struct Kelvin(f64);

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
    unsafe impl ::pshmem::Record for Kelvin
    where
        f64: ::pshmem::Record,
    {
        const ANY_BITS: ::core::primitive::bool = <f64 as ::pshmem::Record>::ANY_BITS;
        fn item() -> ::pshmem::__private::Item {
            <f64 as ::pshmem::Record>::item()
        }
        fn is_valid(bytes: &[::core::primitive::u8]) -> ::core::primitive::bool {
            <f64 as ::pshmem::Record>::is_valid(bytes)
        }
    }
    fn __fields(record: Kelvin)
    where
        f64: ::pshmem::Record,
    {
        let Kelvin { 0: __field_0 } = record;
        let _: f64 = __field_0;
    }
    const _: () = ::core::assert!(
        ::core::mem::size_of:: < Kelvin > () == 0 + ::core::mem::size_of:: < f64 > (),
        "`Kelvin` has padding between its fields or at its end, whose bytes have no value: order the fields by size, the largest first, or fill the gaps with fields such as `_padding: [u8; 4]`"
    );
};
