//! `update_parts` and its variants on structs with `rows = n`: the rows of all fields are written in one call.
#![allow(clippy::cast_precision_loss, reason = "whole numbers far below 2^52")]

use ndarray::{Array2, Array3};
use pshmem::{Columns, Comm, Element, Error, Ragged, Shared, SharedColumns, SharedLayout, Strings};

use super::support::{assert_panic_error, assert_rejected, call_with_panic, deliberate_panic};
use crate::collective::{check_same_text, check_usable, outliers, same_error};
use crate::report::Outcome;
use crate::values::{array, assert_array_eq, assert_slice_eq, number};

#[derive(Debug, Clone, Copy, PartialEq, SharedColumns)]
struct Particle {
    mass: f32,
    id: u64,
}

type Grid = Array3<u64>;

#[derive(SharedLayout)]
#[shared(dims(cells, faces), rows = cells)]
struct Mesh<T> {
    #[shared(shape = [cells])]
    kind: Vec<T>,
    #[shared(shape = [faces])]
    length: Vec<f64>,
}

#[derive(SharedLayout)]
#[shared(dims(n, m), rows = n)]
struct Flow<T: Element> {
    #[shared(shape = [n, m])]
    velocity: Array2<u64>,
    step: u64,
    #[shared(shape = [n])]
    energy: Box<[T]>,
    #[shared(shape = [n])]
    particles: Columns<Particle>,
    #[shared(shape = [m])]
    common: Vec<u64>,
    #[shared(dims = MeshDims { cells: n, faces: m })]
    mesh: Mesh<u8>,
    #[shared(layout, shape = [n, 2, m])]
    grid: Grid,
    #[shared(shape = [n, 4 * m])]
    linked: Ragged<u32>,
    #[shared(shape = [n])]
    nothing: Vec<()>,
}

fn particle(seed: usize, row: usize) -> Particle {
    let number = number(seed, row);
    Particle {
        mass: (number % 1000) as f32,
        id: number,
    }
}

/// Writes the part as the model says.
fn write(
    part: FlowPart<'_, [u16; 3]>,
    rows: std::ops::Range<usize>,
    seed: usize,
    n: usize,
    m: usize,
) {
    let FlowPart {
        mut velocity,
        energy,
        mut particles,
        mesh,
        mut grid,
        nothing,
    } = part;
    let MeshPart { kind } = mesh;
    assert_eq!(velocity.dim(), (rows.len(), m));
    assert_eq!(grid.dim(), (rows.len(), 2, m));
    assert_eq!((energy.len(), kind.len()), (rows.len(), rows.len()));
    assert_eq!((particles.len(), nothing.len()), (rows.len(), rows.len()));
    velocity.assign(&array(seed, ndarray::Dim([n, m])).slice(ndarray::s![rows.clone(), ..]));
    grid.assign(&array(seed + 1, ndarray::Dim([n, 2, m])).slice(ndarray::s![rows.clone(), .., ..]));
    for (at, row) in rows.enumerate() {
        energy[at] = [row as u16, seed as u16, 7];
        particles.set(at, particle(seed, row));
        kind[at] = (row + seed) as u8;
    }
}

fn check(flow: &Shared<Flow<[u16; 3]>>, seed: usize, n: usize, m: usize) {
    let view = flow.view();
    assert_array_eq(view.velocity, array(seed, ndarray::Dim([n, m])).view());
    assert_array_eq(view.grid, array(seed + 1, ndarray::Dim([n, 2, m])).view());
    for row in 0..n {
        assert_eq!(view.energy[row], [row as u16, seed as u16, 7]);
        assert_eq!(view.particles.get(row), particle(seed, row));
        assert_eq!(view.mesh.kind[row], (row + seed) as u8);
    }
    // What is not in the part keeps its values.
    assert_eq!(*view.step, 41);
    assert_slice_eq(view.common, &vec![42; m]);
    assert_slice_eq(view.mesh.length, &vec![0.5; m]);
    assert_eq!(view.linked.len(), n.min(1));
}

