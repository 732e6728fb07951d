//! Hash tables, beside a `HashMap`.

use std::collections::HashMap;

use pshmem::{Comm, Error, Map, MapDims, Op, Shared};

use crate::cases::support::{assert_panic_error, call_with_panic, deliberate_panic};
use crate::collective::{check_same_text, check_usable, outliers, same_error};
use crate::report::Outcome;
use crate::values::number;

/// Checks every key of the model, and keys that it does not have.
fn check(comm: &Comm, shared: &Shared<Map<u64, u32>>, model: &HashMap<u64, u32>) -> Outcome {
    let view = shared.view();
    assert_eq!(
        (view.len(), view.is_empty()),
        (model.len(), model.is_empty())
    );
    for (key, value) in model {
        assert_eq!(view.get(key), Some(value), "{key}");
        assert!(view.contains_key(key));
        let other = key.wrapping_mul(31) + 7;
        assert_eq!(view.get(&other), model.get(&other));
    }
    let entries: HashMap<u64, u32> = view.iter().map(|(&key, &value)| (key, value)).collect();
    assert_eq!(entries, *model);
    check_same_text(comm, &format!("{view:?}"))
}

fn pairs(seed: usize, count: usize) -> Vec<(u64, u32)> {
    (0..count)
        .map(|i| (number(seed, i) % 1000, i as u32))
        .collect()
}

/// Keys that are numbers; values change in place, entries as a whole.
pub(crate) fn maps(comm: &Comm) -> Outcome {
    let root = comm.size() - 1;
    for count in [0, 1, 100] {
        let made = || pairs(1, count).into_iter().collect();
        let mut shared = Shared::<Map<u64, u32>>::from_root(comm, root, made)?;
        // Of a repeated key, the last value counts.
        let mut model: HashMap<u64, u32> = pairs(1, count).into_iter().collect();
        check(comm, &shared, &model)?;
        if let Some((&key, value)) = model.iter_mut().min() {
            *value += 1;
            shared.update(0, |mut w| *w.get_mut(&key).unwrap() += 1)?;
            check(comm, &shared, &model)?;
        }
        let copied: Map<u64, u32> = shared.view().iter().map(|(&k, &v)| (k, v)).collect();
        assert_eq!(shared.to_owned(), copied);
    }
    let mut large = Shared::<Map<u64, u32>>::new(comm, MapDims::new(60))?;
    check(comm, &large, &HashMap::new())?;
    let owned: Map<u64, u32> = pairs(2, 40).into_iter().collect();
    large.try_update(root, |mut w| w.assign(&owned))?;
    check(comm, &large, &pairs(2, 40).into_iter().collect())?;
    let too_many: Map<u64, u32> = (0..61).map(|i| (i, 0)).collect();
    same_error(comm, large.try_update(root, |mut w| w.assign(&too_many)))?;
    check(comm, &large, &pairs(2, 40).into_iter().collect())?;
    large.update(0, |mut w| w.clear())?;
    check(comm, &large, &HashMap::new())
}

/// Keys that are strings or arrays.
pub(crate) fn other_keys(comm: &Comm) -> Outcome {
    let root = comm.size() - 1;
    let words = ["dust", "", "Zürich", "𝄞"];
    let named = || words.into_iter().zip(0_u8..).collect();
    let shared = Shared::<Map<str, u8>>::from_root(comm, root, named)?;
    for (word, i) in words.into_iter().zip(0..) {
        assert_eq!(shared.view().get(word), Some(&i));
    }
    assert_eq!(
        (shared.view().get("dus"), &shared.view().keys()[2]),
        (None, "Zürich")
    );
    let places = || (0..9_i16).map(|i| ([i, -i], f64::from(i))).collect();
    let shared = Shared::<Map<[i16; 2], f64>>::from_root(comm, 0, places)?;
    assert_eq!(shared.view().get(&[3, -3]), Some(&3.0));
    assert_eq!(shared.view().get(&[3, 3]), None);
    check_same_text(comm, &shared.to_string())?;
    check_usable(comm)
}

