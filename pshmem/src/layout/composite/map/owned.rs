//! `Map<K, V>`: the private value.

use crate::layout::Record;
use crate::layout::composite::map::key::{KeysView, index_key};
use crate::layout::composite::map::{MapIter, MapKey, MapView, index};
use std::fmt::{self, Debug};
use std::ops::Index;

/// A table to look values up by their keys, read-only but for the values.
///
/// This is the private value, made of pairs, and the layout of a shared one. In node memory it has a capacity, which [`MapDims`]
/// states. [`Shared::from_root`](crate::Shared::from_root) and [`load`](crate::Shared::load) make one without spare room.
/// Keys are `str`, or any [`Record`]: see [`MapKey`].
///
/// ```
/// use pshmem::{Comm, Map, Shared};
///
/// let comm = Comm::solo();
/// let read = || [(8100_u64, 0.5), (42, 1.5)].into_iter().collect::<Map<u64, f64>>();
/// let mut weights = Shared::<Map<u64, f64>>::from_root(&comm, 0, read)?;
/// assert_eq!((weights.view().get(&42), weights.view().get(&7)), (Some(&1.5), None));
/// weights.update(0, |mut w| *w.get_mut(&42).unwrap() += 1.0)?; // only the values travel
/// assert_eq!(weights.view().iter().collect::<Vec<_>>(), [(&8100, &0.5), (&42, &2.5)]);
///
/// let read = || [("dust", 3), ("CO", 5)].into_iter().collect::<Map<str, u32>>();
/// let channels = Shared::<Map<str, u32>>::from_root(&comm, 0, read)?;
/// assert_eq!(channels.view().get("CO"), Some(&5));
/// # Ok::<(), pshmem::Error>(())
/// ```
///
/// Entries are in the order of insertion. Of a key that occurs several times, the last value counts, at the first place.
///
/// It takes the bytes of keys and values, and 32 bytes for each entry of the capacity: its index has a cache line of four places for two
/// entries. A look-up reads mostly one line of the index, then the value. The index has all bytes of keys with at most 8 bytes; of
/// others the hash, so the key is read, too. There is room for up to 2^32 - 1 entries.
///
/// The hash is XXH3 with 64 bits of the bytes of a key, without a seed: the same for all ranks, runs and machines of one byte order.
/// Who can choose the keys can therefore make look-ups slow.
///
/// It is saved as a folder with `keys.npy` and `values.npy` (`keys` is a folder itself, as of [`Strings`](crate::Strings), if the keys
/// are strings). The index is computed again when it is loaded; a key that occurs twice in the files is an error.
///
/// [`MapDims`]: crate::MapDims
pub struct Map<K: MapKey + ?Sized, V> {
    pub(super) keys: K::Keys,
    pub(super) values: Vec<V>,
    pub(super) slots: Vec<u64>,
}

impl<K: MapKey + ?Sized, V> Map<K, V> {
    /// No entries.
    #[must_use]
    pub fn new() -> Self {
        Map {
            keys: K::Keys::default(),
            values: Vec::new(),
            slots: Vec::new(),
        }
    }

    /// What can be read from it, which is the same for shared and private values.
    #[must_use]
    pub fn view(&self) -> MapView<'_, K, V> {
        MapView::of_parts(K::view(&self.keys), &self.values, &self.slots)
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.view().get(key)
    }

    /// The value of a key, to be written.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let entry = self.view().entry(key)?;
        self.values.get_mut(entry)
    }

    /// Whether there is an entry with this key.
    #[must_use]
    pub fn contains_key(&self, key: &K) -> bool {
        self.view().contains_key(key)
    }

    /// The key in the map and its value.
    #[must_use]
    pub fn get_key_value(&self, key: &K) -> Option<(&K, &V)> {
        self.view().get_key_value(key)
    }

    /// The keys in the order of insertion: `&[K]`, or a [`StringsView`](crate::StringsView).
    #[must_use]
    pub fn keys(&self) -> <K::Keys as crate::SharedLayout>::View<'_> {
        self.view().keys()
    }

    /// The values in the order of insertion.
    #[must_use]
    pub fn values(&self) -> &[V] {
        &self.values
    }

    /// The values in the order of insertion, to be written.
    #[must_use]
    pub fn values_mut(&mut self) -> &mut [V] {
        &mut self.values
    }

    /// The entries in the order of insertion.
    #[must_use]
    pub fn iter(&self) -> MapIter<'_, K, V> {
        self.view().iter()
    }

    /// Adds an entry, or replaces the value of the entry with this key, which it returns.
    pub fn insert(&mut self, key: &K, value: V) -> Option<V> {
        if let Some(old) = self.get_mut(key) {
            return Some(std::mem::replace(old, value));
        }
        self.push(key, value);
        None
    }

    /// Adds an entry with a key that no other one has.
    pub(crate) fn push(&mut self, key: &K, value: V) {
        let entry = self.len();
        K::push(&mut self.keys, key);
        self.values.push(value);
        if self.slots.len() < index::words_for(self.len()) {
            self.slots = vec![0; index::words_for(2 * self.len())];
            fill_index::<K>(&mut self.slots, K::view(&self.keys));
        } else {
            let key = index_key(key.bytes(), K::IS_SMALL);
            index::add(&mut self.slots, key, entry);
        }
    }
}

