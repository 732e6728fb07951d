// #[shared(dims(n, m), rows = n)]
// pub struct Network<T> {
//     #[shared(shape = [n, m])]
//     links: Ragged<T>,
//     #[shared(dims = RaggedDims { rows: n, items: 8 * n })]
//     names: pshmem::Strings,
//     #[shared(shape = [n])]
//     people: Columns<Person>,
//     #[shared(shape = [HEAD])]
//     head: Text,
//     #[shared(value)]
//     title: text::Text,
//     own: Text<32>,
// }

///Extents of a shared [`Network`].
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
pub struct NetworkDims {
    ///The dim `n`.
    pub n: ::core::primitive::usize,
    ///The dim `m`.
    pub m: ::core::primitive::usize,
}
///Read access to a shared [`Network`]: references into node memory.
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
pub struct NetworkView<'a, T>
where
    T: ::pshmem::Element,
    pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
    Person: ::pshmem::SharedColumns,
    Text: ::pshmem::SharedLayout<Owned = Text>,
{
    ///Field `links`.
    links: <Ragged<T> as ::pshmem::SharedLayout>::View<'a>,
    ///Field `names`.
    names: <pshmem::Strings as ::pshmem::SharedLayout>::View<'a>,
    ///Field `people`.
    people: <Columns<Person> as ::pshmem::SharedLayout>::View<'a>,
    ///Field `head`.
    head: <Text as ::pshmem::SharedLayout>::View<'a>,
    ///Field `title`.
    title: &'a text::Text,
    ///Field `own`.
    own: &'a Text<32>,
}
///Write access to a shared [`Network`] in the closure of an update. Fields that are borrowed mutably are sent to other nodes.
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
pub struct NetworkViewMut<'a, T>
where
    T: ::pshmem::Element,
    pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
    Person: ::pshmem::SharedColumns,
    Text: ::pshmem::SharedLayout<Owned = Text>,
{
    ///Field `links`.
    links: <Ragged<T> as ::pshmem::SharedLayout>::ViewMut<'a>,
    ///Field `names`.
    names: <pshmem::Strings as ::pshmem::SharedLayout>::ViewMut<'a>,
    ///Field `people`.
    people: <Columns<Person> as ::pshmem::SharedLayout>::ViewMut<'a>,
    ///Field `head`.
    head: <Text as ::pshmem::SharedLayout>::ViewMut<'a>,
    ///Field `title`.
    title: ::pshmem::ValueMut<'a, text::Text>,
    ///Field `own`.
    own: ::pshmem::ValueMut<'a, Text<32>>,
}
///Handles to the fields of a shared [`Network`]. One field can be read while another is written.
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
pub struct NetworkFields<'a, T>
where
    T: ::pshmem::Element,
    pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
    Person: ::pshmem::SharedColumns,
    Text: ::pshmem::SharedLayout<Owned = Text>,
{
    ///Field `links`.
    links: ::pshmem::Field<'a, Ragged<T>>,
    ///Field `names`.
    names: ::pshmem::Field<'a, pshmem::Strings>,
    ///Field `people`.
    people: ::pshmem::Field<'a, Columns<Person>>,
    ///Field `head`.
    head: ::pshmem::Field<'a, Text>,
    ///Field `title`.
    title: ::pshmem::Field<'a, ::pshmem::__private::Value<text::Text>>,
    ///Field `own`.
    own: ::pshmem::Field<'a, ::pshmem::__private::Value<Text<32>>>,
}
///The rows of one rank of a shared [`Network`], for the closure of `update_parts`: those of each field whose extents begin with `n`.
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
pub struct NetworkPart<'a>
where
    Person: ::pshmem::SharedColumns,
{
    ///Field `people`.
    people: <Columns<Person> as ::pshmem::RowLayout>::Part<'a>,
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
    impl ::core::clone::Clone for NetworkDims {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[automatically_derived]
    impl ::core::marker::Copy for NetworkDims {}
    #[automatically_derived]
    impl ::core::cmp::PartialEq for NetworkDims {
        #[inline]
        fn eq(&self, other: &Self) -> ::core::primitive::bool {
            self.n == other.n && self.m == other.m
        }
    }
    #[automatically_derived]
    impl ::core::cmp::Eq for NetworkDims {}
    #[automatically_derived]
    impl ::core::fmt::Debug for NetworkDims {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            ::pshmem::__private::debug_struct(
                f,
                "NetworkDims",
                &[("n", &self.n), ("m", &self.m)],
            )
        }
    }
    #[automatically_derived]
    impl<'a, T> ::core::clone::Clone for NetworkView<'a, T>
    where
        T: ::pshmem::Element,
        pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
        Person: ::pshmem::SharedColumns,
        Text: ::pshmem::SharedLayout<Owned = Text>,
    {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[automatically_derived]
    impl<'a, T> ::core::marker::Copy for NetworkView<'a, T>
    where
        T: ::pshmem::Element,
        pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
        Person: ::pshmem::SharedColumns,
        Text: ::pshmem::SharedLayout<Owned = Text>,
    {}
    #[automatically_derived]
    impl<'a, T> ::core::fmt::Debug for NetworkView<'a, T>
    where
        T: ::pshmem::Element,
        pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
        Person: ::pshmem::SharedColumns,
        Text: ::pshmem::SharedLayout<Owned = Text>,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                ("links", (&::pshmem::__private::DebugOf(&self.links)).pshmem_debug()),
                ("names", (&::pshmem::__private::DebugOf(&self.names)).pshmem_debug()),
                ("people", (&::pshmem::__private::DebugOf(&self.people)).pshmem_debug()),
                ("head", (&::pshmem::__private::DebugOf(&self.head)).pshmem_debug()),
                ("title", (&::pshmem::__private::DebugOf(&self.title)).pshmem_debug()),
                ("own", (&::pshmem::__private::DebugOf(&self.own)).pshmem_debug()),
            ];
            ::pshmem::__private::debug_struct(f, "NetworkView", &fields)
        }
    }
    #[automatically_derived]
    impl<'a, T> ::core::fmt::Debug for NetworkViewMut<'a, T>
    where
        T: ::pshmem::Element,
        pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
        Person: ::pshmem::SharedColumns,
        Text: ::pshmem::SharedLayout<Owned = Text>,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                ("links", (&::pshmem::__private::DebugOf(&self.links)).pshmem_debug()),
                ("names", (&::pshmem::__private::DebugOf(&self.names)).pshmem_debug()),
                ("people", (&::pshmem::__private::DebugOf(&self.people)).pshmem_debug()),
                ("head", (&::pshmem::__private::DebugOf(&self.head)).pshmem_debug()),
                ("title", (&::pshmem::__private::DebugOf(&self.title)).pshmem_debug()),
                ("own", (&::pshmem::__private::DebugOf(&self.own)).pshmem_debug()),
            ];
            ::pshmem::__private::debug_struct(f, "NetworkViewMut", &fields)
        }
    }
    #[automatically_derived]
    impl<'a, T> ::core::fmt::Debug for NetworkFields<'a, T>
    where
        T: ::pshmem::Element,
        pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
        Person: ::pshmem::SharedColumns,
        Text: ::pshmem::SharedLayout<Owned = Text>,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                ("links", (&::pshmem::__private::DebugOf(&self.links)).pshmem_debug()),
                ("names", (&::pshmem::__private::DebugOf(&self.names)).pshmem_debug()),
                ("people", (&::pshmem::__private::DebugOf(&self.people)).pshmem_debug()),
                ("head", (&::pshmem::__private::DebugOf(&self.head)).pshmem_debug()),
                ("title", (&::pshmem::__private::DebugOf(&self.title)).pshmem_debug()),
                ("own", (&::pshmem::__private::DebugOf(&self.own)).pshmem_debug()),
            ];
            ::pshmem::__private::debug_struct(f, "NetworkFields", &fields)
        }
    }
    pub struct __NetworkPlan<T>
    where
        T: ::pshmem::Element,
        pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
        Person: ::pshmem::SharedColumns,
        Text: ::pshmem::SharedLayout<Owned = Text>,
    {
        dims: NetworkDims,
        first_leaf: ::core::primitive::usize,
        field_links: ::pshmem::__private::NestedPlan<Ragged<T>>,
        field_names: ::pshmem::__private::NestedPlan<pshmem::Strings>,
        field_people: ::pshmem::__private::NestedPlan<Columns<Person>>,
        field_head: ::pshmem::__private::NestedPlan<Text>,
        field_title: ::pshmem::__private::FieldPlan<
            ::pshmem::__private::Value<text::Text>,
        >,
        field_own: ::pshmem::__private::FieldPlan<::pshmem::__private::Value<Text<32>>>,
        end_leaf: ::core::primitive::usize,
    }
    #[automatically_derived]
    impl<T> ::pshmem::__private::Planned for Network<T>
    where
        T: ::pshmem::Element,
        pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
        Person: ::pshmem::SharedColumns,
        Text: ::pshmem::SharedLayout<Owned = Text>,
    {
        type Plan = __NetworkPlan<T>;
    }
    fn __extents_of_links<T>(
        dims: &NetworkDims,
    ) -> ::core::result::Result<
        <Ragged<T> as ::pshmem::SharedLayout>::Dims,
        ::pshmem::Error,
    >
    where
        T: ::pshmem::Element,
        pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
        Person: ::pshmem::SharedColumns,
        Text: ::pshmem::SharedLayout<Owned = Text>,
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
    fn __extents_of_names<T>(
        dims: &NetworkDims,
    ) -> ::core::result::Result<
        <pshmem::Strings as ::pshmem::SharedLayout>::Dims,
        ::pshmem::Error,
    >
    where
        T: ::pshmem::Element,
        pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
        Person: ::pshmem::SharedColumns,
        Text: ::pshmem::SharedLayout<Owned = Text>,
    {
        ::core::result::Result::Ok(RaggedDims {
            rows: (<::pshmem::__private::Placer>::extent(dims.n))
                .get("names", "n", dims)?,
            items: (<::pshmem::__private::Placer>::extent(8)
                * <::pshmem::__private::Placer>::extent(dims.n))
                .get("names", "8 * n", dims)?,
        })
    }
    fn __extents_of_people<T>(
        dims: &NetworkDims,
    ) -> ::core::result::Result<::core::primitive::usize, ::pshmem::Error>
    where
        T: ::pshmem::Element,
        pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
        Person: ::pshmem::SharedColumns,
        Text: ::pshmem::SharedLayout<Owned = Text>,
    {
        ::core::result::Result::Ok(
            (<::pshmem::__private::Placer>::extent(dims.n)).get("people", "n", dims)?,
        )
    }
    fn __extents_of_head<T>(
        dims: &NetworkDims,
    ) -> ::core::result::Result<<Text as ::pshmem::SharedLayout>::Dims, ::pshmem::Error>
    where
        T: ::pshmem::Element,
        pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
        Person: ::pshmem::SharedColumns,
        Text: ::pshmem::SharedLayout<Owned = Text>,
    {
        ::core::result::Result::Ok(
            <::pshmem::__private::NestedPlan<
                Text,
            >>::dims_from_shape::<
                1usize,
            >([(<::pshmem::__private::Placer>::extent(HEAD)).get("head", "HEAD", dims)?]),
        )
    }
    #[automatically_derived]
    unsafe impl<T> ::pshmem::SharedLayout for Network<T>
    where
        T: ::pshmem::Element,
        pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
        Person: ::pshmem::SharedColumns,
        Text: ::pshmem::SharedLayout<Owned = Text>,
    {
        type Owned = Self;
        type Dims = NetworkDims;
        type View<'a> = NetworkView<'a, T>;
        type ViewMut<'a> = NetworkViewMut<'a, T>;
        type Fields<'a> = NetworkFields<'a, T>;
        fn plan(
            dims: &Self::Dims,
            placer: &mut ::pshmem::__private::Placer,
        ) -> ::core::result::Result<
            <Self as ::pshmem::__private::Planned>::Plan,
            ::pshmem::Error,
        > {
            ::core::result::Result::Ok(__NetworkPlan {
                dims: *dims,
                first_leaf: <::pshmem::__private::Placer>::position(placer),
                field_links: <::pshmem::__private::Placer>::nested::<
                    Ragged<T>,
                >(placer, "links", 1, &__extents_of_links::<T>(dims)?)?,
                field_names: <::pshmem::__private::Placer>::nested::<
                    pshmem::Strings,
                >(placer, "names", 1, &__extents_of_names::<T>(dims)?)?,
                field_people: <::pshmem::__private::Placer>::nested::<
                    Columns<Person>,
                >(placer, "people", 1, &__extents_of_people::<T>(dims)?)?,
                field_head: <::pshmem::__private::Placer>::nested::<
                    Text,
                >(placer, "head", 1, &__extents_of_head::<T>(dims)?)?,
                field_title: <::pshmem::__private::Placer>::field::<
                    ::pshmem::__private::Value<text::Text>,
                    text::Text,
                >(placer, "title", 1, &())?,
                field_own: <::pshmem::__private::Placer>::field::<
                    ::pshmem::__private::Value<Text<32>>,
                    Text<32>,
                >(placer, "own", 1, &())?,
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
            let __actual_links = <::pshmem::__private::NestedPlan<
                Ragged<T>,
            >>::dims_of("links", &owned.links)?;
            let __actual_names = <::pshmem::__private::NestedPlan<
                pshmem::Strings,
            >>::dims_of("names", &owned.names)?;
            let __actual_people = <::pshmem::__private::NestedPlan<
                Columns<Person>,
            >>::dims_of("people", &owned.people)?;
            let __actual_head = <::pshmem::__private::NestedPlan<
                Text,
            >>::dims_of("head", &owned.head)?;
            let inferred = NetworkDims {
                n: <::pshmem::__private::NestedPlan<
                    Ragged<T>,
                >>::shape_of::<2usize>(&__actual_links)[0usize],
                m: <::pshmem::__private::NestedPlan<
                    Ragged<T>,
                >>::shape_of::<2usize>(&__actual_links)[1usize],
            };
            let dims = &inferred;
            <::pshmem::__private::NestedPlan<
                Ragged<T>,
            >>::check_dims("links", &__extents_of_links::<T>(dims)?, &__actual_links)?;
            <::pshmem::__private::NestedPlan<
                pshmem::Strings,
            >>::check_dims("names", &__extents_of_names::<T>(dims)?, &__actual_names)?;
            <::pshmem::__private::NestedPlan<
                Columns<Person>,
            >>::check_dims(
                "people",
                &__extents_of_people::<T>(dims)?,
                &__actual_people,
            )?;
            <::pshmem::__private::NestedPlan<
                Text,
            >>::check_dims("head", &__extents_of_head::<T>(dims)?, &__actual_head)?;
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
            ::core::option::Option::Some(NetworkDims {
                n: ::core::iter::Iterator::next(from)?,
                m: ::core::iter::Iterator::next(from)?,
            })
        }
        #[inline]
        unsafe fn view<'a>(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::Base<'a>,
        ) -> Self::View<'a> {
            NetworkView {
                links: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Ragged<T>,
                    >>::view(&plan.field_links, base)
                },
                names: unsafe {
                    <::pshmem::__private::NestedPlan<
                        pshmem::Strings,
                    >>::view(&plan.field_names, base)
                },
                people: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Columns<Person>,
                    >>::view(&plan.field_people, base)
                },
                head: unsafe {
                    <::pshmem::__private::NestedPlan<Text>>::view(&plan.field_head, base)
                },
                title: unsafe {
                    <::pshmem::__private::FieldPlan<
                        ::pshmem::__private::Value<text::Text>,
                    >>::view(&plan.field_title, base)
                },
                own: unsafe {
                    <::pshmem::__private::FieldPlan<
                        ::pshmem::__private::Value<Text<32>>,
                    >>::view(&plan.field_own, base)
                },
            }
        }
        unsafe fn load(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::Base<'_>,
        ) -> Self {
            Self {
                links: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Ragged<T>,
                    >>::load(&plan.field_links, base)
                },
                names: unsafe {
                    <::pshmem::__private::NestedPlan<
                        pshmem::Strings,
                    >>::load(&plan.field_names, base)
                },
                people: ::core::convert::From::from(unsafe {
                    <::pshmem::__private::NestedPlan<
                        Columns<Person>,
                    >>::load(&plan.field_people, base)
                }),
                head: unsafe {
                    <::pshmem::__private::NestedPlan<Text>>::load(&plan.field_head, base)
                },
                title: unsafe {
                    <::pshmem::__private::FieldPlan<
                        ::pshmem::__private::Value<text::Text>,
                    >>::load(&plan.field_title, base)
                },
                own: unsafe {
                    <::pshmem::__private::FieldPlan<
                        ::pshmem::__private::Value<Text<32>>,
                    >>::load(&plan.field_own, base)
                },
            }
        }
        #[inline]
        unsafe fn view_mut<'a>(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::BaseMut<'a>,
        ) -> Self::ViewMut<'a> {
            NetworkViewMut {
                links: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Ragged<T>,
                    >>::view_mut(&plan.field_links, base)
                },
                names: unsafe {
                    <::pshmem::__private::NestedPlan<
                        pshmem::Strings,
                    >>::view_mut(&plan.field_names, base)
                },
                people: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Columns<Person>,
                    >>::view_mut(&plan.field_people, base)
                },
                head: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Text,
                    >>::view_mut(&plan.field_head, base)
                },
                title: unsafe {
                    <::pshmem::__private::FieldPlan<
                        ::pshmem::__private::Value<text::Text>,
                    >>::view_mut(&plan.field_title, base)
                },
                own: unsafe {
                    <::pshmem::__private::FieldPlan<
                        ::pshmem::__private::Value<Text<32>>,
                    >>::view_mut(&plan.field_own, base)
                },
            }
        }
        unsafe fn fields<'a>(
            plan: &'a <Self as ::pshmem::__private::Planned>::Plan,
            handle: ::pshmem::__private::Handle<'a>,
        ) -> Self::Fields<'a> {
            NetworkFields {
                links: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Ragged<T>,
                    >>::field(&plan.field_links, handle)
                },
                names: unsafe {
                    <::pshmem::__private::NestedPlan<
                        pshmem::Strings,
                    >>::field(&plan.field_names, handle)
                },
                people: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Columns<Person>,
                    >>::field(&plan.field_people, handle)
                },
                head: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Text,
                    >>::field(&plan.field_head, handle)
                },
                title: unsafe {
                    <::pshmem::__private::FieldPlan<
                        ::pshmem::__private::Value<text::Text>,
                    >>::field(&plan.field_title, handle)
                },
                own: unsafe {
                    <::pshmem::__private::FieldPlan<
                        ::pshmem::__private::Value<Text<32>>,
                    >>::field(&plan.field_own, handle)
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
                    Ragged<T>,
                >>::store(&plan.field_links, base, &owned.links)
            };
            unsafe {
                <::pshmem::__private::NestedPlan<
                    pshmem::Strings,
                >>::store(&plan.field_names, base, &owned.names)
            };
            unsafe {
                <::pshmem::__private::NestedPlan<
                    Columns<Person>,
                >>::store(&plan.field_people, base, &owned.people)
            };
            unsafe {
                <::pshmem::__private::NestedPlan<
                    Text,
                >>::store(&plan.field_head, base, &owned.head)
            };
            unsafe {
                <::pshmem::__private::FieldPlan<
                    ::pshmem::__private::Value<text::Text>,
                >>::store(&plan.field_title, base, &owned.title)
            };
            unsafe {
                <::pshmem::__private::FieldPlan<
                    ::pshmem::__private::Value<Text<32>>,
                >>::store(&plan.field_own, base, &owned.own)
            };
        }
    }
    #[automatically_derived]
    impl<T> ::pshmem::Preview for Network<T>
    where
        T: ::pshmem::Element,
        pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
        Person: ::pshmem::SharedColumns,
        Text: ::pshmem::SharedLayout<Owned = Text>,
    {
        fn preview(
            view: Self::View<'_>,
            f: &mut dyn ::core::fmt::Write,
        ) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithoutPreview as _, WithPreview as _};
            ::pshmem::__private::preview_field(
                f,
                true,
                "links",
                |f| {
                    (&::pshmem::__private::PreviewOf::<Ragged<T>>::new())
                        .pshmem_preview(view.links, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "names",
                |f| {
                    (&::pshmem::__private::PreviewOf::<pshmem::Strings>::new())
                        .pshmem_preview(view.names, f)
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
                "head",
                |f| {
                    (&::pshmem::__private::PreviewOf::<Text>::new())
                        .pshmem_preview(view.head, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "title",
                |f| {
                    (&::pshmem::__private::PreviewOf::<
                        ::pshmem::__private::Value<text::Text>,
                    >::new())
                        .pshmem_preview(view.title, f)
                },
            )?;
            ::pshmem::__private::preview_field(
                f,
                false,
                "own",
                |f| {
                    (&::pshmem::__private::PreviewOf::<
                        ::pshmem::__private::Value<Text<32>>,
                    >::new())
                        .pshmem_preview(view.own, f)
                },
            )?;
            ::core::result::Result::Ok(())
        }
    }
    #[automatically_derived]
    impl<T> ::pshmem::FileLayout for Network<T>
    where
        T: ::pshmem::Element,
        pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
        Person: ::pshmem::SharedColumns,
        Text: ::pshmem::SharedLayout<Owned = Text>,
        for<'__file> Ragged<
            T,
        >: ::pshmem::__private::FileField<
            '__file,
            0usize,
            <Ragged<T> as ::pshmem::SharedLayout>::Dims,
        >,
        for<'__file> pshmem::Strings: ::pshmem::__private::FileField<
            '__file,
            1usize,
            <pshmem::Strings as ::pshmem::SharedLayout>::Dims,
        >,
        for<'__file> Columns<
            Person,
        >: ::pshmem::__private::FileField<'__file, 2usize, ::core::primitive::usize>,
        for<'__file> Text: ::pshmem::__private::FileField<
            '__file,
            3usize,
            <Text as ::pshmem::SharedLayout>::Dims,
        >,
        for<'__file> ::pshmem::__private::Value<
            text::Text,
        >: ::pshmem::__private::FileField<'__file, 4usize, ()>,
        for<'__file> ::pshmem::__private::Value<
            Text<32>,
        >: ::pshmem::__private::FileField<'__file, 5usize, ()>,
    {
        fn file_leaves(into: &mut ::pshmem::__private::FileLeaves) {
            <Ragged<
                T,
            > as ::pshmem::__private::FileField<
                '_,
                0usize,
                <Ragged<T> as ::pshmem::SharedLayout>::Dims,
            >>::file_leaves("links", into);
            <pshmem::Strings as ::pshmem::__private::FileField<
                '_,
                1usize,
                <pshmem::Strings as ::pshmem::SharedLayout>::Dims,
            >>::file_leaves("names", into);
            <Columns<
                Person,
            > as ::pshmem::__private::FileField<
                '_,
                2usize,
                ::core::primitive::usize,
            >>::file_leaves("people", into);
            <Text as ::pshmem::__private::FileField<
                '_,
                3usize,
                <Text as ::pshmem::SharedLayout>::Dims,
            >>::file_leaves("head", into);
            <::pshmem::__private::Value<
                text::Text,
            > as ::pshmem::__private::FileField<
                '_,
                4usize,
                (),
            >>::file_leaves("title", into);
            <::pshmem::__private::Value<
                Text<32>,
            > as ::pshmem::__private::FileField<
                '_,
                5usize,
                (),
            >>::file_leaves("own", into);
        }
        fn dims_from_shapes(
            shapes: &mut ::pshmem::__private::LeafShapes<'_>,
        ) -> ::core::result::Result<
            <Self as ::pshmem::SharedLayout>::Dims,
            ::pshmem::Error,
        > {
            let __actual_links = <Ragged<
                T,
            > as ::pshmem::__private::FileField<
                '_,
                0usize,
                <Ragged<T> as ::pshmem::SharedLayout>::Dims,
            >>::dims_from_shapes("links", shapes)?;
            let __actual_names = <pshmem::Strings as ::pshmem::__private::FileField<
                '_,
                1usize,
                <pshmem::Strings as ::pshmem::SharedLayout>::Dims,
            >>::dims_from_shapes("names", shapes)?;
            let __actual_people = <Columns<
                Person,
            > as ::pshmem::__private::FileField<
                '_,
                2usize,
                ::core::primitive::usize,
            >>::dims_from_shapes("people", shapes)?;
            let __actual_head = <Text as ::pshmem::__private::FileField<
                '_,
                3usize,
                <Text as ::pshmem::SharedLayout>::Dims,
            >>::dims_from_shapes("head", shapes)?;
            <::pshmem::__private::Value<
                text::Text,
            > as ::pshmem::__private::FileField<
                '_,
                4usize,
                (),
            >>::dims_from_shapes("title", shapes)?;
            <::pshmem::__private::Value<
                Text<32>,
            > as ::pshmem::__private::FileField<
                '_,
                5usize,
                (),
            >>::dims_from_shapes("own", shapes)?;
            let inferred = NetworkDims {
                n: __actual_people,
                m: <::pshmem::__private::NestedPlan<
                    Ragged<T>,
                >>::shape_of::<2usize>(&__actual_links)[1usize],
            };
            let dims = &inferred;
            <Ragged<
                T,
            > as ::pshmem::__private::FileField<
                '_,
                0usize,
                <Ragged<T> as ::pshmem::SharedLayout>::Dims,
            >>::check_dims("links", &__extents_of_links::<T>(dims)?, &__actual_links)?;
            <pshmem::Strings as ::pshmem::__private::FileField<
                '_,
                1usize,
                <pshmem::Strings as ::pshmem::SharedLayout>::Dims,
            >>::check_dims("names", &__extents_of_names::<T>(dims)?, &__actual_names)?;
            <Columns<
                Person,
            > as ::pshmem::__private::FileField<
                '_,
                2usize,
                ::core::primitive::usize,
            >>::check_dims(
                "people",
                &__extents_of_people::<T>(dims)?,
                &__actual_people,
            )?;
            <Text as ::pshmem::__private::FileField<
                '_,
                3usize,
                <Text as ::pshmem::SharedLayout>::Dims,
            >>::check_dims("head", &__extents_of_head::<T>(dims)?, &__actual_head)?;
            ::core::result::Result::Ok(inferred)
        }
    }
    #[automatically_derived]
    impl<T> ::pshmem::StackLayout for Network<T>
    where
        T: ::pshmem::Element,
        pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
        Person: ::pshmem::SharedColumns,
        Text: ::pshmem::SharedLayout<Owned = Text>,
        for<'__stack> Ragged<
            T,
        >: ::pshmem::__private::StackField<
            '__stack,
            0usize,
            Ragged<T>,
            <Ragged<T> as ::pshmem::SharedLayout>::Dims,
        >,
        for<'__stack> pshmem::Strings: ::pshmem::__private::StackField<
            '__stack,
            1usize,
            pshmem::Strings,
            <pshmem::Strings as ::pshmem::SharedLayout>::Dims,
        >,
        for<'__stack> Columns<
            Person,
        >: ::pshmem::__private::StackField<
            '__stack,
            2usize,
            ::pshmem::__private::Vec<Person>,
            ::core::primitive::usize,
        >,
        for<'__stack> Text: ::pshmem::__private::StackField<
            '__stack,
            3usize,
            Text,
            <Text as ::pshmem::SharedLayout>::Dims,
        >,
        for<'__stack> ::pshmem::__private::Value<
            text::Text,
        >: ::pshmem::__private::StackField<'__stack, 4usize, text::Text, ()>,
        for<'__stack> ::pshmem::__private::Value<
            Text<32>,
        >: ::pshmem::__private::StackField<'__stack, 5usize, Text<32>, ()>,
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
            <Ragged<
                T,
            > as ::pshmem::__private::StackField<
                '_,
                0usize,
                Ragged<T>,
                <Ragged<T> as ::pshmem::SharedLayout>::Dims,
            >>::rows("links", &rows.links, into)?;
            <pshmem::Strings as ::pshmem::__private::StackField<
                '_,
                1usize,
                pshmem::Strings,
                <pshmem::Strings as ::pshmem::SharedLayout>::Dims,
            >>::rows("names", &rows.names, into)?;
            <Columns<
                Person,
            > as ::pshmem::__private::StackField<
                '_,
                2usize,
                ::pshmem::__private::Vec<Person>,
                ::core::primitive::usize,
            >>::rows("people", &rows.people, into)?;
            <Text as ::pshmem::__private::StackField<
                '_,
                3usize,
                Text,
                <Text as ::pshmem::SharedLayout>::Dims,
            >>::common("head", &rows.head, into)?;
            <::pshmem::__private::Value<
                text::Text,
            > as ::pshmem::__private::StackField<
                '_,
                4usize,
                text::Text,
                (),
            >>::common("title", &rows.title, into)?;
            <::pshmem::__private::Value<
                Text<32>,
            > as ::pshmem::__private::StackField<
                '_,
                5usize,
                Text<32>,
                (),
            >>::common("own", &rows.own, into)?;
            ::core::result::Result::Ok(())
        }
        fn dims_of_stack(
            shapes: &mut ::pshmem::__private::StackShapes<'_>,
        ) -> ::core::result::Result<
            <Self as ::pshmem::SharedLayout>::Dims,
            ::pshmem::Error,
        > {
            let __actual_links = <Ragged<
                T,
            > as ::pshmem::__private::StackField<
                '_,
                0usize,
                Ragged<T>,
                <Ragged<T> as ::pshmem::SharedLayout>::Dims,
            >>::dims_of_stack("links", shapes)?;
            let __actual_names = <pshmem::Strings as ::pshmem::__private::StackField<
                '_,
                1usize,
                pshmem::Strings,
                <pshmem::Strings as ::pshmem::SharedLayout>::Dims,
            >>::dims_of_stack("names", shapes)?;
            let __actual_people = <Columns<
                Person,
            > as ::pshmem::__private::StackField<
                '_,
                2usize,
                ::pshmem::__private::Vec<Person>,
                ::core::primitive::usize,
            >>::dims_of_stack("people", shapes)?;
            let __actual_head = <Text as ::pshmem::__private::StackField<
                '_,
                3usize,
                Text,
                <Text as ::pshmem::SharedLayout>::Dims,
            >>::dims_of_stack("head", shapes)?;
            <::pshmem::__private::Value<
                text::Text,
            > as ::pshmem::__private::StackField<
                '_,
                4usize,
                text::Text,
                (),
            >>::dims_of_stack("title", shapes)?;
            <::pshmem::__private::Value<
                Text<32>,
            > as ::pshmem::__private::StackField<
                '_,
                5usize,
                Text<32>,
                (),
            >>::dims_of_stack("own", shapes)?;
            let inferred = NetworkDims {
                n: <::pshmem::__private::NestedPlan<
                    Ragged<T>,
                >>::shape_of::<2usize>(&__actual_links)[0usize],
                m: <::pshmem::__private::NestedPlan<
                    Ragged<T>,
                >>::shape_of::<2usize>(&__actual_links)[1usize],
            };
            let dims = &inferred;
            <::pshmem::__private::NestedPlan<
                Ragged<T>,
            >>::check_dims("links", &__extents_of_links::<T>(dims)?, &__actual_links)?;
            <::pshmem::__private::NestedPlan<
                pshmem::Strings,
            >>::check_dims("names", &__extents_of_names::<T>(dims)?, &__actual_names)?;
            <::pshmem::__private::NestedPlan<
                Columns<Person>,
            >>::check_dims(
                "people",
                &__extents_of_people::<T>(dims)?,
                &__actual_people,
            )?;
            <::pshmem::__private::NestedPlan<
                Text,
            >>::check_dims("head", &__extents_of_head::<T>(dims)?, &__actual_head)?;
            ::core::result::Result::Ok(inferred)
        }
    }
    #[automatically_derived]
    impl<T> ::pshmem::AsRows<Network<T>> for Network<T>
    where
        T: ::pshmem::Element,
        pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
        Person: ::pshmem::SharedColumns,
        Text: ::pshmem::SharedLayout<Owned = Text>,
        for<'__stack> Ragged<
            T,
        >: ::pshmem::__private::StackField<
            '__stack,
            0usize,
            Ragged<T>,
            <Ragged<T> as ::pshmem::SharedLayout>::Dims,
        >,
        for<'__stack> pshmem::Strings: ::pshmem::__private::StackField<
            '__stack,
            1usize,
            pshmem::Strings,
            <pshmem::Strings as ::pshmem::SharedLayout>::Dims,
        >,
        for<'__stack> Columns<
            Person,
        >: ::pshmem::__private::StackField<
            '__stack,
            2usize,
            ::pshmem::__private::Vec<Person>,
            ::core::primitive::usize,
        >,
        for<'__stack> Text: ::pshmem::__private::StackField<
            '__stack,
            3usize,
            Text,
            <Text as ::pshmem::SharedLayout>::Dims,
        >,
        for<'__stack> ::pshmem::__private::Value<
            text::Text,
        >: ::pshmem::__private::StackField<'__stack, 4usize, text::Text, ()>,
        for<'__stack> ::pshmem::__private::Value<
            Text<32>,
        >: ::pshmem::__private::StackField<'__stack, 5usize, Text<32>, ()>,
    {
        fn as_rows(&self) -> &Self {
            self
        }
    }
    #[automatically_derived]
    impl<'a> ::core::fmt::Debug for NetworkPart<'a>
    where
        Person: ::pshmem::SharedColumns,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            use ::pshmem::__private::{WithDebug as _, WithoutDebug as _};
            let fields = [
                ("people", (&::pshmem::__private::DebugOf(&self.people)).pshmem_debug()),
            ];
            ::pshmem::__private::debug_struct(f, "NetworkPart", &fields)
        }
    }
    #[automatically_derived]
    unsafe impl<T> ::pshmem::RowLayout for Network<T>
    where
        T: ::pshmem::Element,
        pshmem::Strings: ::pshmem::SharedLayout<Owned = pshmem::Strings>,
        Person: ::pshmem::SharedColumns,
        Text: ::pshmem::SharedLayout<Owned = Text>,
    {
        type Part<'a> = NetworkPart<'a>;
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
            <::pshmem::__private::NestedPlan<
                Columns<Person>,
            >>::row_leaves::<2usize>(&plan.field_people, "people", into);
        }
        unsafe fn part<'a>(
            plan: &<Self as ::pshmem::__private::Planned>::Plan,
            base: ::pshmem::__private::BaseMut<'a>,
            rows: ::core::ops::Range<::core::primitive::usize>,
        ) -> Self::Part<'a> {
            NetworkPart {
                people: unsafe {
                    <::pshmem::__private::NestedPlan<
                        Columns<Person>,
                    >>::part::<2usize>(&plan.field_people, base, &rows)
                },
            }
        }
    }
};