/// The rows of all fields are written together, in equal parts, by counts and by weights, on the object and on a field.
pub(crate) fn all_fields_with_rows(comm: &Comm) -> Outcome {
    let size = comm.size();
    for (n, m) in [(0, 3), (1, 1), (size, 0), (3 * size + 1, 5), (400, 30)] {
        let mut flow = Shared::<Flow<[u16; 3]>>::new(comm, FlowDims { n, m })?;
        flow.update(0, |mut w| {
            *w.step = 41;
            w.common.fill(42);
            w.mesh.length.fill(0.5);
            if n > 0 {
                w.linked.push(&[]).unwrap();
            }
        })?;
        let rows = flow.update_parts(|rows, part| {
            write(part, rows.clone(), 1, n, m);
            rows
        })?;
        check(&flow, 1, n, m);
        let mut list = Shared::<[u8]>::new(comm, n)?;
        assert_eq!(
            rows,
            list.update_parts(|rows, _| rows)?,
            "as those of a slice"
        );

        let mut counts = vec![0; size];
        counts[size - 1] = n / 3;
        counts[0] += n - n / 3;
        let mine = flow.update_parts_by(&counts, |rows, part| {
            write(part, rows.clone(), 2, n, m);
            rows.len()
        })?;
        assert_eq!(mine, counts[comm.rank()]);
        check(&flow, 2, n, m);

        let weights: Vec<f64> = (0..n).map(|row| (number(3, row) % 100) as f64).collect();
        flow.try_update_parts_weighted(&weights, |rows, part| {
            write(part, rows, 3, n, m);
            Ok::<(), String>(())
        })?;
        check(&flow, 3, n, m);

        // A nested struct is written alone, while another field is read.
        let mut fields = flow.fields();
        fields.mesh.update_parts(|rows, part| {
            let energy = fields.energy.view();
            for (kind, row) in part.kind.iter_mut().zip(rows) {
                *kind = energy[row][0] as u8;
            }
        })?;
        let view = flow.view();
        assert!((0..n).all(|row| view.mesh.kind[row] == row as u8));
        assert_slice_eq(view.mesh.length, &vec![0.5; m]);
    }
    check_usable(comm)
}

/// Fields of many bytes, next to one that is not written.
pub(crate) fn large_structs(comm: &Comm) -> Outcome {
    let (n, m) = (30_000, 9);
    let mut flow = Shared::<Flow<[u16; 3]>>::new(comm, FlowDims { n, m })?;
    flow.update(0, |mut w| {
        *w.step = 41;
        w.common.fill(42);
        w.mesh.length.fill(0.5);
        w.linked.push(&[]).unwrap();
    })?;
    flow.update_parts(|rows, part| write(part, rows, 4, n, m))?;
    check(&flow, 4, n, m);
    check_usable(comm)
}

#[derive(SharedLayout)]
#[shared(dims(n, m), rows = n)]
struct Crossed {
    #[shared(shape = [n, m])]
    table: Array2<u64>,
    // The rows of the nested struct are counted by `m`.
    #[shared(dims = MeshDims { cells: m, faces: n })]
    mesh: Mesh<u8>,
}

/// A nested struct whose rows are not those of the struct is an error on all ranks, unless there are equally many.
pub(crate) fn other_rows_of_a_nested_struct(comm: &Comm) -> Outcome {
    let mut crossed = Shared::<Crossed>::new(comm, CrossedDims { n: 4, m: 3 })?;
    let call = crossed.update_parts(|_, _| panic!("no closure runs"));
    let call: Result<(), Error> = call;
    let error = same_error(comm, call)?;
    let expected = Error::Shape {
        field: "mesh.kind".to_owned(),
        expected: vec![4],
        found: vec![3],
    };
    assert_eq!(error, expected);
    let mut counts = vec![0; comm.size()];
    counts[0] = 4;
    let call = crossed.update_parts_by(&counts, |_, mut part| part.table.fill(9));
    assert_eq!(same_error(comm, call)?, expected);
    let call = crossed.update_parts_weighted(&[1.0; 4], |_, mut part| part.table.fill(9));
    assert_eq!(same_error(comm, call)?, expected);
    assert!(crossed.view().table.iter().all(|&value| value == 0));
    let mut equal = Shared::<Crossed>::new(comm, CrossedDims { n: 3, m: 3 })?;
    equal.update_parts(|_, part| part.mesh.kind.fill(1))?;
    assert_eq!(equal.view().mesh.kind, [1; 3]);
    check_usable(comm)
}

