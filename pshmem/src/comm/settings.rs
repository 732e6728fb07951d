//! Settings that all ranks of a world have alike, whatever the environments of the ranks say: launchers may pass the variables of one
//! node only.

use crate::comm::Comm;
use crate::comm::check::Level;
use crate::comm::memory_limit;
use crate::comm::protocol::call::{Call, Kind};
use crate::comm::protocol::contribution::Contribution;
use crate::error::Result;
use crate::memory::huge_pages::HugePages;

/// Checks the variables. `run` does so on every rank, so that a wrong value is an error also for a rank alone.
pub(crate) fn check_environment() -> Result<()> {
    Level::from_environment()?;
    HugePages::from_environment()?;
    memory_limit::from_environment()?;
    Ok(())
}

impl Comm {
    /// All ranks of the world agree on what their environments ask for. Collective, right after the start.
    pub(super) fn agree_on_settings(&self) -> Result<()> {
        let world = &self.core.group.world;
        // The one that asks for most checks decides, the last of the policies for pages, and the smallest limit.
        let level = self.maximum(Level::from_environment().map(|level| level as u64))?;
        world
            .level
            .set(Level::of_number(level).unwrap_or(world.level.get()));
        let pages = self.maximum(HugePages::from_environment().map(|pages| pages as u64))?;
        let pages = HugePages::of_number(pages).unwrap_or(world.huge_pages.get());
        world.huge_pages.set(pages);
        let limit = memory_limit::from_environment();
        let limit = self.maximum(limit.map(|limit| u64::MAX - limit.unwrap_or(u64::MAX)))?;
        match u64::MAX - limit {
            u64::MAX => Ok(()),
            limit if self.size() == 1 => {
                world.node_usage.set_limit(Some(limit as usize));
                Ok(())
            }
            limit => self.limit_memory(Call::new(Kind::Start), Some(limit as usize)),
        }
    }

    /// The largest number of all ranks, or the error of one of them.
    fn maximum(&self, mine: Result<u64>) -> Result<u64> {
        let contribution = Contribution {
            maximum: mine.as_ref().ok().copied(),
            // A rank alone has nobody to agree with. `run` checks its environment, `Comm::solo` has no error.
            fault: mine.err().filter(|_| self.size() > 1),
            ..Contribution::default()
        };
        let agreed = self.core.agree(Call::new(Kind::Start), contribution)?;
        Ok(agreed.maximum.unwrap_or(0))
    }
}
