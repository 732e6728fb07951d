//! `MapKey`: types that can be the keys of a map, and how each kind of them lies in memory.

use crate::error::Result;
use crate::layout::composite::map::index::IndexKey;
use crate::layout::composite::{
    Composite, Full, MapDims, RaggedDims, Strings, StringsMut, StringsView,
};
use crate::layout::file_layout::{FileLayout, FileLeaves, Role};
use crate::layout::{Record, SharedLayout, SliceMut, StackLayout};
use xxhash_rust::xxh3::xxh3_64;

/// Types of the keys of a [`Map`](crate::Map): `str`, and every [`Record`].
///
/// Keys are hashed and compared by their bytes, never by `Hash` or `Eq` of their types. So `0.0` and `-0.0` are different keys,
/// and a NaN is equal to itself. Its items are hidden, and no other type can implement it.
///
/// ```
/// use pshmem::{Element, Map, MapKey};
///
/// // Generic code has it as a bound.
/// fn values<K: MapKey + ?Sized, V: Element>(map: &Map<K, V>) -> Vec<V> {
///     map.iter().map(|(_, &value)| value).collect()
/// }
/// let names: Map<str, u32> = [("Bern", 3), ("Basel", 5)].into_iter().collect();
/// let pixels: Map<[u32; 2], f64> = [([0, 7], 1.5)].into_iter().collect();
/// assert_eq!((values(&names), values(&pixels)), (vec![3, 5], vec![1.5]));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a map",
    label = "neither `str` nor a `pshmem::Record`",
    note = "use `Map<str, V>` for strings; add `#[derive(pshmem::Record)]` to a struct with `#[repr(C)]`"
)]
pub trait MapKey: Sealed + 'static {
    /// The keys of a map, one after the other.
    #[doc(hidden)]
    type Keys: StackLayout + FileLayout + SharedLayout<Owned = Self::Keys> + Clone + Default;

    /// Whether all keys have as many bytes, and at most 8.
    #[doc(hidden)]
    const IS_SMALL: bool;

    /// What is hashed and compared.
    #[doc(hidden)]
    fn bytes(&self) -> &[u8];

    /// Adds a key behind the others.
    #[doc(hidden)]
    fn push(keys: &mut Self::Keys, key: &Self);

    /// What is read of private keys.
    #[doc(hidden)]
    fn view(keys: &Self::Keys) -> KeysView<'_, Self>;

    /// What is read of keys in node memory, the first `used` of them.
    #[doc(hidden)]
    fn first(keys: KeysView<'_, Self>, used: usize) -> KeysView<'_, Self>;

    /// What is read of keys inside the closure of an update.
    #[doc(hidden)]
    fn view_of<'a>(keys: &'a KeysMut<'_, Self>) -> KeysView<'a, Self>;

    /// Number of keys.
    #[doc(hidden)]
    fn count(keys: KeysView<'_, Self>) -> usize;

    /// Key `i`, or `None` if there are fewer.
    #[doc(hidden)]
    fn get(keys: KeysView<'_, Self>, i: usize) -> Option<&Self>;

    /// A private copy.
    #[doc(hidden)]
    fn copy(keys: KeysView<'_, Self>) -> Self::Keys;

    /// `Ok` if there is room for these keys, as far as their bytes are concerned.
    #[doc(hidden)]
    fn check_room(into: &KeysMut<'_, Self>, keys: &Self::Keys) -> Result<(), Full>;

    /// Replaces the first keys. There is room for them.
    #[doc(hidden)]
    fn assign(into: &mut KeysMut<'_, Self>, keys: &Self::Keys);

    /// Removes all keys.
    #[doc(hidden)]
    fn clear(keys: &mut KeysMut<'_, Self>);

    /// The bytes of all keys together, in `MapDims`.
    #[doc(hidden)]
    fn key_bytes(keys: &Self::Keys) -> usize;

    /// The extents of the keys.
    #[doc(hidden)]
    fn dims(dims: &MapDims) -> KeysDims<Self>;

    /// The extents of a map with keys of these extents.
    #[doc(hidden)]
    fn map_dims(keys: KeysDims<Self>) -> MapDims;

    /// Removes some of the first `used` keys. The numbers of those that are removed rise.
    #[doc(hidden)]
    fn remove(keys: &mut KeysMut<'_, Self>, used: usize, removed: &[usize]);

    /// How a message shows the key.
    #[doc(hidden)]
    fn show(&self) -> String;

    /// The elements in use of each leaf of the keys.
    #[doc(hidden)]
    fn lengths(dims: &MapDims, leaves: &[&[u8]], used: usize) -> Vec<usize>;

    /// The number of keys in leaves of which so many elements are in use.
    #[doc(hidden)]
    fn count_of(lengths: &[usize]) -> usize;

    /// The number of keys in these leaves, of whose first one so many elements are in use.
    #[doc(hidden)]
    fn count_in(leaves: &[&[u8]], first: usize) -> usize;

    /// The keys in these leaves, which are consistent in themselves.
    #[doc(hidden)]
    fn in_leaves<'a>(leaves: &[&'a [u8]]) -> KeyBytes<'a>;

    /// Adds what files know of the keys.
    #[doc(hidden)]
    fn file_leaves(into: &mut FileLeaves);
}

/// Only this crate implements [`MapKey`].
#[doc(hidden)]
pub trait Sealed {}

impl<K: Record> Sealed for K {}
impl Sealed for str {}

/// What is read of the keys of a map.
pub(crate) type KeysView<'a, K> = <<K as MapKey>::Keys as SharedLayout>::View<'a>;

/// The extents of the keys of a map.
pub(crate) type KeysDims<K> = <<K as MapKey>::Keys as SharedLayout>::Dims;

/// What is written of the keys of a map.
pub(crate) type KeysMut<'a, K> = <<K as MapKey>::Keys as SharedLayout>::ViewMut<'a>;

/// The hash of a key, the same for all ranks, runs and machines of one byte order: XXH3 with 64 bits, no seed.
#[inline]
fn hash(key: &[u8]) -> u64 {
    xxh3_64(key)
}

/// What the index knows of a key. All keys of its map have as many bytes if `is_small`; at most 8, of which it then knows all.
#[inline]
pub(super) fn index_key(key: &[u8], is_small: bool) -> IndexKey {
    let hash = hash(key);
    let word = if is_small {
        let mut word = [0; 8];
        word[..key.len()].copy_from_slice(key);
        u64::from_ne_bytes(word)
    } else {
        hash
    };
    IndexKey { hash, word }
}

#[diagnostic::do_not_recommend]
impl<K: Record> MapKey for K {
    type Keys = Vec<K>;

    const IS_SMALL: bool = size_of::<K>() <= 8;

    #[inline]
    fn bytes(&self) -> &[u8] {
        bytemuck::bytes_of(self)
    }

    fn push(keys: &mut Vec<K>, &key: &K) {
        keys.push(key);
    }

    fn view(keys: &Vec<K>) -> &[K] {
        keys
    }

    #[inline]
    fn first(keys: KeysView<'_, K>, used: usize) -> KeysView<'_, K> {
        &keys[..used]
    }

    fn view_of<'a>(keys: &'a SliceMut<'_, K>) -> &'a [K] {
        keys
    }

    #[inline]
    fn count(keys: &[K]) -> usize {
        keys.len()
    }

    #[inline]
    fn get(keys: KeysView<'_, K>, i: usize) -> Option<&K> {
        keys.get(i)
    }

    fn copy(keys: &[K]) -> Vec<K> {
        keys.to_vec()
    }

    fn check_room(_: &SliceMut<'_, K>, _: &Vec<K>) -> Result<(), Full> {
        Ok(())
    }

    fn assign(into: &mut SliceMut<'_, K>, keys: &Vec<K>) {
        into[..keys.len()].copy_from_slice(keys);
    }

    fn clear(_: &mut SliceMut<'_, K>) {}

    fn key_bytes(_: &Vec<K>) -> usize {
        0
    }

    fn dims(dims: &MapDims) -> usize {
        dims.entries
    }

    fn map_dims(keys: usize) -> MapDims {
        MapDims::new(keys)
    }

    fn remove(keys: &mut SliceMut<'_, K>, used: usize, removed: &[usize]) {
        remove_elements(&mut keys[..used], removed);
    }

    fn show(&self) -> String {
        format!("of the bytes {:?}", self.bytes())
    }

    fn lengths(_: &MapDims, _: &[&[u8]], used: usize) -> Vec<usize> {
        vec![used]
    }

    fn count_of(lengths: &[usize]) -> usize {
        lengths[0]
    }

    fn count_in(_: &[&[u8]], first: usize) -> usize {
        first
    }

    fn in_leaves<'a>(leaves: &[&'a [u8]]) -> KeyBytes<'a> {
        KeyBytes::Records {
            bytes: leaves[0],
            size: size_of::<K>(),
        }
    }

    fn file_leaves(into: &mut FileLeaves) {
        into.part::<K>("keys", Role::Used, 1);
    }
}

impl MapKey for str {
    type Keys = Strings;

    const IS_SMALL: bool = false;

    #[inline]
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }

    fn push(keys: &mut Strings, key: &str) {
        keys.push(key);
    }

    fn view(keys: &Strings) -> StringsView<'_> {
        keys.view()
    }

    #[inline]
    fn first(keys: KeysView<'_, str>, _: usize) -> KeysView<'_, str> {
        // There are no others: strings know their number.
        keys
    }

    fn view_of<'a>(keys: &'a StringsMut<'_>) -> StringsView<'a> {
        keys.view()
    }

    #[inline]
    fn count(keys: StringsView<'_>) -> usize {
        keys.len()
    }

    #[inline]
    fn get(keys: KeysView<'_, str>, i: usize) -> Option<&str> {
        keys.get(i)
    }

    fn copy(keys: StringsView<'_>) -> Strings {
        Composite::load(keys)
    }

    fn check_room(into: &StringsMut<'_>, keys: &Strings) -> Result<(), Full> {
        let needed = keys.view().text().len();
        Full::check("bytes of keys", needed, into.capacity().items)
    }

    fn assign(into: &mut StringsMut<'_>, keys: &Strings) {
        into.assign(keys).expect("there is room");
    }

    fn clear(keys: &mut StringsMut<'_>) {
        keys.clear();
    }

    fn key_bytes(keys: &Strings) -> usize {
        keys.view().text().len()
    }

    fn dims(dims: &MapDims) -> RaggedDims {
        RaggedDims {
            rows: dims.entries,
            items: dims.key_bytes,
        }
    }

    fn map_dims(keys: RaggedDims) -> MapDims {
        MapDims::text(keys.rows, keys.items)
    }

    fn remove(keys: &mut StringsMut<'_>, _: usize, removed: &[usize]) {
        keys.remove(removed);
    }

    fn show(&self) -> String {
        format!("{self:?}")
    }

    fn lengths(dims: &MapDims, leaves: &[&[u8]], _: usize) -> Vec<usize> {
        <Strings as Composite>::lengths(&Self::dims(dims), leaves)
    }

    fn count_of(lengths: &[usize]) -> usize {
        // Of the offsets, there is one more.
        lengths[1].saturating_sub(1)
    }

    fn count_in(leaves: &[&[u8]], _: usize) -> usize {
        bytemuck::cast_slice::<u8, u64>(leaves[0])[0] as usize
    }

    fn in_leaves<'a>(leaves: &[&'a [u8]]) -> KeyBytes<'a> {
        KeyBytes::Text {
            offsets: bytemuck::cast_slice(leaves[1]),
            bytes: leaves[2],
        }
    }

    fn file_leaves(into: &mut FileLeaves) {
        into.field::<Strings>("keys");
    }
}

