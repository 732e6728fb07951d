//! Look-ups in a shared map and in a private `hashbrown::HashMap` with the same hash, on rank 0.

use crate::timing::{Bench, Column, OURS};
use pshmem::{Map, Result, Shared};
use std::hash::{BuildHasherDefault, Hasher};
use std::hint::black_box;
use xxhash_rust::xxh3::xxh3_64;

/// Look-ups that are measured at once: a single one is too fast for the clock.
const AT_ONCE: usize = 1000;
/// Different look-ups, so many that no branch predictor knows them.
const QUERIES: usize = 1000 * AT_ONCE;

type Private<K> = hashbrown::HashMap<K, f64, BuildHasherDefault<Xxh3>>;

/// Hashes as a map does.
#[derive(Default)]
struct Xxh3(u64);

impl Hasher for Xxh3 {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    /// The end of a string.
    #[inline]
    fn write_u8(&mut self, _: u8) {}

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

pub(crate) fn rows(bench: &Bench<'_>) -> Result<()> {
    for (size, entries) in [("10^3", 1000), ("10^5", 100_000), ("10^7", 10_000_000)] {
        numbers(bench, size, entries)?;
    }
    // The strings of ten million entries would need a GiB on the heap.
    for (size, entries) in [("10^3", 1000), ("10^6", 1_000_000)] {
        texts(bench, size, entries)?;
    }
    Ok(())
}

fn numbers(bench: &Bench<'_>, size: &str, entries: usize) -> Result<()> {
    let rows = Rows::of("u64", size);
    if !rows.are_selected(bench) {
        return Ok(());
    }
    let pairs = || (0..entries).map(|i| (scattered(i), i as f64));
    let ours = Shared::<Map<u64, f64>>::from_root(bench.comm, 0, || pairs().collect())?;
    let mut private = Private::<u64>::default();
    if bench.is_root() {
        private.extend(pairs());
    }
    let view = ours.view();
    for (row, first) in [(rows.hits, 0), (rows.misses, entries)] {
        let queries = queries(entries, |i| scattered(first + i));
        time(
            bench,
            &row,
            &queries,
            |key| view.get(key),
            |key| private.get(key),
        )?;
    }
    Ok(())
}

fn texts(bench: &Bench<'_>, size: &str, entries: usize) -> Result<()> {
    let rows = Rows::of("str", size);
    if !rows.are_selected(bench) {
        return Ok(());
    }
    let text = |i: usize| format!("station {}", scattered(i));
    let pairs = || (0..entries).map(|i| (text(i), i as f64));
    let ours = Shared::<Map<str, f64>>::from_root(bench.comm, 0, || pairs().collect())?;
    let mut private = Private::<String>::default();
    if bench.is_root() {
        private.extend(pairs());
    }
    let view = ours.view();
    for (row, first) in [(rows.hits, 0), (rows.misses, entries)] {
        let queries = queries(entries, |i| text(first + i));
        time(
            bench,
            &row,
            &queries,
            |key| view.get(key),
            |key| private.get(key),
        )?;
    }
    Ok(())
}

/// The names of the rows of one table.
struct Rows {
    hits: String,
    misses: String,
}

impl Rows {
    fn of(keys: &str, size: &str) -> Self {
        let row = |what| format!("{AT_ONCE} look-ups of {keys} in {size} entries, {what}");
        Rows {
            hits: row("hits"),
            misses: row("misses"),
        }
    }

    fn are_selected(&self, bench: &Bench<'_>) -> bool {
        bench.settings.selects(&self.hits) || bench.settings.selects(&self.misses)
    }
}

/// A different number for each `i`, with no order.
fn scattered(i: usize) -> u64 {
    (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The keys of entries in random order.
fn queries<K>(entries: usize, key: impl Fn(usize) -> K) -> Vec<K> {
    let mut state = 1_u64;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        key((state >> 20) as usize % entries)
    };
    std::iter::repeat_with(next).take(QUERIES).collect()
}

fn time<'v, K>(
    bench: &Bench<'_>,
    row: &str,
    queries: &[K],
    ours: impl Fn(&K) -> Option<&'v f64>,
    private: impl Fn(&K) -> Option<&'v f64>,
) -> Result<()> {
    if !bench.settings.selects(row) {
        return Ok(());
    }
    let root = bench.is_root();
    bench.time(
        row,
        vec![
            Column::new(OURS, look_ups(root, queries, ours)),
            Column::new("hashbrown", look_ups(root, queries, private)),
        ],
    )
}

/// A call that makes the next look-ups on rank 0.
fn look_ups<'c, 'v, K>(
    root: bool,
    queries: &'c [K],
    get: impl Fn(&K) -> Option<&'v f64> + 'c,
) -> impl FnMut() -> Result<()> + 'c
where
    'v: 'c,
{
    let mut next = queries.chunks_exact(AT_ONCE).cycle();
    move || {
        if root {
            let queries = next.next().expect("an iterator without an end");
            black_box(queries.iter().filter_map(&get).sum::<f64>());
        }
        Ok(())
    }
}
