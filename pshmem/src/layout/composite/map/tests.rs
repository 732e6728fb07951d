//! Tests of maps: private, in node memory, and as bytes.

use super::*;
use crate::layout::composite::in_memory::InMemory;
use crate::{Comm, MapDims, Shared, SharedLayout};
use proptest::prelude::*;
use std::collections::HashMap;

type Names = Map<str, u32>;
type Numbers = Map<u64, i64>;

fn names(pairs: &[(&str, u32)]) -> Names {
    pairs.iter().copied().collect()
}

fn numbers(keys: std::ops::Range<u32>) -> Numbers {
    keys.map(|key| (u64::from(key) * 7919, i64::from(key)))
        .collect()
}

fn shared<L: SharedLayout<Owned = L>>(dims: L::Dims) -> Shared<L> {
    Shared::new(&Comm::solo(), dims).unwrap()
}

#[test]
fn the_last_value_of_a_key_counts_at_its_first_place() {
    let map = names(&[("b", 1), ("a", 2), ("b", 3)]);
    assert_eq!(map.iter().collect::<Vec<_>>(), [("b", &3), ("a", &2)]);
    assert_eq!((map.get("b"), map.get("c"), map.len()), (Some(&3), None, 2));
    assert!(map.contains_key("a") && !map.contains_key(""));
    assert_eq!(format!("{map:?}"), r#"{"b": 3, "a": 2}"#);
    assert_eq!(map, names(&[("a", 2), ("b", 3)]));
    assert_ne!(map, names(&[("a", 2), ("b", 1)]));
    assert_ne!(map, names(&[("a", 2), ("c", 3)]));
    assert!(Names::default().is_empty() && Names::default().get("a").is_none());
}

#[test]
fn keys_are_compared_by_their_bytes() {
    let map: Map<f64, u8> = [(0.0, 1), (-0.0, 2), (f64::NAN, 3)].into_iter().collect();
    assert_eq!(
        (map.len(), map.get(&-0.0), map.get(&f64::NAN)),
        (3, Some(&2), Some(&3))
    );
    let pixels: Map<[u32; 2], ()> = [([1, 2], ()), ([2, 1], ()), ([1, 2], ())]
        .into_iter()
        .collect();
    assert_eq!(pixels.len(), 2);
    let nothing: Map<[u8; 0], u8> = [([], 1), ([], 2)].into_iter().collect();
    assert_eq!(nothing.iter().collect::<Vec<_>>(), [(&[], &2)]);
}

#[test]
fn maps_in_node_memory_are_read_and_restored() {
    let map = numbers(0..1000);
    let shm = Shared::<Numbers>::from_root(&Comm::solo(), 0, || map.clone()).unwrap();
    let view = shm.view();
    assert_eq!(view, map);
    assert!(view.iter().eq(&map) && view.iter().rev().eq(map.iter().rev()));
    assert_eq!(view.iter().nth(5), Some((&(5 * 7919), &5)));
    assert_eq!(view.get_key_value(&7919), Some((&7919, &1)));
    assert_eq!(
        (view.get(&1), view.keys().len(), view.values()[3]),
        (None, 1000, 3)
    );
    let mut owned = shm.to_owned();
    assert_eq!(owned, map);
    // It has an index of its own, which grows.
    assert_eq!(owned.insert(&1, -1), None);
    assert_eq!(owned.insert(&7919, -2), Some(1));
    assert_eq!((owned.get(&1), owned.len()), (Some(&-1), 1001));
}

#[test]
fn maps_of_strings_are_read_and_restored() {
    let map = names(&[("Genève", 1), ("", 2), ("Zürich", 3)]);
    let shm = Shared::<Names>::from_root(&Comm::solo(), 0, || map.clone()).unwrap();
    assert_eq!(shm.view().get("Zürich"), Some(&3));
    assert_eq!(shm.view().get("Bern"), None);
    assert_eq!((shm.view(), shm.to_owned()), (map.view(), map.clone()));
    assert!(
        shm.to_string()
            .contains(r#"{"Genève": 1, "": 2, "Zürich": 3}"#),
        "{shm}"
    );
}

#[test]
fn new_memory_is_an_empty_map() {
    for entries in [0, 1, 9] {
        let shm = shared::<Names>(MapDims::text(entries, 5));
        assert!(shm.view().is_empty() && shm.view().get("a").is_none());
        assert_eq!(shm.to_owned(), Names::new());
        assert!(
            shared::<Numbers>(MapDims::new(entries))
                .view()
                .get(&0)
                .is_none()
        );
    }
}

#[test]
fn values_can_be_written() {
    let mut shm =
        Shared::<Names>::from_root(&Comm::solo(), 0, || names(&[("a", 1), ("b", 2)])).unwrap();
    shm.update(0, |mut w| {
        *w.get_mut("b").unwrap() += 5;
        assert!(w.get_mut("c").is_none());
        w.values_mut()[0] = 9;
        assert_eq!((w.view().get("b"), w.len()), (Some(&7), 2));
    })
    .unwrap();
    assert_eq!(shm.view(), names(&[("a", 9), ("b", 7)]));
}

#[test]
fn what_does_not_fit_changes_nothing() {
    let mut shm = shared::<Names>(MapDims::text(2, 5));
    let full = shm.update(0, |mut w| {
        w.assign(&names(&[("abc", 1), ("d", 2)])).unwrap();
        let error =
            |map: Names, w: &mut MapMut<'_, str, u32>| w.assign(&map).unwrap_err().to_string();
        [
            error(names(&[("a", 1), ("b", 2), ("c", 3)]), &mut w),
            error(names(&[("abcdef", 1)]), &mut w),
        ]
    });
    assert_eq!(
        full.unwrap().unwrap(),
        [
            "3 entries are needed, but there is room for 2",
            "6 bytes of keys are needed, but there is room for 5"
        ]
    );
    assert_eq!(shm.view(), names(&[("abc", 1), ("d", 2)]));
    shm.update(0, |mut w| {
        w.assign(&names(&[("e", 3)])).unwrap();
        assert_eq!((w.view().get("abc"), w.view().get("e")), (None, Some(&3)));
        w.clear();
        assert!(w.is_empty() && w.view().get("e").is_none());
        w.assign(&names(&[("f", 4)])).unwrap();
    })
    .unwrap();
    assert_eq!(shm.view(), names(&[("f", 4)]));
}

#[test]
fn capacities_beyond_any_memory_are_refused() {
    for entries in [1 << 32, usize::MAX / 8, usize::MAX] {
        let error = Shared::<Map<u8, ()>>::new(&Comm::solo(), MapDims::new(entries)).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    }
}

/// The leaves of a map in memory of its own.
struct Bytes {
    dims: MapDims,
    leaves: Vec<Vec<u64>>,
    lengths: Vec<usize>,
    sizes: Vec<usize>,
}

impl Bytes {
    fn of_names(dims: MapDims, keys: &[&str], values: usize) -> Self {
        let text = keys.concat();
        let mut offsets: Vec<u64> = vec![0];
        for key in keys {
            offsets.push(offsets.last().unwrap() + key.len() as u64);
        }
        let mut bytes = vec![0_u64; text.len().div_ceil(8)];
        bytemuck::cast_slice_mut(&mut bytes)[..text.len()].copy_from_slice(text.as_bytes());
        Bytes {
            dims,
            lengths: vec![0, 0, offsets.len(), text.len(), values, 0],
            sizes: vec![
                8,
                8,
                8 * offsets.len(),
                text.len(),
                4 * values,
                8 * index::words_for(dims.entries),
            ],
            leaves: vec![
                vec![0],
                vec![keys.len() as u64],
                offsets,
                bytes,
                vec![0; values.div_ceil(2)],
                vec![0; index::words_for(dims.entries)],
            ],
        }
    }

    fn of_numbers(dims: MapDims, keys: &[u64], values: usize) -> Self {
        Bytes {
            dims,
            lengths: vec![0, keys.len(), values, 0],
            sizes: vec![
                8,
                8 * keys.len(),
                8 * values,
                8 * index::words_for(dims.entries),
            ],
            leaves: vec![
                vec![0],
                keys.to_vec(),
                vec![0; values],
                vec![0; index::words_for(dims.entries)],
            ],
        }
    }

    fn complete<C: Composite<Dims = MapDims>>(&mut self) -> Result<(), String> {
        let leaves = self.leaves.iter_mut().zip(&self.sizes);
        let mut leaves: Vec<&mut [u8]> = leaves
            .map(|(leaf, &size)| &mut bytemuck::cast_slice_mut(leaf)[..size])
            .collect();
        C::complete(&self.dims, &self.lengths, &mut leaves)
    }

    fn leaves(&self) -> Vec<&[u8]> {
        let leaves = self.leaves.iter().zip(&self.sizes);
        leaves
            .map(|(leaf, &size)| &bytemuck::cast_slice(leaf)[..size])
            .collect()
    }

    fn check<C: Composite<Dims = MapDims>>(&self) -> Result<(), String> {
        C::check(&self.dims, &self.leaves())
    }
}

#[test]
fn the_index_is_computed_from_the_keys() {
    let mut bytes = Bytes::of_numbers(MapDims::new(9), &[5, 6, 7], 3);
    assert!(bytes.check::<Numbers>().is_ok(), "nothing is in use yet");
    bytes.complete::<Numbers>().unwrap();
    bytes.check::<Numbers>().unwrap();
    assert_eq!(
        Numbers::lengths(&bytes.dims, &bytes.leaves()),
        [1, 3, 3, index::words_for(9)]
    );

    let mut bytes = Bytes::of_names(MapDims::text(2, 9), &["ab", "c"], 2);
    bytes.complete::<Names>().unwrap();
    bytes.check::<Names>().unwrap();
    assert_eq!(
        Names::lengths(&bytes.dims, &bytes.leaves()),
        [1, 1, 3, 3, 2, index::words_for(2)]
    );
}

#[test]
fn a_repeated_key_is_named() {
    let complete = Bytes::of_numbers(MapDims::new(3), &[5, 259, 5], 3).complete::<Numbers>();
    assert_eq!(
        complete.unwrap_err(),
        format!(
            "entries 0 and 2 have the same key, of the bytes {:?}; the keys of a map differ",
            5_u64.to_ne_bytes()
        )
    );
    let complete = Bytes::of_names(MapDims::text(3, 9), &["é", "c", "c"], 3).complete::<Names>();
    assert_eq!(
        complete.unwrap_err(),
        r#"entries 1 and 2 have the same key, "c"; the keys of a map differ"#
    );
}

#[test]
fn keys_without_values_are_an_error() {
    let complete = Bytes::of_numbers(MapDims::new(3), &[5, 6], 3).complete::<Numbers>();
    assert_eq!(complete.unwrap_err(), "there are 2 keys, but 3 values");
    let complete = Bytes::of_names(MapDims::text(3, 9), &["a", "b"], 1).complete::<Names>();
    assert_eq!(complete.unwrap_err(), "there are 2 keys, but 1 values");
}

#[test]
fn inconsistent_bytes_are_found() {
    let consistent = || {
        let mut bytes = Bytes::of_numbers(MapDims::new(3), &[5, 6, 7], 3);
        bytes.complete::<Numbers>().unwrap();
        bytes
    };
    let mut bytes = consistent();
    bytes.leaves[0][0] = 4;
    assert_eq!(
        bytes.check::<Numbers>().unwrap_err(),
        "4 entries are in use of 3"
    );
    let mut bytes = consistent();
    bytes.leaves[0][0] = 2;
    assert_eq!(
        bytes.check::<Numbers>().unwrap_err(),
        "the index is not that of 2 entries"
    );
    let mut bytes = consistent();
    bytes.leaves[3].fill(u64::MAX);
    assert!(bytes.check::<Numbers>().is_err());
    let mut bytes = Bytes::of_names(MapDims::text(3, 9), &["a", "b"], 2);
    bytes.complete::<Names>().unwrap();
    bytes.leaves[1][0] = 1;
    assert_eq!(
        bytes.check::<Names>().unwrap_err(),
        "there are 1 keys, but 2 values"
    );
}

#[test]
fn an_index_of_any_bytes_is_followed_to_no_entry_out_of_range() {
    let words = [u64::MAX; 15];
    let keys = [1_u64, 2];
    let view = MapView::<u64, u8>::of_parts(&keys, &[3, 4], &words);
    for key in 0..100 {
        assert!(view.get(&key).is_none());
    }
}

/// Which leaves of a map of two entries are written.
fn written(write: impl FnOnce(&mut MapMut<'_, str, u32>)) -> Vec<&'static str> {
    let mut map = InMemory::<Names>::new(&MapDims::text(3, 20));
    map.update(|mut w| w.assign(&names(&[("a", 1), ("b", 2)])))
        .unwrap();
    map.forget_writes();
    map.update(|mut w| write(&mut w));
    map.written(&[
        "used",
        "keys.used",
        "keys.offsets",
        "keys.bytes",
        "values",
        "slots",
    ])
}

#[test]
fn only_what_changes_is_sent() {
    let none: [&str; 0] = [];
    assert_eq!(written(|map| assert!(map.get_mut("c").is_none())), none);
    assert_eq!(written(|map| assert!(map.view().get("a").is_some())), none);
    assert_eq!(written(|map| *map.get_mut("b").unwrap() = 3), ["values"]);
    assert_eq!(written(|map| map.values_mut()[1] = 3), ["values"]);
    let cleared = written(|map| {
        map.clear();
        assert!(map.is_empty());
    });
    assert_eq!(cleared, ["used", "keys.used", "slots"]);
    assert_eq!(
        written(|map| {
            map.clear();
            map.assign(&names(&[("c", 1)])).unwrap();
        })
        .len(),
        6
    );
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn saved_maps_are_loaded_on_all_nodes() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = crate::local::Cluster::new(&[2, 1]);
    let saved = cluster.run(|comm| -> crate::Result<()> {
        let pairs = || (0..100).map(|i| (format!("name {i}"), i));
        let map = Shared::<Names>::from_root(comm, 1, || pairs().collect())?;
        map.save(folder.path().join("names"))?;
        let loaded = Shared::<Names>::load(comm, folder.path().join("names"))?;
        assert!(loaded.view().iter().eq(map.view().iter()));
        assert_eq!(
            (loaded.view().get("name 7"), loaded.view().get("")),
            (Some(&7), None)
        );
        let numbers = Shared::<Numbers>::from_root(comm, 0, || numbers(0..50))?;
        numbers.save(folder.path().join("numbers"))?;
        let mut loaded = Shared::<Numbers>::load(comm, folder.path().join("numbers"))?;
        loaded.update(2, |mut w| *w.get_mut(&7919).unwrap() = -1)?;
        assert_eq!(
            (loaded.view().get(&7919), loaded.view().get(&0)),
            (Some(&-1), Some(&0))
        );
        Ok(())
    });
    for result in saved {
        result.unwrap();
    }
    for file in [
        "names/keys/offsets.npy",
        "names/keys/bytes.npy",
        "names/values.npy",
        "numbers/keys.npy",
    ] {
        assert!(folder.path().join(file).is_file(), "{file}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn files_with_a_repeated_key_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers");
    let comm = Comm::solo();
    Shared::<Numbers>::from_root(&comm, 0, || numbers(0..4))
        .unwrap()
        .save(&path)
        .unwrap();
    std::fs::remove_file(path.join("schema.json")).unwrap();
    Shared::<[u64]>::from_root(&comm, 0, || vec![4, 3, 2, 3])
        .unwrap()
        .save(path.join("keys.npy"))
        .unwrap();
    let error = Shared::<Numbers>::load(&comm, &path)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("entries 1 and 3 have the same key"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

    #[test]
    fn a_map_is_what_a_hash_map_is(pairs in prop::collection::vec((0_u16..50, any::<u32>()), 0..120)) {
        let model: HashMap<u16, u32> = pairs.iter().copied().collect();
        let mut first_places: Vec<u16> = Vec::new();
        for (key, _) in &pairs {
            if !first_places.contains(key) {
                first_places.push(*key);
            }
        }
        let map: Map<u16, u32> = pairs.iter().copied().collect();
        let texts: Names = pairs.iter().map(|(key, value)| (key.to_string(), *value)).collect();
        let shm = Shared::<Map<u16, u32>>::from_root(&Comm::solo(), 0, || map.clone()).unwrap();
        prop_assert!(map.iter().map(|(&key, _)| key).eq(first_places.iter().copied()));
        for key in 0..60 {
            let expected = model.get(&key);
            prop_assert_eq!(map.get(&key), expected);
            prop_assert_eq!(shm.view().get(&key), expected);
            prop_assert_eq!(texts.get(&key.to_string()), expected);
        }
    }
}