/// Moves elements up over those that are removed, whose numbers rise. What is behind the rest has no meaning.
pub(super) fn remove_elements<T: Copy>(elements: &mut [T], removed: &[usize]) {
    let mut removed = removed.iter().copied().peekable();
    let mut kept = 0;
    for at in 0..elements.len() {
        if removed.next_if_eq(&at).is_none() {
            elements[kept] = elements[at];
            kept += 1;
        }
    }
}

/// The keys of a map as bytes.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub enum KeyBytes<'a> {
    /// Keys of one size, one after the other.
    Records { bytes: &'a [u8], size: usize },
    /// Strings, as `Strings` stores them.
    Text { offsets: &'a [u64], bytes: &'a [u8] },
}

impl<'a> KeyBytes<'a> {
    /// The bytes of key `i`, which is in use.
    pub(super) fn get(self, i: usize) -> &'a [u8] {
        match self {
            KeyBytes::Records { bytes, size } => &bytes[i * size..][..size],
            KeyBytes::Text { offsets, bytes } => {
                &bytes[offsets[i] as usize..offsets[i + 1] as usize]
            }
        }
    }

    /// How a message shows key `i`.
    pub(super) fn show(self, i: usize) -> String {
        let key = self.get(i);
        match (self, std::str::from_utf8(key)) {
            (KeyBytes::Text { .. }, Ok(text)) => format!("{text:?}"),
            _ => format!("of the bytes {key:?}"),
        }
    }
}
