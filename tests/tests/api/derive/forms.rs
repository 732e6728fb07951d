//! Every form of struct that the derive accepts.

use bytemuck::{Pod, Zeroable};
use num_complex::Complex64;
use pshmem::{Columns, Comm, Element, Shared, SharedColumns, SharedLayout};
use std::fmt::Debug;
use std::marker::PhantomData;

type Grid = ndarray::Array2<f32>;

#[derive(SharedLayout)]
pub struct Containers {
    pub a1: ndarray::Array1<u8>,
    pub a2: ndarray::Array<f64, ndarray::Ix2>,
    pub a3: ndarray::Array<f64, ndarray::Dim<[usize; 3]>>,
    pub a4: ndarray::Array4<i16>,
    pub a5: ndarray::Array5<i16>,
    pub a6: ndarray::Array6<[f32; 3]>,
    pub vec: std::vec::Vec<bool>,
    pub boxed: ::std::boxed::Box<[char]>,
    #[shared(layout)]
    pub grid: Grid,
}

#[test]
fn containers_by_any_path() {
    let dims = ContainersDims {
        a1: [1],
        a2: [1, 2],
        a3: [1, 2, 3],
        a4: [1; 4],
        a5: [1; 5],
        a6: [2; 6],
        vec: 3,
        boxed: 4,
        grid: [5, 6],
    };
    let shared = Shared::<Containers>::new(&Comm::solo(), dims).unwrap();
    assert_eq!(shared.dims(), dims);
    assert_eq!(shared.view().grid.dim(), (5, 6));
    assert_eq!(shared.view().boxed, ['\0'; 4]);
    assert_eq!(shared.to_owned().a6[[1; 6]], [0.0; 3]);
}

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Plain {
    x: u32,
    y: f32,
}

#[derive(SharedLayout)]
struct Values {
    number: u128,
    flag: bool,
    letter: char,
    complex: Complex64,
    list: [[i32; 2]; 3],
    plain: Plain,
    nothing: (),
}

#[test]
fn a_struct_of_values_has_no_extents() {
    let mut shared = Shared::<Values>::new(&Comm::solo(), ()).unwrap();
    shared
        .update(0, |mut w| {
            *w.letter = 'ä';
            w.list[2][1] = -1;
            w.plain.y = 2.0;
            *w.complex = Complex64::new(1.0, 2.0);
            *w.flag = true;
        })
        .unwrap();
    let owned = shared.to_owned();
    assert_eq!(
        (owned.letter, owned.list[2][1], owned.plain.y, owned.flag),
        ('ä', -1, 2.0, true)
    );
    assert_eq!(
        (owned.number, owned.complex.im, owned.nothing),
        (0, 2.0, ())
    );
    let () = shared.dims();
}

/// Bounds in every place; `Dims` carries no parameter.
#[derive(Debug, Clone, PartialEq, SharedLayout)]
pub struct Table<T: Element + Debug, const N: usize, U = u8>
where
    U: Element,
    [T; N]: Element,
{
    rows: Vec<[T; N]>,
    head: [T; N],
    last: U,
}

/// No bounds at all: the derive asks for those that the fields need.
#[derive(Debug, Clone, PartialEq, SharedLayout)]
pub struct Loose<T> {
    values: Vec<T>,
    one: T,
    marker: PhantomData<T>,
}

/// `Dims` needs `L` only.
#[derive(SharedLayout)]
pub struct Nested<L: SharedLayout<Owned = L>, T: Element> {
    #[shared(layout)]
    inner: L,
    values: Vec<T>,
}

#[derive(SharedLayout)]
pub struct Outer<T: Element> {
    #[shared(layout)]
    loose: Loose<T>,
}

#[derive(Clone, Copy, Debug, PartialEq, SharedColumns)]
pub struct Pair<A: Copy> {
    a: A,
    b: u8,
}

#[derive(SharedLayout)]
pub struct Pairs<A: Element> {
    pairs: Columns<Pair<A>>,
}

#[test]
fn generic_structs() {
    let comm = Comm::solo();
    let table = Shared::<Table<f32, 3>>::new(&comm, TableDims { rows: 2 }).unwrap();
    assert_eq!(table.view().rows, [[0.0; 3]; 2]);
    assert!(format!("{:?}", table.view()).contains("[0.0, 0.0, 0.0]"));

    let loose = Loose {
        values: vec![1_u8, 2],
        one: 3,
        marker: PhantomData,
    };
    let shared = Shared::<Loose<u8>>::from_root(&comm, 0, || loose.clone()).unwrap();
    assert_eq!(shared.to_owned(), loose);

    let dims = NestedDims::<Loose<u8>> {
        inner: LooseDims { values: 2 },
        values: 3,
    };
    let nested = Shared::<Nested<Loose<u8>, u64>>::new(&comm, dims).unwrap();
    assert_eq!(
        (nested.view().inner.values.len(), nested.view().values.len()),
        (2, 3)
    );

    let dims = OuterDims::<f64> {
        loose: LooseDims { values: 2 },
    };
    assert_eq!(Shared::<Outer<f64>>::new(&comm, dims).unwrap().dims(), dims);

    let pairs = Shared::<Pairs<i32>>::from_root(&comm, 0, || Pairs {
        pairs: vec![Pair { a: 1, b: 2 }].into(),
    })
    .unwrap();
    assert_eq!(pairs.view().pairs.a, [1]);
}

mod inner {
    use super::*;

