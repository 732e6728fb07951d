//! Names and paths of the user that generated code must not depend on.

/// A crate that re-exports pshmem under another name.
mod facade {
    pub use ::pshmem as shm;
}

/// A macro that knows pshmem by `$crate` only.
mod dollar_crate {
    macro_rules! define {
        ($name:ident, $inner:ident, $number:ident) => {
            #[derive($crate::derive::hygiene::facade::shm::SharedLayout)]
            #[shared(crate = $crate::derive::hygiene::facade::shm)]
            pub struct $inner {
                pub table: Vec<f64>,
            }

            #[derive($crate::derive::hygiene::facade::shm::SharedLayout)]
            #[shared(crate = $crate::derive::hygiene::facade::shm, dims(n))]
            pub struct $name {
                #[shared(shape = [n])]
                pub line: ::ndarray::Array1<u8>,
                #[shared(dims = InnerDims { table: n })]
                pub inner: $inner,
                pub step: u64,
            }

            #[derive(
                Clone,
                Copy,
                ::bytemuck::Pod,
                ::bytemuck::Zeroable,
                $crate::derive::hygiene::facade::shm::Record,
            )]
            #[shared(crate = $crate::derive::hygiene::facade::shm)]
            #[repr(transparent)]
            pub struct $number {
                pub number: u32,
            }
        };
    }

    define!(Outer, Inner, Letter);

    #[test]
    fn works() {
        use pshmem::{Comm, FileLayout, Record, Shared};
        fn can_be_saved<L: FileLayout>() {}
        can_be_saved::<Outer>();
        assert_eq!(Letter::item(), u32::item());
        let shared = Shared::<Outer>::new(&Comm::solo(), OuterDims { n: 3 }).unwrap();
        assert_eq!(shared.view().inner.table, [0.0; 3]);
    }
}

mod renamed {
    // No crate is called `pshmem` here as far as generated code can tell: all paths go through the attribute.
    use super::facade::shm::{Columns, Record, SharedColumns, SharedLayout};

    #[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable, Record)]
    #[shared(crate = super::facade::shm)]
    #[repr(C)]
    pub struct Mark {
        pub at: f64,
    }

    #[derive(Clone, Copy, bytemuck::NoUninit, bytemuck::Zeroable, Record)]
    #[shared(crate = super::facade::shm)]
    #[repr(u8)]
    pub enum Colour {
        Red,
        Blue,
    }

    #[derive(Clone, Copy, SharedColumns)]
    #[shared(crate = super::facade::shm)]
    pub struct Point {
        pub x: f64,
    }

    #[derive(SharedLayout)]
    #[shared(crate = super::facade::shm, dims(n))]
    pub struct Path {
        #[shared(shape = [n])]
        pub points: Columns<Point>,
        #[shared(shape = [n])]
        pub marks: Vec<Mark>,
        pub colour: Colour,
        pub closed: bool,
    }

    #[test]
    fn works() {
        use super::facade::shm::{Comm, FileLayout, Shared};
        fn can_be_saved<L: FileLayout>() {}
        can_be_saved::<Path>();
        assert!(Colour::is_valid(&[Colour::Blue as u8]) && !Colour::is_valid(&[2]));
        assert_eq!(Mark::item().size(), 8);
        let shared = Shared::<Path>::new(&Comm::solo(), PathDims { n: 3 }).unwrap();
        assert_eq!(shared.view().points.x, [0.0; 3]);
    }
}

/// Names that generated code uses or could use, defined by the user as something else.
#[allow(
    dead_code,
    unused_macros,
    unused_imports,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals
)]
mod shadowed {
    use ::bytemuck::{NoUninit, Zeroable};
    use ::pshmem::{Columns, Comm, FileLayout, Shared, SharedColumns, SharedLayout};

    mod std {}
    mod core {}
    mod alloc {}
    mod ndarray {}
    struct Option;
    struct Result;
    struct Some;
    struct None;
    struct Ok;
    struct Err;
    struct Box;
    struct Vec;
    struct String;
    struct Iterator;
    struct From;
    struct Clone;
    struct Copy;
    struct Debug;
    struct Value;
    struct Field;
    struct Plan;
    struct Range;
    struct Item;
    struct Dtype;
    struct StructField;
    struct usize;
    struct bool;
    /// A method on every type, with a common name.
    trait Show {
        fn show(&self) {}
        fn put(&self) {}
        fn field(&self) {}
        fn len(&self) {}
        fn view(&self) {}
    }
    impl<T> Show for T {}
    trait Element {}
    trait Preview {}
    trait Sized {}
    macro_rules! unreachable {
        () => {
            compile_error!("shadowed")
        };
    }
    pub(crate) use unreachable;

    #[derive(SharedLayout)]
    struct Inner {
        table: ::std::vec::Vec<f64>,
    }

    #[derive(SharedLayout)]
    struct Gas {
        dims: ::std::vec::Vec<f64>,
        plan: ::std::boxed::Box<[u8]>,
        span: ::ndarray::Array2<u8>,
        #[shared(layout)]
        owned: Inner,
        first_leaf: u8,
        end_leaf: u8,
        view: u8,
    }

    #[derive(SharedLayout)]
    #[shared(dims(dims, owned))]
    struct Named {
        #[shared(shape = [dims, owned])]
        found: ::ndarray::Array2<u8>,
        #[shared(dims = InnerDims { table: dims })]
        inferred: Inner,
    }

    #[derive(SharedColumns)]
    struct Record {
        len: u8,
        i: f64,
    }

    #[derive(Clone, Copy, NoUninit, Zeroable, ::pshmem::Record)]
    #[repr(u8)]
    enum Kind {
        Some,
        None,
    }

    impl Kind {
        const Some: u8 = 7;
    }

    #[derive(Clone, Copy, NoUninit, Zeroable, ::pshmem::Record)]
    #[repr(C)]
    struct Cell {
        bytes: u8,
        at: u8,
        is_valid: Kind,
    }

    #[test]
    fn works() {
        fn is_valid<T: ::pshmem::Record>(bytes: &[u8]) -> ::core::primitive::bool {
            T::is_valid(bytes)
        }
        fn can_be_saved<L: FileLayout>() {}
        can_be_saved::<Gas>();
        can_be_saved::<Named>();
        can_be_saved::<Columns<Record>>();
        ::std::assert!(is_valid::<Cell>(&[9, 9, 1]) && !is_valid::<Cell>(&[1, 1, 7]));
        let comm = Comm::solo();
        let make = || ::std::vec::Vec::from([Record { len: 1, i: 2.0 }]);
        let records = Shared::<Columns<Record>>::from_root(&comm, 0, make).unwrap();
        assert_eq!(
            (
                records.view().len(),
                records.view().get(0).len,
                records.view().i[0]
            ),
            (1, 1, 2.0)
        );
        let dims = GasDims {
            dims: 1,
            plan: 2,
            span: [3, 4],
            owned: InnerDims { table: 5 },
        };
        let shared = Shared::<Gas>::new(&comm, dims).unwrap();
        assert_eq!(shared.view().owned.table.len(), 5);
        let named = Shared::<Named>::new(&comm, NamedDims { dims: 1, owned: 2 }).unwrap();
        assert_eq!(named.view().found.dim(), (1, 2));
    }
}
