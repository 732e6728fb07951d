//! The index of a map: a hash table from keys to the numbers of entries. Pure functions on slices of words; they see no key.
//!
//! The words form buckets of eight, one cache line each where the slice begins on one. A bucket has room for eight entries:
//!
//! | words | contents |
//! |---|---|
//! | 0 | one byte for each entry, its tag: eight bits of the hash of its key. 0 where there is no entry |
//! | 1 | one byte for each entry: bits 32 to 39 of its number |
//! | 2, 3 | unused |
//! | 4 to 7 | 32 bits for each entry: bits 0 to 31 of its number |
//!
//! An entry is in the bucket that the high bits of its hash select or, if that is full, in the next one with room. So a search ends
//! at the first bucket that is not full. The tags of a bucket are compared all at once, and a key is read only where its tag is equal.

const WORDS: usize = 8;
/// The entries of a bucket.
const ROOM: usize = 8;
/// The entries for which there is a bucket, so that few buckets are full.
const LOAD: usize = 5;
/// The largest number of entries.
pub(super) const MAX_ENTRIES: usize = (1 << 40) - 1;

type Bucket = [u64; WORDS];

/// The number of words for this many entries.
pub(super) fn words_for(entries: usize) -> usize {
    match entries {
        0 => 0,
        _ => (entries / LOAD + 1).saturating_mul(WORDS),
    }
}

#[inline]
fn home(buckets: usize, hash: u64) -> usize {
    ((u128::from(hash) * buckets as u128) >> u64::BITS) as usize
}

/// Bits of the hash that the bucket does not depend on, one of them set.
#[inline]
fn tag(hash: u64) -> u64 {
    hash & 0xFF | 1
}

/// The number of the entry at this place of a bucket.
#[inline]
fn entry(bucket: &Bucket, place: usize) -> usize {
    let high: &[[u8; ROOM]; WORDS] = bytemuck::cast_ref(bucket);
    let low: &[[u32; ROOM]; 2] = bytemuck::cast_ref(bucket);
    low[1][place % ROOM] as usize | usize::from(high[1][place % ROOM]) << 32
}

fn set_entry(bucket: &mut Bucket, place: usize, entry: usize) {
    let high: &mut [[u8; ROOM]; WORDS] = bytemuck::cast_mut(bucket);
    high[1][place] = (entry >> 32) as u8;
    let low: &mut [[u32; ROOM]; 2] = bytemuck::cast_mut(bucket);
    low[1][place] = entry as u32;
}

/// The places of a bucket with this tag: the highest bit of byte `i` for place `i`. Where there is one, places above may be wrong.
#[inline]
fn with_tag(bucket: &Bucket, tag: u64) -> u64 {
    const LOWEST: u64 = u64::MAX / 0xFF;
    let differences = bucket[0] ^ (LOWEST * tag);
    differences.wrapping_sub(LOWEST) & !differences & (LOWEST << 7)
}

/// The entry in a bucket with this tag for which `is_equal` is true.
#[inline]
fn find_in(bucket: &Bucket, tag: u64, is_equal: &mut impl FnMut(usize) -> bool) -> Option<usize> {
    let mut places = with_tag(bucket, tag);
    while places != 0 {
        let entry = entry(bucket, places.trailing_zeros() as usize / 8);
        if is_equal(entry) {
            return Some(entry);
        }
        places &= places - 1;
    }
    None
}

/// How many entries a bucket has. They are at its first places.
#[inline]
fn occupied(bucket: &Bucket) -> usize {
    ROOM - bucket[0].leading_zeros() as usize / 8
}

/// The entry with this hash for which `is_equal` is true. If no function of this module has written the words, it may pass any
/// number to `is_equal`, and return any that `is_equal` accepts.
#[inline]
pub(super) fn find(
    words: &[u64],
    hash: u64,
    mut is_equal: impl FnMut(usize) -> bool,
) -> Option<usize> {
    let (buckets, _) = words.as_chunks::<WORDS>();
    let tag = tag(hash);
    let mut at = home(buckets.len(), hash);
    // Not for ever, even if all buckets are full.
    for _ in 0..buckets.len() {
        let bucket = &buckets[at];
        let found = find_in(bucket, tag, &mut is_equal);
        if found.is_some() || occupied(bucket) < ROOM {
            return found;
        }
        at = following(at, buckets.len());
    }
    None
}

