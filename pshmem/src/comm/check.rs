//! What is checked beyond the comparison of calls. Safe code rests on that comparison, so it is always on.
//!
//! | `PSHMEM_CHECK` | |
//! |---|---|
//! | 0 | nothing more: errors do not name source lines, deadlocks are not looked for |
//! | 1 | source lines of calls, deadlocks of waiting ranks (the default) |
//! | 2 | after each write, the copies of what was written are compared over all nodes, and fields that an update did not mark as touched are compared with what they were |
//!
//! The highest level of any rank applies to all ranks of the world, because level 2 takes additional rounds.

use crate::error::{Error, Result};
use std::hash::{DefaultHasher, Hasher};

pub(crate) const VARIABLE: &str = "PSHMEM_CHECK";

/// How much is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Calls,
    Reports,
    Copies,
}

impl Level {
    const ALL: [Level; 3] = [Level::Calls, Level::Reports, Level::Copies];

    /// The level that the environment asks for.
    pub(crate) fn from_environment() -> Result<Self> {
        match std::env::var(VARIABLE) {
            Ok(value) => Self::parse(&value).ok_or_else(|| Error::InvalidSetting {
                name: VARIABLE.to_owned(),
                value,
                reason: "write 0, 1 or 2".to_owned(),
            }),
            Err(_) => Ok(Level::Reports),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::of_number(text.trim().parse().ok()?)
    }

    pub(crate) fn of_number(number: u64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }
}

/// A hash of the bytes of all runs, by which copies are compared.
pub(crate) fn checksum<'a>(runs: impl Iterator<Item = &'a [u8]>) -> u64 {
    let mut hasher = DefaultHasher::new();
    runs.for_each(|run| hasher.write(run));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_numbers() {
        assert_eq!(Level::parse("0"), Some(Level::Calls));
        assert_eq!(Level::parse(" 2 "), Some(Level::Copies));
        assert_eq!(Level::parse("3"), None);
        assert_eq!(Level::parse("all"), None);
    }

    #[test]
    fn checksums_depend_on_every_byte() {
        let sum = |runs: &[&[u8]]| checksum(runs.iter().copied());
        assert_eq!(sum(&[b"ab", b"c"]), sum(&[b"abc"]));
        assert_ne!(sum(&[b"ab", b"c"]), sum(&[b"ab", b"d"]));
    }
}