    #[derive(SharedLayout)]
    pub(crate) struct Visible {
        pub open: Vec<u8>,
        pub(super) half: Vec<u8>,
        shut: u8,
    }

    impl Visible {
        pub(crate) fn new() -> Self {
            Visible {
                open: vec![1],
                half: vec![2],
                shut: 3,
            }
        }

        pub(crate) fn shut(view: VisibleView<'_>) -> u8 {
            *view.shut
        }
    }
}

#[test]
fn fields_are_as_visible_as_in_the_struct() {
    let shared =
        Shared::<inner::Visible>::from_root(&Comm::solo(), 0, inner::Visible::new).unwrap();
    let view = shared.view();
    assert_eq!(
        (view.open, view.half, inner::Visible::shut(view)),
        (&[1][..], &[2][..], 3)
    );
}

#[derive(SharedLayout)]
#[allow(dead_code)]
struct Configured {
    kept: Vec<u8>,
    #[cfg(any())]
    gone: std::collections::HashMap<String, String>,
    #[cfg(not(any()))]
    here: Vec<u8>,
    #[cfg_attr(not(any()), shared(layout))]
    marked: Grid,
}

#[test]
fn fields_that_are_configured_away_do_not_count() {
    let dims = ConfiguredDims {
        kept: 1,
        here: 2,
        marked: [3, 4],
    };
    assert_eq!(
        Shared::<Configured>::new(&Comm::solo(), dims)
            .unwrap()
            .view()
            .here
            .len(),
        2
    );
}

#[derive(SharedLayout)]
#[shared(dims(r#in))]
struct Raw {
    #[shared(shape = [r#in + 1])]
    r#type: Vec<u8>,
    #[shared(shape = [r#in])]
    r#fn: Vec<u8>,
    r#struct: u8,
}

#[test]
fn raw_identifiers() {
    let shared = Shared::<Raw>::new(&Comm::solo(), RawDims { r#in: 3 }).unwrap();
    let view = shared.view();
    assert_eq!(
        (view.r#type.len(), view.r#fn.len(), *view.r#struct),
        (4, 3, 0)
    );
    assert_eq!(shared.schema().fields[0].name, "type");
    assert!(shared.to_string().contains("\nfn: [0, 0, 0]"), "{shared}");
}

#[derive(SharedLayout)]
struct OwnName {
    list: [u8; Self::LENGTH],
}

impl OwnName {
    const LENGTH: usize = 3;
}

#[test]
fn self_in_a_type_is_the_struct() {
    assert_eq!(
        Shared::<OwnName>::new(&Comm::solo(), ())
            .unwrap()
            .view()
            .list
            .len(),
        3
    );
}

macro_rules! layout {
    ($name:ident, $ty:ty, $n:expr) => {
        #[derive(SharedLayout)]
        #[shared(dims(n))]
        struct $name {
            #[shared(shape = [n])]
            values: $ty,
            #[shared(shape = [$n * n])]
            more: Vec<u8>,
        }
    };
}

layout!(Made, Vec<f64>, 1 + 2);

#[test]
fn structs_made_by_macros() {
    let shared = Shared::<Made>::new(&Comm::solo(), MadeDims { n: 2 }).unwrap();
    assert_eq!(
        (shared.view().values.len(), shared.view().more.len()),
        (2, 6)
    );
}

#[test]
fn views_of_longer_lives_stand_in_for_shorter() {
    fn shorter<'s>(view: TableView<'static, f32, 3>, _: &'s u8) -> TableView<'s, f32, 3> {
        view
    }
    let _ = shorter;
}

#[test]
fn structs_in_functions() {
    const N: usize = 2;
    #[derive(SharedLayout)]
    #[shared(dims(n))]
    struct Local {
        #[shared(shape = [n * N])]
        values: Vec<u8>,
        #[shared(shape = [n])]
        more: Vec<u8>,
    }
    let shared = Shared::<Local>::new(&Comm::solo(), LocalDims { n: 3 }).unwrap();
    assert_eq!(
        (shared.view().values.len(), shared.view().more.len()),
        (6, 3)
    );
}

/// Has neither `Debug` nor any other trait that prints.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Silent {
    value: u64,
}

#[derive(SharedLayout)]
struct Half {
    list: Vec<Silent>,
    one: Silent,
    step: u64,
}

#[test]
fn what_cannot_be_printed_is_left_out() {
    let comm = Comm::solo();
    let half = || Half {
        list: vec![Silent { value: 1 }],
        one: Silent { value: 2 },
        step: 3,
    };
    let shared = Shared::<Half>::from_root(&comm, 0, half).unwrap();
    assert!(
        shared.to_string().ends_with("list: ..\none: ..\nstep: 3"),
        "{shared}"
    );
    assert_eq!(
        format!("{:?}", shared.view()),
        "HalfView { list: .., one: .., step: 3 }"
    );
    assert_eq!(shared.view().list[0].value + shared.view().one.value, 3);
}

#[derive(SharedLayout)]
struct Marked {
    #[shared(layout)]
    number: f64,
    #[shared(layout)]
    list: Vec<u8>,
}

#[test]
fn layout_on_what_is_a_layout_anyway() {
    let shared = Shared::<Marked>::new(
        &Comm::solo(),
        MarkedDims {
            number: (),
            list: 3,
        },
    )
    .unwrap();
    assert_eq!(
        (*shared.view().number, shared.view().list),
        (0.0, &[0; 3][..])
    );
}
