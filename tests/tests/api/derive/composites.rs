//! Fields that are composites: rows of different lengths, strings, text, maps and sparse matrices.

use bytemuck::{Pod, Zeroable};
use pshmem::local::Cluster;
use pshmem::{
    Comm, Csr, CsrDims, Element, Error, Map, MapDims, MapKey, Ragged, RaggedDims, Shared,
    SharedLayout, Strings, Text,
};

#[derive(Debug, Clone, PartialEq, SharedLayout)]
pub struct Network {
    pub links: Ragged<u32>,
    pub names: pshmem::Strings,
    pub title: Text,
    #[shared(align = 4096)]
    pub weights: Ragged<[f32; 2]>,
    pub step: u64,
}

fn network() -> Network {
    Network {
        links: Ragged::from_rows([vec![1, 2], vec![], vec![0]]),
        names: Strings::from(vec!["Bern", "", "Zürich"]),
        title: "Roads".into(),
        weights: Ragged::from_rows([[[0.5, 1.5]]]),
        step: 3,
    }
}

fn dims() -> NetworkDims {
    NetworkDims {
        links: RaggedDims { rows: 4, items: 6 },
        names: RaggedDims { rows: 2, items: 9 },
        title: 5,
        weights: RaggedDims { rows: 1, items: 1 },
    }
}

#[test]
fn composites_are_recognised_by_name() {
    Cluster::new(&[2, 1]).run_ok(|comm| -> pshmem::Result<()> {
        let shared = Shared::<Network>::from_root(comm, 2, network)?;
        let view = shared.view();
        assert_eq!((&view.links[0], &view.links[1]), (&[1, 2][..], &[][..]));
        assert_eq!((&view.names[2], view.title), ("Zürich", "Roads"));
        assert_eq!(view.weights.as_slice(), [[0.5, 1.5]]);
        assert_eq!(shared.to_owned(), network());
        assert_eq!(shared.dims().names, RaggedDims { rows: 3, items: 11 });
        Ok(())
    });
}

#[test]
fn new_composites_are_empty_and_are_filled_in_updates() {
    Cluster::new(&[1, 2]).run_ok(|comm| -> pshmem::Result<()> {
        let mut shared = Shared::<Network>::new(comm, dims())?;
        assert_eq!(shared.dims(), dims());
        let view = shared.view();
        assert!(view.links.is_empty() && view.names.is_empty() && view.title.is_empty());
        shared.try_update(1, |mut w| {
            w.links.push(&[7, 8])?;
            w.names.push("Basel")?;
            w.title.set("Rails")
        })?;
        let mut fields = shared.fields();
        let title = fields.title.view();
        fields.links.update(2, |mut w| w.row_mut(0)[1] = 9)?;
        assert_eq!((title, &fields.links.view()[0]), ("Rails", &[7, 9][..]));
        let error = fields
            .names
            .try_update(0, |mut w| w.push("Luzern"))
            .unwrap_err();
        assert!(matches!(error, Error::Closure { rank: 0, .. }), "{error}");
        assert_eq!(shared.view().names, Strings::from(vec!["Basel"]));
        Ok(())
    });
}

