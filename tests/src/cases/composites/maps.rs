//! Hash tables, beside a `HashMap`.

use std::collections::HashMap;

use pshmem::{Comm, Map, MapDims, Shared};

use crate::collective::{check_same_text, check_usable, same_error};
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
        assert_eq!(
            shared.to_owned(),
            shared.view().iter().map(|(&k, &v)| (k, v)).collect()
        );
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