/// Replaces the index by that of these keys, which are all different.
pub(super) fn fill_index<K: MapKey + ?Sized>(slots: &mut [u64], keys: KeysView<'_, K>) {
    slots.fill(0);
    for entry in 0..K::count(keys) {
        let key = K::get(keys, entry).expect("a key").bytes();
        index::add(slots, index_key(key, K::IS_SMALL), entry);
    }
}

impl<K: Record, V> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut map = Map::new();
        map.extend(pairs);
        map
    }
}

impl<S: AsRef<str>, V> FromIterator<(S, V)> for Map<str, V> {
    fn from_iter<I: IntoIterator<Item = (S, V)>>(pairs: I) -> Self {
        let mut map = Map::new();
        map.extend(pairs);
        map
    }
}

/// ```
/// use pshmem::Map;
///
/// let channels = Map::<str, u32>::from([("dust", 3), ("CO", 5)]);
/// assert_eq!((channels["CO"], &channels.keys()[0], channels.values()), (5, "dust", &[3, 5][..]));
/// ```
impl<S: AsRef<str>, V, const N: usize> From<[(S, V); N]> for Map<str, V> {
    fn from(pairs: [(S, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl<K: Record, V, const N: usize> From<[(K, V); N]> for Map<K, V> {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}

/// The value of a key.
///
/// # Panics
/// If the map has no such key.
impl<K: MapKey + ?Sized, V> Index<&K> for Map<K, V> {
    type Output = V;
    #[track_caller]
    fn index(&self, key: &K) -> &V {
        self.get(key).expect("the map has no such key")
    }
}

impl<K: Record, V> Extend<(K, V)> for Map<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, pairs: I) {
        for (key, value) in pairs {
            self.insert(&key, value);
        }
    }
}

impl<S: AsRef<str>, V> Extend<(S, V)> for Map<str, V> {
    fn extend<I: IntoIterator<Item = (S, V)>>(&mut self, pairs: I) {
        for (key, value) in pairs {
            self.insert(key.as_ref(), value);
        }
    }
}

impl<'a, K: MapKey + ?Sized, V> IntoIterator for &'a Map<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = MapIter<'a, K, V>;
    fn into_iter(self) -> MapIter<'a, K, V> {
        self.iter()
    }
}

impl<K: MapKey + ?Sized, V> Default for Map<K, V> {
    fn default() -> Self {
        Map::new()
    }
}

impl<K: MapKey + ?Sized, V: Clone> Clone for Map<K, V> {
    fn clone(&self) -> Self {
        Map {
            keys: self.keys.clone(),
            values: self.values.clone(),
            slots: self.slots.clone(),
        }
    }
}

/// Equal maps have the same keys, in any order, with equal values.
impl<K: MapKey + ?Sized, V: PartialEq> PartialEq for Map<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.view() == other.view()
    }
}

impl<K: MapKey + ?Sized, V: Eq> Eq for Map<K, V> {}

impl<K: MapKey + ?Sized, V: PartialEq> PartialEq<MapView<'_, K, V>> for Map<K, V> {
    fn eq(&self, other: &MapView<'_, K, V>) -> bool {
        self.view() == *other
    }
}

impl<K: MapKey + Debug + ?Sized, V: Debug> Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}