#[test]
fn composites_print_their_content() {
    let shared = Shared::<Network>::from_root(&Comm::solo(), 0, network).unwrap();
    let text = shared.to_string();
    for line in [
        "\nlinks: [[1, 2], [], [0]]",
        "\nnames: [\"Bern\", \"\", \"Zürich\"]",
        "\ntitle: \"Roads\"",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let text = format!("{:?}", shared.view());
    assert!(
        text.starts_with("NetworkView { links: [[1, 2], [], [0]], names:"),
        "{text}"
    );
}

#[derive(Debug, Clone, PartialEq, SharedLayout)]
#[shared(dims(cells, links, letters))]
pub struct Mesh {
    #[shared(shape = [cells, links])]
    pub neighbours: Ragged<u32>,
    #[shared(dims = RaggedDims { rows: cells, items: letters })]
    pub names: Strings,
    #[shared(shape = [letters - 2])]
    pub title: Text,
    #[shared(layout, shape = [2 * cells, links])]
    pub edges: Edges,
    #[shared(shape = [cells])]
    pub volumes: Vec<f64>,
}

type Edges = Ragged<u8>;

fn mesh() -> Mesh {
    Mesh {
        neighbours: Ragged::from_rows([vec![1, 2, 3], vec![0]]),
        names: Strings::from(vec!["sea", "land"]),
        title: "Earth".into(),
        edges: Ragged::from_rows([vec![1], vec![2, 3], vec![4], vec![]]),
        volumes: vec![1.0, 2.0],
    }
}

#[test]
fn extents_follow_from_named_dims() {
    Cluster::new(&[2, 1]).run_ok(|comm| -> pshmem::Result<()> {
        let dims = MeshDims {
            cells: 2,
            links: 4,
            letters: 7,
        };
        let shared = Shared::<Mesh>::from_root(comm, 1, mesh)?;
        assert_eq!((shared.dims(), shared.to_owned()), (dims, mesh()));
        let mut shared = Shared::<Mesh>::new(comm, dims)?;
        let fields = shared.fields();
        let rows = RaggedDims { rows: 2, items: 4 };
        let names = RaggedDims { rows: 2, items: 7 };
        let edges = RaggedDims { rows: 4, items: 4 };
        assert_eq!(
            (fields.neighbours.dims(), fields.names.dims()),
            (rows, names)
        );
        assert_eq!((fields.title.dims(), fields.edges.dims()), (5, edges));
        Ok(())
    });
}

#[test]
fn a_value_of_other_extents_is_refused() {
    type Spoil = fn(&mut Mesh);
    let spoil: [(&str, Spoil); 4] = [
        ("names", |mesh| mesh.names.push("")),
        ("title", |mesh| mesh.title = "Sun".into()),
        ("edges", |mesh| mesh.edges.push(&[])),
        ("volumes", |mesh| mesh.volumes.push(3.0)),
    ];
    for (name, spoil) in spoil {
        let make = || {
            let mut mesh = mesh();
            spoil(&mut mesh);
            mesh
        };
        let error = Shared::<Mesh>::from_root(&Comm::solo(), 0, make).unwrap_err();
        assert!(
            matches!(&error, Error::Shape { field, .. } if field == name),
            "{name}: {error}"
        );
    }
}

#[derive(Debug, Clone, PartialEq, SharedLayout)]
pub struct Tracks<T: Element> {
    points: Ragged<T>,
    names: Strings,
    #[shared(layout)]
    network: Network,
}

#[derive(SharedLayout)]
#[shared(dims(n, m))]
struct Loose<T> {
    #[shared(shape = [n, m])]
    points: Ragged<T>,
    #[shared(shape = [n, m])]
    names: Strings,
    #[shared(dims = RaggedDims { rows: n, items: 2 * n })]
    pairs: Ragged<[T; 2]>,
}

#[test]
fn composites_in_generic_and_nested_structs() {
    let comm = Comm::solo();
    let tracks = || Tracks {
        points: Ragged::from_rows([vec![1.5, 2.5]]),
        names: Strings::from(vec!["a"]),
        network: network(),
    };
    let shared = Shared::<Tracks<f64>>::from_root(&comm, 0, tracks).unwrap();
    assert_eq!(shared.to_owned(), tracks());
    assert_eq!(first(shared.view()), [1.5, 2.5]);
    assert_eq!(&shared.view().network.names[0], "Bern");

    let dims = TracksDims {
        points: RaggedDims { rows: 1, items: 2 },
        names: RaggedDims { rows: 3, items: 4 },
        network: dims(),
    };
    let shared = Shared::<Tracks<u8>>::new(&comm, dims).unwrap();
    assert_eq!(shared.dims(), dims);

    let mut loose = Shared::<Loose<u8>>::new(&comm, LooseDims { n: 1, m: 2 }).unwrap();
    assert!(loose.view().points.is_empty());
    assert_eq!(loose.view().names.get(0), None);
    let pairs = RaggedDims { rows: 1, items: 2 };
    assert_eq!(loose.fields().pairs.dims(), pairs);
}

/// A view of a composite is its own type, also where `T` is any.
fn first<T: Element>(view: TracksView<'_, T>) -> &[T] {
    view.points.row(0)
}

#[derive(Debug, Clone, PartialEq, SharedLayout)]
#[shared(dims(nodes, links, letters))]
struct Graph<K: MapKey + ?Sized, T: Element> {
    #[shared(shape = [nodes, letters])]
    numbers: Map<str, u32>,
    #[shared(dims = MapDims { entries: links, key_bytes: 0 })]
    weights: Map<[u32; 2], T>,
    #[shared(shape = [links, letters])]
    any: Map<K, T>,
    #[shared(shape = [nodes, nodes, links])]
    matrix: Csr<f64>,
    #[shared(dims = CsrDims { rows: 1, cols: nodes, nnz: links })]
    row: Csr<T>,
}

fn graph() -> Graph<str, u8> {
    let links = [(0, 1, 3), (2, 0, 4)];
    Graph {
        numbers: [("a", 0), ("bc", 1), ("d", 2)].into_iter().collect(),
        weights: [([0, 1], 3), ([2, 0], 4)].into_iter().collect(),
        any: [("xyz", 1), ("w", 2)].into_iter().collect(),
        matrix: Csr::from_triplets((3, 3), links.map(|(i, j, v)| (i, j, f64::from(v)))).unwrap(),
        row: Csr::from_triplets((1, 3), [(0, 2, 5), (0, 0, 6)]).unwrap(),
    }
}

#[test]
fn maps_and_matrices() {
    Cluster::new(&[1, 2]).run_ok(|comm| -> pshmem::Result<()> {
        let mut shared = Shared::<Graph<str, u8>>::from_root(comm, 1, graph)?;
        let dims = GraphDims {
            nodes: 3,
            links: 2,
            letters: 4,
        };
        assert_eq!((shared.dims(), shared.to_owned()), (dims, graph()));
        shared.update(2, |mut w| {
            w.matrix.values_mut()[0] = 0.5;
            *w.any.get_mut("w").unwrap() = 9;
        })?;
        let view = shared.view();
        assert_eq!(
            (view.numbers.get("bc"), view.any.get("w")),
            (Some(&1), Some(&9))
        );
        assert_eq!(view.weights.get(&[2, 0]), Some(&4));
        assert_eq!(view.matrix.row(0), (&[1][..], &[0.5][..]));
        assert_eq!(view.row.nnz(), 2);
        let shared = Shared::<Graph<u64, f32>>::new(comm, dims)?;
        assert!(shared.view().any.is_empty() && shared.view().matrix.rows() == 3);
        Ok(())
    });
}

/// Types of the user that have names of composites.
mod own {
    use super::{Element, Pod, SharedLayout, Zeroable};

    #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
    #[repr(transparent)]
    pub struct Text(pub [u8; 4]);

    #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
    #[repr(C)]
    pub struct Map {
        pub value: f64,
    }

    #[derive(SharedLayout)]
    pub struct Strings {
        pub bytes: Vec<u8>,
    }

    #[derive(SharedLayout)]
    pub struct Csr<T: Element> {
        pub values: Vec<T>,
    }

    #[derive(Clone, Copy, pshmem::SharedColumns)]
    pub struct Mark {
        #[shared(value)]
        pub text: Text,
        pub id: u32,
    }

    #[derive(SharedLayout)]
    pub struct All {
        #[shared(value)]
        pub title: Text,
        pub one: Map,
        pub texts: Vec<Text>,
        #[shared(layout)]
        pub strings: Strings,
        pub unmarked: Csr<u8>,
        pub marks: pshmem::Columns<Mark>,
    }
}

#[test]
fn types_of_the_same_names() {
    let dims = own::AllDims {
        texts: 2,
        strings: own::StringsDims { bytes: 3 },
        unmarked: own::CsrDims { values: 4 },
        marks: 5,
    };
    let mut shared = Shared::<own::All>::new(&Comm::solo(), dims).unwrap();
    shared
        .update(0, |mut w| {
            *w.title = own::Text([1; 4]);
            w.one.value = 2.0;
            w.marks.text[4].0[3] = 9;
        })
        .unwrap();
    let view = shared.view();
    assert_eq!((view.title.0, view.one.value), ([1; 4], 2.0));
    assert_eq!((view.texts.len(), view.strings.bytes.len()), (2, 3));
    assert_eq!(
        (view.unmarked.values.len(), view.marks.text[4].0[3]),
        (4, 9)
    );
}
