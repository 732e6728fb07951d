//! `MapMut`: a map inside the closure of an update.

use crate::layout::composite::Full;
use crate::layout::composite::map::key::{KeysMut, KeysView};
use crate::layout::composite::map::{Map, MapDims, MapKey, MapView, owned};
use crate::layout::{SliceMut, ValueMut};
use std::fmt::{self, Debug};

/// A map inside the closure of an update. Values can be written; entries change only all at once.
///
/// ```
/// use pshmem::{Comm, Map, MapDims, MapMut, Shared};
///
/// let mut channels = Shared::<Map<str, u32>>::new(&Comm::solo(), MapDims::text(10, 100))?;
/// let read: Map<str, u32> = [("dust", 3), ("CO", 5)].into_iter().collect();
/// channels.try_update(0, |mut w: MapMut<str, u32>| w.assign(&read))?;
/// channels.update(0, |mut w| {
///     if let Some(value) = w.get_mut("CO") {
///         *value = 7;
///     }
/// })?;
/// assert_eq!(channels.view().get("CO"), Some(&7));
/// # Ok::<(), pshmem::Error>(())
/// ```
pub struct MapMut<'a, K: MapKey + ?Sized, V> {
    pub(super) dims: MapDims,
    pub(super) used: ValueMut<'a, u64>,
    /// Keys and values of the whole capacity.
    pub(super) keys: KeysMut<'a, K>,
    pub(super) values: SliceMut<'a, V>,
    pub(super) slots: SliceMut<'a, u64>,
}

impl<K: MapKey + ?Sized, V> MapMut<'_, K, V> {
    /// The entries as they are now.
    #[must_use]
    pub fn view(&self) -> MapView<'_, K, V> {
        let used = self.len();
        let keys = K::first(K::view_of(&self.keys), used);
        MapView::of_parts(keys, &self.values[..used], &self.slots)
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        *self.used as usize
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The capacity.
    #[must_use]
    pub fn capacity(&self) -> MapDims {
        self.dims
    }

    /// The value of a key, to be written.
    #[must_use]
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let entry = self.view().entry(key)?;
        // Only a value that is there marks the values as written.
        Some(&mut self.values[entry])
    }

    /// The key at this place, also if no entry was made of it yet.
    ///
    /// # Panics
    /// If there are fewer keys.
    pub(crate) fn key(&self, place: usize) -> &K {
        let keys = K::first(K::view_of(&self.keys), place + 1);
        K::get(keys, place).expect("a key in place")
    }

    /// The values in the order of insertion, to be written.
    #[must_use]
    pub fn values_mut(&mut self) -> &mut [V] {
        let used = self.len();
        &mut self.values[..used]
    }

    /// Removes all entries.
    pub fn clear(&mut self) {
        if !self.is_empty() {
            *self.used = 0;
            self.slots.fill(0);
            K::clear(&mut self.keys);
        }
    }
}

impl<K: MapKey + ?Sized, V: Copy> MapMut<'_, K, V> {
    /// Replaces all entries.
    ///
    /// # Errors
    /// [`Full`] if there is no room for all of them; nothing has changed then.
    pub fn assign(&mut self, map: &Map<K, V>) -> Result<(), Full> {
        Full::check("entries", map.len(), self.dims.entries)?;
        K::check_room(&self.keys, &map.keys)?;
        self.clear();
        if map.is_empty() {
            return Ok(());
        }
        K::assign(&mut self.keys, &map.keys);
        self.values[..map.len()].copy_from_slice(&map.values);
        let keys: KeysView<'_, K> = K::view(&map.keys);
        owned::fill_index::<K>(&mut self.slots, keys);
        *self.used = map.len() as u64;
        Ok(())
    }
}

impl<K: MapKey + Debug + ?Sized, V: Debug> Debug for MapMut<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}
