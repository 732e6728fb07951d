//! Whether ranks have to share cores, so that one that waits must give its core away soon.

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
