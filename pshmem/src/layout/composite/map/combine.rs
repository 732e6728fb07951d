//! Entries of keys and values of which some keys may be equal, as they come from several ranks.

use crate::layout::composite::map::key::{index_key, remove_elements};
use crate::layout::composite::map::{MapKey, MapMut, index, owned};

/// What becomes of the values of entries with equal keys, the earlier one first. Without it, equal keys are an error.
pub(crate) type Combine<'a, V> = Option<&'a dyn Fn(V, V) -> V>;

impl<K: MapKey + ?Sized, V: Copy> MapMut<'_, K, V> {
    /// Makes an entry of each of the first `entries` keys and values, which are in place. Those with equal keys become one, at the
    /// first place.
    ///
    /// # Errors
    /// The numbers of two entries with equal keys, if they are not to be combined. The map is empty then, but for its keys.
    pub(crate) fn make_entries(
        &mut self,
        entries: usize,
        combine: Combine<'_, V>,
    ) -> Result<(), (usize, usize)> {
        let keys = K::first(K::view_of(&self.keys), entries);
        let key = |entry: usize| K::get(keys, entry).expect("a key in place").bytes();
        let mut removed = Vec::new();
        self.slots.fill(0);
        for new in 0..entries {
            let is_equal = |old: usize| key(old) == key(new);
            let inserted = index::insert(
                &mut self.slots,
                index_key(key(new), K::IS_SMALL),
                new,
                is_equal,
            );
            if let Err(old) = inserted {
                let Some(combine) = combine else {
                    self.slots.fill(0);
                    return Err((old, new));
                };
                self.values[old] = combine(self.values[old], self.values[new]);
                removed.push(new);
            }
        }
        if !removed.is_empty() {
            K::remove(&mut self.keys, entries, &removed);
            remove_elements(&mut self.values[..entries], &removed);
            let keys = K::first(K::view_of(&self.keys), entries - removed.len());
            owned::fill_index::<K>(&mut self.slots, keys);
        }
        *self.used = (entries - removed.len()) as u64;
        Ok(())
    }
}
