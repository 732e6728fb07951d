//! The index of a map: a hash table from keys to the numbers of entries. Pure functions on slices of words; they see no key.
//!
//! The index has buckets with places for eight entries each. Its words are
//!
//! | words | contents |
//! |---|---|
//! | the first fifth, one for each bucket | one byte for each place, its tag: eight bits of the hash of the entry's key; 0 where there is no entry |
//! | the others, four for each bucket | 32 bits for each place: the number of the entry |
//!
//! An entry is in the bucket that the high bits of its hash select or, if that is full, in the next one with a free place. So a
//! search ends at the first bucket that is not full. The tags of a bucket are compared all at once, and a key is read only where its
//! tag is equal. Tags lie together, so that the search for a key that is not there reads few bytes.

/// The places of a bucket.
const PLACES: usize = 8;
/// The words of a bucket: one of tags, and those of the numbers of entries.
const WORDS: usize = 1 + PLACES / 2;
/// The entries for which there is a bucket, so that few buckets are full.
const LOAD: usize = 5;
/// The largest number of entries.
pub(super) const MAX_ENTRIES: usize = u32::MAX as usize;

/// The number of words for this many entries.
pub(super) fn words_for(entries: usize) -> usize {
    match entries {
        0 => 0,
        _ => (entries / LOAD + 1).saturating_mul(WORDS),
    }
}

/// An index for reading.
#[derive(Debug, Clone, Copy)]
pub(super) struct Index<'a> {
    words: &'a [u64],
    buckets: usize,
}

impl<'a> Index<'a> {
    #[inline]
    pub(super) fn new(words: &'a [u64]) -> Self {
        Index {
            words,
            buckets: words.len() / WORDS,
        }
    }

    pub(super) fn words(self) -> &'a [u64] {
        self.words
    }

    /// The number of the entry at this place of a bucket.
    #[inline]
    fn entry(self, bucket: usize, place: usize) -> usize {
        let halves: &[u32] = bytemuck::cast_slice(self.words);
        halves[half(self.buckets, bucket, place)] as usize
    }

    /// The entry with this hash for which `is_equal` is true. If no function of this module has written the words, it may pass any
    /// number to `is_equal`, and return any that `is_equal` accepts.
    #[inline]
    pub(super) fn find(self, hash: u64, mut is_equal: impl FnMut(usize) -> bool) -> Option<usize> {
        let mut bucket = home(self.buckets, hash);
        // Not for ever, even if all buckets are full.
        for _ in 0..self.buckets {
            let tags = self.words[bucket];
            for place in places_with(tags, hash) {
                let entry = self.entry(bucket, place);
                if is_equal(entry) {
                    return Some(entry);
                }
            }
            if occupied(tags) < PLACES {
                return None;
            }
            bucket = following(self.buckets, bucket);
        }
        None
    }

    /// Whether the index has as many entries as this, each with a number below it.
    pub(super) fn has_entries(self, entries: usize) -> bool {
        let mut count = 0;
        for bucket in 0..self.buckets {
            let occupied = occupied(self.words[bucket]);
            if (0..occupied).any(|place| self.entry(bucket, place) >= entries) {
                return false;
            }
            count += occupied;
        }
        count == entries
    }
}

/// Adds an entry, unless there is one with this hash for which `is_equal` is true.
///
/// # Errors
/// The number of that entry.
///
/// # Panics
/// If there is no room. There is for as many entries as [`words_for`] was asked for.
pub(super) fn insert(
    words: &mut [u64],
    hash: u64,
    new: usize,
    is_equal: impl FnMut(usize) -> bool,
) -> Result<(), usize> {
    let index = Index::new(words);
    if let Some(old) = index.find(hash, is_equal) {
        return Err(old);
    }
    let buckets = index.buckets;
    let mut bucket = home(buckets, hash);
    for _ in 0..buckets {
        let place = occupied(words[bucket]);
        if place < PLACES {
            words[bucket] |= tag(hash) << (8 * place);
            let halves: &mut [u32] = bytemuck::cast_slice_mut(words);
            halves[half(buckets, bucket, place)] = new as u32;
            return Ok(());
        }
        bucket = following(buckets, bucket);
    }
    panic!(
        "{} words of an index have no room for entry {new}",
        words.len()
    )
}

/// Fills the index with entries 0, 1 and so on, which have these hashes. `is_equal` compares the keys of two entries.
///
/// # Errors
/// The numbers of two entries with equal keys, the lower one first. The index is empty then.
pub(super) fn build(
    words: &mut [u64],
    hashes: impl Iterator<Item = u64>,
    is_equal: impl Fn(usize, usize) -> bool,
) -> Result<(), (usize, usize)> {
    words.fill(0);
    for (new, hash) in hashes.enumerate() {
        if let Err(old) = insert(words, hash, new, |old| is_equal(old, new)) {
            words.fill(0);
            return Err((old, new));
        }
    }
    Ok(())
}

/// The bucket at which the search for a hash begins.
#[inline]
fn home(buckets: usize, hash: u64) -> usize {
    ((u128::from(hash) * buckets as u128) >> u64::BITS) as usize
}

/// The bucket behind this one; behind the last one is the first one.
#[inline]
fn following(buckets: usize, bucket: usize) -> usize {
    if bucket + 1 == buckets { 0 } else { bucket + 1 }
}

/// Where the number of an entry is, in halves of words.
#[inline]
fn half(buckets: usize, bucket: usize, place: usize) -> usize {
    2 * buckets + PLACES * bucket + place
}

