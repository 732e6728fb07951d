// #[shared(dims(n))]
// pub struct Flow<'x> {
//     name: &'x str,
//     #[shared(shape = [n])]
//     list: Vec<f64>,
// }

///Extents of a shared [`Flow`].
#[allow(
    dead_code,
    nonstandard_style,
    private_bounds,
    private_interfaces,
    single_use_lifetimes,
    trivial_bounds,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::nursery,
    clippy::pedantic
)]
pub struct FlowDims {
    ///The dim `n`.
    pub n: ::core::primitive::usize,
}
///Read access to a shared [`Flow`]: references into node memory.
#[allow(
    dead_code,
    nonstandard_style,
    private_bounds,
    private_interfaces,
    single_use_lifetimes,
    trivial_bounds,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::nursery,
    clippy::pedantic
)]
pub struct FlowView<'a> {
    ///Field `name`.
    name: &'a &'static str,
    ///Field `list`.
    list: &'a [f64],
    #[doc(hidden)]
    __unused: ::core::marker::PhantomData<(&'a (),)>,
}
///Write access to a shared [`Flow`] in the closure of an update. Fields that are borrowed mutably are sent to other nodes.
#[allow(
    dead_code,
    nonstandard_style,
    private_bounds,
    private_interfaces,
    single_use_lifetimes,
    trivial_bounds,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::nursery,
    clippy::pedantic
)]
pub struct FlowViewMut<'a> {
    ///Field `name`.
    name: &'a &'static str,
    ///Field `list`.
    list: ::pshmem::SliceMut<'a, f64>,
    #[doc(hidden)]
    __unused: ::core::marker::PhantomData<(&'a (),)>,
}
///Handles to the fields of a shared [`Flow`]. One field can be read while another is written.
#[allow(
    dead_code,
    nonstandard_style,
    private_bounds,
    private_interfaces,
    single_use_lifetimes,
    trivial_bounds,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::nursery,
    clippy::pedantic
)]
pub struct FlowFields<'a> {
    ///Field `name`.
    name: &'a &'static str,
    ///Field `list`.
    list: ::pshmem::Field<'a, Vec<f64>>,
    #[doc(hidden)]
    __unused: ::core::marker::PhantomData<(&'a (),)>,
}
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
    impl<'a> ::core::clone::Clone for FlowView<'a> {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[automatically_derived]
    impl<'a> ::core::marker::Copy for FlowView<'a> {}
};
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
    impl ::core::clone::Clone for FlowDims {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[automatically_derived]
    impl ::core::marker::Copy for FlowDims {}
    #[automatically_derived]
    impl ::core::cmp::PartialEq for FlowDims {
        #[inline]
        fn eq(&self, other: &Self) -> ::core::primitive::bool {
            self.n == other.n
        }
    }
    #[automatically_derived]
    impl ::core::cmp::Eq for FlowDims {}
    #[automatically_derived]
    impl ::core::fmt::Debug for FlowDims {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            ::pshmem::__private::debug_struct(f, "FlowDims", &[("n", &self.n)])
        }
    }
};
::core::compile_error! {
    "a shared struct cannot have lifetime parameters, because a reference is valid in one process only: remove `'x`, and use `Vec<T>` instead of `&[T]`"
}
::core::compile_error! {
    "`&'x str` cannot live in node-shared memory, because a reference is valid in one process only: use `Text` for one string of run-time length, `Strings` for many, or `[u8; N]` for a short one"
}
