//! What derived structs say about the leaves that are saved, and their extents as the shapes of files give them.

use bytemuck::{NoUninit, Pod, Zeroable};
use ndarray::{Array2, Array3};
use num_complex::Complex64;
use pshmem::__private::{FileLeaves, LeafShapes};
use pshmem::local::Cluster;
use pshmem::{
    Columns, Comm, Element, Error, FileLayout, Full, Ragged, RaggedDims, RaggedMut, Record, Shared,
    SharedColumns, SharedLayout, Strings, StringsMut, Value,
};
use pshmem_tests::temp_dir::TempDir;
use std::any::TypeId;

/// Name, number of axes and type of each leaf.
fn leaves<L: FileLayout + ?Sized>() -> Vec<(String, usize, TypeId)> {
    let leaves = FileLeaves::of::<L>().into_iter();
    leaves
        .map(|leaf| (leaf.names.join("."), leaf.axes, leaf.type_id))
        .collect()
}

fn leaf<T: Record>(name: &str, axes: usize) -> (String, usize, TypeId) {
    (name.to_owned(), axes, TypeId::of::<T>())
}

/// The extents of an object with leaves of these shapes.
fn dims<L: FileLayout + ?Sized>(shapes: &[&[usize]]) -> pshmem::Result<L::Dims> {
    let shapes: Vec<_> = shapes.iter().map(|shape| shape.to_vec()).collect();
    L::dims_from_shapes(&mut LeafShapes::new(&shapes))
}

/// The field and both extents of an error about them.
fn contradiction<L: FileLayout<Dims: std::fmt::Debug>>(
    shapes: &[&[usize]],
) -> (String, Vec<usize>, Vec<usize>) {
    match dims::<L>(shapes) {
        Err(Error::Shape {
            field,
            expected,
            found,
        }) => (field, expected, found),
        other => panic!("{other:?}"),
    }
}

/// The leaves have the names, extents and order of the schema of an object, and the extents follow from their shapes.
fn agrees_with_plan<L: FileLayout>(dims: L::Dims) {
    let object = Shared::<L>::new(&Comm::solo(), dims).unwrap();
    let schema = object.schema();
    let leaves = FileLeaves::of::<L>();
    assert_eq!(leaves.len(), schema.fields.len());
    for (leaf, field) in leaves.iter().zip(&schema.fields) {
        assert_eq!(leaf.names.join("."), field.name);
        assert_eq!(leaf.type_name, field.type_name);
        assert_eq!(leaf.axes, field.extents.len());
        let elements: usize = field.extents.iter().product();
        assert_eq!(leaf.item.size() * elements, field.bytes);
    }
    let shapes: Vec<_> = schema.fields.iter().map(|field| &*field.extents).collect();
    assert_eq!(self::dims::<L>(&shapes), Ok(dims));
}

#[derive(Clone, Copy, Pod, Zeroable, Record)]
#[repr(C)]
struct Line {
    frequency: f64,
    strength: f64,
}

#[derive(Clone, Copy, NoUninit, Zeroable, Record)]
#[repr(u8)]
enum Kind {
    Land,
    Sea,
}

#[derive(Clone, Copy, SharedColumns)]
struct Particle {
    position: [f64; 3],
    r#type: u8,
}

#[derive(SharedLayout)]
struct Opacity {
    table: Vec<f32>,
    on: bool,
}

type Cube = Array3<i16>;

#[derive(SharedLayout)]
struct Gas {
    step: u64,
    density: Array2<f64>,
    kinds: Box<[Kind]>,
    #[shared(layout)]
    opacity: Opacity,
    #[shared(layout)]
    cube: Cube,
    particles: Columns<Particle>,
    r#match: Vec<Line>,
    phase: Complex64,
    matrix: [[f32; 3]; 2],
}

const GAS: GasDims = GasDims {
    density: [2, 3],
    kinds: 4,
    opacity: OpacityDims { table: 5 },
    cube: [6, 7, 8],
    particles: 9,
    r#match: 10,
};

