//! `update_parts`: every rank writes its own part, and all nodes receive all parts.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "whole numbers far below 2^52, or any numbers at all"
)]

use bytemuck::{Pod, Zeroable};
use ndarray::{Array1, Array2, Array3, ArrayViewMut1, Axis, Dim};
use pshmem::{Columns, Comm, Error, Shared, SharedColumns, SharedLayout};

use super::support::{
    assert_panic_error, assert_rejected, call_with_panic, check_values, deliberate_panic,
};
use crate::collective::{
    check_same_text, check_usable, gather_texts, one_to_eight, outliers, same_error,
};
use crate::report::Outcome;
use crate::values::{array, assert_array_eq, assert_slice_eq, number};

/// The expected elements for a seed.
fn model(seed: usize, len: usize) -> Vec<u64> {
    (0..len).map(|i| number(seed, i)).collect()
}

/// Parts cover all rows in the order of nodes, differ in length by one at most, and arrive on every node.
pub(crate) fn slices_of_any_length(comm: &Comm) -> Outcome {
    let size = comm.size();
    for (seed, len) in [0, 1, 2, size, size + 1, 1000].into_iter().enumerate() {
        let mut list = Shared::<[u64]>::new(comm, len)?;
        for seed in [seed, seed + 10] {
            let rows = list.update_parts(|rows, part| {
                assert_eq!(rows.len(), part.len());
                for (i, element) in rows.clone().zip(part) {
                    *element = number(seed, i);
                }
                rows
            })?;
            assert!([len / size, len.div_ceil(size)].contains(&rows.len()));
            assert_slice_eq(list.view(), &model(seed, len));
            // Parts are in the order of nodes, and within a node in the order of ranks.
            let node = comm.node();
            let texts = gather_texts(
                comm,
                &format!(
                    "{:05} {:05} {:05} {:05}",
                    node.index, node.rank, rows.start, rows.end
                ),
            )?;
            let mut parts: Vec<Vec<usize>> = texts
                .iter()
                .map(|line| line.split(' ').map(|n| n.parse().unwrap()).collect())
                .collect();
            parts.sort();
            let mut end = 0;
            for part in parts {
                assert_eq!(part[2], end, "{texts:?}");
                end = part[3];
            }
            assert_eq!(end, len);
        }
    }
    check_usable(comm)
}

/// Parts that are transferred in several pieces, and parts of small or no bytes.
pub(crate) fn large_parts(comm: &Comm) -> Outcome {
    let len = (5 << 20) / 8 * comm.size().min(4) + 3;
    let mut list = Shared::<[u64]>::new(comm, len)?;
    for seed in 1..3 {
        list.update_parts(|rows, part| {
            for (i, element) in rows.zip(part) {
                *element = (seed * i) as u64;
            }
        })?;
        let wrong = (0..len).find(|&i| list.view()[i] != (seed * i) as u64);
        assert_eq!(wrong, None);
    }
    let mut bytes = Shared::<Box<[u8]>>::new(comm, 77)?;
    bytes.update_parts(|rows, part| part.fill(rows.len() as u8))?;
    assert!(bytes.view().iter().all(|&byte| byte > 0) || comm.size() > 77);
    let mut nothing = Shared::<Vec<()>>::new(comm, 1000)?;
    let rows = nothing.update_parts(|rows, part| (rows.len(), part.len()))?;
    assert_eq!(rows.0, rows.1);
    check_same_text(comm, &format!("{:?}", bytes.view()))
}

/// Arrays are divided along their first axis.
pub(crate) fn arrays(comm: &Comm) -> Outcome {
    let mut line = Shared::<Array1<u64>>::new(comm, [13])?;
    line.update_parts(|rows, mut part: ArrayViewMut1<u64>| {
        for (i, element) in rows.zip(&mut part) {
            *element = number(1, i);
        }
    })?;
    assert_slice_eq(line.view().as_slice().unwrap(), &model(1, 13));

    for shape in [[7, 5], [1, 300], [300, 1], [0, 4], [4, 0], [64, 33]] {
        let expected = array(2, Dim(shape));
        let mut grid = Shared::<Array2<u64>>::new(comm, shape)?;
        grid.update_parts(|rows, mut part| {
            assert_eq!(part.shape(), [rows.len(), shape[1]]);
            let from = expected.slice(ndarray::s![rows, ..]);
            part.assign(&from);
        })?;
        assert_array_eq(grid.view(), expected.view());
    }

    let expected = array(3, Dim([9, 4, 3]));
    let mut cube = Shared::<Array3<u64>>::new(comm, [9, 4, 3])?;
    cube.update_parts(|rows, mut part| {
        for (row, mut plane) in rows.zip(part.outer_iter_mut()) {
            plane.assign(&expected.index_axis(Axis(0), row));
        }
    })?;
    assert_array_eq(cube.view(), expected.view());
    check_usable(comm)
}

