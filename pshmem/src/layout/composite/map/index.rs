//! The index of a map: a hash table from keys to the numbers of entries. Pure functions on slices of words; they see no key.
//!
//! The index has buckets of eight words, one cache line each in node memory, with slots for four entries:
//!
//! | words | contents |
//! |---|---|
//! | 0 | one byte for each slot, its tag: eight bits of the hash of the entry's key, 0 where there is no entry; and whether an entry has found no slot here |
//! | 1 to 4, one for each slot | the word of the entry's key: the key itself if it has at most 8 bytes, otherwise its hash |
//! | 5 and 6, 32 bits for each slot | the number of the entry |
//! | 7 | unused |
//!
//! An entry is in the bucket that the high bits of its hash select or, if that is full, in the next one with a free slot. A search ends
//! at the first bucket in which every entry has found a slot. Mostly it reads one line. The tags of a bucket are compared all at once.
//! A small key is recognised by its word; of a large one, only a key with the same hash is read.
//!
//! Other forms were measured. Tags and numbers without words take 8 bytes for each entry instead of 32, but every search that finds an
//! entry reads its key, in another line, before its value. One word for each entry without buckets needs a branch for each slot.

use bytemuck::{cast_mut, cast_ref};

/// The words of a bucket.
const WORDS: usize = 8;
/// The slots of a bucket.
const SLOTS: usize = 4;
/// The entries for which there is a bucket, so that few buckets are full.
const LOAD: usize = 2;
/// The largest number of entries.
pub(super) const MAX_ENTRIES: usize = u32::MAX as usize;
/// In word 0: an entry has found no slot in the bucket.
const OVERFLOWED: u64 = 1 << 32;

type Bucket = [u64; WORDS];

/// What the index knows of a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct IndexKey {
    pub(super) hash: u64,
    /// Equal for equal keys.
    pub(super) word: u64,
}

