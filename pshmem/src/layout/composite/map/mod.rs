//! `Map<K, V>`: a hash table that is built once and then read.
//!
//! | file | contents |
//! |---|---|
//! | `mod` | [`MapDims`], the layout in node memory, and its checks |
//! | `owned` | [`Map`], the private value |
//! | `view`, `view_mut` | [`MapView`] for reading, [`MapMut`] inside the closure of an update |
//! | `key` | [`MapKey`]: what can be a key, and how keys lie in memory |
//! | `combine` | entries of several ranks, of which some keys may be equal |
//! | `index` | the hash table: from keys to numbers of entries |
//!
//! Memory safety does not rest on the index: a number of an entry that is out of range is looked up with checked bounds.

mod combine;
mod index;
mod key;
mod owned;
mod view;
mod view_mut;

#[cfg(all(test, not(loom)))]
mod tests;

pub(crate) use combine::Combine;
pub use key::MapKey;
pub use owned::Map;
pub use view::{MapIter, MapView};
pub use view_mut::MapMut;

use crate::error::{Error, Result};
use crate::layout::composite::{
    Composite, Full, PartsView, PartsViewMut, composite_layout, read_only,
};
use crate::layout::derived::FromShape;
use crate::layout::file_layout::{FileLayout, FileLeaves, LeafShapes, Role};
use crate::layout::printing::preview_items;
use crate::layout::stack::parts::StackData;
use crate::layout::stack::{StackParts, StackShapes};
use crate::layout::{Element, Preview, Record, StackLayout};
use std::fmt::{self, Debug};

/// The capacity of a shared [`Map`].
///
/// ```
/// use pshmem::{Comm, Map, MapDims, Shared};
///
/// let weights = Shared::<Map<u64, f64>>::new(&Comm::solo(), MapDims::new(1000))?;
/// let names = Shared::<Map<str, u32>>::new(&Comm::solo(), MapDims::text(1000, 20_000))?;
/// assert!(weights.view().is_empty() && names.view().is_empty());
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MapDims {
    /// The largest number of entries.
    pub entries: usize,
    /// The largest number of bytes of all keys together, if they are strings. For other keys it has no meaning and should be 0.
    pub key_bytes: usize,
}

impl MapDims {
    /// The capacity of a map whose keys are no strings.
    #[must_use]
    pub const fn new(entries: usize) -> Self {
        MapDims::text(entries, 0)
    }

    /// The capacity of a map whose keys are strings, with this number of bytes in all.
    #[must_use]
    pub const fn text(entries: usize, key_bytes: usize) -> Self {
        MapDims { entries, key_bytes }
    }
}

impl FromShape<2> for MapDims {
    fn from_shape([entries, key_bytes]: [usize; 2]) -> Self {
        MapDims { entries, key_bytes }
    }

    fn to_shape(&self) -> [usize; 2] {
        [self.entries, self.key_bytes]
    }
}

impl<K: MapKey + ?Sized, V: Element> Composite for Map<K, V> {
    type Parts = (u64, K::Keys, Vec<V>, Vec<u64>);
    type Dims = MapDims;
    type View<'a> = MapView<'a, K, V>;
    type ViewMut<'a> = MapMut<'a, K, V>;