#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable, SharedColumns)]
#[repr(C)]
struct Particle {
    place: [f32; 3],
    id: u32,
}

fn particle(i: usize) -> Particle {
    Particle {
        place: [i as f32, 0.5, -1.0],
        id: i as u32 * 3,
    }
}

#[derive(SharedLayout)]
struct Cloud {
    name: [u8; 8],
    particles: Columns<Particle>,
    weights: Vec<f64>,
}

/// All columns are divided alike, in an object of their own and as one field of a struct.
pub(crate) fn columns(comm: &Comm) -> Outcome {
    for len in [0, 3, 50] {
        let mut alone = Shared::<Columns<Particle>>::new(comm, len)?;
        let rows = alone.update_parts(|rows, mut part| {
            assert_eq!((part.len(), part.id.len()), (rows.len(), rows.len()));
            for (at, i) in rows.clone().enumerate() {
                part.set(at, particle(i));
            }
            rows
        })?;
        let expected: Vec<Particle> = (0..len).map(particle).collect();
        assert_slice_eq(&alone.to_owned(), &expected);

        let mut cloud = Shared::<Cloud>::new(
            comm,
            CloudDims {
                particles: len,
                weights: len,
            },
        )?;
        let mut fields = cloud.fields();
        fields.name.update(0, |mut name| *name = *b"nebula  ")?;
        fields.weights.update_parts(|rows, part| {
            for (i, weight) in rows.zip(part) {
                *weight = i as f64;
            }
        })?;
        // One field is read by every rank while another field is written.
        let same_rows = fields.particles.update_parts(|rows, mut part| {
            let weights = fields.weights.view();
            for (at, i) in rows.clone().enumerate() {
                part.set(at, particle(weights[i] as usize));
            }
            rows
        })?;
        assert_eq!(rows, same_rows);
        let view = cloud.view();
        assert_eq!(view.name, b"nebula  ");
        let found: Vec<Particle> = (0..len).map(|i| view.particles.get(i)).collect();
        assert_slice_eq(&found, &expected);
        assert_slice_eq(
            view.weights,
            &(0..len).map(|i| i as f64).collect::<Vec<_>>(),
        );
    }
    check_usable(comm)
}

/// Parts of given lengths are in the order of ranks, whatever the nodes of the ranks are.
pub(crate) fn given_counts(comm: &Comm) -> Outcome {
    let size = comm.size();
    for seed in 0..6 {
        let mut counts: Vec<usize> = (0..size).map(|r| number(seed, r) as usize % 9).collect();
        match seed {
            0 => counts.fill(0),
            1 => {
                counts.fill(0);
                counts[size - 1] = 100;
            }
            _ => {}
        }
        let len = counts.iter().sum();
        let mut list = Shared::<[u64]>::new(comm, len)?;
        let rows = list.update_parts_by(&counts, |rows, part| {
            for (i, element) in rows.clone().zip(part) {
                *element = number(seed, i);
            }
            rows
        })?;
        let start = counts[..comm.rank()].iter().sum();
        assert_eq!(rows, start..start + counts[comm.rank()]);
        assert_slice_eq(list.view(), &model(seed, len));
        let mut grid = Shared::<Array2<u64>>::new(comm, [len, 3])?;
        let expected = array(seed, Dim([len, 3]));
        grid.try_update_parts_by(&counts, |rows, mut part| {
            part.assign(&expected.slice(ndarray::s![rows, ..]));
            Ok::<(), String>(())
        })?;
        assert_array_eq(grid.view(), expected.view());
    }
    check_usable(comm)
}

/// Counts that do not add up to the rows, on all ranks or on one, and counts that differ between ranks, also when they
/// take several rounds to compare.
pub(crate) fn invalid_counts(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let size = comm.size();
    let mut valid = vec![0; size];
    valid[0] = 8;
    let mut too_large = vec![0; size];
    too_large[size - 1] = 9;
    let longer = [&valid[..], &[0]].concat();
    let much_longer = [&valid[..], &vec![1; 5000]].concat();
    let overflowing = [&[usize::MAX, 9][..], &vec![0; size.saturating_sub(2)]].concat();
    for counts in [
        &[][..],
        &valid[1..],
        &too_large,
        &longer,
        &much_longer,
        &overflowing,
    ] {
        let call = list.update_parts_by(counts, |_, _| panic!("no closure runs"));
        let call: Result<(), Error> = call;
        assert_rejected!(comm, list, Error::Counts { rank: 0, .. }, call);
        for outlier in outliers(comm) {
            let counts = if comm.rank() == outlier {
                counts
            } else {
                &valid
            };
            let call = list.update_parts_by(counts, |_, part| part.fill(9));
            assert_rejected!(comm, list, Error::Counts { rank, .. } if rank == outlier, call);
        }
    }
    if size > 1 {
        let mut other = vec![0; size];
        (other[0], other[1]) = (3, 5);
        for outlier in 0..size {
            let counts = if comm.rank() == outlier {
                &other
            } else {
                &valid
            };
            let call = list.update_parts_by(counts, |_, part| part.fill(9));
            let shows_counts =
                |text: &str| text.contains("counts [3, 5") || text.contains("counts [8");
            assert_rejected!(comm, list, Error::Mismatch { ref ours, ref theirs, .. } if shows_counts(ours) && shows_counts(theirs), call);
        }
    }
    check_usable(comm)
}

