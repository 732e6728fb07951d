//! The protocol of a counter: one word that holds how many numbers have been taken.
//!
//! A rank takes a chunk by adding to the word. Whoever finds the limit there, or more, has taken nothing: the word passes the
//! limit by what such ranks have added. It cannot wrap around, because a rank that has found the limit adds no more, and because
//! chunks for which that is not enough are taken by compare-and-swap operations, which never pass the limit.

use crate::home::atomic_words::AtomicWords;

/// The word, the limit, and the number of ranks that take.
pub(super) struct Taken<W> {
    pub(super) word: W,
    pub(super) limit: u64,
    pub(super) ranks: u64,
}

impl<W: AtomicWords> Taken<W> {
    /// Takes up to `chunk` numbers. Returns the first of them; none were left if that is the limit or above. `seen` is what this
    /// rank knows of the word, and below the limit.
    pub(super) fn take(&self, chunk: u64, seen: u64) -> u64 {
        // Each rank passes the limit at most once.
        if chunk <= (u64::MAX - self.limit) / self.ranks {
            return self.word.fetch_add(0, chunk);
        }
        self.exchange(seen, |rest| rest.min(chunk))
    }

    /// Takes all that is left. Returns the first number of that, as `take`.
    pub(super) fn take_rest(&self) -> u64 {
        self.exchange(self.word.load(0), |rest| rest)
    }

    /// Nothing is taken any more. While no other rank uses the word.
    pub(super) fn reset(&self) {
        self.word.store(0, 0);
    }

    /// Takes as many of the rest as `share` returns.
    fn exchange(&self, seen: u64, share: impl Fn(u64) -> u64) -> u64 {
        let mut found = seen;
        while found < self.limit {
            let end = found + share(self.limit - found);
            match self.word.compare_exchange(0, found, end) {
                Ok(_) => break,
                Err(now) => found = now,
            }
        }
        found
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::atomic::AtomicU64;

    fn taken(words: &[AtomicU64], limit: u64) -> Taken<&[AtomicU64]> {
        Taken {
            word: words,
            limit,
            ranks: 3,
        }
    }

    #[test]
    fn chunks_of_any_size_never_wrap_around() {
        for limit in [1, 7, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
            for chunk in [1, 3, u64::MAX / 4, u64::MAX / 2, u64::MAX] {
                let words = [AtomicU64::new(0)];
                let taken = taken(&words, limit);
                assert_eq!(taken.take(chunk, 0), 0);
                let rest = limit - chunk.min(limit);
                // Each of three ranks learns once that nothing is left, whatever the others have taken.
                if rest > 0 && rest < 10 {
                    assert_eq!(taken.take(u64::MAX, 0), chunk);
                }
                if rest < 10 {
                    for _ in 0..3 {
                        assert!(taken.take(chunk, 0) >= limit, "{limit} {chunk}");
                    }
                    assert!(taken.take_rest() >= limit);
                }
            }
        }
    }

    #[test]
    fn the_rest_is_what_nobody_has_taken() {
        let words = [AtomicU64::new(0)];
        let taken = taken(&words, 10);
        assert_eq!(taken.take(4, 0), 0);
        assert_eq!(taken.take_rest(), 4);
        assert!(taken.take(1, 4) >= 10);
        taken.reset();
        assert_eq!(taken.take(4, 0), 0);
    }
}

/// Loom models of the word.
#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::sync::atomic::AtomicU64;
    use loom::sync::Arc;

    /// Two ranks take by adding and by exchanging, and one of them takes the rest: each number is taken once.
    #[test]
    fn loom_each_number_is_taken_once() {
        for chunks in [[1, 2], [u64::MAX, 1], [u64::MAX / 2, u64::MAX]] {
            loom::model(move || {
                const LIMIT: u64 = 3;
                let words = Arc::new(vec![AtomicU64::new(0)]);
                let take = move |words: &[AtomicU64], chunk: u64, rest: bool| {
                    let taken = Taken {
                        word: words,
                        limit: LIMIT,
                        ranks: 2,
                    };
                    let mut found = Vec::new();
                    let first = taken.take(chunk, 0);
                    found.extend(first..LIMIT.min(first.saturating_add(chunk)).max(first));
                    if rest {
                        found.extend(taken.take_rest()..LIMIT);
                        assert!(taken.take_rest() >= LIMIT);
                    }
                    found
                };
                let other = {
                    let words = words.clone();
                    loom::thread::spawn(move || take(&words, chunks[1], false))
                };
                let mut found = take(&words, chunks[0], true);
                found.extend(other.join().unwrap());
                found.sort_unstable();
                assert_eq!(found, [0, 1, 2]);
            });
        }
    }
}
