// pub struct Particle {
//     /// Place.
//     pub x: [f64; 3],
//     mass: f32,
// }

///Read access to a shared [`Particle`]: references into node memory.
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
pub struct ParticleColumns<'a> {
    /// Place.
    pub x: &'a [[f64; 3]],
    ///Field `mass`.
    mass: &'a [f32],
}
///Write access to a shared [`Particle`] in the closure of an update. Fields that are borrowed mutably are sent to other nodes.
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
pub struct ParticleColumnsMut<'a> {
    /// Place.
    pub x: ::pshmem::SliceMut<'a, [f64; 3]>,
    ///Field `mass`.
    mass: ::pshmem::SliceMut<'a, f32>,
}
///Handles to the fields of a shared [`Particle`]. One field can be read while another is written.
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
pub struct ParticleColumnsFields<'a> {
    /// Place.
    pub x: ::pshmem::Field<'a, [[f64; 3]]>,
    ///Field `mass`.
    mass: ::pshmem::Field<'a, [f32]>,
}
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
impl<'a> ParticleColumns<'a> {
    /// Number of records.
    #[must_use]
    #[inline]
    pub fn len(&self) -> ::core::primitive::usize {
        <[_]>::len(&self.x)
    }
    /// Whether there are no records.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> ::core::primitive::bool {
        <[_]>::is_empty(&self.x)
    }
    ///Record `i` as a [`Particle`], gathered from the columns.
    ///
    /// # Panics
    /// If `i` is out of bounds.
    #[must_use]
    #[inline]
    pub fn get(&self, i: ::core::primitive::usize) -> Particle {
        Particle {
            x: self.x[i],
            mass: self.mass[i],
        }
    }
}
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
impl<'a> ParticleColumnsMut<'a> {
    /// Number of records.
    #[must_use]
    #[inline]
    pub fn len(&self) -> ::core::primitive::usize {
        <[_]>::len(&self.x)
    }
    /// Whether there are no records.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> ::core::primitive::bool {
        <[_]>::is_empty(&self.x)
    }
    ///Record `i` as a [`Particle`], gathered from the columns.
    ///
    /// # Panics
    /// If `i` is out of bounds.
    #[must_use]
    #[inline]
    pub fn get(&self, i: ::core::primitive::usize) -> Particle {
        Particle {
            x: self.x[i],
            mass: self.mass[i],
        }
    }
    /// Replaces record `i`: writes each field to its column.
    ///
    /// # Panics
    /// If `i` is out of bounds.
    #[inline]
    pub fn set(&mut self, i: ::core::primitive::usize, record: Particle) {
        self.x[i] = record.x;
        self.mass[i] = record.mass;
    }
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
    impl<'a> ::core::clone::Clone for ParticleColumns<'a> {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[automatically_derived]
    impl<'a> ::core::marker::Copy for ParticleColumns<'a> {}
    #[automatically_derived]
    impl<'a> ::core::fmt::Debug for ParticleColumns<'a> {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                ("x", (&::pshmem::__private::DebugOf(&self.x)).pshmem_debug()),
                ("mass", (&::pshmem::__private::DebugOf(&self.mass)).pshmem_debug()),
            ];
            ::pshmem::__private::debug_struct(f, "ParticleColumns", &fields)
        }
    }
    #[automatically_derived]
    impl<'a> ::core::fmt::Debug for ParticleColumnsMut<'a> {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                ("x", (&::pshmem::__private::DebugOf(&self.x)).pshmem_debug()),
                ("mass", (&::pshmem::__private::DebugOf(&self.mass)).pshmem_debug()),
            ];
            ::pshmem::__private::debug_struct(f, "ParticleColumnsMut", &fields)
        }
    }
    #[automatically_derived]
    impl<'a> ::core::fmt::Debug for ParticleColumnsFields<'a> {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                ("x", (&::pshmem::__private::DebugOf(&self.x)).pshmem_debug()),
                ("mass", (&::pshmem::__private::DebugOf(&self.mass)).pshmem_debug()),
            ];
            ::pshmem::__private::debug_struct(f, "ParticleColumnsFields", &fields)
        }
    }
    pub struct __ParticleColumnsPlan {
        len: ::core::primitive::usize,
        first_leaf: ::core::primitive::usize,
        field_x: ::pshmem::__private::FieldPlan<[[f64; 3]]>,
        field_mass: ::pshmem::__private::FieldPlan<[f32]>,
        end_leaf: ::core::primitive::usize,
    }
    #[automatically_derived]
    unsafe impl ::pshmem::SharedColumns for Particle {
        type Plan = __ParticleColumnsPlan;
        fn plan(
            len: ::core::primitive::usize,
            placer: &mut ::pshmem::__private::Placer,
        ) -> ::core::result::Result<Self::Plan, ::pshmem::Error> {
            ::core::result::Result::Ok(__ParticleColumnsPlan {
                len,
                first_leaf: <::pshmem::__private::Placer>::position(placer),
                field_x: <::pshmem::__private::Placer>::field::<
                    [[f64; 3]],
                    [f64; 3],
                >(placer, "x", 1, &len)?,
                field_mass: <::pshmem::__private::Placer>::field::<
                    [f32],
                    f32,
                >(placer, "mass", 1, &len)?,
                end_leaf: <::pshmem::__private::Placer>::position(placer),
            })
        }
        #[inline]
        fn len(plan: &Self::Plan) -> ::core::primitive::usize {
            plan.len
        }
        #[inline]
        fn leaves(plan: &Self::Plan) -> ::core::ops::Range<::core::primitive::usize> {
            plan.first_leaf..plan.end_leaf
        }
        type View<'a> = ParticleColumns<'a>;
        type ViewMut<'a> = ParticleColumnsMut<'a>;
        type Fields<'a> = ParticleColumnsFields<'a>;
        #[inline]
        unsafe fn view<'a>(
            plan: &Self::Plan,
            base: ::pshmem::__private::Base<'a>,
        ) -> Self::View<'a> {
            ParticleColumns {
                x: unsafe {
                    <::pshmem::__private::FieldPlan<
                        [[f64; 3]],
                    >>::view(&plan.field_x, base)
                },
                mass: unsafe {
                    <::pshmem::__private::FieldPlan<[f32]>>::view(&plan.field_mass, base)
                },
            }
        }
        #[inline]
        unsafe fn view_mut<'a>(
            plan: &Self::Plan,
            base: ::pshmem::__private::BaseMut<'a>,
        ) -> Self::ViewMut<'a> {
            ParticleColumnsMut {
                x: unsafe {
                    <::pshmem::__private::FieldPlan<
                        [[f64; 3]],
                    >>::view_mut(&plan.field_x, base)
                },
                mass: unsafe {
                    <::pshmem::__private::FieldPlan<
                        [f32],
                    >>::view_mut(&plan.field_mass, base)
                },
            }
        }
        #[inline]
        unsafe fn part<'a>(
            plan: &Self::Plan,
            base: ::pshmem::__private::BaseMut<'a>,
            rows: ::core::ops::Range<::core::primitive::usize>,
        ) -> Self::ViewMut<'a> {
            ParticleColumnsMut {
                x: unsafe {
                    <::pshmem::__private::FieldPlan<
                        [[f64; 3]],
                    >>::column_part(&plan.field_x, base, &rows)
                },
                mass: unsafe {
                    <::pshmem::__private::FieldPlan<
                        [f32],
                    >>::column_part(&plan.field_mass, base, &rows)
                },
            }
        }
        unsafe fn fields<'a>(
            plan: &'a Self::Plan,
            handle: ::pshmem::__private::Handle<'a>,
        ) -> Self::Fields<'a> {
            ParticleColumnsFields {
                x: unsafe {
                    <::pshmem::__private::FieldPlan<
                        [[f64; 3]],
                    >>::field(&plan.field_x, handle)
                },
                mass: unsafe {
                    <::pshmem::__private::FieldPlan<
                        [f32],
                    >>::field(&plan.field_mass, handle)
                },
            }
        }
        fn stack_columns<'a>(
            records: &'a [Self],
            into: &mut ::pshmem::__private::StackParts<'a>,
        ) {
            <::pshmem::__private::StackParts<
                'a,
            >>::column(into, "x", records, |record: &Self| record.x);
            <::pshmem::__private::StackParts<
                'a,
            >>::column(into, "mass", records, |record: &Self| record.mass);
        }
        unsafe fn store(
            plan: &Self::Plan,
            base: ::pshmem::__private::BaseMut<'_>,
            owned: &[Self],
        ) {
            let mut view = unsafe {
                <Self as ::pshmem::SharedColumns>::view_mut(plan, base)
            };
            for (value, record) in ::core::iter::Iterator::zip(
                <[_]>::iter_mut(&mut view.x),
                owned,
            ) {
                *value = record.x;
            }
            for (value, record) in ::core::iter::Iterator::zip(
                <[_]>::iter_mut(&mut view.mass),
                owned,
            ) {
                *value = record.mass;
            }
        }
        unsafe fn load(
            plan: &Self::Plan,
            base: ::pshmem::__private::Base<'_>,
        ) -> ::pshmem::__private::Vec<Self> {
            let view = unsafe { <Self as ::pshmem::SharedColumns>::view(plan, base) };
            let record = |i: ::core::primitive::usize| Particle {
                x: view.x[i],
                mass: view.mass[i],
            };
            ::core::iter::Iterator::collect(
                ::core::iter::Iterator::map(0..plan.len, record),
            )
        }
        fn preview(
            view: Self::View<'_>,
            f: &mut dyn ::core::fmt::Write,
        ) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithoutPreview as _, WithPreview as _};
            ::pshmem::__private::preview_field(
                f,
                true,
                "x",
                |f| {
                    (&::pshmem::__private::PreviewOf::<[[f64; 3]]>::new())
                        .pshmem_preview(view.x, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "mass",
                |f| {
                    (&::pshmem::__private::PreviewOf::<[f32]>::new())
                        .pshmem_preview(view.mass, f)
                },
            )?;
            ::core::result::Result::Ok(())
        }
    }
    #[automatically_derived]
    impl ::pshmem::__private::FileColumns for Particle
    where
        for<'__file> [[f64; 3]]: ::pshmem::__private::FileField<
            '__file,
            0usize,
            ::core::primitive::usize,
        >,
        for<'__file> [f32]: ::pshmem::__private::FileField<
            '__file,
            1usize,
            ::core::primitive::usize,
        >,
    {
        fn file_columns(into: &mut ::pshmem::__private::FileLeaves) {
            <[[f64; 3]] as ::pshmem::__private::FileField<
                '_,
                0usize,
                ::core::primitive::usize,
            >>::file_leaves("x", into);
            <[f32] as ::pshmem::__private::FileField<
                '_,
                1usize,
                ::core::primitive::usize,
            >>::file_leaves("mass", into);
        }
    }
};
