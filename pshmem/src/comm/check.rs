//! What is checked beyond the comparison of calls, which safe code rests on and which nothing turns off.
//!
//! | `PSHMEM_CHECK` | |
//! |---|---|
//! | 0 | nothing more: errors do not name source lines, circles of waiting ranks are not looked for |
//! | 1 | source lines of calls, circles of waiting ranks (the default) |
//! | 2 | after each write the copies of what was written are compared over all nodes, and fields that an update did not mark as touched are compared with what they were |
//!
//! The level of the world's rank with the highest one holds for all of them: at level 2 ranks meet more often.

use crate::comm::collective::call::{Call, Kind, Step};
use crate::comm::collective::contribution::Contribution;
use crate::comm::rank_state::RankState;
use crate::comm::transfer::Target;
use crate::error::{Error, Result};
use crate::layout::region::Region;
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
        Self::ALL.get(text.trim().parse::<usize>().ok()?).copied()
    }
}

/// Tells contents apart.
pub(crate) fn checksum<'a>(runs: impl Iterator<Item = &'a [u8]>) -> u64 {
    let mut hasher = DefaultHasher::new();
    runs.for_each(|run| hasher.write(run));
    hasher.finish()
}

impl RankState {
    /// The ranks of a world agree on the level: that of the rank which asks for most.
    pub(crate) fn agree_on_level(&self) -> Result<()> {
        let mine = Level::from_environment();
        let contribution = Contribution {
            maximum: mine.as_ref().ok().map(|&level| level as u64),
            // One rank has nobody to compare with, so no level is wrong for it.
            fault: mine.err().filter(|_| self.topology.size() > 1),
            ..Contribution::default()
        };
        let agreed = self.agree(Call::new(Kind::Start), contribution)?;
        if let Some(level) = agreed.maximum {
            self.world.level.set(Level::ALL[level as usize]);
        }
        Ok(())
    }

    pub(crate) fn checks(&self, level: Level) -> bool {
        self.world.level.get() >= level
    }

    /// At the level for it, after a call in which many ranks wrote: compares all bytes of the fields over the nodes.
    pub(crate) fn check_fields(
        &self,
        call: Call,
        target: &Target<'_>,
        regions: &[Region],
    ) -> Result<()> {
        if !self.is_multi_node() || !self.checks(Level::Copies) {
            return Ok(());
        }
        self.compare_copies(call, target, self.topology.is_leader().then_some(regions))
    }

    /// All ranks meet once more, and compare the copies of what was written. `seen` is what this rank knows of it: one rank
    /// of each node does.
    pub(super) fn compare_copies(
        &self,
        call: Call,
        target: &Target<'_>,
        seen: Option<&[Region]>,
    ) -> Result<()> {
        let sum = seen.map(|regions| checksum(target.runs(regions)));
        let contribution = Contribution {
            must_match: sum.map(|sum| sum.to_le_bytes().to_vec()),
            ..Contribution::default()
        };
        self.agree(call.step(Step::Copies), contribution)
            .map(|_| ())
    }
}

/// The error of a call after which two nodes hold different bytes.
pub(crate) fn copies_differ(call: Call, ours: usize, theirs: usize) -> Error {
    Error::Corrupt {
        call: call.name().to_owned(),
        what: format!("the copies that ranks {ours} and {theirs} read differ in what was written"),
    }
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
