//! Derived structs with `rows = n`, made of rows of all ranks.

use ndarray::{Array2, Array3};
use pshmem::local::Cluster;
use pshmem::{
    Columns, Comm, Element, Error, Ragged, RaggedDims, Shared, SharedColumns, SharedLayout,
    StackLayout, Strings, Text,
};

#[derive(Debug, Clone, Copy, PartialEq, SharedColumns)]
struct Sensor {
    gain: f32,
    id: u16,
}

#[derive(Debug, Clone, PartialEq, SharedLayout)]
#[shared(dims(k, r#in), rows = k)]
struct Inner {
    #[shared(shape = [k, r#in])]
    table: Array2<u16>,
}

type Flags = Vec<bool>;

/// Every way in which a field can have rows, and fields that have none.
#[derive(Debug, Clone, PartialEq, SharedLayout)]
#[shared(dims(n, m, links, letters), rows = n)]
struct Stations<T> {
    year: u32,
    #[shared(shape = [n, m, 2])]
    r#box: Array3<T>,
    #[shared(shape = [n, letters])]
    names: Strings,
    #[shared(shape = [m])]
    axis: Vec<f64>,
    #[shared(dims = RaggedDims { rows: n, items: links })]
    links: Ragged<T>,
    #[shared(shape = [n])]
    sensors: Columns<Sensor>,
    #[shared(dims = InnerDims { k: n, r#in: m })]
    inner: Inner,
    #[shared(dims = InnerDims { k: 2, r#in: m })]
    same: Inner,
    #[shared(layout, shape = [n])]
    flags: Flags,
    #[shared(shape = [5])]
    title: Text,
}

/// The stations that a rank finds: as many as its number.
fn stations(rank: usize) -> Stations<u8> {
    let number = rank as u8;
    Stations {
        year: 1990,
        r#box: Array3::from_shape_fn([rank, 3, 2], |(row, ..)| 10 * number + row as u8),
        names: (0..rank).map(|row| format!("{rank}.{row}")).collect(),
        axis: vec![0.5, 1.0, 1.5],
        links: Ragged::from_rows((0..rank).map(|row| vec![number; row])),
        sensors: (0..rank)
            .map(|row| Sensor {
                gain: 0.5,
                id: (10 * rank + row) as u16,
            })
            .collect::<Vec<_>>()
            .into(),
        inner: Inner {
            table: Array2::from_elem([rank, 3], rank as u16),
        },
        same: Inner {
            table: Array2::from_elem([2, 3], 7),
        },
        flags: vec![rank == 2; rank],
        title: "Swiss".into(),
    }
}

#[test]
fn rows_of_all_fields_stand_behind_each_other() {
    for nodes in [&[1][..], &[4], &[2, 1], &[1, 2, 1]] {
        Cluster::new(nodes).run_ok(|comm| -> pshmem::Result<()> {
            let ranks = comm.size();
            let (shared, rows) = Shared::<Stations<u8>>::concat(comm, &stations(comm.rank()))?;
            let start = (0..comm.rank()).sum::<usize>();
            assert_eq!(rows, start..start + comm.rank());
            let (view, dims) = (shared.view(), shared.dims());
            let total = (0..ranks).sum::<usize>();
            assert_eq!((dims.n, dims.m), (total, 3));
            assert_eq!(shared.to_owned(), together(ranks), "{nodes:?}");
            assert_eq!((*view.year, view.title), (1990, "Swiss"));
            Ok(())
        });
    }
}