/// The bucket behind this one; behind the last one is the first one.
#[inline]
fn following(at: usize, buckets: usize) -> usize {
    if at + 1 == buckets { 0 } else { at + 1 }
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
    mut is_equal: impl FnMut(usize) -> bool,
) -> Result<(), usize> {
    let (buckets, _) = words.as_chunks_mut::<WORDS>();
    let count = buckets.len();
    let tag = tag(hash);
    let mut at = home(count, hash);
    for _ in 0..count {
        let bucket = &mut buckets[at];
        if let Some(old) = find_in(bucket, tag, &mut is_equal) {
            return Err(old);
        }
        let place = occupied(bucket);
        if place < ROOM {
            bucket[0] |= tag << (8 * place);
            set_entry(bucket, place, new);
            return Ok(());
        }
        at = following(at, count);
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

/// Whether the index has as many entries as this, each with a number below it.
pub(super) fn has_entries(words: &[u64], entries: usize) -> bool {
    let (buckets, rest) = words.as_chunks::<WORDS>();
    let mut count = 0;
    for bucket in buckets {
        let occupied = occupied(bucket);
        if (0..occupied).any(|place| entry(bucket, place) >= entries) {
            return false;
        }
        count += occupied;
    }
    rest.is_empty() && count == entries
}

#[cfg(test)]
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
            find(&self.words, (self.hash)(key), |entry| {
                self.keys[entry] == key
            })
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
            prop_assert!(has_entries(&table.words, model.len()));
            prop_assert!(!has_entries(&table.words, model.len() + 1));
            let mut words = vec![7; table.words.len()];
            let hashes = table.keys.iter().map(|&key| (table.hash)(key));
            build(&mut words, hashes, |a, b| table.keys[a] == table.keys[b]).unwrap();
            prop_assert_eq!(words, table.words);
        }

        #[test]
        fn any_words_end_a_search(words in prop::collection::vec(any::<u64>(), 0..40), hash: u64) {
            let mut asked = 0;
            let found = find(&words, hash, |_| {
                asked += 1;
                false
            });
            prop_assert!(found.is_none() && asked <= words.len());
            has_entries(&words, 3);
        }
    }

    #[test]
    fn a_full_index_is_searched_once() {
        let mut table = Table {
            words: vec![0; 3 * WORDS],
            keys: Vec::new(),
            hash: |_| u64::MAX,
        };
        for key in 0..3 * ROOM as u32 {
            table.insert(key).unwrap();
        }
        assert_eq!(table.find(23), Some(23));
        assert_eq!(table.find(24), None);
        assert!(has_entries(&table.words, 24) && !has_entries(&table.words, 23));
    }

    #[test]
    #[should_panic(expected = "no room for entry 8")]
    fn an_entry_without_room_is_a_panic() {
        let mut words = [0; WORDS];
        for entry in 0..=ROOM {
            insert(&mut words, 1, entry, |_| false).unwrap();
        }
    }

    #[test]
    fn an_empty_index_has_no_words() {
        assert_eq!(words_for(0), 0);
        assert_eq!(find(&[], 5, |_| true), None);
        assert!(has_entries(&[], 0) && !has_entries(&[], 1));
        assert_eq!(build(&mut [], std::iter::empty(), |_, _| true), Ok(()));
    }

    #[test]
    fn there_is_room_for_as_many_entries_as_asked_for() {
        for entries in (1..100).chain([MAX_ENTRIES]) {
            let words = words_for(entries);
            assert!(words.is_multiple_of(WORDS) && words / WORDS * ROOM > entries);
            assert!(words / WORDS <= entries / LOAD + 1);
        }
    }

    #[test]
    fn numbers_of_40_bits_are_kept() {
        let mut bucket = [0; WORDS];
        for place in 0..ROOM {
            set_entry(&mut bucket, place, MAX_ENTRIES - place * 0x1234_5678);
        }
        for place in 0..ROOM {
            assert_eq!(entry(&bucket, place), MAX_ENTRIES - place * 0x1234_5678);
        }
        assert_eq!(bucket[0], 0);
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
