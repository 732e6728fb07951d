//! Every call in which one rank writes, from every root.

use std::cell::Cell;
use std::fmt::Debug;

use ndarray::{Array1, Array2, ArrayView1, array as matrix, s};
use pshmem::{Comm, Element, Shared, Value};

use crate::report::Outcome;
use crate::values::{assert_array_eq, assert_slice_eq, bytes, number};

/// The first example of the README.
pub(crate) fn quickstart(comm: &Comm) -> Outcome {
    let expected = matrix![
        [0., 0., 0., 0., 0.],
        [0., 0., 1., 2., 0.],
        [0., 3., 4., 5., 0.]
    ];
    let data = matrix![[0., 1., 2.], [3., 4., 5.]];
    let mut shm = Shared::<Array2<f64>>::new(comm, [3, 5])?;
    shm.set(0, [1, 1], (comm.rank() == 0).then(|| data.view()))?;
    assert_array_eq(shm.view(), expected.view());
    shm.fill(0.0)?;
    shm.assign([1, 1], (comm.rank() == 0).then(|| data.view()))?;
    assert_array_eq(shm.view(), expected.view());
    Ok(())
}

/// `set` uses offset and data of the root only; the other ranks may pass anything.
pub(crate) fn set_from_every_root(comm: &Comm) -> Outcome {
    let mut list = Shared::<[u64]>::new(comm, 3 * comm.size())?;
    let mut model = vec![0; 3 * comm.size()];
    let garbage = [u64::MAX; 1000];
    for root in 0..comm.size() {
        let block = [number(root, 0), number(root, 1)];
        model[3 * root..][..2].copy_from_slice(&block);
        list.set(root, 3 * root, (comm.rank() == root).then_some(&block))?;
        assert_slice_eq(list.view(), &model);
        model[3 * root + 1] = 9;
        // The other ranks pass a block that is too long, at an offset that is out of bounds.
        let (offset, data) = if comm.rank() == root {
            (3 * root + 1, &[9][..])
        } else {
            (usize::MAX, &garbage[..])
        };
        list.set(root, offset, Some(data))?;
        assert_slice_eq(list.view(), &model);
    }
    Ok(())
}

/// `set_with` runs its closure on the root only, and takes every type of block.
pub(crate) fn set_with_from_every_root(comm: &Comm) -> Outcome {
    let mut list = Shared::<[u64]>::new(comm, 5)?;
    let mut line = Shared::<Array1<u64>>::new(comm, [5])?;
    for root in 0..comm.size() {
        let calls = Cell::new(0);
        let count = || calls.set(calls.get() + 1);
        let base = root as u64;
        list.set_with(root, 0, || {
            count();
            vec![base, base + 1]
        })?;
        list.set_with(root, 2, || [base + 2])?;
        list.set_with(root, 3, || vec![base + 3].into_boxed_slice())?;
        let kept = [base + 4];
        list.set_with(root, 4, || &kept[..])?;
        line.set_with(root, [0], || {
            count();
            Array1::from_iter(base..base + 3)
        })?;
        let kept = Array1::from_iter(base + 3..base + 5);
        line.set_with(root, [3], || kept.view())?;
        let expected: Vec<u64> = (base..base + 5).collect();
        assert_slice_eq(list.view(), &expected);
        assert_array_eq(line.view(), ArrayView1::from(&expected));
        assert_eq!(calls.get(), if comm.rank() == root { 2 } else { 0 });
    }
    Ok(())
}

/// `assign` finds the one rank that holds data.
pub(crate) fn assign_finds_every_holder(comm: &Comm) -> Outcome {
    let mut grid = Shared::<Array2<u64>>::new(comm, [2, comm.size() + 1])?;
    let mut model = Array2::zeros([2, comm.size() + 1]);
    for holder in 0..comm.size() {
        let block = matrix![[number(holder, 0)], [number(holder, 1)]];
        model
            .slice_mut(s![.., holder + 1..holder + 2])
            .assign(&block);
        // Only the holder's offset counts.
        let mine = comm.rank() == holder;
        grid.assign(
            if mine {
                [0, holder + 1]
            } else {
                [usize::MAX; 2]
            },
            mine.then(|| block.view()),
        )?;
        assert_array_eq(grid.view(), model.view());
    }
    Ok(())
}

/// `fill` reaches every element, also where their number is no multiple of the number of ranks.
pub(crate) fn fill_any_length(comm: &Comm) -> Outcome {
    for len in [0, 1, 2, 3, 7, 64, 1001, 100_000] {
        let mut list = Shared::<[u32]>::new(comm, len)?;
        list.fill(0xdead_beef)?;
        assert!(
            list.view().iter().all(|&x| x == 0xdead_beef),
            "{len} elements"
        );
    }
    let mut grid = Shared::<Array2<f64>>::new(comm, [13, 7])?;
    grid.fill(-1.5)?;
    assert_array_eq(grid.view(), Array2::from_elem([13, 7], -1.5).view());
    Ok(())
}

