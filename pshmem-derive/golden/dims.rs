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
            use sim::shm::__private::{ShowDebug as _, ShowNothing as _};
            let fields = [
                ("pressure", (&sim::shm::__private::Show(&self.pressure)).pshmem_show()),
                ("opacity", (&sim::shm::__private::Show(&self.opacity)).pshmem_show()),
                ("sides", (&sim::shm::__private::Show(&self.sides)).pshmem_show()),
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
            use sim::shm::__private::{ShowDebug as _, ShowNothing as _};
            let fields = [
                ("pressure", (&sim::shm::__private::Show(&self.pressure)).pshmem_show()),
                ("opacity", (&sim::shm::__private::Show(&self.opacity)).pshmem_show()),
                ("sides", (&sim::shm::__private::Show(&self.sides)).pshmem_show()),
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
            use sim::shm::__private::{ShowDebug as _, ShowNothing as _};
            let fields = [
                ("pressure", (&sim::shm::__private::Show(&self.pressure)).pshmem_show()),
                ("opacity", (&sim::shm::__private::Show(&self.opacity)).pshmem_show()),
                ("sides", (&sim::shm::__private::Show(&self.sides)).pshmem_show()),
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
        field_pressure: <ndarray::Array<
            f64,
            ndarray::Ix2,
        > as sim::shm::__private::Planned>::Plan,
        field_opacity: <Opacity as sim::shm::__private::Planned>::Plan,
        field_sides: <Sides as sim::shm::__private::Planned>::Plan,
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
    fn __check_elements()
    where
        Opacity: sim::shm::SharedLayout<Owned = Opacity>,
        Sides: sim::shm::SharedLayout<Owned = Sides>,
    {
        sim::shm::__private::must_be_element::<f64>();
    }
    fn __extents_of_pressure(
        dims: &FlowDims,
    ) -> sim::shm::__private::Result<
        <ndarray::Array<f64, ndarray::Ix2> as sim::shm::__private::RawLayout>::Dims,
    >
    where
        Opacity: sim::shm::SharedLayout<Owned = Opacity>,
        Sides: sim::shm::SharedLayout<Owned = Sides>,
    {
        sim::shm::__private::Result::Ok([
            sim::shm::__private::Extent::get(
                sim::shm::__private::Extent::of(dims.nx),
                "nx",
                dims,
            )?,
            sim::shm::__private::Extent::get(
                sim::shm::__private::Extent::of(2)
                    * (sim::shm::__private::Extent::of(dims.ny)
                        + sim::shm::__private::Extent::of(HALO)),
                "2 * (ny + HALO)",
                dims,
            )?,
        ])
    }
    fn __extents_of_opacity(
        dims: &FlowDims,
    ) -> sim::shm::__private::Result<<Opacity as sim::shm::SharedLayout>::Dims>
    where
        Opacity: sim::shm::SharedLayout<Owned = Opacity>,
        Sides: sim::shm::SharedLayout<Owned = Sides>,
    {
        sim::shm::__private::Result::Ok(OpacityDims {
            n: sim::shm::__private::Extent::get(
                sim::shm::__private::Extent::of(dims.ny),
                "ny",
                dims,
            )?,
        })
    }
    fn __extents_of_sides(
        dims: &FlowDims,
    ) -> sim::shm::__private::Result<<Sides as sim::shm::SharedLayout>::Dims>
    where
        Opacity: sim::shm::SharedLayout<Owned = Opacity>,
        Sides: sim::shm::SharedLayout<Owned = Sides>,
    {
        sim::shm::__private::Result::Ok(
            sim::shm::__private::FromShape::from_shape([
                sim::shm::__private::Extent::get(
                    sim::shm::__private::Extent::of(<Flow>::SIDES),
                    "Self::SIDES",
                    dims,
                )?,
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
        ) -> sim::shm::__private::Result<<Self as sim::shm::__private::Planned>::Plan> {
            sim::shm::__private::Result::Ok(__FlowPlan {
                dims: *dims,
                first_leaf: sim::shm::__private::Placer::position(placer),
                field_pressure: sim::shm::__private::Placer::field(
                    placer,
                    "pressure",
                    1,
                    |placer| <ndarray::Array<
                        f64,
                        ndarray::Ix2,
                    > as sim::shm::__private::RawLayout>::plan(
                        &__extents_of_pressure(dims)?,
                        placer,
                    ),
                )?,
                field_opacity: sim::shm::__private::Placer::field(
                    placer,
                    "opacity",
                    1,
                    |placer| <Opacity as sim::shm::SharedLayout>::plan(
                        &__extents_of_opacity(dims)?,
                        placer,
                    ),
                )?,
                field_sides: sim::shm::__private::Placer::field(
                    placer,
                    "sides",
                    1,
                    |placer| <Sides as sim::shm::SharedLayout>::plan(
                        &__extents_of_sides(dims)?,
                        placer,
                    ),
                )?,
                end_leaf: sim::shm::__private::Placer::position(placer),
            })
        }
        #[inline]
        fn dims(plan: &<Self as sim::shm::__private::Planned>::Plan) -> Self::Dims {
            plan.dims
        }
        #[inline]
        fn span(
            plan: &<Self as sim::shm::__private::Planned>::Plan,
        ) -> ::core::ops::Range<::core::primitive::usize> {
            plan.first_leaf..plan.end_leaf
        }
        fn dims_of(owned: &Self) -> sim::shm::__private::Result<Self::Dims> {
            let __actual_pressure = sim::shm::__private::inside(
                "pressure",
                <ndarray::Array<
                    f64,
                    ndarray::Ix2,
                > as sim::shm::__private::RawLayout>::dims_of(&owned.pressure),
            )?;
            let __actual_opacity = sim::shm::__private::inside(
                "opacity",
                <Opacity as sim::shm::SharedLayout>::dims_of(&owned.opacity),
            )?;
            let __actual_sides = sim::shm::__private::inside(
                "sides",
                <Sides as sim::shm::SharedLayout>::dims_of(&owned.sides),
            )?;
            let inferred = FlowDims {
                nx: __actual_pressure[0usize],
                ny: __actual_opacity.n,
            };
            let dims = &inferred;
            sim::shm::__private::check_shape(
                "pressure",
                __extents_of_pressure(dims),
                &__actual_pressure,
                <ndarray::Array<
                    f64,
                    ndarray::Ix2,
                > as sim::shm::__private::RawLayout>::put_dims,
            )?;
            sim::shm::__private::check_shape(
                "opacity",
                __extents_of_opacity(dims),
                &__actual_opacity,
                <Opacity as sim::shm::SharedLayout>::put_dims,
            )?;
            sim::shm::__private::check_shape(
                "sides",
                __extents_of_sides(dims),
                &__actual_sides,
                <Sides as sim::shm::SharedLayout>::put_dims,
            )?;
            sim::shm::__private::Result::Ok(inferred)
        }
        fn put_dims(
            dims: &Self::Dims,
            out: &mut sim::shm::__private::Vec<::core::primitive::usize>,
        ) {
            sim::shm::__private::Vec::push(out, dims.nx);
            sim::shm::__private::Vec::push(out, dims.ny);
        }
        fn take_dims(
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
                    <ndarray::Array<
                        f64,
                        ndarray::Ix2,
                    > as sim::shm::__private::RawLayout>::view(
                        &plan.field_pressure,
                        base,
                    )
                },
                opacity: unsafe {
                    <Opacity as sim::shm::SharedLayout>::view(&plan.field_opacity, base)
                },
                sides: unsafe {
                    <Sides as sim::shm::SharedLayout>::view(&plan.field_sides, base)
                },
            }
        }
        unsafe fn load(
            plan: &<Self as sim::shm::__private::Planned>::Plan,
            base: sim::shm::__private::Base<'_>,
        ) -> Self {
            Self {
                pressure: unsafe {
                    <ndarray::Array<
                        f64,
                        ndarray::Ix2,
                    > as sim::shm::__private::RawLayout>::load(
                        &plan.field_pressure,
                        base,
                    )
                },
                opacity: unsafe {
                    <Opacity as sim::shm::SharedLayout>::load(&plan.field_opacity, base)
                },
                sides: unsafe {
                    <Sides as sim::shm::SharedLayout>::load(&plan.field_sides, base)
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
                    <ndarray::Array<
                        f64,
                        ndarray::Ix2,
                    > as sim::shm::__private::RawLayout>::view_mut(
                        &plan.field_pressure,
                        base,
                    )
                },
                opacity: unsafe {
                    <Opacity as sim::shm::SharedLayout>::view_mut(
                        &plan.field_opacity,
                        base,
                    )
                },
                sides: unsafe {
                    <Sides as sim::shm::SharedLayout>::view_mut(&plan.field_sides, base)
                },
            }
        }
        unsafe fn fields<'a>(
            plan: &'a <Self as sim::shm::__private::Planned>::Plan,
            handle: sim::shm::__private::Handle<'a>,
        ) -> Self::Fields<'a> {
            FlowFields {
                pressure: unsafe {
                    sim::shm::__private::field(handle, &plan.field_pressure)
                },
                opacity: unsafe {
                    sim::shm::__private::field(handle, &plan.field_opacity)
                },
                sides: unsafe { sim::shm::__private::field(handle, &plan.field_sides) },
            }
        }
        unsafe fn store(
            plan: &<Self as sim::shm::__private::Planned>::Plan,
            base: sim::shm::__private::BaseMut<'_>,
            owned: &Self,
        ) {
            unsafe {
                <ndarray::Array<
                    f64,
                    ndarray::Ix2,
                > as sim::shm::__private::RawLayout>::store(
                    &plan.field_pressure,
                    base,
                    &owned.pressure,
                )
            };
            unsafe {
                <Opacity as sim::shm::SharedLayout>::store(
                    &plan.field_opacity,
                    base,
                    &owned.opacity,
                )
            };
            unsafe {
                <Sides as sim::shm::SharedLayout>::store(
                    &plan.field_sides,
                    base,
                    &owned.sides,
                )
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
            use sim::shm::__private::{PutNothing as _, PutValues as _};
            sim::shm::__private::preview_field(
                f,
                true,
                "pressure",
                |f| {
                    (&sim::shm::__private::Probe::<
                        ndarray::Array<f64, ndarray::Ix2>,
                    >::new())
                        .pshmem_put(view.pressure, f)
                },
            )?;
            sim::shm::__private::preview_field(
                f,
                false,
                "opacity",
                |f| {
                    (&sim::shm::__private::Probe::<Opacity>::new())
                        .pshmem_put(view.opacity, f)
                },
            )?;
            sim::shm::__private::preview_field(
                f,
                false,
                "sides",
                |f| {
                    (&sim::shm::__private::Probe::<Sides>::new())
                        .pshmem_put(view.sides, f)
                },
            )?;
            ::core::result::Result::Ok(())
        }
    }
};
