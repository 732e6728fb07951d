//! How a rank waits: a short spin, then progress and yielding, with a look for trouble now and then.

pub(crate) mod limits;
pub(crate) mod monitor;
pub(crate) mod reporter;

use crate::comm::collective::call::Call;
use crate::comm::collective::control::Pause;
use crate::comm::rank_state::RankState;
use crate::comm::wait::monitor::WaitMonitor;
use std::sync::OnceLock;
use std::time::Instant;

/// Looks at a word before a rank gives its core away. A cache line travels between cores in about 50 ns.
const SPINS: u32 = 200;
/// The same when more ranks than cores share the machine: the rank waited for may need this very core.
const SPINS_CROWDED: u32 = 4;
/// Yields between two looks at the clock.
const YIELDS_PER_CLOCK: u32 = 16;

/// The waiting of one rank for one event of call `n`.
pub(crate) struct Wait<'a> {
    core: &'a RankState,
    spins: u32,
    yields: u32,
    monitor: WaitMonitor<'a>,
}

impl<'a> Wait<'a> {
    pub(crate) fn new(core: &'a RankState, n: u64, call: Call, node: Option<usize>) -> Self {
        let spins = if core.crowded { SPINS_CROWDED } else { SPINS };
        Wait {
            core,
            spins,
            yields: 0,
            monitor: WaitMonitor::new(core, n, call, node),
        }
    }

    /// Waits until `ready`, which looks at messages or transfers, returns something.
    pub(crate) fn until<R>(&mut self, mut ready: impl FnMut() -> Option<R>) -> R {
        loop {
            if let Some(result) = ready() {
                return result;
            }
            if self.spins > 0 {
                // What is waited for comes by progress, so even the first looks drive it.
                self.spins -= 1;
                self.core.world.mailbox.progress();
            } else {
                self.pause();
            }
        }
    }
}

impl Pause for Wait<'_> {
    #[inline]
    fn pause(&mut self) -> bool {
        if self.spins > 0 {
            self.spins -= 1;
            std::hint::spin_loop();
            return false;
        }
        // Without progress here, a peer whose send to this rank needs our half of the handshake would wait for ever.
        self.core.world.mailbox.progress();
        std::thread::yield_now();
        self.yields += 1;
        self.yields.is_multiple_of(YIELDS_PER_CLOCK) && self.monitor.check(Instant::now())
    }
}

/// Whether this machine has fewer cores than the `ranks` that share it.
///
/// The cores of the machine count, not those that this process may use: launchers bind each rank to a core of its own, and
/// a rank that took itself for crowded there would yield at once and be several times slower.
pub(crate) fn crowded(ranks: usize) -> bool {
    static CORES: OnceLock<usize> = OnceLock::new();
    let cores = *CORES.get_or_init(|| {
        let online = std::fs::read_to_string("/sys/devices/system/cpu/online").ok();
        online
            .and_then(|list| count(list.trim()))
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(usize::MAX, usize::from))
    });
    cores < ranks
}

/// Numbers in a list such as `0-3,8-11`.
fn count(list: &str) -> Option<usize> {
    list.split(',')
        .map(|range| {
            let (from, to) = range.split_once('-').unwrap_or((range, range));
            let (from, to): (usize, usize) = (from.parse().ok()?, to.parse().ok()?);
            to.checked_sub(from).map(|more| more + 1)
        })
        .sum()
}

#[cfg(test)]
mod tests {
    #[test]
    fn lists_of_cores_are_counted() {
        assert_eq!(super::count("0"), Some(1));
        assert_eq!(super::count("0-3,8-11"), Some(8));
        assert_eq!(super::count("3-1"), None);
        assert_eq!(super::count(""), None);
    }
}
