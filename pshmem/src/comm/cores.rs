//! Whether ranks have to share cores, so that one that waits must give its core away soon.

use crate::comm::cpu_list::CpuList;
use std::sync::OnceLock;

/// Whether this machine has fewer cores than the `ranks` that share it.
///
/// All cores of the machine count, not only those that this process may use: launchers bind each rank to a core of its own. A
/// rank that counted only that core would yield at once, and be several times slower.
pub(crate) fn is_crowded(ranks: usize) -> bool {
    static CORES: OnceLock<usize> = OnceLock::new();
    let cores = *CORES.get_or_init(|| {
        let online = std::fs::read_to_string("/sys/devices/system/cpu/online").ok();
        online
            .and_then(|list| CpuList::parse(&list))
            .map(|list| list.count())
            .filter(|&cores| cores > 0)
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(usize::MAX, usize::from))
    });
    cores < ranks
}
