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
            use ::pshmem::__private::{ShowDebug as _, ShowNothing as _};
            let fields = [
                ("density", (&::pshmem::__private::Show(&self.density)).pshmem_show()),
                ("lines", (&::pshmem::__private::Show(&self.lines)).pshmem_show()),
                ("opacity", (&::pshmem::__private::Show(&self.opacity)).pshmem_show()),
                ("names", (&::pshmem::__private::Show(&self.names)).pshmem_show()),
                (
                    "particles",
                    (&::pshmem::__private::Show(&self.particles)).pshmem_show(),
                ),
                ("step", (&::pshmem::__private::Show(&self.step)).pshmem_show()),
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
            use ::pshmem::__private::{ShowDebug as _, ShowNothing as _};
            let fields = [
                ("density", (&::pshmem::__private::Show(&self.density)).pshmem_show()),
                ("lines", (&::pshmem::__private::Show(&self.lines)).pshmem_show()),
                ("opacity", (&::pshmem::__private::Show(&self.opacity)).pshmem_show()),
                ("names", (&::pshmem::__private::Show(&self.names)).pshmem_show()),
                (
                    "particles",
                    (&::pshmem::__private::Show(&self.particles)).pshmem_show(),
                ),
                ("step", (&::pshmem::__private::Show(&self.step)).pshmem_show()),
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
            use ::pshmem::__private::{ShowDebug as _, ShowNothing as _};
            let fields = [
                ("density", (&::pshmem::__private::Show(&self.density)).pshmem_show()),
                ("lines", (&::pshmem::__private::Show(&self.lines)).pshmem_show()),
                ("opacity", (&::pshmem::__private::Show(&self.opacity)).pshmem_show()),
                ("names", (&::pshmem::__private::Show(&self.names)).pshmem_show()),
                (
                    "particles",
                    (&::pshmem::__private::Show(&self.particles)).pshmem_show(),
                ),
                ("step", (&::pshmem::__private::Show(&self.step)).pshmem_show()),
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
        field_density: <Array2<f64> as ::pshmem::__private::Planned>::Plan,
        field_lines: <Vec<Line> as ::pshmem::__private::Planned>::Plan,
        field_opacity: <Opacity as ::pshmem::__private::Planned>::Plan,
        field_names: <Box<[u8]> as ::pshmem::__private::Planned>::Plan,
        field_particles: <Columns<Particle> as ::pshmem::__private::Planned>::Plan,
        field_step: <::pshmem::__private::Value<
            u64,
        > as ::pshmem::__private::Planned>::Plan,
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
    fn __check_elements()
    where
        Opacity: ::pshmem::SharedLayout<Owned = Opacity>,
        Particle: ::pshmem::SharedColumns,
    {
        ::pshmem::__private::must_be_element::<f64>();
        ::pshmem::__private::must_be_element::<Line>();
        ::pshmem::__private::must_be_element::<u8>();
        ::pshmem::__private::must_be_element::<u64>();
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
        ) -> ::pshmem::__private::Result<<Self as ::pshmem::__private::Planned>::Plan> {
            ::pshmem::__private::Result::Ok(__GasPlan {
                dims: *dims,
                first_leaf: ::pshmem::__private::Placer::position(placer),
                field_density: ::pshmem::__private::Placer::field(
                    placer,
                    "density",
                    1,
                    |placer| <Array2<
                        f64,
                    > as ::pshmem::__private::RawLayout>::plan(&dims.density, placer),
                )?,
                field_lines: ::pshmem::__private::Placer::field(
                    placer,
                    "lines",
                    1,
                    |placer| <Vec<
                        Line,
                    > as ::pshmem::__private::RawLayout>::plan(&dims.lines, placer),
                )?,
                field_opacity: ::pshmem::__private::Placer::field(
                    placer,
                    "opacity",
                    1,
                    |placer| <Opacity as ::pshmem::SharedLayout>::plan(
                        &dims.opacity,
                        placer,
                    ),
                )?,
                field_names: ::pshmem::__private::Placer::field(
                    placer,
                    "names",
                    4096,
                    |placer| <Box<
                        [u8],
                    > as ::pshmem::__private::RawLayout>::plan(&dims.names, placer),
                )?,
                field_particles: ::pshmem::__private::Placer::field(
                    placer,
                    "particles",
                    1,
                    |placer| <Columns<
                        Particle,
                    > as ::pshmem::SharedLayout>::plan(&dims.particles, placer),
                )?,
                field_step: ::pshmem::__private::Placer::field(
                    placer,
                    "step",
                    1,
                    |placer| <::pshmem::__private::Value<
                        u64,
                    > as ::pshmem::__private::RawLayout>::plan(&(), placer),
                )?,
                end_leaf: ::pshmem::__private::Placer::position(placer),
            })
        }
        #[inline]
        fn dims(plan: &<Self as ::pshmem::__private::Planned>::Plan) -> Self::Dims {
            plan.dims
        }
        #[inline]
        fn span(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
        ) -> ::core::ops::Range<::core::primitive::usize> {
            plan.first_leaf..plan.end_leaf
        }
        fn dims_of(owned: &Self) -> ::pshmem::__private::Result<Self::Dims> {
            ::pshmem::__private::Result::Ok(GasDims {
                density: ::pshmem::__private::inside(
                    "density",
                    <Array2<
                        f64,
                    > as ::pshmem::__private::RawLayout>::dims_of(&owned.density),
                )?,
                lines: ::pshmem::__private::inside(
                    "lines",
                    <Vec<Line> as ::pshmem::__private::RawLayout>::dims_of(&owned.lines),
                )?,
                opacity: ::pshmem::__private::inside(
                    "opacity",
                    <Opacity as ::pshmem::SharedLayout>::dims_of(&owned.opacity),
                )?,
                names: ::pshmem::__private::inside(
                    "names",
                    <Box<[u8]> as ::pshmem::__private::RawLayout>::dims_of(&owned.names),
                )?,
                particles: ::pshmem::__private::inside(
                    "particles",
                    <Columns<
                        Particle,
                    > as ::pshmem::SharedLayout>::dims_of(&owned.particles),
                )?,
            })
        }
        fn put_dims(
            dims: &Self::Dims,
            out: &mut ::pshmem::__private::Vec<::core::primitive::usize>,
        ) {
            <Array2<
                f64,
            > as ::pshmem::__private::RawLayout>::put_dims(&dims.density, out);
            <Vec<Line> as ::pshmem::__private::RawLayout>::put_dims(&dims.lines, out);
            <Opacity as ::pshmem::SharedLayout>::put_dims(&dims.opacity, out);
            <Box<[u8]> as ::pshmem::__private::RawLayout>::put_dims(&dims.names, out);
            <Columns<
                Particle,
            > as ::pshmem::SharedLayout>::put_dims(&dims.particles, out);
        }
        fn take_dims(
            from: &mut dyn ::core::iter::Iterator<Item = ::core::primitive::usize>,
        ) -> ::core::option::Option<Self::Dims> {
            ::core::option::Option::Some(GasDims {
                density: <Array2<
                    f64,
                > as ::pshmem::__private::RawLayout>::take_dims(from)?,
                lines: <Vec<Line> as ::pshmem::__private::RawLayout>::take_dims(from)?,
                opacity: <Opacity as ::pshmem::SharedLayout>::take_dims(from)?,
                names: <Box<[u8]> as ::pshmem::__private::RawLayout>::take_dims(from)?,
                particles: <Columns<
                    Particle,
                > as ::pshmem::SharedLayout>::take_dims(from)?,
            })
        }
        #[inline]
        unsafe fn view<'a>(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::Base<'a>,
        ) -> Self::View<'a> {
            GasView {
                density: unsafe {
                    <Array2<
                        f64,
                    > as ::pshmem::__private::RawLayout>::view(&plan.field_density, base)
                },
                lines: unsafe {
                    <Vec<
                        Line,
                    > as ::pshmem::__private::RawLayout>::view(&plan.field_lines, base)
                },
                opacity: unsafe {
                    <Opacity as ::pshmem::SharedLayout>::view(&plan.field_opacity, base)
                },
                names: unsafe {
                    <Box<
                        [u8],
                    > as ::pshmem::__private::RawLayout>::view(&plan.field_names, base)
                },
                particles: unsafe {
                    <Columns<
                        Particle,
                    > as ::pshmem::SharedLayout>::view(&plan.field_particles, base)
                },
                step: unsafe {
                    <::pshmem::__private::Value<
                        u64,
                    > as ::pshmem::__private::RawLayout>::view(&plan.field_step, base)
                },
            }
        }
        unsafe fn load(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::Base<'_>,
        ) -> Self {
            Self {
                density: unsafe {
                    <Array2<
                        f64,
                    > as ::pshmem::__private::RawLayout>::load(&plan.field_density, base)
                },
                lines: unsafe {
                    <Vec<
                        Line,
                    > as ::pshmem::__private::RawLayout>::load(&plan.field_lines, base)
                },
                opacity: unsafe {
                    <Opacity as ::pshmem::SharedLayout>::load(&plan.field_opacity, base)
                },
                names: unsafe {
                    <Box<
                        [u8],
                    > as ::pshmem::__private::RawLayout>::load(&plan.field_names, base)
                },
                particles: ::core::convert::From::from(unsafe {
                    <Columns<
                        Particle,
                    > as ::pshmem::SharedLayout>::load(&plan.field_particles, base)
                }),
                step: unsafe {
                    <::pshmem::__private::Value<
                        u64,
                    > as ::pshmem::__private::RawLayout>::load(&plan.field_step, base)
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
                    <Array2<
                        f64,
                    > as ::pshmem::__private::RawLayout>::view_mut(
                        &plan.field_density,
                        base,
                    )
                },
                lines: unsafe {
                    <Vec<
                        Line,
                    > as ::pshmem::__private::RawLayout>::view_mut(
                        &plan.field_lines,
                        base,
                    )
                },
                opacity: unsafe {
                    <Opacity as ::pshmem::SharedLayout>::view_mut(
                        &plan.field_opacity,
                        base,
                    )
                },
                names: unsafe {
                    <Box<
                        [u8],
                    > as ::pshmem::__private::RawLayout>::view_mut(
                        &plan.field_names,
                        base,
                    )
                },
                particles: unsafe {
                    <Columns<
                        Particle,
                    > as ::pshmem::SharedLayout>::view_mut(&plan.field_particles, base)
                },
                step: unsafe {
                    <::pshmem::__private::Value<
                        u64,
                    > as ::pshmem::__private::RawLayout>::view_mut(
                        &plan.field_step,
                        base,
                    )
                },
            }
        }
        unsafe fn fields<'a>(
            plan: &'a <Self as ::pshmem::__private::Planned>::Plan,
            handle: ::pshmem::__private::Handle<'a>,
        ) -> Self::Fields<'a> {
            GasFields {
                density: unsafe {
                    ::pshmem::__private::field(handle, &plan.field_density)
                },
                lines: unsafe { ::pshmem::__private::field(handle, &plan.field_lines) },
                opacity: unsafe {
                    ::pshmem::__private::field(handle, &plan.field_opacity)
                },
                names: unsafe { ::pshmem::__private::field(handle, &plan.field_names) },
                particles: unsafe {
                    ::pshmem::__private::field(handle, &plan.field_particles)
                },
                step: unsafe { ::pshmem::__private::field(handle, &plan.field_step) },
            }
        }
        unsafe fn store(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::BaseMut<'_>,
            owned: &Self,
        ) {
            unsafe {
                <Array2<
                    f64,
                > as ::pshmem::__private::RawLayout>::store(
                    &plan.field_density,
                    base,
                    &owned.density,
                )
            };
            unsafe {
                <Vec<
                    Line,
                > as ::pshmem::__private::RawLayout>::store(
                    &plan.field_lines,
                    base,
                    &owned.lines,
                )
            };
            unsafe {
                <Opacity as ::pshmem::SharedLayout>::store(
                    &plan.field_opacity,
                    base,
                    &owned.opacity,
                )
            };
            unsafe {
                <Box<
                    [u8],
                > as ::pshmem::__private::RawLayout>::store(
                    &plan.field_names,
                    base,
                    &owned.names,
                )
            };
            unsafe {
                <Columns<
                    Particle,
                > as ::pshmem::SharedLayout>::store(
                    &plan.field_particles,
                    base,
                    &owned.particles,
                )
            };
            unsafe {
                <::pshmem::__private::Value<
                    u64,
                > as ::pshmem::__private::RawLayout>::store(
                    &plan.field_step,
                    base,
                    &owned.step,
                )
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
            use ::pshmem::__private::{PutNothing as _, PutValues as _};
            ::pshmem::__private::preview_field(
                f,
                true,
                "density",
                |f| {
                    (&::pshmem::__private::Probe::<Array2<f64>>::new())
                        .pshmem_put(view.density, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "lines",
                |f| {
                    (&::pshmem::__private::Probe::<Vec<Line>>::new())
                        .pshmem_put(view.lines, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "opacity",
                |f| {
                    (&::pshmem::__private::Probe::<Opacity>::new())
                        .pshmem_put(view.opacity, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "names",
                |f| {
                    (&::pshmem::__private::Probe::<Box<[u8]>>::new())
                        .pshmem_put(view.names, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "particles",
                |f| {
                    (&::pshmem::__private::Probe::<Columns<Particle>>::new())
                        .pshmem_put(view.particles, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "step",
                |f| {
                    (&::pshmem::__private::Probe::<
                        ::pshmem::__private::Value<u64>,
                    >::new())
                        .pshmem_put(view.step, f)
                },
            )?;
            ::core::result::Result::Ok(())
        }
    }
};
