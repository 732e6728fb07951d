//! Parts of structs with `rows = n`: which fields they have, and of which types.

use ndarray::{Array1, ArrayViewMut2};
use pshmem::local::Cluster;
use pshmem::{Comm, Element, RowLayout, Shared, SharedLayout};

mod forms {
    use super::*;
    use ndarray::Array2;
    use pshmem::{Columns, Ragged, SharedColumns};

    #[derive(Clone, Copy, Debug, PartialEq, SharedColumns)]
    pub struct Point {
        pub x: f64,
        pub y: f64,
    }

    /// All parameters; those of fields that are not in the part are not parameters of it.
    #[derive(SharedLayout)]
    #[shared(dims(r#type, m), rows = r#type)]
    pub struct Wide<T: Element, L, U, const N: usize>
    where
        L: SharedLayout<Owned = L, Dims = usize>,
        [U; N]: Element,
    {
        /// Rows of an array.
        #[shared(shape = [r#type, m])]
        pub r#fn: Array2<T>,
        #[shared(shape = [r#type])]
        pub points: Columns<Point>,
        #[shared(shape = [m])]
        pub other: Vec<[U; N]>,
        #[shared(shape = [r#type, m])]
        pub links: Ragged<T>,
        pub step: u64,
        #[shared(layout, shape = [m])]
        pub layout: L,
    }

    /// A nested struct of any type that has rows.
    #[derive(SharedLayout)]
    #[shared(dims(n), rows = n)]
    pub struct Outer<L>
    where
        L: SharedLayout<Owned = L, Dims = usize>,
    {
        #[shared(layout, shape = [n])]
        pub first: L,
        #[shared(layout, shape = [n])]
        pub second: L,
    }
}

use forms::{Outer, OuterDims, OuterPart, Point, Wide, WideDims, WidePart};

type Bytes = Array1<u8>;

#[test]
fn every_form_has_its_part() {
    let dims = WideDims { r#type: 6, m: 2 };
    let views = Cluster::new(&[2, 1]).run_ok(|comm| -> pshmem::Result<_> {
        let mut wide = Shared::<Wide<u16, Vec<f32>, i8, 3>>::new(comm, dims)?;
        wide.update_parts(|rows, part: WidePart<'_, u16>| {
            let WidePart { r#fn, mut points } = part;
            let mut array: ArrayViewMut2<'_, u16> = r#fn;
            array.fill(rows.start as u16 + 1);
            for (at, row) in rows.enumerate() {
                let x = row as f64;
                points.set(at, Point { x, y: -x });
            }
        })?;
        let view = wide.view();
        assert!(view.other.iter().flatten().all(|&value| value == 0));
        Ok((view.r#fn.to_owned(), view.points.x.to_vec()))
    });
    for (array, x) in views {
        assert_eq!(array.column(1).to_vec(), [1, 1, 3, 3, 5, 5]);
        assert_eq!(x, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    }
}

#[test]
fn fields_of_parameters_have_parts() {
    let mut outer = Shared::<Outer<Vec<u32>>>::new(&Comm::solo(), OuterDims { n: 3 }).unwrap();
    outer
        .update_parts(|rows, part: OuterPart<'_, Vec<u32>>| {
            part.first.fill(1);
            part.second[rows.end - 1] = 2;
        })
        .unwrap();
    assert_eq!(
        (outer.view().first, outer.view().second),
        (&[1; 3][..], &[0, 0, 2][..])
    );
}

/// Generic code over layouts with rows.
fn lengths<L: RowLayout + ?Sized>(object: &mut Shared<L>) -> usize {
    object.update_parts(|rows, _| rows.len()).unwrap()
}

#[test]
fn structs_have_rows_like_slices() {
    let comm = Comm::solo();
    let mut outer = Shared::<Outer<Vec<u32>>>::new(&comm, OuterDims { n: 3 }).unwrap();
    let mut list = Shared::<[u8]>::new(&comm, 3).unwrap();
    assert_eq!((lengths(&mut outer), lengths(&mut list)), (3, 3));
}

/// A part prints like a view, but for nested fields.
#[derive(Debug, SharedLayout)]
#[shared(dims(n), rows = n)]
struct Line {
    #[shared(shape = [n])]
    mass: Vec<f32>,
    #[shared(layout, shape = [n])]
    charge: Bytes,
}

#[test]
fn parts_print() {
    let mut line = Shared::<Line>::new(&Comm::solo(), LineDims { n: 2 }).unwrap();
    let text = line.update_parts(|_, part| format!("{part:?}")).unwrap();
    assert_eq!(text, "LinePart { mass: [0.0, 0.0], charge: .. }");
}

/// A struct whose nested field has no rows is shared all the same; only its parts are not there.
#[derive(SharedLayout)]
#[shared(dims(n), rows = n)]
struct WithoutParts {
    #[shared(shape = [n])]
    mass: Vec<f64>,
    #[shared(dims = InnerDims { n })]
    inner: Inner,
}

#[derive(SharedLayout)]
#[shared(dims(n))]
struct Inner {
    #[shared(shape = [n])]
    values: Vec<f64>,
}

#[test]
fn structs_without_parts_are_shared() {
    let mut shared = Shared::<WithoutParts>::new(&Comm::solo(), WithoutPartsDims { n: 2 }).unwrap();
    let mut fields = shared.fields();
    fields.mass.update_parts(|_, part| part.fill(1.0)).unwrap();
    fields
        .inner
        .fields()
        .values
        .update_parts(|_, part| part.fill(2.0))
        .unwrap();
    let view = shared.view();
    assert_eq!(
        (view.mass, view.inner.values),
        (&[1.0; 2][..], &[2.0; 2][..])
    );
}