    const NAMES: &'static [&'static str] = &["used", "keys", "values", "slots"];

    fn part_dims(dims: &MapDims) -> Result<((), key::KeysDims<K>, usize, usize)> {
        if dims.entries > index::MAX_ENTRIES {
            return Err(Error::TooLarge {
                what: "the index of a map".to_owned(),
                extents: vec![dims.entries],
                size: size_of::<u64>(),
            });
        }
        let slots = index::words_for(dims.entries);
        Ok(((), K::dims(dims), dims.entries, slots))
    }

    fn dims_of(&self) -> MapDims {
        MapDims {
            entries: self.len(),
            key_bytes: K::key_bytes(&self.keys),
        }
    }

    fn encode_dims(dims: &MapDims, out: &mut Vec<usize>) {
        out.extend(dims.to_shape());
    }

    fn decode_dims(from: &mut dyn Iterator<Item = usize>) -> Option<MapDims> {
        Some(MapDims {
            entries: from.next()?,
            key_bytes: from.next()?,
        })
    }

    #[inline]
    unsafe fn view<'a>(
        _: &MapDims,
        (&used, keys, values, slots): PartsView<'a, Self>,
    ) -> MapView<'a, K, V> {
        let used = used as usize;
        MapView::of_parts(K::first(keys, used), &values[..used], slots)
    }

    unsafe fn view_mut<'a>(
        &dims: &MapDims,
        (used, keys, values, slots): PartsViewMut<'a, Self>,
    ) -> MapMut<'a, K, V> {
        MapMut {
            dims,
            used,
            keys,
            values,
            slots,
        }
    }

    fn store(&self, mut into: MapMut<'_, K, V>) -> Result<(), Full> {
        into.assign(self)
    }

    fn load(from: MapView<'_, K, V>) -> Self {
        Map {
            keys: K::copy(from.keys()),
            values: from.values().to_vec(),
            slots: from.slots().to_vec(),
        }
    }

    fn lengths(dims: &MapDims, leaves: &[&[u8]]) -> Vec<usize> {
        let (used, keys, slots) = parts_of(leaves);
        let mut lengths = vec![1];
        lengths.extend(K::lengths(dims, keys, used as usize));
        lengths.extend([used as usize, slots.len()]);
        lengths
    }

    fn check_lengths(_: &MapDims, lengths: &[usize]) -> Result<(), String> {
        let [_, keys @ .., values, _] = lengths else {
            unreachable!("a map has four parts");
        };
        let keys = K::count_of(keys);
        if keys == *values {
            return Ok(());
        }
        Err(format!("there are {keys} keys, but {values} values"))
    }

    fn check(dims: &MapDims, leaves: &[&[u8]]) -> Result<(), String> {
        let (used, keys, slots) = parts_of(leaves);
        if used > dims.entries as u64 {
            return Err(format!("{used} entries are in use of {}", dims.entries));
        }
        let used = used as usize;
        let count = K::count_in(keys, used);
        if count != used {
            return Err(format!("there are {count} keys, but {used} values"));
        }
        if !index::has_entries(slots, used) {
            return Err(format!("the index is not that of {used} entries"));
        }
        Ok(())
    }

    fn complete(dims: &MapDims, lengths: &[usize], leaves: &mut [&mut [u8]]) -> Result<(), String> {
        let [used_leaf, keys @ .., _, slots] = leaves else {
            unreachable!("a map has four parts");
        };
        Self::check_lengths(dims, lengths)?;
        let used = lengths[lengths.len() - 2];
        if used > dims.entries {
            return Err(format!("{used} entries are in use of {}", dims.entries));
        }
        let keys = K::in_leaves(&read_only(keys));
        let index_keys = (0..used).map(|i| key::index_key(keys.get(i), K::IS_SMALL));
        let slots = bytemuck::cast_slice_mut(slots);
        index::build(slots, index_keys, |a, b| keys.get(a) == keys.get(b)).map_err(|(a, b)| {
            let key = keys.show(a);
            format!("entries {a} and {b} have the same key, {key}; the keys of a map differ")
        })?;
        bytemuck::cast_slice_mut(used_leaf)[0] = used as u64;
        Ok(())
    }
}

composite_layout! {
    [K: MapKey + ?Sized, V] Map<K, V>, where [V: Element]
    Dims = MapDims, View<'a> = MapView<'a, K, V>, ViewMut<'a> = MapMut<'a, K, V>
}

/// Number of entries, leaves of the keys, and index.
fn parts_of<'l, 'a>(leaves: &'l [&'a [u8]]) -> (u64, &'l [&'a [u8]], &'a [u64]) {
    let [used, keys @ .., _, slots] = leaves else {
        unreachable!("a map has four parts");
    };
    let used = bytemuck::cast_slice(used)[0];
    (used, keys, bytemuck::cast_slice(slots))
}

impl<K: MapKey + ?Sized, V: Record> FileLayout for Map<K, V> {
    fn file_leaves(into: &mut FileLeaves) {
        into.part::<u64>("used", Role::Derived, 0);
        K::file_leaves(into);
        into.part::<V>("values", Role::Used, 1);
        into.part::<u64>("slots", Role::Derived, 1);
    }

    fn dims_from_shapes(shapes: &mut LeafShapes<'_>) -> Result<MapDims> {
        let dims = K::map_dims(shapes.field::<K::Keys>("keys")?);
        let [values] = shapes.take()?;
        if values == dims.entries {
            return Ok(dims);
        }
        Err(Error::Shape {
            field: "values".to_owned(),
            expected: vec![dims.entries],
            found: vec![values],
        })
    }
}

/// For `collect`, in which equal keys of two ranks need more than to be stacked: [`Map`] is no
/// [`AsRows`](crate::layout::AsRows).
impl<K: MapKey + ?Sized, V: Element> StackLayout for Map<K, V> {
    type Rows<'r> = &'r Self;

    fn rows_of(owned: &Self) -> &Self {
        owned
    }

    fn parts<'r>(map: &'r Self, into: &mut StackParts<'r>) -> Result<()> {
        into.part::<u64>("used", StackData::Derived);
        into.field::<K::Keys>("keys", &map.keys)?;
        into.elements("values", &map.values);
        into.part::<u64>("slots", StackData::Derived);
        Ok(())
    }

    fn dims_of_stack(shapes: &mut StackShapes<'_>) -> Result<MapDims> {
        let keys = shapes.field::<K::Keys>("keys")?;
        let [_] = shapes.take();
        Ok(K::map_dims(keys))
    }
}

impl<K: MapKey + Debug + ?Sized, V: Element + Debug> Preview for Map<K, V> {
    fn preview(view: MapView<'_, K, V>, f: &mut dyn fmt::Write) -> fmt::Result {
        preview_items(f, ['{', '}'], view.len(), |f, entry| {
            let (key, value) = view.at(entry).expect("an entry in use");
            write!(f, "{key:?}: {value:?}")
        })
    }
}
