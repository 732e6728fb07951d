// /// A gas.
// pub struct Gas {
//     /// Cells.
//     pub density: Array2<f64>,
//     pub(crate) lines: Vec<Line>,
//     #[shared(layout)]
//     pub opacity: Opacity,
//     #[shared(align = 4096)]
//     names: Box<[u8]>,
//     particles: Columns<Particle>,
//     step: u64,
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
pub struct GasDims
where
    Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
{
    ///Extents of `density`.
    pub density: [::core::primitive::usize; 2],
    ///Extents of `lines`.
    pub(crate) lines: ::core::primitive::usize,
    ///Extents of `opacity`.
    pub opacity: <Opacity as ::pshmem::SharedLayout>::Dims,
    ///Extents of `names`.
    names: ::core::primitive::usize,
    ///Extents of `particles`.
    particles: ::core::primitive::usize,
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
pub struct GasView<'a>
where
    Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
    Particle: ::pshmem::SharedColumns,
{
    /// Cells.
    pub density: ::pshmem::__private::ArrayView2<'a, f64>,
    ///Field `lines`.
    pub(crate) lines: &'a [Line],
    ///Field `opacity`.
    pub opacity: <Opacity as ::pshmem::SharedLayout>::View<'a>,
    ///Field `names`.
    names: &'a [u8],
    ///Field `particles`.
    particles: <Columns<Particle> as ::pshmem::SharedLayout>::View<'a>,
    ///Field `step`.
    step: &'a u64,
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
pub struct GasViewMut<'a>
where
    Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
    Particle: ::pshmem::SharedColumns,
{
    /// Cells.
    pub density: ::pshmem::ArrayMut<'a, f64, ::pshmem::__private::Ix2>,
    ///Field `lines`.
    pub(crate) lines: ::pshmem::SliceMut<'a, Line>,
    ///Field `opacity`.
    pub opacity: <Opacity as ::pshmem::SharedLayout>::ViewMut<'a>,
    ///Field `names`.
    names: ::pshmem::SliceMut<'a, u8>,
    ///Field `particles`.
    particles: <Columns<Particle> as ::pshmem::SharedLayout>::ViewMut<'a>,
    ///Field `step`.
    step: ::pshmem::ValueMut<'a, u64>,
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
pub struct GasFields<'a>
where
    Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
    Particle: ::pshmem::SharedColumns,
{
    /// Cells.
    pub density: ::pshmem::Field<'a, Array2<f64>>,
    ///Field `lines`.
    pub(crate) lines: ::pshmem::Field<'a, Vec<Line>>,
    ///Field `opacity`.
    pub opacity: ::pshmem::Field<'a, Opacity>,
    ///Field `names`.
    names: ::pshmem::Field<'a, Box<[u8]>>,
    ///Field `particles`.
    particles: ::pshmem::Field<'a, Columns<Particle>>,
    ///Field `step`.
    step: ::pshmem::Field<'a, ::pshmem::__private::Value<u64>>,
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
    impl ::core::clone::Clone for GasDims
    where
        Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
    {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[automatically_derived]
    impl ::core::marker::Copy for GasDims
    where
        Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
    {}
    #[automatically_derived]
    impl ::core::cmp::PartialEq for GasDims
    where
        Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
    {
        #[inline]
        fn eq(&self, other: &Self) -> ::core::primitive::bool {
            self.density == other.density && self.lines == other.lines
                && self.opacity == other.opacity && self.names == other.names
                && self.particles == other.particles
        }
    }
    #[automatically_derived]
    impl ::core::cmp::Eq for GasDims
    where
        Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
    {}
    #[automatically_derived]
    impl ::core::fmt::Debug for GasDims
    where
        Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            ::pshmem::__private::debug_struct(
                f,
                "GasDims",
                &[
                    ("density", &self.density),
                    ("lines", &self.lines),
                    ("opacity", &self.opacity),
                    ("names", &self.names),
                    ("particles", &self.particles),
                ],
            )
        }
    }
    #[automatically_derived]
    impl<'a> ::core::clone::Clone for GasView<'a>
    where
        Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
        Particle: ::pshmem::SharedColumns,
    {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[automatically_derived]
    impl<'a> ::core::marker::Copy for GasView<'a>
    where
        Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
        Particle: ::pshmem::SharedColumns,
    {}
    #[automatically_derived]
    impl<'a> ::core::fmt::Debug for GasView<'a>
    where
        Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
        Particle: ::pshmem::SharedColumns,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                (
                    "density",
                    (&::pshmem::__private::DebugOf(&self.density)).pshmem_debug(),
                ),
                ("lines", (&::pshmem::__private::DebugOf(&self.lines)).pshmem_debug()),
                (
                    "opacity",
                    (&::pshmem::__private::DebugOf(&self.opacity)).pshmem_debug(),
                ),
                ("names", (&::pshmem::__private::DebugOf(&self.names)).pshmem_debug()),
                (
                    "particles",
                    (&::pshmem::__private::DebugOf(&self.particles)).pshmem_debug(),
                ),
                ("step", (&::pshmem::__private::DebugOf(&self.step)).pshmem_debug()),
            ];
            ::pshmem::__private::debug_struct(f, "GasView", &fields)
        }
    }
    #[automatically_derived]
    impl<'a> ::core::fmt::Debug for GasViewMut<'a>
    where
        Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
        Particle: ::pshmem::SharedColumns,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                (
                    "density",
                    (&::pshmem::__private::DebugOf(&self.density)).pshmem_debug(),
                ),
                ("lines", (&::pshmem::__private::DebugOf(&self.lines)).pshmem_debug()),
                (
                    "opacity",
                    (&::pshmem::__private::DebugOf(&self.opacity)).pshmem_debug(),
                ),
                ("names", (&::pshmem::__private::DebugOf(&self.names)).pshmem_debug()),
                (
                    "particles",
                    (&::pshmem::__private::DebugOf(&self.particles)).pshmem_debug(),
                ),
                ("step", (&::pshmem::__private::DebugOf(&self.step)).pshmem_debug()),
            ];
            ::pshmem::__private::debug_struct(f, "GasViewMut", &fields)
        }
    }
    #[automatically_derived]
    impl<'a> ::core::fmt::Debug for GasFields<'a>
    where
        Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
        Particle: ::pshmem::SharedColumns,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                (
                    "density",
                    (&::pshmem::__private::DebugOf(&self.density)).pshmem_debug(),
                ),
                ("lines", (&::pshmem::__private::DebugOf(&self.lines)).pshmem_debug()),
                (
                    "opacity",
                    (&::pshmem::__private::DebugOf(&self.opacity)).pshmem_debug(),
                ),
                ("names", (&::pshmem::__private::DebugOf(&self.names)).pshmem_debug()),
                (
                    "particles",
                    (&::pshmem::__private::DebugOf(&self.particles)).pshmem_debug(),
                ),
                ("step", (&::pshmem::__private::DebugOf(&self.step)).pshmem_debug()),
            ];
            ::pshmem::__private::debug_struct(f, "GasFields", &fields)
        }
    }
    pub struct __GasPlan
    where
        Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
        Particle: ::pshmem::SharedColumns,
    {
        dims: GasDims,
        first_leaf: ::core::primitive::usize,
        field_density: ::pshmem::__private::FieldPlan<Array2<f64>>,
        field_lines: ::pshmem::__private::FieldPlan<Vec<Line>>,
        field_opacity: ::pshmem::__private::NestedPlan<Opacity>,
        field_names: ::pshmem::__private::FieldPlan<Box<[u8]>>,
        field_particles: ::pshmem::__private::NestedPlan<Columns<Particle>>,
        field_step: ::pshmem::__private::FieldPlan<::pshmem::__private::Value<u64>>,
        end_leaf: ::core::primitive::usize,
    }
    #[automatically_derived]
    impl ::pshmem::__private::Planned for Gas
    where
        Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
        Particle: ::pshmem::SharedColumns,
    {
        type Plan = __GasPlan;
    }
    #[automatically_derived]
    unsafe impl ::pshmem::SharedLayout for Gas
    where
        Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
        Particle: ::pshmem::SharedColumns,
    {
        type Owned = Self;
        type Dims = GasDims;
        type View<'a> = GasView<'a>;
        type ViewMut<'a> = GasViewMut<'a>;
        type Fields<'a> = GasFields<'a>;
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
                field_density: <::pshmem::__private::Placer>::field::<
                    Array2<f64>,
                    f64,
                >(placer, "density", 1, &dims.density)?,
                field_lines: <::pshmem::__private::Placer>::field::<
                    Vec<Line>,
                    Line,
                >(placer, "lines", 1, &dims.lines)?,
                field_opacity: <::pshmem::__private::Placer>::nested::<
                    Opacity,
                >(placer, "opacity", 1, &dims.opacity)?,
                field_names: <::pshmem::__private::Placer>::field::<
                    Box<[u8]>,
                    u8,
                >(placer, "names", 4096, &dims.names)?,
                field_particles: <::pshmem::__private::Placer>::nested::<
                    Columns<Particle>,
                >(placer, "particles", 1, &dims.particles)?,
                field_step: <::pshmem::__private::Placer>::field::<
                    ::pshmem::__private::Value<u64>,
                    u64,
                >(placer, "step", 1, &())?,
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
            let __actual_density = <::pshmem::__private::FieldPlan<
                Array2<f64>,
            >>::dims_of("density", &owned.density)?;
            let __actual_lines = <::pshmem::__private::FieldPlan<
                Vec<Line>,
            >>::dims_of("lines", &owned.lines)?;
            let __actual_opacity = <::pshmem::__private::NestedPlan<
                Opacity,
            >>::dims_of("opacity", &owned.opacity)?;
            let __actual_names = <::pshmem::__private::FieldPlan<
                Box<[u8]>,
            >>::dims_of("names", &owned.names)?;
            let __actual_particles = <::pshmem::__private::NestedPlan<
                Columns<Particle>,
            >>::dims_of("particles", &owned.particles)?;
            ::core::result::Result::Ok(GasDims {
                density: __actual_density,
                lines: __actual_lines,
                opacity: __actual_opacity,
                names: __actual_names,
                particles: __actual_particles,
            })
        }
        fn encode_dims(
            dims: &Self::Dims,
            out: &mut ::pshmem::__private::Vec<::core::primitive::usize>,
        ) {
            <::pshmem::__private::FieldPlan<
                Array2<f64>,
            >>::encode_dims(&dims.density, out);
            <::pshmem::__private::FieldPlan<Vec<Line>>>::encode_dims(&dims.lines, out);
            <::pshmem::__private::NestedPlan<Opacity>>::encode_dims(&dims.opacity, out);
            <::pshmem::__private::FieldPlan<Box<[u8]>>>::encode_dims(&dims.names, out);
            <::pshmem::__private::NestedPlan<
                Columns<Particle>,
            >>::encode_dims(&dims.particles, out);
        }
        fn decode_dims(
            from: &mut dyn ::core::iter::Iterator<Item = ::core::primitive::usize>,
        ) -> ::core::option::Option<Self::Dims> {
            ::core::option::Option::Some(GasDims {
                density: <::pshmem::__private::FieldPlan<
                    Array2<f64>,
                >>::decode_dims(from)?,
                lines: <::pshmem::__private::FieldPlan<Vec<Line>>>::decode_dims(from)?,
                opacity: <::pshmem::__private::NestedPlan<Opacity>>::decode_dims(from)?,
                names: <::pshmem::__private::FieldPlan<Box<[u8]>>>::decode_dims(from)?,
                particles: <::pshmem::__private::NestedPlan<
                    Columns<Particle>,
                >>::decode_dims(from)?,
            })
        }
        #[inline]
        unsafe fn view<'a>(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::Base<'a>,
        ) -> Self::View<'a> {
            GasView {
                density: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Array2<f64>,
                    >>::view(&plan.field_density, base)
                },
                lines: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Vec<Line>,
                    >>::view(&plan.field_lines, base)
                },
                opacity: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Opacity,
                    >>::view(&plan.field_opacity, base)
                },
                names: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Box<[u8]>,
                    >>::view(&plan.field_names, base)
                },
                particles: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Columns<Particle>,
                    >>::view(&plan.field_particles, base)
                },
                step: unsafe {
                    <::pshmem::__private::FieldPlan<
                        ::pshmem::__private::Value<u64>,
                    >>::view(&plan.field_step, base)
                },
            }
        }
        unsafe fn load(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::Base<'_>,
        ) -> Self {
            Self {
                density: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Array2<f64>,
                    >>::load(&plan.field_density, base)
                },
                lines: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Vec<Line>,
                    >>::load(&plan.field_lines, base)
                },
                opacity: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Opacity,
                    >>::load(&plan.field_opacity, base)
                },
                names: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Box<[u8]>,
                    >>::load(&plan.field_names, base)
                },
                particles: ::core::convert::From::from(unsafe {
                    <::pshmem::__private::NestedPlan<
                        Columns<Particle>,
                    >>::load(&plan.field_particles, base)
                }),
                step: unsafe {
                    <::pshmem::__private::FieldPlan<
                        ::pshmem::__private::Value<u64>,
                    >>::load(&plan.field_step, base)
                },
            }
        }
        #[inline]
        unsafe fn view_mut<'a>(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::BaseMut<'a>,
        ) -> Self::ViewMut<'a> {
            GasViewMut {
                density: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Array2<f64>,
                    >>::view_mut(&plan.field_density, base)
                },
                lines: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Vec<Line>,
                    >>::view_mut(&plan.field_lines, base)
                },
                opacity: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Opacity,
                    >>::view_mut(&plan.field_opacity, base)
                },
                names: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Box<[u8]>,
                    >>::view_mut(&plan.field_names, base)
                },
                particles: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Columns<Particle>,
                    >>::view_mut(&plan.field_particles, base)
                },
                step: unsafe {
                    <::pshmem::__private::FieldPlan<
                        ::pshmem::__private::Value<u64>,
                    >>::view_mut(&plan.field_step, base)
                },
            }
        }
        unsafe fn fields<'a>(
            plan: &'a <Self as ::pshmem::__private::Planned>::Plan,
            handle: ::pshmem::__private::Handle<'a>,
        ) -> Self::Fields<'a> {
            GasFields {
                density: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Array2<f64>,
                    >>::field(&plan.field_density, handle)
                },
                lines: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Vec<Line>,
                    >>::field(&plan.field_lines, handle)
                },
                opacity: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Opacity,
                    >>::field(&plan.field_opacity, handle)
                },
                names: unsafe {
                    <::pshmem::__private::FieldPlan<
                        Box<[u8]>,
                    >>::field(&plan.field_names, handle)
                },
                particles: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Columns<Particle>,
                    >>::field(&plan.field_particles, handle)
                },
                step: unsafe {
                    <::pshmem::__private::FieldPlan<
                        ::pshmem::__private::Value<u64>,
                    >>::field(&plan.field_step, handle)
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
                    Array2<f64>,
                >>::store(&plan.field_density, base, &owned.density)
            };
            unsafe {
                <::pshmem::__private::FieldPlan<
                    Vec<Line>,
                >>::store(&plan.field_lines, base, &owned.lines)
            };
            unsafe {
                <::pshmem::__private::NestedPlan<
                    Opacity,
                >>::store(&plan.field_opacity, base, &owned.opacity)
            };
            unsafe {
                <::pshmem::__private::FieldPlan<
                    Box<[u8]>,
                >>::store(&plan.field_names, base, &owned.names)
            };
            unsafe {
                <::pshmem::__private::NestedPlan<
                    Columns<Particle>,
                >>::store(&plan.field_particles, base, &owned.particles)
            };
            unsafe {
                <::pshmem::__private::FieldPlan<
                    ::pshmem::__private::Value<u64>,
                >>::store(&plan.field_step, base, &owned.step)
            };
        }
    }
    #[automatically_derived]
    impl ::pshmem::Preview for Gas
    where
        Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
        Particle: ::pshmem::SharedColumns,
    {
        fn preview(
            view: Self::View<'_>,
            f: &mut dyn ::core::fmt::Write,
        ) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithoutPreview as _, WithPreview as _};
            ::pshmem::__private::preview_field(
                f,
                true,
                "density",
                |f| {
                    (&::pshmem::__private::PreviewOf::<Array2<f64>>::new())
                        .pshmem_preview(view.density, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "lines",
                |f| {
                    (&::pshmem::__private::PreviewOf::<Vec<Line>>::new())
                        .pshmem_preview(view.lines, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "opacity",
                |f| {
                    (&::pshmem::__private::PreviewOf::<Opacity>::new())
                        .pshmem_preview(view.opacity, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "names",
                |f| {
                    (&::pshmem::__private::PreviewOf::<Box<[u8]>>::new())
                        .pshmem_preview(view.names, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "particles",
                |f| {
                    (&::pshmem::__private::PreviewOf::<Columns<Particle>>::new())
                        .pshmem_preview(view.particles, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "step",
                |f| {
                    (&::pshmem::__private::PreviewOf::<
                        ::pshmem::__private::Value<u64>,
                    >::new())
                        .pshmem_preview(view.step, f)
                },
            )?;
            ::core::result::Result::Ok(())
        }
    }
    #[automatically_derived]
    impl ::pshmem::FileLayout for Gas
    where
        Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
        Particle: ::pshmem::SharedColumns,
        for<'__file> Array2<
            f64,
        >: ::pshmem::__private::FileField<
            '__file,
            0usize,
            [::core::primitive::usize; 2],
        >,
        for<'__file> Vec<
            Line,
        >: ::pshmem::__private::FileField<'__file, 1usize, ::core::primitive::usize>,
        for<'__file> Opacity: ::pshmem::__private::FileField<
            '__file,
            2usize,
            <Opacity as ::pshmem::SharedLayout>::Dims,
        >,
        for<'__file> Box<
            [u8],
        >: ::pshmem::__private::FileField<'__file, 3usize, ::core::primitive::usize>,
        for<'__file> Columns<
            Particle,
        >: ::pshmem::__private::FileField<'__file, 4usize, ::core::primitive::usize>,
        for<'__file> ::pshmem::__private::Value<
            u64,
        >: ::pshmem::__private::FileField<'__file, 5usize, ()>,
    {
        fn file_leaves(into: &mut ::pshmem::__private::FileLeaves) {
            <Array2<
                f64,
            > as ::pshmem::__private::FileField<
                '_,
                0usize,
                [::core::primitive::usize; 2],
            >>::file_leaves("density", into);
            <Vec<
                Line,
            > as ::pshmem::__private::FileField<
                '_,
                1usize,
                ::core::primitive::usize,
            >>::file_leaves("lines", into);
            <Opacity as ::pshmem::__private::FileField<
                '_,
                2usize,
                <Opacity as ::pshmem::SharedLayout>::Dims,
            >>::file_leaves("opacity", into);
            <Box<
                [u8],
            > as ::pshmem::__private::FileField<
                '_,
                3usize,
                ::core::primitive::usize,
            >>::file_leaves("names", into);
            <Columns<
                Particle,
            > as ::pshmem::__private::FileField<
                '_,
                4usize,
                ::core::primitive::usize,
            >>::file_leaves("particles", into);
            <::pshmem::__private::Value<
                u64,
            > as ::pshmem::__private::FileField<
                '_,
                5usize,
                (),
            >>::file_leaves("step", into);
        }
        fn dims_from_shapes(
            shapes: &mut ::pshmem::__private::LeafShapes<'_>,
        ) -> ::core::result::Result<
            <Self as ::pshmem::SharedLayout>::Dims,
            ::pshmem::Error,
        > {
            let __actual_density = <Array2<
                f64,
            > as ::pshmem::__private::FileField<
                '_,
                0usize,
                [::core::primitive::usize; 2],
            >>::dims_from_shapes("density", shapes)?;
            let __actual_lines = <Vec<
                Line,
            > as ::pshmem::__private::FileField<
                '_,
                1usize,
                ::core::primitive::usize,
            >>::dims_from_shapes("lines", shapes)?;
            let __actual_opacity = <Opacity as ::pshmem::__private::FileField<
                '_,
                2usize,
                <Opacity as ::pshmem::SharedLayout>::Dims,
            >>::dims_from_shapes("opacity", shapes)?;
            let __actual_names = <Box<
                [u8],
            > as ::pshmem::__private::FileField<
                '_,
                3usize,
                ::core::primitive::usize,
            >>::dims_from_shapes("names", shapes)?;
            let __actual_particles = <Columns<
                Particle,
            > as ::pshmem::__private::FileField<
                '_,
                4usize,
                ::core::primitive::usize,
            >>::dims_from_shapes("particles", shapes)?;
            <::pshmem::__private::Value<
                u64,
            > as ::pshmem::__private::FileField<
                '_,
                5usize,
                (),
            >>::dims_from_shapes("step", shapes)?;
            ::core::result::Result::Ok(GasDims {
                density: __actual_density,
                lines: __actual_lines,
                opacity: __actual_opacity,
                names: __actual_names,
                particles: __actual_particles,
            })
        }
    }
};
