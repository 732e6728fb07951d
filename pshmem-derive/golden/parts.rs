// #[shared(dims(n, m), rows = n)]
// pub struct Gas<T, const N: usize, L> {
//     /// Place.
//     #[shared(shape = [n, m])]
//     pub place: Array2<T>,
//     #[shared(shape = [n])]
//     energy: Vec<f64>,
//     #[shared(shape = [n])]
//     people: Columns<Person>,
//     #[shared(dims = InnerDims { k: n })]
//     inner: Inner<T>,
//     #[shared(shape = [n, m])]
//     links: Ragged<T>,
//     #[shared(shape = [m])]
//     steps: Vec<[L; N]>,
// }

///Extents of a shared [`Gas`].
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
pub struct GasDims {
    ///The dim `n`.
    pub n: ::core::primitive::usize,
    ///The dim `m`.
    pub m: ::core::primitive::usize,
}
///Read access to a shared [`Gas`]: references into node memory.
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
pub struct GasView<'a, T, const N: usize, L>
where
    Person: ::pshmem::SharedColumns,
    Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
    T: ::pshmem::Element,
{
    /// Place.
    pub place: ::pshmem::__private::ArrayView2<'a, T>,
    ///Field `energy`.
    energy: &'a [f64],
    ///Field `people`.
    people: <Columns<Person> as ::pshmem::SharedLayout>::View<'a>,
    ///Field `inner`.
    inner: <Inner<T> as ::pshmem::SharedLayout>::View<'a>,
    ///Field `links`.
    links: <Ragged<T> as ::pshmem::SharedLayout>::View<'a>,
    ///Field `steps`.
    steps: &'a [[L; N]],
}
///Write access to a shared [`Gas`] in the closure of an update. Fields that are borrowed mutably are sent to other nodes.
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
pub struct GasViewMut<'a, T, const N: usize, L>
where
    Person: ::pshmem::SharedColumns,
    Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
    T: ::pshmem::Element,
{
    /// Place.
    pub place: ::pshmem::ArrayMut<'a, T, ::pshmem::__private::Ix2>,
    ///Field `energy`.
    energy: ::pshmem::SliceMut<'a, f64>,
    ///Field `people`.
    people: <Columns<Person> as ::pshmem::SharedLayout>::ViewMut<'a>,
    ///Field `inner`.
    inner: <Inner<T> as ::pshmem::SharedLayout>::ViewMut<'a>,
    ///Field `links`.
    links: <Ragged<T> as ::pshmem::SharedLayout>::ViewMut<'a>,
    ///Field `steps`.
    steps: ::pshmem::SliceMut<'a, [L; N]>,
}
///Handles to the fields of a shared [`Gas`]. One field can be read while another is written.
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
pub struct GasFields<'a, T, const N: usize, L>
where
    T: ::pshmem::Element,
    Person: ::pshmem::SharedColumns,
    Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
    [L; N]: ::pshmem::Element,
{
    /// Place.
    pub place: ::pshmem::Field<'a, Array2<T>>,
    ///Field `energy`.
    energy: ::pshmem::Field<'a, Vec<f64>>,
    ///Field `people`.
    people: ::pshmem::Field<'a, Columns<Person>>,
    ///Field `inner`.
    inner: ::pshmem::Field<'a, Inner<T>>,
    ///Field `links`.
    links: ::pshmem::Field<'a, Ragged<T>>,
    ///Field `steps`.
    steps: ::pshmem::Field<'a, Vec<[L; N]>>,
}
///The rows of one rank of a shared [`Gas`], for the closure of `update_parts`: those of each field whose extents begin with `n`.
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
pub struct GasPart<'a, T>
where
    Person: ::pshmem::SharedColumns,
    Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
    for<'__part> Inner<T>: ::pshmem::__private::RowField<'__part, 3usize>,
{
    /// Place.
    pub place: ::pshmem::__private::ArrayViewMut2<'a, T>,
    ///Field `energy`.
    energy: &'a mut [f64],
    ///Field `people`.
    people: <Columns<Person> as ::pshmem::RowLayout>::Part<'a>,
    ///Field `inner`.
    inner: <Inner<T> as ::pshmem::__private::RowField<'static, 3usize>>::Part<'a>,
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
    impl ::core::clone::Clone for GasDims {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[automatically_derived]
    impl ::core::marker::Copy for GasDims {}
    #[automatically_derived]
    impl ::core::cmp::PartialEq for GasDims {
        #[inline]
        fn eq(&self, other: &Self) -> ::core::primitive::bool {
            self.n == other.n && self.m == other.m
        }
    }
    #[automatically_derived]
    impl ::core::cmp::Eq for GasDims {}
    #[automatically_derived]
    impl ::core::fmt::Debug for GasDims {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            ::pshmem::__private::debug_struct(
                f,
                "GasDims",
                &[("n", &self.n), ("m", &self.m)],
            )
        }
    }
    #[automatically_derived]
    impl<'a, T, const N: usize, L> ::core::clone::Clone for GasView<'a, T, N, L>
    where
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        T: ::pshmem::Element,
    {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[automatically_derived]
    impl<'a, T, const N: usize, L> ::core::marker::Copy for GasView<'a, T, N, L>
    where
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        T: ::pshmem::Element,
    {}
    #[automatically_derived]
    impl<'a, T, const N: usize, L> ::core::fmt::Debug for GasView<'a, T, N, L>
    where
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        T: ::pshmem::Element,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                ("place", (&::pshmem::__private::DebugOf(&self.place)).pshmem_debug()),
                ("energy", (&::pshmem::__private::DebugOf(&self.energy)).pshmem_debug()),
                ("people", (&::pshmem::__private::DebugOf(&self.people)).pshmem_debug()),
                ("inner", (&::pshmem::__private::DebugOf(&self.inner)).pshmem_debug()),
                ("links", (&::pshmem::__private::DebugOf(&self.links)).pshmem_debug()),
                ("steps", (&::pshmem::__private::DebugOf(&self.steps)).pshmem_debug()),
            ];
            ::pshmem::__private::debug_struct(f, "GasView", &fields)
        }
    }
    #[automatically_derived]
    impl<'a, T, const N: usize, L> ::core::fmt::Debug for GasViewMut<'a, T, N, L>
    where
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        T: ::pshmem::Element,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                ("place", (&::pshmem::__private::DebugOf(&self.place)).pshmem_debug()),
                ("energy", (&::pshmem::__private::DebugOf(&self.energy)).pshmem_debug()),
                ("people", (&::pshmem::__private::DebugOf(&self.people)).pshmem_debug()),
                ("inner", (&::pshmem::__private::DebugOf(&self.inner)).pshmem_debug()),
                ("links", (&::pshmem::__private::DebugOf(&self.links)).pshmem_debug()),
                ("steps", (&::pshmem::__private::DebugOf(&self.steps)).pshmem_debug()),
            ];
            ::pshmem::__private::debug_struct(f, "GasViewMut", &fields)
        }
    }
    #[automatically_derived]
    impl<'a, T, const N: usize, L> ::core::fmt::Debug for GasFields<'a, T, N, L>
    where
        T: ::pshmem::Element,
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        [L; N]: ::pshmem::Element,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                ("place", (&::pshmem::__private::DebugOf(&self.place)).pshmem_debug()),
                ("energy", (&::pshmem::__private::DebugOf(&self.energy)).pshmem_debug()),
                ("people", (&::pshmem::__private::DebugOf(&self.people)).pshmem_debug()),
                ("inner", (&::pshmem::__private::DebugOf(&self.inner)).pshmem_debug()),
                ("links", (&::pshmem::__private::DebugOf(&self.links)).pshmem_debug()),
                ("steps", (&::pshmem::__private::DebugOf(&self.steps)).pshmem_debug()),
            ];
            ::pshmem::__private::debug_struct(f, "GasFields", &fields)
        }
    }
    pub struct __GasPlan<T, const N: usize, L>
    where
        T: ::pshmem::Element,
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        [L; N]: ::pshmem::Element,
    {
        dims: GasDims,
        first_leaf: ::core::primitive::usize,
        field_place: ::pshmem::__private::FieldPlan<Array2<T>>,
        field_energy: ::pshmem::__private::FieldPlan<Vec<f64>>,
        field_people: ::pshmem::__private::NestedPlan<Columns<Person>>,
        field_inner: ::pshmem::__private::NestedPlan<Inner<T>>,
        field_links: ::pshmem::__private::NestedPlan<Ragged<T>>,
        field_steps: ::pshmem::__private::FieldPlan<Vec<[L; N]>>,
        end_leaf: ::core::primitive::usize,
    }
    #[automatically_derived]
    impl<T, const N: usize, L> ::pshmem::__private::Planned for Gas<T, N, L>
    where
        T: ::pshmem::Element,
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        [L; N]: ::pshmem::Element,
    {
        type Plan = __GasPlan<T, N, L>;
    }
    fn __extents_of_place<T, const N: usize, L>(
        dims: &GasDims,
    ) -> ::core::result::Result<[::core::primitive::usize; 2], ::pshmem::Error>
    where
        T: ::pshmem::Element,
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        [L; N]: ::pshmem::Element,
    {
        ::core::result::Result::Ok([
            (<::pshmem::__private::Placer>::extent(dims.n)).get("place", "n", dims)?,
            (<::pshmem::__private::Placer>::extent(dims.m)).get("place", "m", dims)?,
        ])
    }
    fn __extents_of_energy<T, const N: usize, L>(
        dims: &GasDims,
    ) -> ::core::result::Result<::core::primitive::usize, ::pshmem::Error>
    where
        T: ::pshmem::Element,
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        [L; N]: ::pshmem::Element,
    {
        ::core::result::Result::Ok(
            (<::pshmem::__private::Placer>::extent(dims.n)).get("energy", "n", dims)?,
        )
    }
    fn __extents_of_people<T, const N: usize, L>(
        dims: &GasDims,
    ) -> ::core::result::Result<::core::primitive::usize, ::pshmem::Error>
    where
        T: ::pshmem::Element,
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        [L; N]: ::pshmem::Element,
    {
        ::core::result::Result::Ok(
            (<::pshmem::__private::Placer>::extent(dims.n)).get("people", "n", dims)?,
        )
    }
    fn __extents_of_inner<T, const N: usize, L>(
        dims: &GasDims,
    ) -> ::core::result::Result<
        <Inner<T> as ::pshmem::SharedLayout>::Dims,
        ::pshmem::Error,
    >
    where
        T: ::pshmem::Element,
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        [L; N]: ::pshmem::Element,
    {
        ::core::result::Result::Ok(InnerDims {
            k: (<::pshmem::__private::Placer>::extent(dims.n)).get("inner", "n", dims)?,
        })
    }
    fn __extents_of_links<T, const N: usize, L>(
        dims: &GasDims,
    ) -> ::core::result::Result<
        <Ragged<T> as ::pshmem::SharedLayout>::Dims,
        ::pshmem::Error,
    >
    where
        T: ::pshmem::Element,
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        [L; N]: ::pshmem::Element,
    {
        ::core::result::Result::Ok(
            <::pshmem::__private::NestedPlan<
                Ragged<T>,
            >>::dims_from_shape::<
                2usize,
            >([
                (<::pshmem::__private::Placer>::extent(dims.n)).get("links", "n", dims)?,
                (<::pshmem::__private::Placer>::extent(dims.m)).get("links", "m", dims)?,
            ]),
        )
    }
    fn __extents_of_steps<T, const N: usize, L>(
        dims: &GasDims,
    ) -> ::core::result::Result<::core::primitive::usize, ::pshmem::Error>
    where
        T: ::pshmem::Element,
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        [L; N]: ::pshmem::Element,
    {
        ::core::result::Result::Ok(
            (<::pshmem::__private::Placer>::extent(dims.m)).get("steps", "m", dims)?,
        )
    }
    #[automatically_derived]
    unsafe impl<T, const N: usize, L> ::pshmem::SharedLayout for Gas<T, N, L>
    where
        T: ::pshmem::Element,
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        [L; N]: ::pshmem::Element,
    {
        type Owned = Self;
        type Dims = GasDims;
        type View<'a> = GasView<'a, T, N, L>;
        type ViewMut<'a> = GasViewMut<'a, T, N, L>;
        type Fields<'a> = GasFields<'a, T, N, L>;
        fn plan(
            dims: &Self::Dims,
            placer: &mut ::pshmem::__private::Placer,
        ) -> ::core::result::Result<
            <Self as ::pshmem::__private::Planned>::Plan,
            ::pshmem::Error,
        > {
            ::core::result::Result::Ok(__GasPlan {
                dims: *dims,
                first_leaf: <::pshmem::__private::Placer>::position(placer),
                field_place: <::pshmem::__private::Placer>::field::<
                    Array2<T>,
                    T,
                >(placer, "place", 1, &__extents_of_place::<T, N, L>(dims)?)?,
                field_energy: <::pshmem::__private::Placer>::field::<
                    Vec<f64>,
                    f64,
                >(placer, "energy", 1, &__extents_of_energy::<T, N, L>(dims)?)?,
                field_people: <::pshmem::__private::Placer>::nested::<
                    Columns<Person>,
                >(placer, "people", 1, &__extents_of_people::<T, N, L>(dims)?)?,
                field_inner: <::pshmem::__private::Placer>::nested::<
                    Inner<T>,
                >(placer, "inner", 1, &__extents_of_inner::<T, N, L>(dims)?)?,
                field_links: <::pshmem::__private::Placer>::nested::<
                    Ragged<T>,
                >(placer, "links", 1, &__extents_of_links::<T, N, L>(dims)?)?,
                field_steps: <::pshmem::__private::Placer>::field::<
                    Vec<[L; N]>,
                    [L; N],
                >(placer, "steps", 1, &__extents_of_steps::<T, N, L>(dims)?)?,
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
            let __actual_place = <::pshmem::__private::FieldPlan<
                Array2<T>,
            >>::dims_of("place", &owned.place)?;
            let __actual_energy = <::pshmem::__private::FieldPlan<
                Vec<f64>,
            >>::dims_of("energy", &owned.energy)?;
            let __actual_people = <::pshmem::__private::NestedPlan<
                Columns<Person>,
            >>::dims_of("people", &owned.people)?;
            let __actual_inner = <::pshmem::__private::NestedPlan<
                Inner<T>,
            >>::dims_of("inner", &owned.inner)?;
            let __actual_links = <::pshmem::__private::NestedPlan<
                Ragged<T>,
            >>::dims_of("links", &owned.links)?;
            let __actual_steps = <::pshmem::__private::FieldPlan<
                Vec<[L; N]>,
            >>::dims_of("steps", &owned.steps)?;
            let inferred = GasDims {
                n: __actual_place[0usize],
                m: __actual_place[1usize],
            };
            let dims = &inferred;
            <::pshmem::__private::FieldPlan<
                Array2<T>,
            >>::check_dims(
                "place",
                &__extents_of_place::<T, N, L>(dims)?,
                &__actual_place,
            )?;
            <::pshmem::__private::FieldPlan<
                Vec<f64>,
            >>::check_dims(
                "energy",
                &__extents_of_energy::<T, N, L>(dims)?,
                &__actual_energy,
            )?;
            <::pshmem::__private::NestedPlan<
                Columns<Person>,
            >>::check_dims(
                "people",
                &__extents_of_people::<T, N, L>(dims)?,
                &__actual_people,
            )?;
            <::pshmem::__private::NestedPlan<
                Inner<T>,
            >>::check_dims(
                "inner",
                &__extents_of_inner::<T, N, L>(dims)?,
                &__actual_inner,
            )?;
            <::pshmem::__private::NestedPlan<
                Ragged<T>,
            >>::check_dims(
                "links",
                &__extents_of_links::<T, N, L>(dims)?,
                &__actual_links,
            )?;
            <::pshmem::__private::FieldPlan<
                Vec<[L; N]>,
            >>::check_dims(
                "steps",
                &__extents_of_steps::<T, N, L>(dims)?,
                &__actual_steps,
            )?;
            ::core::result::Result::Ok(inferred)
        }
        fn encode_dims(
            dims: &Self::Dims,
            out: &mut ::pshmem::__private::Vec<::core::primitive::usize>,
        ) {
            <::pshmem::__private::Vec<::core::primitive::usize>>::push(out, dims.n);
            <::pshmem::__private::Vec<::core::primitive::usize>>::push(out, dims.m);
        }
        fn decode_dims(
            from: &mut dyn ::core::iter::Iterator<Item = ::core::primitive::usize>,
        ) -> ::core::option::Option<Self::Dims> {
            ::core::option::Option::Some(GasDims {
                n: ::core::iter::Iterator::next(from)?,
                m: ::core::iter::Iterator::next(from)?,
            })
        }
        #[inline]
        unsafe fn view<'a>(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::Base<'a>,
        ) -> Self::View<'a> {
            GasView {
                place: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Array2<T>,
                    >>::view(&plan.field_place, base)
                },
                energy: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Vec<f64>,
                    >>::view(&plan.field_energy, base)
                },
                people: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Columns<Person>,
                    >>::view(&plan.field_people, base)
                },
                inner: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Inner<T>,
                    >>::view(&plan.field_inner, base)
                },
                links: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Ragged<T>,
                    >>::view(&plan.field_links, base)
                },
                steps: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Vec<[L; N]>,
                    >>::view(&plan.field_steps, base)
                },
            }
        }
        unsafe fn load(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::Base<'_>,
        ) -> Self {
            Self {
                place: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Array2<T>,
                    >>::load(&plan.field_place, base)
                },
                energy: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Vec<f64>,
                    >>::load(&plan.field_energy, base)
                },
                people: ::core::convert::From::from(unsafe {
                    <::pshmem::__private::NestedPlan<
                        Columns<Person>,
                    >>::load(&plan.field_people, base)
                }),
                inner: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Inner<T>,
                    >>::load(&plan.field_inner, base)
                },
                links: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Ragged<T>,
                    >>::load(&plan.field_links, base)
                },
                steps: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Vec<[L; N]>,
                    >>::load(&plan.field_steps, base)
                },
            }
        }
        #[inline]
        unsafe fn view_mut<'a>(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::BaseMut<'a>,
        ) -> Self::ViewMut<'a> {
            GasViewMut {
                place: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Array2<T>,
                    >>::view_mut(&plan.field_place, base)
                },
                energy: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Vec<f64>,
                    >>::view_mut(&plan.field_energy, base)
                },
                people: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Columns<Person>,
                    >>::view_mut(&plan.field_people, base)
                },
                inner: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Inner<T>,
                    >>::view_mut(&plan.field_inner, base)
                },
                links: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Ragged<T>,
                    >>::view_mut(&plan.field_links, base)
                },
                steps: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Vec<[L; N]>,
                    >>::view_mut(&plan.field_steps, base)
                },
            }
        }
        unsafe fn fields<'a>(
            plan: &'a <Self as ::pshmem::__private::Planned>::Plan,
            handle: ::pshmem::__private::Handle<'a>,
        ) -> Self::Fields<'a> {
            GasFields {
                place: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Array2<T>,
                    >>::field(&plan.field_place, handle)
                },
                energy: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Vec<f64>,
                    >>::field(&plan.field_energy, handle)
                },
                people: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Columns<Person>,
                    >>::field(&plan.field_people, handle)
                },
                inner: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Inner<T>,
                    >>::field(&plan.field_inner, handle)
                },
                links: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Ragged<T>,
                    >>::field(&plan.field_links, handle)
                },
                steps: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Vec<[L; N]>,
                    >>::field(&plan.field_steps, handle)
                },
            }
        }
        unsafe fn store(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::BaseMut<'_>,
            owned: &Self,
        ) {
            unsafe {
                <::pshmem::__private::FieldPlan<
                    Array2<T>,
                >>::store(&plan.field_place, base, &owned.place)
            };
            unsafe {
                <::pshmem::__private::FieldPlan<
                    Vec<f64>,
                >>::store(&plan.field_energy, base, &owned.energy)
            };
            unsafe {
                <::pshmem::__private::NestedPlan<
                    Columns<Person>,
                >>::store(&plan.field_people, base, &owned.people)
            };
            unsafe {
                <::pshmem::__private::NestedPlan<
                    Inner<T>,
                >>::store(&plan.field_inner, base, &owned.inner)
            };
            unsafe {
                <::pshmem::__private::NestedPlan<
                    Ragged<T>,
                >>::store(&plan.field_links, base, &owned.links)
            };
            unsafe {
                <::pshmem::__private::FieldPlan<
                    Vec<[L; N]>,
                >>::store(&plan.field_steps, base, &owned.steps)
            };
        }
    }
    #[automatically_derived]
    impl<T, const N: usize, L> ::pshmem::Preview for Gas<T, N, L>
    where
        T: ::pshmem::Element,
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        [L; N]: ::pshmem::Element,
    {
        fn preview(
            view: Self::View<'_>,
            f: &mut dyn ::core::fmt::Write,
        ) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithoutPreview as _, WithPreview as _};
            ::pshmem::__private::preview_field(
                f,
                true,
                "place",
                |f| {
                    (&::pshmem::__private::PreviewOf::<Array2<T>>::new())
                        .pshmem_preview(view.place, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "energy",
                |f| {
                    (&::pshmem::__private::PreviewOf::<Vec<f64>>::new())
                        .pshmem_preview(view.energy, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "people",
                |f| {
                    (&::pshmem::__private::PreviewOf::<Columns<Person>>::new())
                        .pshmem_preview(view.people, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "inner",
                |f| {
                    (&::pshmem::__private::PreviewOf::<Inner<T>>::new())
                        .pshmem_preview(view.inner, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "links",
                |f| {
                    (&::pshmem::__private::PreviewOf::<Ragged<T>>::new())
                        .pshmem_preview(view.links, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "steps",
                |f| {
                    (&::pshmem::__private::PreviewOf::<Vec<[L; N]>>::new())
                        .pshmem_preview(view.steps, f)
                },
            )?;
            ::core::result::Result::Ok(())
        }
    }
    #[automatically_derived]
    impl<T, const N: usize, L> ::pshmem::FileLayout for Gas<T, N, L>
    where
        T: ::pshmem::Element,
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        [L; N]: ::pshmem::Element,
        for<'__file> Array2<
            T,
        >: ::pshmem::__private::FileField<
            '__file,
            0usize,
            [::core::primitive::usize; 2],
        >,
        for<'__file> Vec<
            f64,
        >: ::pshmem::__private::FileField<'__file, 1usize, ::core::primitive::usize>,
        for<'__file> Columns<
            Person,
        >: ::pshmem::__private::FileField<'__file, 2usize, ::core::primitive::usize>,
        for<'__file> Inner<
            T,
        >: ::pshmem::__private::FileField<
            '__file,
            3usize,
            <Inner<T> as ::pshmem::SharedLayout>::Dims,
        >,
        for<'__file> Ragged<
            T,
        >: ::pshmem::__private::FileField<
            '__file,
            4usize,
            <Ragged<T> as ::pshmem::SharedLayout>::Dims,
        >,
        for<'__file> Vec<
            [L; N],
        >: ::pshmem::__private::FileField<'__file, 5usize, ::core::primitive::usize>,
    {
        fn file_leaves(into: &mut ::pshmem::__private::FileLeaves) {
            <Array2<
                T,
            > as ::pshmem::__private::FileField<
                '_,
                0usize,
                [::core::primitive::usize; 2],
            >>::file_leaves("place", into);
            <Vec<
                f64,
            > as ::pshmem::__private::FileField<
                '_,
                1usize,
                ::core::primitive::usize,
            >>::file_leaves("energy", into);
            <Columns<
                Person,
            > as ::pshmem::__private::FileField<
                '_,
                2usize,
                ::core::primitive::usize,
            >>::file_leaves("people", into);
            <Inner<
                T,
            > as ::pshmem::__private::FileField<
                '_,
                3usize,
                <Inner<T> as ::pshmem::SharedLayout>::Dims,
            >>::file_leaves("inner", into);
            <Ragged<
                T,
            > as ::pshmem::__private::FileField<
                '_,
                4usize,
                <Ragged<T> as ::pshmem::SharedLayout>::Dims,
            >>::file_leaves("links", into);
            <Vec<
                [L; N],
            > as ::pshmem::__private::FileField<
                '_,
                5usize,
                ::core::primitive::usize,
            >>::file_leaves("steps", into);
        }
        fn dims_from_shapes(
            shapes: &mut ::pshmem::__private::LeafShapes<'_>,
        ) -> ::core::result::Result<
            <Self as ::pshmem::SharedLayout>::Dims,
            ::pshmem::Error,
        > {
            let __actual_place = <Array2<
                T,
            > as ::pshmem::__private::FileField<
                '_,
                0usize,
                [::core::primitive::usize; 2],
            >>::dims_from_shapes("place", shapes)?;
            let __actual_energy = <Vec<
                f64,
            > as ::pshmem::__private::FileField<
                '_,
                1usize,
                ::core::primitive::usize,
            >>::dims_from_shapes("energy", shapes)?;
            let __actual_people = <Columns<
                Person,
            > as ::pshmem::__private::FileField<
                '_,
                2usize,
                ::core::primitive::usize,
            >>::dims_from_shapes("people", shapes)?;
            let __actual_inner = <Inner<
                T,
            > as ::pshmem::__private::FileField<
                '_,
                3usize,
                <Inner<T> as ::pshmem::SharedLayout>::Dims,
            >>::dims_from_shapes("inner", shapes)?;
            let __actual_links = <Ragged<
                T,
            > as ::pshmem::__private::FileField<
                '_,
                4usize,
                <Ragged<T> as ::pshmem::SharedLayout>::Dims,
            >>::dims_from_shapes("links", shapes)?;
            let __actual_steps = <Vec<
                [L; N],
            > as ::pshmem::__private::FileField<
                '_,
                5usize,
                ::core::primitive::usize,
            >>::dims_from_shapes("steps", shapes)?;
            let inferred = GasDims {
                n: __actual_place[0usize],
                m: __actual_place[1usize],
            };
            let dims = &inferred;
            <Array2<
                T,
            > as ::pshmem::__private::FileField<
                '_,
                0usize,
                [::core::primitive::usize; 2],
            >>::check_dims(
                "place",
                &__extents_of_place::<T, N, L>(dims)?,
                &__actual_place,
            )?;
            <Vec<
                f64,
            > as ::pshmem::__private::FileField<
                '_,
                1usize,
                ::core::primitive::usize,
            >>::check_dims(
                "energy",
                &__extents_of_energy::<T, N, L>(dims)?,
                &__actual_energy,
            )?;
            <Columns<
                Person,
            > as ::pshmem::__private::FileField<
                '_,
                2usize,
                ::core::primitive::usize,
            >>::check_dims(
                "people",
                &__extents_of_people::<T, N, L>(dims)?,
                &__actual_people,
            )?;
            <Inner<
                T,
            > as ::pshmem::__private::FileField<
                '_,
                3usize,
                <Inner<T> as ::pshmem::SharedLayout>::Dims,
            >>::check_dims(
                "inner",
                &__extents_of_inner::<T, N, L>(dims)?,
                &__actual_inner,
            )?;
            <Ragged<
                T,
            > as ::pshmem::__private::FileField<
                '_,
                4usize,
                <Ragged<T> as ::pshmem::SharedLayout>::Dims,
            >>::check_dims(
                "links",
                &__extents_of_links::<T, N, L>(dims)?,
                &__actual_links,
            )?;
            <Vec<
                [L; N],
            > as ::pshmem::__private::FileField<
                '_,
                5usize,
                ::core::primitive::usize,
            >>::check_dims(
                "steps",
                &__extents_of_steps::<T, N, L>(dims)?,
                &__actual_steps,
            )?;
            ::core::result::Result::Ok(inferred)
        }
    }
    #[automatically_derived]
    impl<T, const N: usize, L> ::pshmem::StackLayout for Gas<T, N, L>
    where
        T: ::pshmem::Element,
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        [L; N]: ::pshmem::Element,
        for<'__stack> Array2<
            T,
        >: ::pshmem::__private::StackField<
            '__stack,
            0usize,
            Array2<T>,
            [::core::primitive::usize; 2],
        >,
        for<'__stack> Vec<
            f64,
        >: ::pshmem::__private::StackField<
            '__stack,
            1usize,
            Vec<f64>,
            ::core::primitive::usize,
        >,
        for<'__stack> Columns<
            Person,
        >: ::pshmem::__private::StackField<
            '__stack,
            2usize,
            ::pshmem::__private::Vec<Person>,
            ::core::primitive::usize,
        >,
        for<'__stack> Inner<
            T,
        >: ::pshmem::__private::StackField<
            '__stack,
            3usize,
            Inner<T>,
            <Inner<T> as ::pshmem::SharedLayout>::Dims,
        >,
        for<'__stack> Ragged<
            T,
        >: ::pshmem::__private::StackField<
            '__stack,
            4usize,
            Ragged<T>,
            <Ragged<T> as ::pshmem::SharedLayout>::Dims,
        >,
        for<'__stack> Vec<
            [L; N],
        >: ::pshmem::__private::StackField<
            '__stack,
            5usize,
            Vec<[L; N]>,
            ::core::primitive::usize,
        >,
    {
        type Rows<'__rows> = &'__rows Self;
        fn rows_of(owned: &Self) -> &Self {
            owned
        }
        fn parts<'__rows>(
            rows: &'__rows Self,
            into: &mut ::pshmem::__private::StackParts<'__rows>,
        ) -> ::core::result::Result<(), ::pshmem::Error> {
            <Self as ::pshmem::SharedLayout>::dims_of(rows)?;
            <Array2<
                T,
            > as ::pshmem::__private::StackField<
                '_,
                0usize,
                Array2<T>,
                [::core::primitive::usize; 2],
            >>::rows("place", &rows.place, into)?;
            <Vec<
                f64,
            > as ::pshmem::__private::StackField<
                '_,
                1usize,
                Vec<f64>,
                ::core::primitive::usize,
            >>::rows("energy", &rows.energy, into)?;
            <Columns<
                Person,
            > as ::pshmem::__private::StackField<
                '_,
                2usize,
                ::pshmem::__private::Vec<Person>,
                ::core::primitive::usize,
            >>::rows("people", &rows.people, into)?;
            <Inner<
                T,
            > as ::pshmem::__private::StackField<
                '_,
                3usize,
                Inner<T>,
                <Inner<T> as ::pshmem::SharedLayout>::Dims,
            >>::rows("inner", &rows.inner, into)?;
            <Ragged<
                T,
            > as ::pshmem::__private::StackField<
                '_,
                4usize,
                Ragged<T>,
                <Ragged<T> as ::pshmem::SharedLayout>::Dims,
            >>::rows("links", &rows.links, into)?;
            <Vec<
                [L; N],
            > as ::pshmem::__private::StackField<
                '_,
                5usize,
                Vec<[L; N]>,
                ::core::primitive::usize,
            >>::common("steps", &rows.steps, into)?;
            ::core::result::Result::Ok(())
        }
        fn dims_of_stack(
            shapes: &mut ::pshmem::__private::StackShapes<'_>,
        ) -> ::core::result::Result<
            <Self as ::pshmem::SharedLayout>::Dims,
            ::pshmem::Error,
        > {
            let __actual_place = <Array2<
                T,
            > as ::pshmem::__private::StackField<
                '_,
                0usize,
                Array2<T>,
                [::core::primitive::usize; 2],
            >>::dims_of_stack("place", shapes)?;
            let __actual_energy = <Vec<
                f64,
            > as ::pshmem::__private::StackField<
                '_,
                1usize,
                Vec<f64>,
                ::core::primitive::usize,
            >>::dims_of_stack("energy", shapes)?;
            let __actual_people = <Columns<
                Person,
            > as ::pshmem::__private::StackField<
                '_,
                2usize,
                ::pshmem::__private::Vec<Person>,
                ::core::primitive::usize,
            >>::dims_of_stack("people", shapes)?;
            let __actual_inner = <Inner<
                T,
            > as ::pshmem::__private::StackField<
                '_,
                3usize,
                Inner<T>,
                <Inner<T> as ::pshmem::SharedLayout>::Dims,
            >>::dims_of_stack("inner", shapes)?;
            let __actual_links = <Ragged<
                T,
            > as ::pshmem::__private::StackField<
                '_,
                4usize,
                Ragged<T>,
                <Ragged<T> as ::pshmem::SharedLayout>::Dims,
            >>::dims_of_stack("links", shapes)?;
            let __actual_steps = <Vec<
                [L; N],
            > as ::pshmem::__private::StackField<
                '_,
                5usize,
                Vec<[L; N]>,
                ::core::primitive::usize,
            >>::dims_of_stack("steps", shapes)?;
            let inferred = GasDims {
                n: __actual_place[0usize],
                m: __actual_place[1usize],
            };
            let dims = &inferred;
            <::pshmem::__private::FieldPlan<
                Array2<T>,
            >>::check_dims(
                "place",
                &__extents_of_place::<T, N, L>(dims)?,
                &__actual_place,
            )?;
            <::pshmem::__private::FieldPlan<
                Vec<f64>,
            >>::check_dims(
                "energy",
                &__extents_of_energy::<T, N, L>(dims)?,
                &__actual_energy,
            )?;
            <::pshmem::__private::NestedPlan<
                Columns<Person>,
            >>::check_dims(
                "people",
                &__extents_of_people::<T, N, L>(dims)?,
                &__actual_people,
            )?;
            <::pshmem::__private::NestedPlan<
                Inner<T>,
            >>::check_dims(
                "inner",
                &__extents_of_inner::<T, N, L>(dims)?,
                &__actual_inner,
            )?;
            <::pshmem::__private::NestedPlan<
                Ragged<T>,
            >>::check_dims(
                "links",
                &__extents_of_links::<T, N, L>(dims)?,
                &__actual_links,
            )?;
            <::pshmem::__private::FieldPlan<
                Vec<[L; N]>,
            >>::check_dims(
                "steps",
                &__extents_of_steps::<T, N, L>(dims)?,
                &__actual_steps,
            )?;
            ::core::result::Result::Ok(inferred)
        }
    }
    #[automatically_derived]
    impl<T, const N: usize, L> ::pshmem::AsRows<Gas<T, N, L>> for Gas<T, N, L>
    where
        T: ::pshmem::Element,
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        [L; N]: ::pshmem::Element,
        for<'__stack> Array2<
            T,
        >: ::pshmem::__private::StackField<
            '__stack,
            0usize,
            Array2<T>,
            [::core::primitive::usize; 2],
        >,
        for<'__stack> Vec<
            f64,
        >: ::pshmem::__private::StackField<
            '__stack,
            1usize,
            Vec<f64>,
            ::core::primitive::usize,
        >,
        for<'__stack> Columns<
            Person,
        >: ::pshmem::__private::StackField<
            '__stack,
            2usize,
            ::pshmem::__private::Vec<Person>,
            ::core::primitive::usize,
        >,
        for<'__stack> Inner<
            T,
        >: ::pshmem::__private::StackField<
            '__stack,
            3usize,
            Inner<T>,
            <Inner<T> as ::pshmem::SharedLayout>::Dims,
        >,
        for<'__stack> Ragged<
            T,
        >: ::pshmem::__private::StackField<
            '__stack,
            4usize,
            Ragged<T>,
            <Ragged<T> as ::pshmem::SharedLayout>::Dims,
        >,
        for<'__stack> Vec<
            [L; N],
        >: ::pshmem::__private::StackField<
            '__stack,
            5usize,
            Vec<[L; N]>,
            ::core::primitive::usize,
        >,
    {
        fn as_rows(&self) -> &Self {
            self
        }
    }
    #[automatically_derived]
    impl<'a, T> ::core::fmt::Debug for GasPart<'a, T>
    where
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        for<'__part> Inner<T>: ::pshmem::__private::RowField<'__part, 3usize>,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                ("place", (&::pshmem::__private::DebugOf(&self.place)).pshmem_debug()),
                ("energy", (&::pshmem::__private::DebugOf(&self.energy)).pshmem_debug()),
                ("people", (&::pshmem::__private::DebugOf(&self.people)).pshmem_debug()),
                ("inner", (&::pshmem::__private::DebugOf(&self.inner)).pshmem_debug()),
            ];
            ::pshmem::__private::debug_struct(f, "GasPart", &fields)
        }
    }
    #[automatically_derived]
    unsafe impl<T, const N: usize, L> ::pshmem::RowLayout for Gas<T, N, L>
    where
        T: ::pshmem::Element,
        Person: ::pshmem::SharedColumns,
        Inner<T>: ::pshmem::SharedLayout<Owned = Inner<T>>,
        [L; N]: ::pshmem::Element,
        for<'__part> Inner<T>: ::pshmem::__private::RowField<'__part, 3usize>,
    {
        type Part<'a> = GasPart<'a, T>;
        #[inline]
        fn rows(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
        ) -> ::core::primitive::usize {
            plan.dims.n
        }
        fn row_leaves(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            into: &mut ::pshmem::__private::RowLeaves,
        ) {
            <::pshmem::__private::FieldPlan<
                Array2<T>,
            >>::row_leaves(&plan.field_place, "place", into);
            <::pshmem::__private::FieldPlan<
                Vec<f64>,
            >>::row_leaves(&plan.field_energy, "energy", into);
            <::pshmem::__private::NestedPlan<
                Columns<Person>,
            >>::row_leaves::<2usize>(&plan.field_people, "people", into);
            <::pshmem::__private::NestedPlan<
                Inner<T>,
            >>::row_leaves::<3usize>(&plan.field_inner, "inner", into);
        }
        unsafe fn part<'a>(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::BaseMut<'a>,
            rows: ::core::ops::Range<::core::primitive::usize>,
        ) -> Self::Part<'a> {
            GasPart {
                place: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Array2<T>,
                    >>::part(&plan.field_place, base, &rows)
                },
                energy: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Vec<f64>,
                    >>::part(&plan.field_energy, base, &rows)
                },
                people: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Columns<Person>,
                    >>::part::<2usize>(&plan.field_people, base, &rows)
                },
                inner: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Inner<T>,
                    >>::part::<3usize>(&plan.field_inner, base, &rows)
                },
            }
        }
    }
};
