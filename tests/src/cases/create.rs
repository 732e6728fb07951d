//! Creation of objects, what they report about themselves, and drops in any order.

use std::cell::Cell;
use std::collections::VecDeque;

use ndarray::{Array1, Array2};
use pshmem::{Comm, Shared};

use crate::collective::{check_same_text, check_usable, split};
use crate::report::Outcome;
use crate::values::{array, assert_array_eq, assert_slice_eq, bytes, number};

/// Fresh objects of every layout and size class hold zeros.
pub(crate) fn new_is_zeroed(comm: &Comm) -> Outcome {
    assert_eq!(*Shared::<u64>::new(comm, ())?.view(), 0);
    assert!(
        Shared::<[f64]>::new(comm, 1000)?
            .view()
            .iter()
            .all(|x| x.to_bits() == 0)
    );
    assert!(
        Shared::<Vec<u8>>::new(comm, 7)?
            .view()
            .iter()
            .all(|&x| x == 0)
    );
    assert!(
        Shared::<Box<[i16]>>::new(comm, 7)?
            .view()
            .iter()
            .all(|&x| x == 0)
    );
    assert!(
        Shared::<Array2<f32>>::new(comm, [30, 50])?
            .view()
            .iter()
            .all(|x| x.to_bits() == 0)
    );
    for len in [300 << 10, 3 << 20] {
        assert!(
            Shared::<[u8]>::new(comm, len)?
                .view()
                .iter()
                .all(|&x| x == 0),
            "{len} B"
        );
    }
    Ok(())
}

/// Memory that another object has used is zeroed before it is allocated again.
pub(crate) fn reused_memory_is_zeroed(comm: &Comm) -> Outcome {
    for round in 0..4 {
        for len in [1, 100, 5000, 100 << 10, 300 << 10] {
            let mut object = Shared::<[u8]>::new(comm, len)?;
            assert!(
                object.view().iter().all(|&x| x == 0),
                "{len} B in round {round}"
            );
            object.fill(0xff)?;
        }
    }
    Ok(())
}

/// `from_root` runs its closure on the root only and takes the extents from its value.
pub(crate) fn from_every_root(comm: &Comm) -> Outcome {
    for root in 0..comm.size() {
        let calls = Cell::new(0);
        let count = || calls.set(calls.get() + 1);
        let grid = Shared::<Array2<u64>>::from_root(comm, root, || {
            count();
            array(root, ndarray::Dim([root + 1, 5]))
        })?;
        assert_array_eq(grid.view(), array(root, ndarray::Dim([root + 1, 5])).view());
        let list = Shared::<[u8]>::try_from_root(comm, root, || {
            count();
            Ok::<_, String>(bytes(root, 100 * root))
        })?;
        assert_slice_eq(list.view(), &bytes(root, 100 * root));
        let large = Shared::<Vec<u8>>::from_root(comm, root, || bytes(root, 400 << 10))?;
        assert_slice_eq(large.view(), &bytes(root, 400 << 10));
        let value = Shared::<u64>::from_root(comm, root, || number(root, 1))?;
        assert_eq!(*value.view(), number(root, 1));
        assert_eq!(calls.get(), if comm.rank() == root { 2 } else { 0 });
    }
    Ok(())
}

/// `dims`, `bytes`, `schema` and `comm` return what was asked for.
pub(crate) fn metadata(comm: &Comm) -> Outcome {
    let grid = Shared::<Array2<f32>>::new(comm, [3, 5])?;
    assert_eq!(grid.dims(), [3, 5]);
    assert_eq!(grid.bytes(), 60);
    assert_eq!(
        (grid.comm().rank(), grid.comm().size()),
        (comm.rank(), comm.size())
    );
    let fields = &grid.schema().fields;
    assert_eq!(fields.len(), 1);
    assert_eq!(
        (fields[0].name.as_str(), fields[0].type_name.as_str()),
        ("", "f32")
    );
    assert_eq!(
        (
            fields[0].extents.as_slice(),
            fields[0].bytes,
            fields[0].offset
        ),
        (&[3, 5][..], 60, 0)
    );
    let list = Shared::<[u16]>::new(comm, 7)?;
    assert_eq!((list.dims(), list.bytes()), (7, 14));
    let value = Shared::<f64>::new(comm, ())?;
    assert_eq!(value.bytes(), 8);
    assert!(value.schema().fields[0].extents.is_empty());
    Ok(())
}

