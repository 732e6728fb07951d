//! Names and paths of the user that generated code must not depend on.

/// A crate that re-exports pshmem under another name.
mod facade {
    pub use ::pshmem as shm;
}

/// A macro that knows pshmem by `$crate` only.
mod dollar_crate {
    macro_rules! define {
        ($name:ident, $inner:ident) => {
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
        };
    }

    define!(Outer, Inner);

    #[test]
    fn works() {
        use pshmem::{Comm, Shared};
        let shared = Shared::<Outer>::new(&Comm::solo(), OuterDims { n: 3 }).unwrap();
        assert_eq!(shared.view().inner.table, [0.0; 3]);
    }
}

mod renamed {
    // No crate is called `pshmem` here as far as generated code can tell: all paths go through the attribute.
    use super::facade::shm::{Columns, SharedColumns, SharedLayout};

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
        pub closed: bool,
    }

    #[test]
    fn works() {
        use super::facade::shm::{Comm, Shared};
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
    use ::pshmem::{Columns, Comm, Shared, SharedColumns, SharedLayout};

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

    #[test]
    fn works() {
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