#[test]
fn leaves_have_the_names_of_the_fields() {
    let expected = [
        leaf::<u64>("step", 0),
        leaf::<f64>("density", 2),
        leaf::<Kind>("kinds", 1),
        leaf::<f32>("opacity.table", 1),
        leaf::<bool>("opacity.on", 0),
        leaf::<i16>("cube", 3),
        leaf::<[f64; 3]>("particles.position", 1),
        leaf::<u8>("particles.type", 1),
        leaf::<Line>("match", 1),
        leaf::<Complex64>("phase", 0),
        leaf::<[[f32; 3]; 2]>("matrix", 0),
    ];
    assert_eq!(leaves::<Gas>(), expected);
    agrees_with_plan::<Gas>(GAS);
    _ = [Kind::Land, Kind::Sea];
}

#[test]
fn a_layout_of_one_leaf_has_no_name() {
    assert_eq!(leaves::<[u8]>(), [leaf::<u8>("", 1)]);
    assert_eq!(leaves::<Value<Line>>(), [leaf::<Line>("", 0)]);
    assert_eq!(leaves::<Cube>(), [leaf::<i16>("", 3)]);
    let columns = [leaf::<[f64; 3]>("position", 1), leaf::<u8>("type", 1)];
    assert_eq!(leaves::<Columns<Particle>>(), columns);
    assert_eq!(dims::<[u8]>(&[&[3]]), Ok(3));
    agrees_with_plan::<Columns<Particle>>(3);
    agrees_with_plan::<Vec<Kind>>(0);
    agrees_with_plan::<Box<[char]>>(1);
    agrees_with_plan::<Array2<Line>>([0, 7]);
    agrees_with_plan::<[bool; 3]>(());
    agrees_with_plan::<Complex64>(());
    agrees_with_plan::<isize>(());
}

#[test]
fn columns_have_one_length() {
    let error = contradiction::<Columns<Particle>>(&[&[3], &[4]]);
    assert_eq!(error, ("type".to_owned(), vec![3], vec![4]));
    let mut shapes = [&[][..]; 11];
    shapes[1] = &[2, 3];
    shapes[2] = &[4];
    shapes[3] = &[5];
    shapes[5] = &[6, 7, 8];
    shapes[6] = &[9];
    shapes[7] = &[8];
    shapes[8] = &[10];
    let error = contradiction::<Gas>(&shapes);
    assert_eq!(error, ("particles.type".to_owned(), vec![9], vec![8]));
    shapes[7] = &[9];
    assert_eq!(dims::<Gas>(&shapes), Ok(GAS));
}

/// Those of a rank that called with another type.
#[test]
fn shapes_of_another_layout_are_refused() {
    for shapes in [&[][..], &[&[][..]], &[&[1, 2]]] {
        assert_eq!(contradiction::<Vec<f32>>(shapes).1, [0], "{shapes:?}");
    }
    assert!(
        contradiction::<Columns<Particle>>(&[&[3], &[]])
            .2
            .is_empty()
    );
    assert_eq!(contradiction::<Gas>(&[&[], &[2]]).0, "density");
    assert_eq!(contradiction::<u64>(&[&[7]]).2, [7]);
}

#[derive(SharedLayout)]
#[shared(dims(n))]
struct Sides {
    #[shared(shape = [2 * n])]
    both: Vec<f32>,
    #[shared(shape = [n])]
    one: Vec<f32>,
}

#[derive(SharedLayout)]
#[shared(dims(nx, ny))]
struct Flow {
    step: u64,
    #[shared(shape = [nx + 1, 2 * ny])]
    flux: Array2<f64>,
    #[shared(shape = [nx, 3])]
    pressure: Array2<f64>,
    #[shared(dims = SidesDims { n: ny })]
    sides: Sides,
    #[shared(layout, shape = [nx, ny, 2])]
    cube: Cube,
    #[shared(shape = [nx - 1])]
    particles: Columns<Particle>,
}

#[test]
fn named_dims_are_found_where_they_stand_alone() {
    agrees_with_plan::<Flow>(FlowDims { nx: 3, ny: 5 });
    agrees_with_plan::<Flow>(FlowDims { nx: 1, ny: 0 });
}

