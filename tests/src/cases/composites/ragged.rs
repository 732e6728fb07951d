//! Rows of different lengths.

use pshmem::{Comm, Full, Ragged, RaggedDims, RaggedMut, Shared};

use crate::cases::support::{assert_panic_error, call_with_panic, deliberate_panic};
use crate::collective::{check_same_text, check_usable, same_error};
use crate::report::Outcome;
use crate::values::number;

/// Rows of a seed, the same on all ranks.
fn rows(seed: usize, count: usize) -> Vec<Vec<u32>> {
    let row = |i: usize| {
        let len = number(seed, i) as usize % 4;
        (0..len).map(|j| number(seed + i, j) as u32).collect()
    };
    (0..count).map(row).collect()
}

/// Checks that all copies are those of the model.
fn check(comm: &Comm, shared: &Shared<Ragged<u32>>, model: &[Vec<u32>]) -> Outcome {
    let view = shared.view();
    assert_eq!(
        (view.len(), view.is_empty()),
        (model.len(), model.is_empty())
    );
    assert!(view.iter().eq(model.iter()), "{view:?} {model:?}");
    assert!(view.iter().rev().eq(model.iter().rev()));
    assert_eq!(view.as_slice(), model.concat());
    for (i, row) in model.iter().enumerate() {
        assert_eq!((&view[i], view.get(i)), (&row[..], Some(&row[..])));
    }
    assert_eq!(view.get(model.len()), None);
    assert_eq!(view.get(usize::MAX), None);
    assert_eq!(shared.to_owned(), Ragged::from(model.to_vec()));
    check_same_text(comm, &format!("{view:?}"))
}

/// Each rank in turn pushes, writes items, assigns and clears.
pub(crate) fn ragged_rows(comm: &Comm) -> Outcome {
    for count in [0, 1, 7] {
        let model = rows(3, count);
        let shared =
            Shared::<Ragged<u32>>::from_root(comm, comm.size() - 1, || model.clone().into())?;
        check(comm, &shared, &model)?;
    }
    let dims = RaggedDims {
        rows: 12,
        items: 30,
    };
    let mut shared = Shared::<Ragged<u32>>::new(comm, dims)?;
    let mut model = Vec::new();
    check(comm, &shared, &model)?;
    for root in 0..comm.size() {
        let more = rows(root, 3);
        shared.try_update(root, |mut w: RaggedMut<u32>| {
            more.iter().try_for_each(|row| w.push(row))
        })?;
        model.extend(more);
        check(comm, &shared, &model)?;
        if let Some(longest) = (0..model.len()).max_by_key(|&i| model[i].len())
            && let Some(item) = model[longest].first_mut()
        {
            *item = root as u32;
            shared.update(root, |mut w| w.row_mut(longest)[0] = root as u32)?;
            check(comm, &shared, &model)?;
        }
        if root % 3 == 2 {
            model = rows(root + 50, 2);
            let owned = Ragged::from(model.clone());
            shared.try_update(root, |mut w| w.assign(&owned))?;
        } else if model.len() > 8 {
            model.clear();
            shared.update(root, |mut w| w.clear())?;
        }
        check(comm, &shared, &model)?;
    }
    shared.update_per_node(|mut w| w.as_mut_slice().fill(7))?;
    for row in &mut model {
        row.fill(7);
    }
    check(comm, &shared, &model)?;
    let mut other = Shared::<Ragged<u32>>::new(comm, dims)?;
    other.copy_from(&shared)?;
    check(comm, &other, &model)?;
    shared.update(0, |mut w| w.clear())?;
    shared.fields().swap_data(&mut other.fields())?;
    check(comm, &shared, &model)?;
    check(comm, &other, &[])
}

/// What has no room changes nothing.
pub(crate) fn full_rows(comm: &Comm) -> Outcome {
    let mut shared = Shared::<Ragged<u32>>::new(comm, RaggedDims { rows: 2, items: 3 })?;
    let root = comm.size() - 1;
    let full: Option<[Result<(), Full>; 6]> = shared.update(root, |mut w| {
        [
            w.push(&[1; 4]),
            w.push(&[1, 2]),
            w.push(&[3, 4]),
            w.push(&[]),
            w.push(&[]),
            w.assign(&Ragged::from_rows([[9; 4]])),
        ]
    })?;
    if let Some(results) = full {
        assert_eq!(
            results.map(|result| result.is_ok()),
            [false, true, false, true, false, false]
        );
        assert_eq!(
            results[4].unwrap_err().to_string(),
            "3 rows are needed, but there is room for 2"
        );
    }
    check(comm, &shared, &[vec![1, 2], vec![]])?;
    let error = same_error(comm, shared.try_update(root, |mut w| w.push(&[5])))?;
    assert!(error.to_string().contains("3 rows are needed"), "{error}");
    check(comm, &shared, &[vec![1, 2], vec![]])?;
    check_usable(comm)
}

/// A closure that fails or panics in the middle leaves whole rows, equal on all nodes.
pub(crate) fn closures_fail_between_rows(comm: &Comm) -> Outcome {
    let dims = RaggedDims { rows: 9, items: 20 };
    let mut shared = Shared::<Ragged<u32>>::new(comm, dims)?;
    let root = comm.size() - 1;
    let failed = shared.try_update(root, |mut w| {
        w.push(&[1, 2]).unwrap();
        w.row_mut(0)[1] = 3;
        Err::<(), _>("no more rows")
    });
    same_error(comm, failed)?;
    check(comm, &shared, &[vec![1, 3]])?;
    let error = call_with_panic(comm, root, || {
        shared.update(root, |mut w| {
            w.clear();
            w.push(&[4]).unwrap();
            deliberate_panic();
        })
    })?;
    assert_panic_error(error, root);
    check(comm, &shared, &[vec![4]])?;
    let error = call_with_panic(comm, root, || {
        shared.update(root, |mut w| {
            let row = w.row_mut(0);
            row[0] = 5;
            deliberate_panic();
        })
    })?;
    assert_panic_error(error, root);
    check(comm, &shared, &[vec![5]])?;
    check_usable(comm)
}