/// Closures fail or panic on each rank after they have written: all nodes have what was written. Counts and weights that are wrong
/// change nothing.
pub(crate) fn failures_of_struct_parts(comm: &Comm) -> Outcome {
    let (rank, size) = (comm.rank(), comm.size());
    let mut mesh = Shared::<Mesh<u64>>::new(comm, MeshDims { cells: 8, faces: 2 })?;
    for failing in 0..size {
        let value = 10 + failing as u64;
        let result = mesh.try_update_parts(|_, part| {
            part.kind.fill(value);
            if rank == failing {
                Err("fails")
            } else {
                Ok(())
            }
        });
        let error = same_error(comm, result)?;
        assert!(
            matches!(error, Error::Closure { rank, .. } if rank == failing),
            "{error:?}"
        );
        assert_eq!(mesh.view().kind, [value; 8]);
        let error = call_with_panic(comm, failing, || {
            mesh.update_parts(|_, part| {
                part.kind.fill(value + 100);
                if rank == failing {
                    deliberate_panic()
                }
            })
        })?;
        assert_panic_error(error, failing);
        assert_eq!(mesh.view().kind, [value + 100; 8]);
    }
    let before = mesh.view().kind.to_vec();
    let error = same_error(
        comm,
        mesh.update_parts_by(&vec![9; size], |_, part| part.kind.fill(1)),
    )?;
    assert!(matches!(error, Error::Counts { rows: 8, .. }), "{error:?}");
    let error = same_error(
        comm,
        mesh.update_parts_weighted(&[-1.0; 8], |_, part| part.kind.fill(1)),
    )?;
    assert!(matches!(error, Error::Weights { rows: 8, .. }), "{error:?}");
    assert_slice_eq(mesh.view().kind, &before);
    let mut kind = Shared::<[u64]>::from_root(comm, 0, || before)?;
    for outlier in outliers(comm) {
        let weights = [1.0, f64::from(u8::from(rank == outlier))].repeat(4);
        let call = kind.update_parts_weighted(&weights, |_, part| part.fill(1));
        assert_rejected!(comm, kind, Error::Mismatch { .. }, call);
    }
    check_same_text(comm, &format!("{:?}", mesh.view()))
}

#[derive(SharedLayout)]
#[shared(dims(n, bytes), rows = n)]
struct Stations {
    #[shared(shape = [n])]
    height: Vec<f64>,
    #[shared(shape = [n, bytes])]
    name: Strings,
}

/// A struct of rows that all ranks bring is made by `concat`, and then written in parts as each rank has brought them.
pub(crate) fn parts_of_what_was_brought(comm: &Comm) -> Outcome {
    let found = comm.rank() % 3;
    let mine = Stations {
        height: vec![1.0; found],
        name: (0..found)
            .map(|i| format!("{i} of {}", comm.rank()))
            .collect(),
    };
    let (mut stations, rows) = Shared::<Stations>::concat(comm, &mine)?;
    let counts: Vec<usize> = (0..comm.size()).map(|rank| rank % 3).collect();
    let names = stations.view().name.len();
    let same = stations.update_parts_by(&counts, |rows, part| {
        for (height, row) in part.height.iter_mut().zip(rows.clone()) {
            *height += row as f64;
        }
        rows
    })?;
    assert_eq!(rows, same);
    let total: usize = counts.iter().sum();
    let expected: Vec<f64> = (0..total).map(|row| row as f64 + 1.0).collect();
    assert_slice_eq(stations.view().height, &expected);
    assert_eq!((names, stations.view().name.len()), (total, total));
    check_usable(comm)
}
