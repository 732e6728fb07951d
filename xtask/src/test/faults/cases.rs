//! The runs of the faults: with how many ranks, and which of them is the faulty one.

use super::list::{FAULTS, Fault, Kind};

/// One run of a fault.
pub(super) struct Case {
    pub(super) fault: &'static Fault,
    pub(super) ranks: usize,
    pub(super) faulty: usize,
    /// The moment of faults that a timer commits.
    pub(super) seed: usize,
    /// Node memory is windows of MPI, which may leave files when a rank is killed.
    pub(super) has_windows: bool,
}

/// The runs of all faults whose names contain the filter.
pub(super) fn cases(filter: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for fault in FAULTS {
        let mut add_with = |ranks, faulty, has_windows| {
            let seed = cases.len();
            cases.push(Case {
                fault,
                ranks,
                faulty,
                seed,
                has_windows,
            });
        };
        if !fault.windows_may_leave.is_empty() {
            add_with(2, 1, true);
        }
        let mut add = |ranks, faulty| add_with(ranks, faulty, false);
        add(2, 1);
        // The others get five seconds to end: once is enough.
        if fault.kind != Kind::PanicAlone {
            add(2, 0);
        }
        if fault.kind == Kind::KillAny {
            add(2, 0);
            add(2, 1);
        }
        // On two nodes, made by `PSHMEM_RANKS_PER_NODE`.
        if let Some(faulty) = fault.rank_on_nodes {
            add(3, faulty);
        }
    }
    cases.retain(|case| case.fault.name.contains(filter));
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rank_has_every_fault() {
        let all = cases("");
        for fault in FAULTS {
            for faulty in [0, 1] {
                let is_run = |case: &Case| case.fault.kind == fault.kind && case.faulty == faulty;
                assert!(all.iter().any(is_run) || fault.kind == Kind::PanicAlone);
            }
        }
        assert!(cases("kill-").len() < all.len() && cases("no such fault").is_empty());
    }
}