/// What all ranks find, row by row.
fn together(ranks: usize) -> Stations<u8> {
    let all: Vec<_> = (0..ranks).map(stations).collect();
    let views = |get: fn(&Stations<u8>) -> ndarray::ArrayView3<'_, u8>| {
        let views: Vec<_> = all.iter().map(get).collect();
        ndarray::concatenate(ndarray::Axis(0), &views).unwrap()
    };
    let tables: Vec<_> = all.iter().map(|one| one.inner.table.view()).collect();
    Stations {
        year: 1990,
        r#box: views(|one| one.r#box.view()),
        names: all.iter().flat_map(|one| one.names.iter()).collect(),
        axis: all[0].axis.clone(),
        links: Ragged::from_rows(all.iter().flat_map(|one| one.links.rows())),
        sensors: (all.iter().flat_map(|one| one.sensors.iter().copied()))
            .collect::<Vec<_>>()
            .into(),
        inner: Inner {
            table: ndarray::concatenate(ndarray::Axis(0), &tables).unwrap(),
        },
        same: all[0].same.clone(),
        flags: all.iter().flat_map(|one| one.flags.clone()).collect(),
        title: all[0].title.clone(),
    }
}

#[test]
fn fields_that_contradict_each_other_are_refused_on_all_ranks() {
    let errors = Cluster::new(&[2, 1]).run(|comm| {
        let mut mine = stations(comm.rank());
        if comm.rank() == 1 {
            mine.flags.push(true);
        }
        Shared::<Stations<u8>>::concat(comm, &mine).unwrap_err()
    });
    assert!(
        matches!(&errors[0], Error::Shape { field, .. } if field == "flags"),
        "{}",
        errors[0]
    );
    assert!(errors.iter().all(|error| *error == errors[0]));
}

#[test]
fn common_fields_that_differ_are_refused_on_all_ranks() {
    type Spoil = fn(&mut Stations<u8>);
    let spoil: [(&str, Spoil); 4] = [
        ("year", |mine| mine.year += 1),
        ("axis", |mine| mine.axis[1] = 2.0),
        ("same.table", |mine| mine.same.table[[1, 1]] = 0),
        ("title", |mine| mine.title = "Welsh".into()),
    ];
    for (field, spoil) in spoil {
        let errors = Cluster::new(&[1, 2]).run(|comm| {
            let mut mine = stations(comm.rank());
            if comm.rank() == 2 {
                spoil(&mut mine);
            }
            Shared::<Stations<u8>>::concat(comm, &mine).unwrap_err()
        });
        assert!(matches!(errors[0], Error::Mismatch { .. }), "{}", errors[0]);
        assert!(errors[0].to_string().contains(field), "{}", errors[0]);
        assert!(errors.iter().all(|error| *error == errors[0]));
    }
}

/// Nothing is said about its parameters but what a field needs.
#[derive(SharedLayout)]
#[shared(dims(n), rows = n)]
struct Table<T, P: SharedColumns> {
    #[shared(shape = [n])]
    rows: Vec<T>,
    #[shared(shape = [n])]
    records: Columns<P>,
    first: T,
}

fn stacked<T: Element, P: SharedColumns + Copy>(comm: &Comm, rows: Vec<T>, record: P) -> usize {
    fn can_be_stacked<L: StackLayout>() {}
    can_be_stacked::<Table<T, P>>();
    let records = vec![record; rows.len()].into();
    let mine = Table {
        first: rows[0],
        rows,
        records,
    };
    let (table, _) = Shared::<Table<T, P>>::concat(comm, &mine).unwrap();
    assert_eq!(table.dims().n, table.view().rows.len());
    table.dims().n
}

#[test]
fn generic_structs_are_stacked() {
    let found = Cluster::new(&[1, 1]).run(|comm| {
        let record = Sensor { gain: 1.0, id: 2 };
        stacked(comm, vec![0.5; 3 + comm.rank()], record)
    });
    assert_eq!(found, [7, 7]);
}

/// One field cannot be stacked. The struct can be shared all the same.
#[derive(SharedLayout)]
#[shared(dims(n), rows = n)]
struct Half {
    #[shared(shape = [n])]
    rows: Vec<f64>,
    #[shared(dims = FreeDims { list: 3 })]
    free: Free,
}

#[derive(SharedLayout)]
struct Free {
    list: Vec<u8>,
}

#[test]
fn structs_that_cannot_be_stacked_can_be_shared() {
    let half = Shared::<Half>::new(&Comm::solo(), HalfDims { n: 2 }).unwrap();
    let view = half.view();
    assert_eq!((view.rows.len(), view.free.list.len()), (2, 3));
}