/// `Display` and `Debug` show nodes, ranks, shape, type and a few values, the same on all ranks.
pub(crate) fn display_and_debug(comm: &Comm) -> Outcome {
    let mut grid = Shared::<Array2<f64>>::new(comm, [3, 5])?;
    grid.fill(2.5)?;
    let text = grid.to_string();
    let (nodes, ranks) = (comm.node().count, comm.size());
    for part in [
        &format!("{nodes} node"),
        &format!("{ranks} rank"),
        "f64",
        "[3, 5]",
        "2.5",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    let debug = format!("{grid:?}");
    assert!(debug.contains("[3, 5]"), "{debug}");
    check_same_text(comm, &format!("{text}\n{debug}"))?;
    let list = Shared::<[usize]>::from_root(comm, 0, || (0..1000).collect())?;
    let text = list.to_string();
    assert!(
        text.contains('0') && text.contains("999") && text.len() < 400,
        "a long list is cut: {text}"
    );
    assert!(Shared::<u8>::new(comm, ())?.to_string().contains("u8"));
    Ok(())
}

/// `to_owned` returns a copy that later writes do not change.
pub(crate) fn owned_copies_are_private(comm: &Comm) -> Outcome {
    let mut line = Shared::<Array1<u64>>::from_root(comm, 0, || array(1, ndarray::Dim([9])))?;
    let copy: Array1<u64> = line.to_owned();
    line.fill(0)?;
    assert_array_eq(copy.view(), array(1, ndarray::Dim([9])).view());
    let list: Vec<u8> = Shared::<[u8]>::from_root(comm, 0, || vec![1, 2])?.to_owned();
    assert_eq!(list, [1, 2]);
    let boxed: Box<[u8]> = Shared::<Box<[u8]>>::from_root(comm, 0, || Box::new([3, 4]))?.to_owned();
    assert_eq!(*boxed, [3, 4]);
    let value: [f64; 2] = Shared::<[f64; 2]>::from_root(comm, 0, || [5.0, 6.0])?.to_owned();
    assert_slice_eq(&value, &[5.0, 6.0]);
    Ok(())
}

/// `close` is a collective call, and the memory can be used again.
pub(crate) fn close_frees_memory(comm: &Comm) -> Outcome {
    for round in 0..8 {
        let small = Shared::<[u8]>::from_root(comm, 0, || bytes(round, 100))?;
        let large = Shared::<[u8]>::from_root(comm, comm.size() - 1, || bytes(round, 500 << 10))?;
        assert_slice_eq(small.view(), &bytes(round, 100));
        small.close()?;
        assert_slice_eq(large.view(), &bytes(round, 500 << 10));
        large.close()?;
    }
    check_usable(comm)
}

/// Every rank drops its objects in another order, while other objects are written.
pub(crate) fn drop_in_any_order(comm: &Comm) -> Outcome {
    const OBJECTS: usize = 6;
    for round in 0..6 {
        let mut objects = VecDeque::new();
        for index in 0..OBJECTS {
            let len = if index % 3 == 2 {
                300 << 10
            } else {
                1 << (3 * index)
            };
            let mut object = Shared::<[u8]>::new(comm, len)?;
            assert!(
                object.view().iter().all(|&x| x == 0),
                "object {index} of round {round} is not fresh"
            );
            object.fill(index as u8 + 1)?;
            objects.push_back((index as u8 + 1, object));
        }
        let mut last = Shared::<[u64]>::new(comm, 2)?;
        objects.rotate_left(comm.rank() % OBJECTS);
        while let Some((value, object)) = if round % 2 == 0 {
            objects.pop_front()
        } else {
            objects.pop_back()
        } {
            assert!(
                object.view().iter().all(|&x| x == value),
                "neighbours of dropped objects keep their values"
            );
            drop(object);
            let root = objects.len() % comm.size();
            last.set(root, 1, Some(&[number(round, objects.len())]))?;
            assert_eq!(last.view(), [0, number(round, objects.len())]);
        }
    }
    Ok(())
}

/// An object can be used after the handle of its `Comm` was dropped.
pub(crate) fn object_outlives_its_comm(comm: &Comm) -> Outcome {
    let other = split(comm, 3, 0)?;
    let mut object = Shared::<[u64]>::new(&other, 3)?;
    drop(other);
    for root in 0..comm.size() {
        object.set(root, 1, Some(&[5]))?;
    }
    let sibling = Shared::<[u64]>::from_root(object.comm(), 0, || vec![8])?;
    assert_eq!((object.view(), sibling.view()), (&[0, 5, 0][..], &[8][..]));
    Ok(())
}

/// More than a hundred live objects, created and dropped alternately.
pub(crate) fn many_live_objects(comm: &Comm) -> Outcome {
    let mut objects = Vec::new();
    for index in 0..150 {
        let mut object = Shared::<[u64]>::new(comm, 1 + index % 70)?;
        object.fill(index as u64)?;
        objects.push(object);
        if index % 3 == 2 {
            objects.swap_remove(index / 3);
        }
    }
    for object in &objects {
        let first = object.view()[0];
        assert_eq!(object.view().len() as u64, 1 + first % 70);
        assert!(object.view().iter().all(|&x| x == first));
    }
    Ok(())
}