/// Bits of the hash that the bucket does not depend on, one of them set.
#[inline]
fn tag(hash: u64) -> u64 {
    hash & 0xFF | 1
}

/// The places of a bucket with the tag of this hash. Behind the first one, there may be some with other tags.
#[inline]
fn places_with(tags: u64, hash: u64) -> impl Iterator<Item = usize> {
    const LOWEST: u64 = u64::MAX / 0xFF;
    let differences = tags ^ (LOWEST * tag(hash));
    // The highest bit of each byte that is 0; a borrow makes one of a byte above it that is 1.
    let mut zeros = differences.wrapping_sub(LOWEST) & !differences & (LOWEST << 7);
    std::iter::from_fn(move || {
        let place = zeros.trailing_zeros() as usize / 8;
        zeros &= zeros.wrapping_sub(1);
        (place < PLACES).then_some(place)
    })
}

/// How many entries a bucket has. They are at its first places.
#[inline]
fn occupied(tags: u64) -> usize {
    PLACES - tags.leading_zeros() as usize / 8
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    /// Keys with a hash that need not be a good one.
    struct Table {
        words: Vec<u64>,
        keys: Vec<u32>,
        hash: fn(u32) -> u64,
    }

    impl Table {
        fn insert(&mut self, key: u32) -> Result<(), usize> {
            let (keys, new) = (&self.keys, self.keys.len());
            insert(&mut self.words, (self.hash)(key), new, |old| {
                keys[old] == key
            })?;
            self.keys.push(key);
            Ok(())
        }

        fn find(&self, key: u32) -> Option<usize> {
            let index = Index::new(&self.words);
            index.find((self.hash)(key), |entry| self.keys[entry] == key)
        }
    }

    /// Good ones, and such that give all keys one bucket and one tag, the last bucket, or one tag.
    const HASHES: [fn(u32) -> u64; 5] = [
        |key| u64::from(key).wrapping_mul(0x9E37_79B9_7F4A_7C15),
        |_| 0,
        |_| u64::MAX,
        |key| u64::MAX - u64::from(key),
        |key| u64::from(key) << 40,
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

        #[test]
        fn entries_are_found(keys in prop::collection::vec(0_u32..60, 0..60), spare in 0_usize..20, hash in 0_usize..5) {
            let words = vec![0; words_for(keys.len() + spare)];
            let mut table = Table { words, keys: Vec::new(), hash: HASHES[hash] };
            let mut model = HashMap::new();
            for key in keys {
                let new = table.keys.len();
                let expected = match model.get(&key) {
                    Some(&old) => Err(old),
                    None => Ok(()),
                };
                prop_assert_eq!(table.insert(key), expected);
                model.entry(key).or_insert(new);
            }
            for key in 0..70 {
                prop_assert_eq!(table.find(key), model.get(&key).copied());
            }
            prop_assert!(Index::new(&table.words).has_entries(model.len()));
            prop_assert!(!Index::new(&table.words).has_entries(model.len() + 1));
            let mut words = vec![7; table.words.len()];
            let hashes = table.keys.iter().map(|&key| (table.hash)(key));
            build(&mut words, hashes, |a, b| table.keys[a] == table.keys[b]).unwrap();
            prop_assert_eq!(words, table.words);
        }

        #[test]
        fn any_words_end_a_search(words in prop::collection::vec(any::<u64>(), 0..40), hash: u64) {
            let mut asked = 0;
            let found = Index::new(&words).find(hash, |_| {
                asked += 1;
                false
            });
            prop_assert!(found.is_none() && asked <= 8 * words.len());
            Index::new(&words).has_entries(3);
        }
    }

    #[test]
    fn a_full_index_is_searched_once() {
        let mut table = Table {
            words: vec![0; 3 * WORDS],
            keys: Vec::new(),
            hash: |_| u64::MAX,
        };
        for key in 0..3 * PLACES as u32 {
            table.insert(key).unwrap();
        }
        assert_eq!(table.find(23), Some(23));
        assert_eq!(table.find(24), None);
        assert!(
            Index::new(&table.words).has_entries(24) && !Index::new(&table.words).has_entries(23)
        );
    }

    #[test]
    #[should_panic(expected = "no room for entry 8")]
    fn an_entry_without_room_is_a_panic() {
        let mut words = [0; WORDS];
        for entry in 0..=PLACES {
            insert(&mut words, 1, entry, |_| false).unwrap();
        }
    }

    #[test]
    fn an_empty_index_has_no_words() {
        assert_eq!(words_for(0), 0);
        assert_eq!(Index::new(&[]).find(5, |_| true), None);
        assert!(Index::new(&[]).has_entries(0) && !Index::new(&[]).has_entries(1));
        assert_eq!(build(&mut [], std::iter::empty(), |_, _| true), Ok(()));
    }

    #[test]
    fn there_is_room_for_as_many_entries_as_asked_for() {
        for entries in (1..100).chain([MAX_ENTRIES]) {
            let words = words_for(entries);
            assert!(words.is_multiple_of(WORDS) && words / WORDS * PLACES > entries);
            assert!(words / WORDS <= entries / LOAD + 1);
        }
    }

    #[test]
    fn a_repeated_key_empties_the_index() {
        let keys = [4, 5, 6, 5];
        let mut words = vec![0; words_for(4)];
        let built = build(&mut words, keys.iter().copied(), |a, b| keys[a] == keys[b]);
        assert_eq!(built, Err((1, 3)));
        assert!(words.iter().all(|&word| word == 0));
    }
}
