//! `Comm::set_memory_limit` and `PSHMEM_MEMORY_LIMIT`: how much memory the objects of a node may use.

use crate::comm::Comm;
use crate::comm::collective::allocate::over_limit;
use crate::comm::protocol::call::{Call, Kind};
use crate::comm::protocol::contribution::Contribution;
use crate::error::{Error, Result};
use crate::memory::node_usage::OverLimit;
use std::panic::Location;

const VARIABLE: &str = "PSHMEM_MEMORY_LIMIT";

impl Comm {
    /// Sets how many bytes the objects of a node may use at most, on each node of this `Comm`; `None` for no limit.
    ///
    /// All objects of the job on the node count, whatever `Comm` they are on, and the memory that is kept for small objects. The
    /// environment variable `PSHMEM_MEMORY_LIMIT` sets the limit at the start, in bytes or as `500M`, `64G`, `1T` (units of 1024).
    ///
    /// ```
    /// use pshmem::{Comm, Error, Shared};
    ///
    /// let comm = Comm::solo();
    /// comm.set_memory_limit(Some(64 << 20))?;
    /// let first = Shared::<[f64]>::new(&comm, 5_000_000)?;
    /// let second = Shared::<[f64]>::new(&comm, 5_000_000);
    /// assert!(matches!(second, Err(Error::MemoryLimit { .. })));
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same limit. One round.
    ///
    /// # Errors
    /// [`Error::MemoryLimit`] if a node uses more already, after which no limit has changed, [`Error::Mismatch`] if ranks pass
    /// different limits, and those of [`barrier`](Comm::barrier).
    #[track_caller]
    pub fn set_memory_limit(&self, limit: Option<usize>) -> Result<()> {
        let call = Call::new(Kind::MemoryLimit);
        let _call = self
            .core
            .enter(Kind::MemoryLimit.name(), Location::caller())?;
        self.limit_memory(call, limit)
    }

    /// The same inside `call`.
    pub(super) fn limit_memory(&self, call: Call, limit: Option<usize>) -> Result<()> {
        let usage = &self.core.group.world.node_usage;
        let used = usage.used();
        let over = limit.filter(|&limit| limit < used);
        let fault = over.map(|limit| over_limit(&self.core.sync, 0, OverLimit { used, limit }));
        let word = limit.map_or(u64::MAX, |limit| limit as u64);
        let contribution = Contribution {
            fault,
            ..Contribution::must_match(&word.to_le_bytes())
        };
        self.core.agree_with(call, contribution, |_| {
            usage.set_limit(limit);
            Vec::new()
        })?;
        Ok(())
    }
}

/// The limit that the environment sets.
pub(super) fn from_environment() -> Result<Option<u64>> {
    match std::env::var(VARIABLE) {
        Ok(value) => match parse(&value) {
            Some(bytes) => Ok(Some(bytes)),
            None => Err(Error::InvalidSetting {
                name: VARIABLE.to_owned(),
                value,
                reason: "write bytes, or a number with K, M, G or T, such as 64G".to_owned(),
            }),
        },
        Err(_) => Ok(None),
    }
}

fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, shift) = match text.char_indices().next_back()? {
        (at, unit) if unit.is_ascii_alphabetic() => {
            let index = "KMGT".find(unit.to_ascii_uppercase())?;
            (&text[..at], 10 * (index as u32 + 1))
        }
        _ => (text, 0),
    };
    let number: u64 = number.trim_end().parse().ok()?;
    number.checked_mul(1 << shift).filter(|&bytes| bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_units() {
        for (text, expected) in [
            ("1", Some(1)),
            (" 4096 ", Some(4096)),
            ("2k", Some(2048)),
            ("500M", Some(500 << 20)),
            ("64 G", Some(64 << 30)),
            ("1T", Some(1 << 40)),
            ("", None),
            ("0", None),
            ("-1", None),
            ("1.5G", None),
            ("G", None),
            ("64GB", None),
            ("99999999999T", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }
}
