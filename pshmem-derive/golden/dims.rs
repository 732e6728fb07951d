// #[shared(dims(nx, ny), crate = sim::shm)]
// struct Flow {
//     #[shared(shape = [nx, 2 * (ny + HALO)])]
//     pressure: ndarray::Array<f64, ndarray::Ix2>,
//     #[shared(dims = OpacityDims { n: ny })]
//     opacity: Opacity,
//     #[shared(layout, shape = [Self::SIDES])]
//     sides: Sides,
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
struct FlowDims {
    ///The dim `nx`.
    pub nx: ::core::primitive::usize,
    ///The dim `ny`.
    pub ny: ::core::primitive::usize,
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
struct FlowView<'a>
where
    Opacity: sim::shm::SharedLayout<Owned = Opacity>,
    Sides: sim::shm::SharedLayout<Owned = Sides>,
{
    ///Field `pressure`.
    pressure: sim::shm::__private::ArrayView2<'a, f64>,
    ///Field `opacity`.
    opacity: <Opacity as sim::shm::SharedLayout>::View<'a>,
    ///Field `sides`.
    sides: <Sides as sim::shm::SharedLayout>::View<'a>,
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
struct FlowViewMut<'a>
where
    Opacity: sim::shm::SharedLayout<Owned = Opacity>,
    Sides: sim::shm::SharedLayout<Owned = Sides>,
{
    ///Field `pressure`.
    pressure: sim::shm::ArrayMut<'a, f64, sim::shm::__private::Ix2>,
    ///Field `opacity`.
    opacity: <Opacity as sim::shm::SharedLayout>::ViewMut<'a>,
    ///Field `sides`.
    sides: <Sides as sim::shm::SharedLayout>::ViewMut<'a>,
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
struct FlowFields<'a>
where
    Opacity: sim::shm::SharedLayout<Owned = Opacity>,
    Sides: sim::shm::SharedLayout<Owned = Sides>,
{
    ///Field `pressure`.
    pressure: sim::shm::Field<'a, ndarray::Array<f64, ndarray::Ix2>>,
    ///Field `opacity`.
    opacity: sim::shm::Field<'a, Opacity>,
    ///Field `sides`.
    sides: sim::shm::Field<'a, Sides>,
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
            self.nx == other.nx && self.ny == other.ny
        }
    }
    #[automatically_derived]
    impl ::core::cmp::Eq for FlowDims {}
    #[automatically_derived]
    impl ::core::fmt::Debug for FlowDims {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            sim::shm::__private::debug_struct(
                f,
                "FlowDims",
                &[("nx", &self.nx), ("ny", &self.ny)],
            )
        }
    }
    #[automatically_derived]
    impl<'a> ::core::clone::Clone for FlowView<'a>
    where
        Opacity: sim::shm::SharedLayout<Owned = Opacity>,
        Sides: sim::shm::SharedLayout<Owned = Sides>,
    {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[automatically_derived]
    impl<'a> ::core::marker::Copy for FlowView<'a>
    where
        Opacity: sim::shm::SharedLayout<Owned = Opacity>,
        Sides: sim::shm::SharedLayout<Owned = Sides>,
    {}
    #[automatically_derived]
    impl<'a> ::core::fmt::Debug for FlowView<'a>
    where
        Opacity: sim::shm::SharedLayout<Owned = Opacity>,
        Sides: sim::shm::SharedLayout<Owned = Sides>,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use sim::shm::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                (
                    "pressure",
                    (&sim::shm::__private::DebugOf(&self.pressure)).pshmem_debug(),
                ),
                (
                    "opacity",
                    (&sim::shm::__private::DebugOf(&self.opacity)).pshmem_debug(),
                ),
                ("sides", (&sim::shm::__private::DebugOf(&self.sides)).pshmem_debug()),
            ];
            sim::shm::__private::debug_struct(f, "FlowView", &fields)
        }
    }
    #[automatically_derived]
    impl<'a> ::core::fmt::Debug for FlowViewMut<'a>
    where
        Opacity: sim::shm::SharedLayout<Owned = Opacity>,
        Sides: sim::shm::SharedLayout<Owned = Sides>,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use sim::shm::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                (
                    "pressure",
                    (&sim::shm::__private::DebugOf(&self.pressure)).pshmem_debug(),
                ),
                (
                    "opacity",
                    (&sim::shm::__private::DebugOf(&self.opacity)).pshmem_debug(),
                ),
                ("sides", (&sim::shm::__private::DebugOf(&self.sides)).pshmem_debug()),
            ];
            sim::shm::__private::debug_struct(f, "FlowViewMut", &fields)
        }
    }
    #[automatically_derived]
    impl<'a> ::core::fmt::Debug for FlowFields<'a>
    where
        Opacity: sim::shm::SharedLayout<Owned = Opacity>,
        Sides: sim::shm::SharedLayout<Owned = Sides>,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use sim::shm::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                (
                    "pressure",
                    (&sim::shm::__private::DebugOf(&self.pressure)).pshmem_debug(),
                ),
                (
                    "opacity",
                    (&sim::shm::__private::DebugOf(&self.opacity)).pshmem_debug(),
                ),
                ("sides", (&sim::shm::__private::DebugOf(&self.sides)).pshmem_debug()),
            ];
            sim::shm::__private::debug_struct(f, "FlowFields", &fields)
        }
    }
    pub struct __FlowPlan
    where
        Opacity: sim::shm::SharedLayout<Owned = Opacity>,
        Sides: sim::shm::SharedLayout<Owned = Sides>,
    {
        dims: FlowDims,
        first_leaf: ::core::primitive::usize,
        field_pressure: sim::shm::__private::FieldPlan<
            ndarray::Array<f64, ndarray::Ix2>,
        >,
        field_opacity: sim::shm::__private::NestedPlan<Opacity>,
        field_sides: sim::shm::__private::NestedPlan<Sides>,
        end_leaf: ::core::primitive::usize,
    }
    #[automatically_derived]
    impl sim::shm::__private::Planned for Flow
    where
        Opacity: sim::shm::SharedLayout<Owned = Opacity>,
        Sides: sim::shm::SharedLayout<Owned = Sides>,
    {
        type Plan = __FlowPlan;
    }
    fn __extents_of_pressure(
        dims: &FlowDims,
    ) -> ::core::result::Result<[::core::primitive::usize; 2], sim::shm::Error>
    where
        Opacity: sim::shm::SharedLayout<Owned = Opacity>,
        Sides: sim::shm::SharedLayout<Owned = Sides>,
    {
        ::core::result::Result::Ok([
            (<sim::shm::__private::Placer>::extent(dims.nx))
                .get("pressure", "nx", dims)?,
            (<sim::shm::__private::Placer>::extent(2)
                * (<sim::shm::__private::Placer>::extent(dims.ny)
                    + <sim::shm::__private::Placer>::extent(HALO)))
                .get("pressure", "2 * (ny + HALO)", dims)?,
        ])
    }
    fn __extents_of_opacity(
        dims: &FlowDims,
    ) -> ::core::result::Result<
        <Opacity as sim::shm::SharedLayout>::Dims,
        sim::shm::Error,
    >
    where
        Opacity: sim::shm::SharedLayout<Owned = Opacity>,
        Sides: sim::shm::SharedLayout<Owned = Sides>,
    {
        ::core::result::Result::Ok(OpacityDims {
            n: (<sim::shm::__private::Placer>::extent(dims.ny))
                .get("opacity", "ny", dims)?,
        })
    }
    fn __extents_of_sides(
        dims: &FlowDims,
    ) -> ::core::result::Result<<Sides as sim::shm::SharedLayout>::Dims, sim::shm::Error>
    where
        Opacity: sim::shm::SharedLayout<Owned = Opacity>,
        Sides: sim::shm::SharedLayout<Owned = Sides>,
    {
        ::core::result::Result::Ok(
            <sim::shm::__private::NestedPlan<
                Sides,
            >>::dims_from_shape::<
                1usize,
            >([
                (<sim::shm::__private::Placer>::extent(<Flow>::SIDES))
                    .get("sides", "Self::SIDES", dims)?,
            ]),
        )
    }
    #[automatically_derived]
    unsafe impl sim::shm::SharedLayout for Flow
    where
        Opacity: sim::shm::SharedLayout<Owned = Opacity>,
        Sides: sim::shm::SharedLayout<Owned = Sides>,
    {
        type Owned = Self;
        type Dims = FlowDims;
        type View<'a> = FlowView<'a>;
        type ViewMut<'a> = FlowViewMut<'a>;
        type Fields<'a> = FlowFields<'a>;
        fn plan(
            dims: &Self::Dims,
            placer: &mut sim::shm::__private::Placer,
        ) -> ::core::result::Result<
            <Self as sim::shm::__private::Planned>::Plan,
            sim::shm::Error,
        > {
            ::core::result::Result::Ok(__FlowPlan {
                dims: *dims,
                first_leaf: <sim::shm::__private::Placer>::position(placer),
                field_pressure: <sim::shm::__private::Placer>::field::<
                    ndarray::Array<f64, ndarray::Ix2>,
                    f64,
                >(placer, "pressure", 1, &__extents_of_pressure(dims)?)?,
                field_opacity: <sim::shm::__private::Placer>::nested::<
                    Opacity,
                >(placer, "opacity", 1, &__extents_of_opacity(dims)?)?,
                field_sides: <sim::shm::__private::Placer>::nested::<
                    Sides,
                >(placer, "sides", 1, &__extents_of_sides(dims)?)?,
                end_leaf: <sim::shm::__private::Placer>::position(placer),
            })
        }
        #[inline]
        fn dims(plan: &<Self as sim::shm::__private::Planned>::Plan) -> Self::Dims {
            plan.dims
        }
        #[inline]
        fn leaves(
            plan: &<Self as sim::shm::__private::Planned>::Plan,
        ) -> ::core::ops::Range<::core::primitive::usize> {
            plan.first_leaf..plan.end_leaf
        }
        fn dims_of(owned: &Self) -> ::core::result::Result<Self::Dims, sim::shm::Error> {
            let __actual_pressure = <sim::shm::__private::FieldPlan<
                ndarray::Array<f64, ndarray::Ix2>,
            >>::dims_of("pressure", &owned.pressure)?;
            let __actual_opacity = <sim::shm::__private::NestedPlan<
                Opacity,
            >>::dims_of("opacity", &owned.opacity)?;
            let __actual_sides = <sim::shm::__private::NestedPlan<
                Sides,
            >>::dims_of("sides", &owned.sides)?;
            let inferred = FlowDims {
                nx: __actual_pressure[0usize],
                ny: __actual_opacity.n,
            };
            let dims = &inferred;
            <sim::shm::__private::FieldPlan<
                ndarray::Array<f64, ndarray::Ix2>,
            >>::check_dims(
                "pressure",
                &__extents_of_pressure(dims)?,
                &__actual_pressure,
            )?;
            <sim::shm::__private::NestedPlan<
                Opacity,
            >>::check_dims("opacity", &__extents_of_opacity(dims)?, &__actual_opacity)?;
            <sim::shm::__private::NestedPlan<
                Sides,
            >>::check_dims("sides", &__extents_of_sides(dims)?, &__actual_sides)?;
            ::core::result::Result::Ok(inferred)
        }
        fn encode_dims(
            dims: &Self::Dims,
            out: &mut sim::shm::__private::Vec<::core::primitive::usize>,
        ) {
            <sim::shm::__private::Vec<::core::primitive::usize>>::push(out, dims.nx);
            <sim::shm::__private::Vec<::core::primitive::usize>>::push(out, dims.ny);
        }
        fn decode_dims(
            from: &mut dyn ::core::iter::Iterator<Item = ::core::primitive::usize>,
        ) -> ::core::option::Option<Self::Dims> {
            ::core::option::Option::Some(FlowDims {
                nx: ::core::iter::Iterator::next(from)?,
                ny: ::core::iter::Iterator::next(from)?,
            })
        }
        #[inline]
        unsafe fn view<'a>(
            plan: &<Self as sim::shm::__private::Planned>::Plan,
            base: sim::shm::__private::Base<'a>,
        ) -> Self::View<'a> {
            FlowView {
                pressure: unsafe {
                    <sim::shm::__private::FieldPlan<
                        ndarray::Array<f64, ndarray::Ix2>,
                    >>::view(&plan.field_pressure, base)
                },
                opacity: unsafe {
                    <sim::shm::__private::NestedPlan<
                        Opacity,
                    >>::view(&plan.field_opacity, base)
                },
                sides: unsafe {
                    <sim::shm::__private::NestedPlan<
                        Sides,
                    >>::view(&plan.field_sides, base)
                },
            }
        }
        unsafe fn load(
            plan: &<Self as sim::shm::__private::Planned>::Plan,
            base: sim::shm::__private::Base<'_>,
        ) -> Self {
            Self {
                pressure: unsafe {
                    <sim::shm::__private::FieldPlan<
                        ndarray::Array<f64, ndarray::Ix2>,
                    >>::load(&plan.field_pressure, base)
                },
                opacity: unsafe {
                    <sim::shm::__private::NestedPlan<
                        Opacity,
                    >>::load(&plan.field_opacity, base)
                },
                sides: unsafe {
                    <sim::shm::__private::NestedPlan<
                        Sides,
                    >>::load(&plan.field_sides, base)
                },
            }
        }
        #[inline]
        unsafe fn view_mut<'a>(
            plan: &<Self as sim::shm::__private::Planned>::Plan,
            base: sim::shm::__private::BaseMut<'a>,
        ) -> Self::ViewMut<'a> {
            FlowViewMut {
                pressure: unsafe {
                    <sim::shm::__private::FieldPlan<
                        ndarray::Array<f64, ndarray::Ix2>,
                    >>::view_mut(&plan.field_pressure, base)
                },
                opacity: unsafe {
                    <sim::shm::__private::NestedPlan<
                        Opacity,
                    >>::view_mut(&plan.field_opacity, base)
                },
                sides: unsafe {
                    <sim::shm::__private::NestedPlan<
                        Sides,
                    >>::view_mut(&plan.field_sides, base)
                },
            }
        }
        unsafe fn fields<'a>(
            plan: &'a <Self as sim::shm::__private::Planned>::Plan,
            handle: sim::shm::__private::Handle<'a>,
        ) -> Self::Fields<'a> {
            FlowFields {
                pressure: unsafe {
                    <sim::shm::__private::FieldPlan<
                        ndarray::Array<f64, ndarray::Ix2>,
                    >>::field(&plan.field_pressure, handle)
                },
                opacity: unsafe {
                    <sim::shm::__private::NestedPlan<
                        Opacity,
                    >>::field(&plan.field_opacity, handle)
                },
                sides: unsafe {
                    <sim::shm::__private::NestedPlan<
                        Sides,
                    >>::field(&plan.field_sides, handle)
                },
            }
        }
        unsafe fn store(
            plan: &<Self as sim::shm::__private::Planned>::Plan,
            base: sim::shm::__private::BaseMut<'_>,
            owned: &Self,
        ) {
            unsafe {
                <sim::shm::__private::FieldPlan<
                    ndarray::Array<f64, ndarray::Ix2>,
                >>::store(&plan.field_pressure, base, &owned.pressure)
            };
            unsafe {
                <sim::shm::__private::NestedPlan<
                    Opacity,
                >>::store(&plan.field_opacity, base, &owned.opacity)
            };
            unsafe {
                <sim::shm::__private::NestedPlan<
                    Sides,
                >>::store(&plan.field_sides, base, &owned.sides)
            };
        }
    }
    #[automatically_derived]
    impl sim::shm::Preview for Flow
    where
        Opacity: sim::shm::SharedLayout<Owned = Opacity>,
        Sides: sim::shm::SharedLayout<Owned = Sides>,
    {
        fn preview(
            view: Self::View<'_>,
            f: &mut dyn ::core::fmt::Write,
        ) -> ::core::fmt::Result {
            use sim::shm::__private::{WithoutPreview as _, WithPreview as _};
            sim::shm::__private::preview_field(
                f,
                true,
                "pressure",
                |f| {
                    (&sim::shm::__private::PreviewOf::<
                        ndarray::Array<f64, ndarray::Ix2>,
                    >::new())
                        .pshmem_preview(view.pressure, f)
                },
            )?;
            sim::shm::__private::preview_field(
                f,
                false,
                "opacity",
                |f| {
                    (&sim::shm::__private::PreviewOf::<Opacity>::new())
                        .pshmem_preview(view.opacity, f)
                },
            )?;
            sim::shm::__private::preview_field(
                f,
                false,
                "sides",
                |f| {
                    (&sim::shm::__private::PreviewOf::<Sides>::new())
                        .pshmem_preview(view.sides, f)
                },
            )?;
            ::core::result::Result::Ok(())
        }
    }
    #[automatically_derived]
    impl sim::shm::FileLayout for Flow
    where
        Opacity: sim::shm::SharedLayout<Owned = Opacity>,
        Sides: sim::shm::SharedLayout<Owned = Sides>,
        for<'__file> ndarray::Array<
            f64,
            ndarray::Ix2,
        >: sim::shm::__private::FileField<
            '__file,
            0usize,
            [::core::primitive::usize; 2],
        >,
        for<'__file> Opacity: sim::shm::__private::FileField<
            '__file,
            1usize,
            <Opacity as sim::shm::SharedLayout>::Dims,
        >,
        for<'__file> Sides: sim::shm::__private::FileField<
            '__file,
            2usize,
            <Sides as sim::shm::SharedLayout>::Dims,
        >,
    {
        fn file_leaves(into: &mut sim::shm::__private::FileLeaves) {
            <ndarray::Array<
                f64,
                ndarray::Ix2,
            > as sim::shm::__private::FileField<
                '_,
                0usize,
                [::core::primitive::usize; 2],
            >>::file_leaves("pressure", into);
            <Opacity as sim::shm::__private::FileField<
                '_,
                1usize,
                <Opacity as sim::shm::SharedLayout>::Dims,
            >>::file_leaves("opacity", into);
            <Sides as sim::shm::__private::FileField<
                '_,
                2usize,
                <Sides as sim::shm::SharedLayout>::Dims,
            >>::file_leaves("sides", into);
        }
        fn dims_from_shapes(
            shapes: &mut sim::shm::__private::LeafShapes<'_>,
        ) -> ::core::result::Result<
            <Self as sim::shm::SharedLayout>::Dims,
            sim::shm::Error,
        > {
            let __actual_pressure = <ndarray::Array<
                f64,
                ndarray::Ix2,
            > as sim::shm::__private::FileField<
                '_,
                0usize,
                [::core::primitive::usize; 2],
            >>::dims_from_shapes("pressure", shapes)?;
            let __actual_opacity = <Opacity as sim::shm::__private::FileField<
                '_,
                1usize,
                <Opacity as sim::shm::SharedLayout>::Dims,
            >>::dims_from_shapes("opacity", shapes)?;
            let __actual_sides = <Sides as sim::shm::__private::FileField<
                '_,
                2usize,
                <Sides as sim::shm::SharedLayout>::Dims,
            >>::dims_from_shapes("sides", shapes)?;
            let inferred = FlowDims {
                nx: __actual_pressure[0usize],
                ny: __actual_opacity.n,
            };
            let dims = &inferred;
            <ndarray::Array<
                f64,
                ndarray::Ix2,
            > as sim::shm::__private::FileField<
                '_,
                0usize,
                [::core::primitive::usize; 2],
            >>::check_dims(
                "pressure",
                &__extents_of_pressure(dims)?,
                &__actual_pressure,
            )?;
            <Opacity as sim::shm::__private::FileField<
                '_,
                1usize,
                <Opacity as sim::shm::SharedLayout>::Dims,
            >>::check_dims("opacity", &__extents_of_opacity(dims)?, &__actual_opacity)?;
            <Sides as sim::shm::__private::FileField<
                '_,
                2usize,
                <Sides as sim::shm::SharedLayout>::Dims,
            >>::check_dims("sides", &__extents_of_sides(dims)?, &__actual_sides)?;
            ::core::result::Result::Ok(inferred)
        }
    }
};