/// The number of words for this many entries.
pub(super) fn words_for(entries: usize) -> usize {
    match entries {
        0 => 0,
        _ => (entries / LOAD + 1).saturating_mul(WORDS),
    }
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

/// Bits of the hash that the bucket does not depend on, one of them set.
#[inline]
fn tag(hash: u64) -> u32 {
    hash as u32 & 0xFF | 1
}

/// The slots of a bucket with this tag: the highest bit of byte `i` for slot `i`. Behind the first one, there may be some with other
/// tags.
#[inline]
fn slots_with(bucket: &Bucket, tag: u32) -> u32 {
    const LOWEST: u32 = u32::MAX / 0xFF;
    let differences = bucket[0] as u32 ^ (LOWEST * tag);
    // The highest bit of each byte that is 0; a borrow makes one of a byte above it that is 1.
    differences.wrapping_sub(LOWEST) & !differences & (LOWEST << 7)
}

/// The number of the entry at a slot.
#[inline]
fn number(bucket: &Bucket, slot: usize) -> usize {
    let halves: &[u32; 2 * WORDS] = cast_ref(bucket);
    halves[2 * (1 + SLOTS) + slot % SLOTS] as usize
}

/// The entry in a bucket with this key.
#[inline]
fn find_in(
    bucket: &Bucket,
    key: IndexKey,
    is_equal: &mut impl FnMut(usize) -> bool,
) -> Option<usize> {
    let mut slots = slots_with(bucket, tag(key.hash));
    while slots != 0 {
        let slot = slots.trailing_zeros() as usize / 8;
        let entry = number(bucket, slot);
        if bucket[1 + slot % SLOTS] == key.word && is_equal(entry) {
            return Some(entry);
        }
        slots &= slots - 1;
    }
    None
}

/// How many entries a bucket has. They are at its first slots.
#[inline]
fn occupied(bucket: &Bucket) -> usize {
    SLOTS - (bucket[0] as u32).leading_zeros() as usize / 8
}

/// The entry with this key. `is_equal` says whether it is, of entries with the same word. If no function of this module has written the
/// words, it may pass any number to `is_equal`, and return any that `is_equal` accepts.
#[inline]
pub(super) fn find(
    words: &[u64],
    key: IndexKey,
    mut is_equal: impl FnMut(usize) -> bool,
) -> Option<usize> {
    let (buckets, _) = words.as_chunks::<WORDS>();
    let mut at = home(buckets.len(), key.hash);
    // Not for ever, even if all buckets have overflowed.
    for _ in 0..buckets.len() {
        let bucket = &buckets[at];
        let found = find_in(bucket, key, &mut is_equal);
        if found.is_some() || bucket[0] & OVERFLOWED == 0 {
            return found;
        }
        at = following(buckets.len(), at);
    }
    None
}

/// Adds an entry, unless there is one with this key, which `is_equal` says of entries with the same word.
///
/// # Errors
/// The number of that entry.
///
/// # Panics
/// If there is no room. There is for as many entries as [`words_for`] was asked for.
pub(super) fn insert(
    words: &mut [u64],
    key: IndexKey,
    new: usize,
    is_equal: impl FnMut(usize) -> bool,
) -> Result<(), usize> {
    if let Some(old) = find(words, key, is_equal) {
        return Err(old);
    }
    add(words, key, new);
    Ok(())
}

/// Adds an entry, whose key no other one has.
///
/// # Panics
/// As [`insert`].
pub(super) fn add(words: &mut [u64], key: IndexKey, new: usize) {
    let (buckets, _) = words.as_chunks_mut::<WORDS>();
    let count = buckets.len();
    let mut at = home(count, key.hash);
    for _ in 0..count {
        let bucket = &mut buckets[at];
        let slot = occupied(bucket);
        if slot < SLOTS {
            bucket[0] |= u64::from(tag(key.hash)) << (8 * slot);
            bucket[1 + slot] = key.word;
            let halves: &mut [u32; 2 * WORDS] = cast_mut(bucket);
            halves[2 * (1 + SLOTS) + slot] = new as u32;
            return;
        }
        bucket[0] |= OVERFLOWED;
        at = following(count, at);
    }
    panic!(
        "{} words of an index have no room for entry {new}",
        words.len()
    )
}

/// Fills the index with entries 0, 1 and so on, which have these keys. `is_equal` compares the keys of two entries with the same word.
///
/// # Errors
/// The numbers of two entries with equal keys, the lower one first. The index is empty then.
pub(super) fn build(
    words: &mut [u64],
    keys: impl Iterator<Item = IndexKey>,
    is_equal: impl Fn(usize, usize) -> bool,
) -> Result<(), (usize, usize)> {
    words.fill(0);
    for (new, key) in keys.enumerate() {
        if let Err(old) = insert(words, key, new, |old| is_equal(old, new)) {
            words.fill(0);
            return Err((old, new));
        }
    }
    Ok(())
}

/// Whether the index has as many entries as this, each with a number below it.
pub(super) fn has_entries(words: &[u64], entries: usize) -> bool {
    let (buckets, rest) = words.as_chunks::<WORDS>();
    let mut count = 0;
    for bucket in buckets {
        let occupied = occupied(bucket);
        if (0..occupied).any(|slot| number(bucket, slot) >= entries) {
            return false;
        }
        count += occupied;
    }
    rest.is_empty() && count == entries
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
        /// The words are the keys, not their hashes.
        is_small: bool,
    }

    impl Table {
        fn key(&self, key: u32) -> IndexKey {
            let hash = (self.hash)(key);
            let word = if self.is_small { key.into() } else { hash };
            IndexKey { hash, word }
        }

        fn insert(&mut self, key: u32) -> Result<(), usize> {
            let (index_key, new) = (self.key(key), self.keys.len());
            insert(&mut self.words, index_key, new, |old| self.keys[old] == key)?;
            self.keys.push(key);
            Ok(())
        }

        fn find(&self, key: u32) -> Option<usize> {
            find(&self.words, self.key(key), |entry| self.keys[entry] == key)
        }
    }

    /// Good ones, and such that give all keys one bucket, one tag and one word, or the last bucket.
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
        fn entries_are_found(keys in prop::collection::vec(0_u32..60, 0..60), spare in 0_usize..20, hash in 0_usize..5, is_small: bool) {
            let words = vec![0; words_for(keys.len() + spare)];
            let mut table = Table { words, keys: Vec::new(), hash: HASHES[hash], is_small };
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
            prop_assert!(has_entries(&table.words, model.len()));
            prop_assert!(!has_entries(&table.words, model.len() + 1));
            let mut words = vec![7; table.words.len()];
            let keys = table.keys.iter().map(|&key| table.key(key));
            build(&mut words, keys, |a, b| table.keys[a] == table.keys[b]).unwrap();
            prop_assert_eq!(words, table.words);
        }

        #[test]
        fn any_words_end_a_search(words in prop::collection::vec(any::<u64>(), 0..40), hash: u64) {
            let mut asked = 0;
            let key = IndexKey { hash, word: words.first().copied().unwrap_or(0) };
            let found = find(&words, key, |_| {
                asked += 1;
                false
            });
            prop_assert!(found.is_none() && asked <= 8 * words.len());
            has_entries(&words, 3);
        }
    }

    #[test]
    fn a_full_index_is_searched_once() {
        let mut table = Table {
            words: vec![0; 3 * WORDS],
            keys: Vec::new(),
            hash: |_| u64::MAX,
            is_small: false,
        };
        for key in 0..3 * SLOTS as u32 {
            table.insert(key).unwrap();
        }
        assert_eq!(table.find(11), Some(11));
        assert_eq!(table.find(12), None);
        assert!(has_entries(&table.words, 12) && !has_entries(&table.words, 11));
    }

    #[test]
    #[should_panic(expected = "no room for entry 4")]
    fn an_entry_without_room_is_a_panic() {
        let mut words = [0; WORDS];
        for entry in 0..=SLOTS {
            insert(&mut words, IndexKey { hash: 1, word: 1 }, entry, |_| false).unwrap();
        }
    }

    #[test]
    fn an_empty_index_has_no_words() {
        assert_eq!(words_for(0), 0);
        assert_eq!(find(&[], IndexKey { hash: 5, word: 0 }, |_| true), None);
        assert!(has_entries(&[], 0) && !has_entries(&[], 1));
        assert_eq!(build(&mut [], std::iter::empty(), |_, _| true), Ok(()));
    }

    #[test]
    fn there_is_room_for_as_many_entries_as_asked_for() {
        for entries in (1..100).chain([MAX_ENTRIES]) {
            let words = words_for(entries);
            assert!(words.is_multiple_of(WORDS) && words / WORDS * SLOTS > entries);
            assert!(words / WORDS <= entries / LOAD + 1);
        }
    }

    #[test]
    fn a_repeated_key_empties_the_index() {
        let keys = [4, 5, 6, 5];
        let mut words = vec![0; words_for(4)];
        let index_keys = keys.iter().map(|&key| IndexKey {
            hash: key,
            word: key,
        });
        let built = build(&mut words, index_keys, |a, b| keys[a] == keys[b]);
        assert_eq!(built, Err((1, 3)));
        assert!(words.iter().all(|&word| word == 0));
    }
}