#[derive(SharedLayout)]
#[shared(dims(nx, ny))]
struct Flow {
    #[shared(shape = [nx, ny])]
    now: Array2<f64>,
    #[shared(shape = [nx, ny])]
    next: Array2<f64>,
}

fn smooth(now: &ndarray::ArrayView2<f64>, i: usize, j: usize) -> f64 {
    let (nx, ny) = now.dim();
    0.2 * (now[[i, j]]
        + now[[(i + 1) % nx, j]]
        + now[[(i + nx - 1) % nx, j]]
        + now[[i, (j + 1) % ny]]
        + now[[i, (j + ny - 1) % ny]])
}

/// A stencil over two fields gives bitwise the same result as on one rank.
pub(crate) fn stencil(comm: &Comm) -> Outcome {
    let dims = [11, 6];
    let mut flow = Shared::<Flow>::new(comm, FlowDims { nx: 11, ny: 6 })?;
    let mut now = array(5, Dim(dims)).mapv(|number| number as f64);
    flow.fields()
        .now
        .set(0, [0, 0], (comm.rank() == 0).then(|| now.view()))?;
    for _ in 0..4 {
        let mut f = flow.fields();
        f.next.update_parts(|rows, mut out| {
            let now = f.now.view();
            for ((i, j), out) in out.indexed_iter_mut() {
                *out = smooth(&now, rows.start + i, j);
            }
        })?;
        f.now.update_parts(|rows, mut out| {
            out.assign(&f.next.view().slice(ndarray::s![rows, ..]));
        })?;
        now = Array2::from_shape_fn(dims, |(i, j)| smooth(&now.view(), i, j));
        assert_array_eq(flow.view().now, now.view());
    }
    check_usable(comm)
}

/// A closure may write its part by several threads.
pub(crate) fn threads_inside_a_closure(comm: &Comm) -> Outcome {
    let mut list = Shared::<[u64]>::new(comm, 100)?;
    list.update_parts(|rows, part| {
        let middle = part.len() / 2;
        let (left, right) = part.split_at_mut(middle);
        std::thread::scope(|scope| {
            for (start, part) in [(rows.start, left), (rows.start + middle, right)] {
                scope.spawn(move || {
                    for (i, element) in part.iter_mut().enumerate() {
                        *element = number(4, start + i);
                    }
                });
            }
        });
    })?;
    assert_slice_eq(list.view(), &model(4, 100));
    check_usable(comm)
}

/// A closure fails or panics on each rank after it has written: all ranks get the error, and all nodes what was written.
pub(crate) fn closures_fail(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    for failing in 0..comm.size() {
        let value = 100 + failing as u64;
        let result = list.try_update_parts(|_, part| {
            part.fill(value);
            if comm.rank() == failing {
                Err(format!("rank {failing} fails"))
            } else {
                Ok(())
            }
        });
        let error = same_error(comm, result)?;
        let message = format!("rank {failing} fails");
        assert_eq!(
            error,
            Error::Closure {
                rank: failing,
                message
            }
        );
        check_values(comm, &mut list, &[value; 8])?;

        let error = call_with_panic(comm, failing, || {
            list.update_parts(|_, part| {
                part.fill(value + 100);
                if comm.rank() == failing {
                    deliberate_panic()
                }
            })
        })?;
        assert_panic_error(error, failing);
        check_values(comm, &mut list, &[value + 100; 8])?;
    }
    // It fails on all ranks: the error of the lowest rank counts.
    let result = list.try_update_parts(|_, _| Err::<(), _>(comm.rank()));
    let message = "0".to_owned();
    assert_eq!(
        same_error(comm, result)?,
        Error::Closure { rank: 0, message }
    );
    check_usable(comm)
}

/// A collective call inside the closure is rejected, and the outer call succeeds.
pub(crate) fn nested_calls(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let mut other = one_to_eight(comm)?;
    let is_rejected = list.update_parts(|_, part| {
        part.fill(3);
        let result = other.update_parts(|_, part| part.fill(1));
        matches!(result, Err(Error::Nested { .. }))
    })?;
    assert_eq!(is_rejected, comm.size() > 1);
    check_values(comm, &mut list, &[3; 8])?;
    check_values(
        comm,
        &mut other,
        &if is_rejected {
            [1, 2, 3, 4, 5, 6, 7, 8]
        } else {
            [1; 8]
        },
    )
}
