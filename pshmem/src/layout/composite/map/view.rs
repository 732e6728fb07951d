//! `MapView` and `MapIter`: a map for reading.

use crate::layout::composite::map::key::{KeysView, index_key};
use crate::layout::composite::map::{Map, MapKey, index};
use std::fmt::{self, Debug};
use std::ops::{Index as IndexBy, Range};

/// A map for reading.
///
/// ```
/// use pshmem::{Comm, Map, MapView, Shared};
///
/// let read = || [("dust", 3), ("CO", 5)].into_iter().collect::<Map<str, u32>>();
/// let channels = Shared::<Map<str, u32>>::from_root(&Comm::solo(), 0, read)?;
/// let view: MapView<str, u32> = channels.view();
/// assert_eq!((view.get("CO"), view.get("free-free"), view.len()), (Some(&5), None, 2));
/// assert_eq!((&view.keys()[0], view.values()), ("dust", &[3, 5][..]));
/// # Ok::<(), pshmem::Error>(())
/// ```
pub struct MapView<'a, K: MapKey + ?Sized, V> {
    /// As many as values.
    keys: KeysView<'a, K>,
    values: &'a [V],
    slots: &'a [u64],
}

impl<K: MapKey + ?Sized, V> Clone for MapView<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: MapKey + ?Sized, V> Copy for MapView<'_, K, V> {}

impl<'a, K: MapKey + ?Sized, V> MapView<'a, K, V> {
    /// Of keys and values in use, and the whole index.
    #[inline]
    pub(super) fn of_parts(keys: KeysView<'a, K>, values: &'a [V], slots: &'a [u64]) -> Self {
        MapView {
            keys,
            values,
            slots,
        }
    }

    /// The number of the entry with this key.
    #[inline]
    pub(super) fn entry(self, key: &K) -> Option<usize> {
        let bytes = key.bytes();
        index::find(self.slots, index_key(bytes, K::IS_SMALL), |entry| {
            // The index has compared small keys.
            K::IS_SMALL || K::get(self.keys, entry).is_some_and(|other| other.bytes() == bytes)
        })
    }

    /// The value of a key.
    #[must_use]
    #[inline]
    pub fn get(self, key: &K) -> Option<&'a V> {
        self.values.get(self.entry(key)?)
    }

    /// The key in the map and its value.
    #[must_use]
    #[inline]
    pub fn get_key_value(self, key: &K) -> Option<(&'a K, &'a V)> {
        self.at(self.entry(key)?)
    }

    /// Whether there is an entry with this key.
    #[must_use]
    #[inline]
    pub fn contains_key(self, key: &K) -> bool {
        self.entry(key).is_some()
    }

    /// Number of entries.
    #[must_use]
    pub fn len(self) -> usize {
        self.values.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The entries in the order of insertion.
    #[must_use]
    pub fn iter(self) -> MapIter<'a, K, V> {
        MapIter {
            entries: 0..self.len(),
            view: self,
        }
    }

    /// The keys in the order of insertion: `&[K]`, or a [`StringsView`](crate::StringsView).
    #[must_use]
    pub fn keys(self) -> <K::Keys as crate::SharedLayout>::View<'a> {
        self.keys
    }

    /// The values in the order of insertion.
    #[must_use]
    pub fn values(self) -> &'a [V] {
        self.values
    }

    pub(super) fn slots(self) -> &'a [u64] {
        self.slots
    }

    /// Entry `entry`, or `None` if there are fewer.
    pub(super) fn at(self, entry: usize) -> Option<(&'a K, &'a V)> {
        Some((K::get(self.keys, entry)?, self.values.get(entry)?))
    }
}

impl<'a, K: MapKey + ?Sized, V> IntoIterator for MapView<'a, K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = MapIter<'a, K, V>;
    fn into_iter(self) -> MapIter<'a, K, V> {
        self.iter()
    }
}

/// Equal maps have the same keys, in any order, with equal values.
impl<'b, K: MapKey + ?Sized, V: PartialEq> PartialEq<MapView<'b, K, V>> for MapView<'_, K, V> {
    fn eq(&self, other: &MapView<'b, K, V>) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .all(|(key, value)| other.get(key) == Some(value))
    }
}

impl<K: MapKey + ?Sized, V: Eq> Eq for MapView<'_, K, V> {}

/// The value of a key.
///
/// # Panics
/// If the map has no such key.
impl<K: MapKey + ?Sized, V> IndexBy<&K> for MapView<'_, K, V> {
    type Output = V;
    #[track_caller]
    fn index(&self, key: &K) -> &V {
        self.get(key).expect("the map has no such key")
    }
}

impl<K: MapKey + ?Sized, V: PartialEq> PartialEq<Map<K, V>> for MapView<'_, K, V> {
    fn eq(&self, other: &Map<K, V>) -> bool {
        *self == other.view()
    }
}

impl<K: MapKey + Debug + ?Sized, V: Debug> Debug for MapView<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The entries of a [`MapView`] or a [`Map`], in the order of insertion.
///
/// ```
/// use pshmem::Map;
///
/// let channels: Map<str, u32> = [("dust", 3), ("CO", 5)].into_iter().collect();
/// let largest = channels.iter().max_by_key(|(_, value)| **value);
/// assert_eq!(largest, Some(("CO", &5)));
/// ```
pub struct MapIter<'a, K: MapKey + ?Sized, V> {
    view: MapView<'a, K, V>,
    entries: Range<usize>,
}

impl<K: MapKey + ?Sized, V> Clone for MapIter<'_, K, V> {
    fn clone(&self) -> Self {
        MapIter {
            view: self.view,
            entries: self.entries.clone(),
        }
    }
}

impl<K: MapKey + Debug + ?Sized, V: Debug> Debug for MapIter<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone()).finish()
    }
}

impl<'a, K: MapKey + ?Sized, V> Iterator for MapIter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        self.view.at(self.entries.next()?)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        self.view.at(self.entries.nth(n)?)
    }
}

impl<K: MapKey + ?Sized, V> DoubleEndedIterator for MapIter<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.view.at(self.entries.next_back()?)
    }
}

impl<K: MapKey + ?Sized, V> ExactSizeIterator for MapIter<'_, K, V> {}
impl<K: MapKey + ?Sized, V> std::iter::FusedIterator for MapIter<'_, K, V> {}