#[test]
fn shapes_that_contradict_named_dims_are_refused() {
    // Those of `nx: 3, ny: 5`.
    let right: [&[usize]; 8] = [&[], &[4, 10], &[3, 3], &[10], &[5], &[3, 5, 2], &[2], &[2]];
    let with = |at: usize, shape| {
        let mut shapes = right;
        shapes[at] = shape;
        contradiction::<Flow>(&shapes)
    };
    assert_eq!(
        with(1, &[4, 9]),
        ("flux".to_owned(), vec![4, 10], vec![4, 9])
    );
    assert_eq!(
        with(2, &[3, 4]),
        ("pressure".to_owned(), vec![3, 3], vec![3, 4])
    );
    assert_eq!(
        with(3, &[11]),
        ("sides.both".to_owned(), vec![10], vec![11])
    );
    assert_eq!(
        with(5, &[3, 5, 1]),
        ("cube".to_owned(), vec![3, 5, 2], vec![3, 5, 1])
    );
    assert_eq!(
        with(7, &[1]),
        ("particles.type".to_owned(), vec![2], vec![1])
    );
    // `nx` follows from `pressure`, so this is an error of another field.
    assert_eq!(with(2, &[4, 3]).0, "flux");
    // `ny` is the largest of those of `sides` and `cube`.
    assert_eq!(with(5, &[3, 6, 2]).0, "flux");
    assert_eq!(with(4, &[4]).0, "sides.both");

    // Extents that no object can have.
    let mut shapes = right;
    shapes[2] = &[0, 3];
    shapes[1] = &[1, 10];
    shapes[5] = &[0, 5, 2];
    let error = dims::<Flow>(&shapes).unwrap_err();
    assert!(matches!(&error, Error::Extent { field, .. } if field == "particles"));
    shapes[2] = &[usize::MAX, 3];
    let error = dims::<Flow>(&shapes).unwrap_err();
    assert!(matches!(&error, Error::Extent { field, .. } if field == "flux"));
}

/// One layout under several names: the compiler sees bounds that turn out to be the same.
#[derive(SharedLayout)]
struct Names {
    vec: Vec<f32>,
    #[shared(layout)]
    alias: List,
    of_alias: Vec<<Single as Numbers>::Real>,
    std: std::vec::Vec<f32>,
    value: f32,
    real: <Single as Numbers>::Real,
}

type List = Vec<f32>;

trait Numbers {
    type Real: Element;
}

struct Single;

impl Numbers for Single {
    type Real = f32;
}

#[test]
fn one_layout_may_have_several_names() {
    agrees_with_plan::<Names>(NamesDims {
        vec: 1,
        alias: 2,
        of_alias: 3,
        std: 4,
    });
}

/// Its parameters decide what can be saved.
#[derive(SharedLayout)]
struct Table<T: Element, L, const N: usize> {
    rows: Vec<[T; N]>,
    #[shared(layout)]
    inner: L,
    shift: T,
}

#[derive(Clone, Copy, SharedColumns)]
struct Weighted<T: Element> {
    value: T,
    weight: f32,
}

#[derive(SharedLayout)]
struct Sample<T: Element> {
    all: Columns<Weighted<T>>,
}

/// Nothing is said about `T` but that it can be stored.
fn leaves_of_generic<T: Record>() -> Vec<(String, usize, TypeId)>
where
    [T; 3]: Record,
{
    leaves::<Table<T, Sample<T>, 3>>()
}

#[test]
fn generic_structs_are_saved_where_their_parameters_are() {
    let expected = [
        leaf::<[i16; 3]>("rows", 1),
        leaf::<i16>("inner.all.value", 1),
        leaf::<f32>("inner.all.weight", 1),
        leaf::<i16>("shift", 0),
    ];
    assert_eq!(leaves_of_generic::<i16>(), expected);
    agrees_with_plan::<Table<char, Opacity, 2>>(TableDims {
        rows: 3,
        inner: OpacityDims { table: 4 },
    });
}

/// Leaves that cannot be saved.
#[derive(SharedLayout)]
struct Keys {
    hashes: Vec<u128>,
    plain: Plain,
    columns: Columns<Key>,
    empty: (),
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(transparent)]
struct Plain(u64);

#[derive(Clone, Copy, SharedColumns)]
struct Key {
    hash: i128,
}

/// In a generic struct, next to one that can be saved.
#[derive(SharedLayout)]
struct Index<T: Element> {
    values: Vec<T>,
    #[shared(layout)]
    keys: Keys,
}