/// `fill` compares values that are longer than one message.
pub(crate) fn fill_with_large_elements(comm: &Comm) -> Outcome {
    let long: [u8; 512] = bytes(1, 512).try_into().expect("512 bytes");
    fill_with(comm, long)?;
    fill_with(comm, [[7_u16; 32]; 15])?; // 960 B: just above what one round compares.
    fill_with(comm, [[long; 8]; 3])
}

fn fill_with<T: Element + PartialEq + Debug>(comm: &Comm, value: T) -> Outcome {
    let mut list = Shared::<[T]>::new(comm, 5)?;
    list.fill(value)?;
    assert_slice_eq(list.view(), &[value; 5]);
    Ok(())
}

/// `update` writes in place, can read the old values, and returns the result of the closure on the root.
pub(crate) fn update_from_every_root(comm: &Comm) -> Outcome {
    let mut list = Shared::<[u64]>::new(comm, 10)?;
    let mut model = vec![0_u64; 10];
    for round in 0..2 * comm.size() {
        let root = round % comm.size();
        let change = |w: &mut [u64]| {
            let sum = w.iter().fold(0, |a: u64, b| a.wrapping_add(*b));
            w[round % 10] = number(round, 0).wrapping_add(sum);
            sum
        };
        let result = list.update(root, |mut w| change(&mut w))?;
        let sum = change(&mut model);
        assert_eq!(result, (comm.rank() == root).then_some(sum));
        let result = list.try_update(root, |mut w| {
            w[9] += 1;
            Ok::<_, String>("done")
        })?;
        model[9] += 1;
        assert_eq!(result, (comm.rank() == root).then_some("done"));
        assert_slice_eq(list.view(), &model);
    }
    Ok(())
}

/// A closure that writes nothing changes nothing.
pub(crate) fn update_without_writing(comm: &Comm) -> Outcome {
    let mut grid = Shared::<Array2<u64>>::from_root(comm, 0, || matrix![[1, 2], [3, 4]])?;
    for root in 0..comm.size() {
        grid.update(root, |_| ())?;
        let sum = grid.update(root, |w| w.sum())?;
        assert_eq!(sum, (comm.rank() == root).then_some(10));
        grid.update_per_node(|_| ())?;
    }
    assert_array_eq(grid.view(), matrix![[1, 2], [3, 4]].view());
    Ok(())
}

/// `update_per_node` runs once on each node, on its first rank.
pub(crate) fn update_per_node(comm: &Comm) -> Outcome {
    let node = comm.node();
    let mut list = Shared::<[usize]>::new(comm, 4)?;
    for round in 1..4 {
        let ran = list.update_per_node(|mut w| {
            w[0] = node.index;
            w[round] = round;
            comm.rank()
        })?;
        assert_eq!(ran, (node.rank == 0).then_some(comm.rank()));
    }
    assert_slice_eq(list.view(), &[node.index, 1, 2, 3]);
    let ran = list.try_update_per_node(|mut w| {
        w[0] = 0;
        Ok::<_, String>(())
    })?;
    assert_eq!(ran.is_some(), node.rank == 0);
    assert_slice_eq(list.view(), &[0, 1, 2, 3]);
    Ok(())
}

/// Values without extents.
pub(crate) fn single_values(comm: &Comm) -> Outcome {
    let mut count = Shared::<u64>::new(comm, ())?;
    let mut point = Shared::<[f64; 3]>::new(comm, ())?;
    let mut value = Shared::<Value<(/* of size zero */)>>::new(comm, ())?;
    for root in 0..comm.size() {
        count.update(root, |mut w| *w += root as u64 + 1)?;
        point.update(root, |mut w| w[root % 3] += 1.0)?;
        value.update(root, |mut w| *w = ())?;
    }
    let n = comm.size() as u64;
    assert_eq!(*count.view(), n * (n + 1) / 2);
    assert_eq!(
        point.view().iter().sum::<f64>().to_bits(),
        f64::from(comm.size() as u32).to_bits()
    );
    count.update_per_node(|mut w| *w = 7)?;
    assert_eq!(count.to_owned(), 7);
    Ok(())
}

/// Hundreds of writes with changing roots and no barrier: every rank sees each of them before the next.
pub(crate) fn writes_are_ordered(comm: &Comm) -> Outcome {
    let mut list = Shared::<[u64]>::new(comm, 4)?;
    for round in 0..150_u64 {
        let root = number(1, round as usize) as usize % comm.size();
        match number(2, round as usize) % 4 {
            0 => list.set(root, 1, (comm.rank() == root).then_some(&[round, round]))?,
            1 => list.assign(1, (comm.rank() == root).then_some(&[round, round]))?,
            2 => list.fill(round)?,
            _ => {
                list.update(root, |mut w| w[1..3].fill(round))?;
            }
        }
        assert_eq!(list.view()[1..3], [round, round]);
    }
    Ok(())
}
