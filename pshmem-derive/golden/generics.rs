// pub struct Table<T: Copy, const N: usize, L = Inner>
// where
//     T: Default,
// {
//     #[shared(layout)]
//     inner: L,
//     rows: Vec<[T; N]>,
// }

///Extents of a shared [`Table`].
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
pub struct TableDims<L = Inner>
where
    L: ::pshmem::SharedLayout<Owned = L>,
{
    ///Extents of `inner`.
    inner: <L as ::pshmem::SharedLayout>::Dims,
    ///Extents of `rows`.
    rows: ::core::primitive::usize,
}
///Read access to a shared [`Table`]: references into node memory.
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
pub struct TableView<'a, T: Copy, const N: usize, L = Inner>
where
    T: Default,
    L: ::pshmem::SharedLayout<Owned = L>,
{
    ///Field `inner`.
    inner: <L as ::pshmem::SharedLayout>::View<'a>,
    ///Field `rows`.
    rows: &'a [[T; N]],
}
///Write access to a shared [`Table`] in the closure of an update. Fields that are borrowed mutably are sent to other nodes.
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
pub struct TableViewMut<'a, T: Copy, const N: usize, L = Inner>
where
    T: Default,
    L: ::pshmem::SharedLayout<Owned = L>,
{
    ///Field `inner`.
    inner: <L as ::pshmem::SharedLayout>::ViewMut<'a>,
    ///Field `rows`.
    rows: ::pshmem::SliceMut<'a, [T; N]>,
}
///Handles to the fields of a shared [`Table`]. One field can be read while another is written.
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
pub struct TableFields<'a, T: Copy, const N: usize, L = Inner>
where
    T: Default,
    L: ::pshmem::SharedLayout<Owned = L>,
    [T; N]: ::pshmem::Element,
{
    ///Field `inner`.
    inner: ::pshmem::Field<'a, L>,
    ///Field `rows`.
    rows: ::pshmem::Field<'a, Vec<[T; N]>>,
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
    impl<L> ::core::clone::Clone for TableDims<L>
    where
        L: ::pshmem::SharedLayout<Owned = L>,
    {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[automatically_derived]
    impl<L> ::core::marker::Copy for TableDims<L>
    where
        L: ::pshmem::SharedLayout<Owned = L>,
    {}
    #[automatically_derived]
    impl<L> ::core::cmp::PartialEq for TableDims<L>
    where
        L: ::pshmem::SharedLayout<Owned = L>,
    {
        #[inline]
        fn eq(&self, other: &Self) -> ::core::primitive::bool {
            self.inner == other.inner && self.rows == other.rows
        }
    }
    #[automatically_derived]
    impl<L> ::core::cmp::Eq for TableDims<L>
    where
        L: ::pshmem::SharedLayout<Owned = L>,
    {}
    #[automatically_derived]
    impl<L> ::core::fmt::Debug for TableDims<L>
    where
        L: ::pshmem::SharedLayout<Owned = L>,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            ::pshmem::__private::debug_struct(
                f,
                "TableDims",
                &[("inner", &self.inner), ("rows", &self.rows)],
            )
        }
    }
    #[automatically_derived]
    impl<'a, T: Copy, const N: usize, L> ::core::clone::Clone for TableView<'a, T, N, L>
    where
        T: Default,
        L: ::pshmem::SharedLayout<Owned = L>,
    {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[automatically_derived]
    impl<'a, T: Copy, const N: usize, L> ::core::marker::Copy for TableView<'a, T, N, L>
    where
        T: Default,
        L: ::pshmem::SharedLayout<Owned = L>,
    {}
    #[automatically_derived]
    impl<'a, T: Copy, const N: usize, L> ::core::fmt::Debug for TableView<'a, T, N, L>
    where
        T: Default,
        L: ::pshmem::SharedLayout<Owned = L>,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                ("inner", (&::pshmem::__private::DebugOf(&self.inner)).pshmem_debug()),
                ("rows", (&::pshmem::__private::DebugOf(&self.rows)).pshmem_debug()),
            ];
            ::pshmem::__private::debug_struct(f, "TableView", &fields)
        }
    }
    #[automatically_derived]
    impl<'a, T: Copy, const N: usize, L> ::core::fmt::Debug for TableViewMut<'a, T, N, L>
    where
        T: Default,
        L: ::pshmem::SharedLayout<Owned = L>,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                ("inner", (&::pshmem::__private::DebugOf(&self.inner)).pshmem_debug()),
                ("rows", (&::pshmem::__private::DebugOf(&self.rows)).pshmem_debug()),
            ];
            ::pshmem::__private::debug_struct(f, "TableViewMut", &fields)
        }
    }
    #[automatically_derived]
    impl<'a, T: Copy, const N: usize, L> ::core::fmt::Debug for TableFields<'a, T, N, L>
    where
        T: Default,
        L: ::pshmem::SharedLayout<Owned = L>,
        [T; N]: ::pshmem::Element,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                ("inner", (&::pshmem::__private::DebugOf(&self.inner)).pshmem_debug()),
                ("rows", (&::pshmem::__private::DebugOf(&self.rows)).pshmem_debug()),
            ];
            ::pshmem::__private::debug_struct(f, "TableFields", &fields)
        }
    }
    pub struct __TablePlan<T: Copy, const N: usize, L = Inner>
    where
        T: Default,
        L: ::pshmem::SharedLayout<Owned = L>,
        [T; N]: ::pshmem::Element,
    {
        dims: TableDims<L>,
        first_leaf: ::core::primitive::usize,
        field_inner: ::pshmem::__private::NestedPlan<L>,
        field_rows: ::pshmem::__private::FieldPlan<Vec<[T; N]>>,
        end_leaf: ::core::primitive::usize,
    }
    #[automatically_derived]
    impl<T: Copy, const N: usize, L> ::pshmem::__private::Planned for Table<T, N, L>
    where
        T: Default,
        L: ::pshmem::SharedLayout<Owned = L>,
        [T; N]: ::pshmem::Element,
    {
        type Plan = __TablePlan<T, N, L>;
    }
    #[automatically_derived]
    unsafe impl<T: Copy, const N: usize, L> ::pshmem::SharedLayout for Table<T, N, L>
    where
        T: Default,
        L: ::pshmem::SharedLayout<Owned = L>,
        [T; N]: ::pshmem::Element,
    {
        type Owned = Self;
        type Dims = TableDims<L>;
        type View<'a> = TableView<'a, T, N, L>;
        type ViewMut<'a> = TableViewMut<'a, T, N, L>;
        type Fields<'a> = TableFields<'a, T, N, L>;
        fn plan(
            dims: &Self::Dims,
            placer: &mut ::pshmem::__private::Placer,
        ) -> ::core::result::Result<
            <Self as ::pshmem::__private::Planned>::Plan,
            ::pshmem::Error,
        > {
            ::core::result::Result::Ok(__TablePlan {
                dims: *dims,
                first_leaf: <::pshmem::__private::Placer>::position(placer),
                field_inner: <::pshmem::__private::Placer>::nested::<
                    L,
                >(placer, "inner", 1, &dims.inner)?,
                field_rows: <::pshmem::__private::Placer>::field::<
                    Vec<[T; N]>,
                    [T; N],
                >(placer, "rows", 1, &dims.rows)?,
                end_leaf: <::pshmem::__private::Placer>::position(placer),
            })
        }
        #[inline]
        fn dims(plan: &<Self as ::pshmem::__private::Planned>::Plan) -> Self::Dims {
            plan.dims
        }
        #[inline]
        fn leaves(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
        ) -> ::core::ops::Range<::core::primitive::usize> {
            plan.first_leaf..plan.end_leaf
        }
        fn dims_of(owned: &Self) -> ::core::result::Result<Self::Dims, ::pshmem::Error> {
            let __actual_inner = <::pshmem::__private::NestedPlan<
                L,
            >>::dims_of("inner", &owned.inner)?;
            let __actual_rows = <::pshmem::__private::FieldPlan<
                Vec<[T; N]>,
            >>::dims_of("rows", &owned.rows)?;
            ::core::result::Result::Ok(TableDims {
                inner: __actual_inner,
                rows: __actual_rows,
            })
        }
        fn encode_dims(
            dims: &Self::Dims,
            out: &mut ::pshmem::__private::Vec<::core::primitive::usize>,
        ) {
            <::pshmem::__private::NestedPlan<L>>::encode_dims(&dims.inner, out);
            <::pshmem::__private::FieldPlan<Vec<[T; N]>>>::encode_dims(&dims.rows, out);
        }
        fn decode_dims(
            from: &mut dyn ::core::iter::Iterator<Item = ::core::primitive::usize>,
        ) -> ::core::option::Option<Self::Dims> {
            ::core::option::Option::Some(TableDims {
                inner: <::pshmem::__private::NestedPlan<L>>::decode_dims(from)?,
                rows: <::pshmem::__private::FieldPlan<Vec<[T; N]>>>::decode_dims(from)?,
            })
        }
        #[inline]
        unsafe fn view<'a>(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::Base<'a>,
        ) -> Self::View<'a> {
            TableView {
                inner: unsafe {
                    <::pshmem::__private::NestedPlan<L>>::view(&plan.field_inner, base)
                },
                rows: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Vec<[T; N]>,
                    >>::view(&plan.field_rows, base)
                },
            }
        }
        unsafe fn load(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::Base<'_>,
        ) -> Self {
            Self {
                inner: unsafe {
                    <::pshmem::__private::NestedPlan<L>>::load(&plan.field_inner, base)
                },
                rows: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Vec<[T; N]>,
                    >>::load(&plan.field_rows, base)
                },
            }
        }
        #[inline]
        unsafe fn view_mut<'a>(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::BaseMut<'a>,
        ) -> Self::ViewMut<'a> {
            TableViewMut {
                inner: unsafe {
                    <::pshmem::__private::NestedPlan<
                        L,
                    >>::view_mut(&plan.field_inner, base)
                },
                rows: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Vec<[T; N]>,
                    >>::view_mut(&plan.field_rows, base)
                },
            }
        }
        unsafe fn fields<'a>(
            plan: &'a <Self as ::pshmem::__private::Planned>::Plan,
            handle: ::pshmem::__private::Handle<'a>,
        ) -> Self::Fields<'a> {
            TableFields {
                inner: unsafe {
                    <::pshmem::__private::NestedPlan<
                        L,
                    >>::field(&plan.field_inner, handle)
                },
                rows: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Vec<[T; N]>,
                    >>::field(&plan.field_rows, handle)
                },
            }
        }
        unsafe fn store(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::BaseMut<'_>,
            owned: &Self,
        ) {
            unsafe {
                <::pshmem::__private::NestedPlan<
                    L,
                >>::store(&plan.field_inner, base, &owned.inner)
            };
            unsafe {
                <::pshmem::__private::FieldPlan<
                    Vec<[T; N]>,
                >>::store(&plan.field_rows, base, &owned.rows)
            };
        }
    }
    #[automatically_derived]
    impl<T: Copy, const N: usize, L> ::pshmem::Preview for Table<T, N, L>
    where
        T: Default,
        L: ::pshmem::SharedLayout<Owned = L>,
        [T; N]: ::pshmem::Element,
    {
        fn preview(
            view: Self::View<'_>,
            f: &mut dyn ::core::fmt::Write,
        ) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithoutPreview as _, WithPreview as _};
            ::pshmem::__private::preview_field(
                f,
                true,
                "inner",
                |f| {
                    (&::pshmem::__private::PreviewOf::<L>::new())
                        .pshmem_preview(view.inner, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "rows",
                |f| {
                    (&::pshmem::__private::PreviewOf::<Vec<[T; N]>>::new())
                        .pshmem_preview(view.rows, f)
                },
            )?;
            ::core::result::Result::Ok(())
        }
    }
    #[automatically_derived]
    impl<T: Copy, const N: usize, L> ::pshmem::FileLayout for Table<T, N, L>
    where
        T: Default,
        L: ::pshmem::SharedLayout<Owned = L>,
        [T; N]: ::pshmem::Element,
        for<'__file> L: ::pshmem::__private::FileField<
            '__file,
            0usize,
            <L as ::pshmem::SharedLayout>::Dims,
        >,
        for<'__file> Vec<
            [T; N],
        >: ::pshmem::__private::FileField<'__file, 1usize, ::core::primitive::usize>,
    {
        fn file_leaves(into: &mut ::pshmem::__private::FileLeaves) {
            <L as ::pshmem::__private::FileField<
                '_,
                0usize,
                <L as ::pshmem::SharedLayout>::Dims,
            >>::file_leaves("inner", into);
            <Vec<
                [T; N],
            > as ::pshmem::__private::FileField<
                '_,
                1usize,
                ::core::primitive::usize,
            >>::file_leaves("rows", into);
        }
        fn dims_from_shapes(
            shapes: &mut ::pshmem::__private::LeafShapes<'_>,
        ) -> ::core::result::Result<
            <Self as ::pshmem::SharedLayout>::Dims,
            ::pshmem::Error,
        > {
            let __actual_inner = <L as ::pshmem::__private::FileField<
                '_,
                0usize,
                <L as ::pshmem::SharedLayout>::Dims,
            >>::dims_from_shapes("inner", shapes)?;
            let __actual_rows = <Vec<
                [T; N],
            > as ::pshmem::__private::FileField<
                '_,
                1usize,
                ::core::primitive::usize,
            >>::dims_from_shapes("rows", shapes)?;
            ::core::result::Result::Ok(TableDims {
                inner: __actual_inner,
                rows: __actual_rows,
            })
        }
    }
};