#[test]
fn other_structs_can_be_shared_all_the_same() {
    let keys = KeysDims {
        hashes: 1,
        columns: 2,
    };
    let dims = IndexDims { values: 3, keys };
    let mut shared = Shared::<Index<f32>>::new(&Comm::solo(), dims).unwrap();
    shared
        .update(0, |mut w| {
            w.keys.hashes[0] = 7;
            w.keys.plain.0 = 8;
            w.keys.columns.hash[1] = 9;
            w.values[2] = 1.0;
        })
        .unwrap();
    let view = shared.view();
    assert_eq!(
        (view.keys.hashes[0], view.keys.plain.0, view.values[2]),
        (7, 8, 1.0)
    );
    assert_eq!((view.keys.columns.hash[1], *view.keys.empty), (9, ()));
}

/// Saved while there is room for more in the composites.
#[derive(Debug, PartialEq, SharedLayout)]
#[shared(dims(n, items))]
struct Tracks {
    #[shared(shape = [n, items])]
    points: Ragged<f32>,
    #[shared(dims = RaggedDims { rows: n, items: 4 * n })]
    names: Strings,
    #[shared(shape = [n])]
    weights: Vec<f64>,
    #[shared(layout, shape = [items])]
    aliased: Bytes,
}

type Bytes = Vec<u8>;

/// Nothing else tells the dim.
#[derive(Debug, PartialEq, SharedLayout)]
#[shared(dims(n, m, bytes))]
struct Alone {
    #[shared(shape = [n, m])]
    points: Ragged<u8>,
    #[shared(shape = [n, bytes])]
    names: Strings,
    #[shared(dims = TracksDims { n: n, items: m })]
    tracks: Tracks,
}

fn fill(points: &mut RaggedMut<'_, f32>, names: &mut StringsMut<'_>) -> Result<(), Full> {
    points.push(&[1.0, 2.0])?;
    points.push(&[])?;
    names.push("a")
}

#[test]
fn what_is_in_use_of_composites_is_saved_and_found() {
    let folder = TempDir::new().unwrap();
    Cluster::new(&[2, 1]).run_ok(|comm| -> pshmem::Result<()> {
        let dims = TracksDims { n: 5, items: 9 };
        let mut tracks = Shared::<Tracks>::new(comm, dims)?;
        tracks.try_update(0, |mut w| {
            w.weights[4] = 0.5;
            fill(&mut w.points, &mut w.names)
        })?;
        tracks.save(folder.path().join("tracks"))?;
        let loaded = Shared::<Tracks>::load(comm, folder.path().join("tracks"))?;
        assert_eq!(loaded.dims(), dims);
        assert_eq!(loaded.to_owned(), tracks.to_owned());
        assert_eq!(
            loaded.view().points,
            Ragged::from_rows([vec![1.0, 2.0], vec![]])
        );

        let dims = AloneDims {
            n: 5,
            m: 9,
            bytes: 7,
        };
        let mut alone = Shared::<Alone>::new(comm, dims)?;
        alone.try_update(1, |mut w| {
            w.points.push(&[1])?;
            w.names.push("Bern")?;
            w.names.push("")?;
            fill(&mut w.tracks.points, &mut w.tracks.names)
        })?;
        alone.save(folder.path().join("alone"))?;
        let loaded = Shared::<Alone>::load(comm, folder.path().join("alone"))?;
        assert_eq!(
            (loaded.dims().n, loaded.dims().m, loaded.dims().bytes),
            (5, 9, 4)
        );
        assert_eq!(loaded.to_owned(), alone.to_owned());
        Ok(())
    });
}

#[test]
fn composites_with_more_rows_than_other_fields_are_refused() {
    let shapes = |rows, weights| -> Vec<usize> { [rows, 3, 2, 2, weights, 9].to_vec() };
    let found = |rows, weights| {
        let shapes: Vec<_> = shapes(rows, weights).into_iter().map(|n| vec![n]).collect();
        let shapes: Vec<_> = shapes.iter().map(|shape| &shape[..]).collect();
        dims::<Tracks>(&shapes)
    };
    assert_eq!(found(4, 5), Ok(TracksDims { n: 5, items: 9 }));
    let error = found(7, 5).unwrap_err();
    assert!(
        matches!(&error, Error::Shape { field, .. } if field == "points"),
        "{error}"
    );
}