/// Pairs of all ranks; equal keys are an error, or are combined in the order of ranks.
pub(crate) fn collected_maps(comm: &Comm) -> Outcome {
    let mine = |rank: usize| (0..rank % 4).map(move |i| ((100 * rank + i) as u64, i as u32));
    let all: Vec<(u64, u32)> = (0..comm.size()).flat_map(mine).collect();
    let shared = Shared::<Map<u64, u32>>::collect(comm, mine(comm.rank()))?;
    check(comm, &shared, &all.iter().copied().collect())?;
    assert!(
        shared
            .view()
            .iter()
            .map(|(&key, &value)| (key, value))
            .eq(all)
    );

    let word = |i: u64| "ü".repeat(i as usize % 5);
    let named = |rank: usize| {
        pairs(rank, 7)
            .into_iter()
            .map(move |(key, _)| (word(key), format!("{rank} ")))
    };
    let mut model: Vec<(String, String)> = Vec::new();
    for (key, value) in (0..comm.size()).flat_map(named) {
        match model.iter_mut().find(|(other, _)| *other == key) {
            Some((_, text)) => text.push_str(&value),
            None => model.push((key, value)),
        }
    }
    // Lists of ranks as the bytes of a number, which show the order.
    let join = Op::new(|a: u128, b: u128| a << (b.ilog2() / 8 * 8 + 8) | b);
    let numbered = named(comm.rank()).map(|(key, _)| (key, comm.rank() as u128 + 1));
    let shared = Shared::<Map<str, u128>>::collect_with(comm, join, numbered)?;
    let view = shared.view();
    assert!(
        view.iter()
            .map(|(key, _)| key)
            .eq(model.iter().map(|(key, _)| key)),
        "{view:?} {model:?}"
    );
    for (key, ranks) in &model {
        let ranks = ranks
            .split_whitespace()
            .map(|rank| rank.parse::<u128>().unwrap());
        let expected = ranks.fold(0, |all, rank| all << 8 | (rank + 1));
        assert_eq!(view.get(key), Some(&expected), "{key:?}");
    }
    check_same_text(comm, &format!("{view:?}"))?;
    // There was room for all pairs, and one key less changes nothing else.
    let owned: Map<str, u128> = shared.to_owned();
    assert_eq!(owned.len(), model.len());
    check_usable(comm)
}

/// Keys of two ranks, operations that differ or panic.
pub(crate) fn uncollected_maps(comm: &Comm) -> Outcome {
    let last = comm.size() - 1;
    let rank = comm.rank();
    let own = (rank as u64, 0);
    if last > 0 {
        let both = if rank == 0 || rank == last {
            99
        } else {
            100 + rank as u64
        };
        let error = same_error(
            comm,
            Shared::<Map<u64, u32>>::collect(comm, [own, (both, 1)]),
        )?;
        assert!(
            matches!(&error, Error::RepeatedKey { first: 0, second, .. } if *second == last),
            "{error:?}"
        );
        let key = if rank == 0 || rank == last {
            "Zürich".to_owned()
        } else {
            rank.to_string()
        };
        let error = same_error(comm, Shared::<Map<str, u32>>::collect(comm, [(key, 1)]))?;
        assert!(error.to_string().contains("\"Zürich\""), "{error}");
        let op = if rank == last { Op::max() } else { Op::sum() };
        let error = same_error(comm, Shared::<Map<u64, u32>>::collect_with(comm, op, [own]))?;
        assert!(matches!(error, Error::Mismatch { .. }), "{error:?}");
    }
    for outlier in outliers(comm) {
        let twice = if rank == outlier { own.0 } else { 99 + own.0 };
        let error = same_error(
            comm,
            Shared::<Map<u64, u32>>::collect(comm, [own, (twice, 1)]),
        )?;
        assert!(
            matches!(&error, Error::RepeatedKey { first, second, .. } if (*first, *second) == (outlier, outlier)),
            "{error:?}"
        );
        let error = call_with_panic(comm, outlier, || {
            let panics = Op::new(|_, _| deliberate_panic());
            let again = if rank == outlier { own.0 } else { 99 + own.0 };
            Shared::<Map<u64, u32>>::collect_with(comm, panics, [own, (again, 1)])
        })?;
        assert_panic_error(error, outlier);
    }
    check_usable(comm)
}
