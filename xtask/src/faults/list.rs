//! The faults and their runs, as data: a new fault is a new entry here and in the program `fault`.

/// What the ranks that did not commit the fault print.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sees {
    /// `Error::RankFailed` with this text.
    RankFailed(&'static str),
    Diverged,
    /// `Error::Closure` with this text.
    Closure(&'static str),
    /// Nothing: they are ended while they wait.
    Ended,
}

/// One fault of the program `fault`.
pub(super) struct Fault {
    pub(super) name: &'static str,
    /// What happens on the victim, and where the others are.
    pub(super) place: &'static str,
    pub(super) others: Sees,
    /// What the output must say; `{v}` is the victim.
    pub(super) says: &'static [&'static str],
}

const fn fault(
    name: &'static str,
    place: &'static str,
    others: Sees,
    says: &'static [&'static str],
) -> Fault {
    Fault {
        name,
        place,
        others,
        says,
    }
}

/// What the victim's own report of a panic says, after its rank and host.
pub(super) const PANIC: &str = "failed: panicked at tests/src/bin/fault.rs:";
pub(super) const OVER: &str = "pshmem: PSHMEM_HANG_ABORT is over, ending the job";
pub(super) const ABORTS: &str = "exits inside `run`; ending the job";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "panic",
        "in user code, others in a barrier",
        Sees::RankFailed("panicked at tests/src/bin/fault.rs:"),
        &[PANIC, ": a deliberate panic\n"],
    ),
    fault(
        "panic-alone",
        "in user code, others too",
        Sees::Ended,
        &[
            PANIC,
            "pshmem: some ranks still run 5 s after another one failed",
        ],
    ),
    fault(
        "error",
        "`Err` from the closure of `run`, others in a barrier",
        Sees::RankFailed("a deliberate error"),
        &["failed: a deliberate error\n"],
    ),
    fault(
        "return",
        "from `run`, others in a barrier",
        Sees::Diverged,
        &[],
    ),
    fault(
        "compute",
        "in user code for ever, others in a barrier",
        Sees::Ended,
        &[
            "\n  rank {v} is missing (last call: ",
            " and is in the program\n",
            OVER,
        ],
    ),
    fault(
        "update-compute",
        "in a closure of `update` for ever",
        Sees::Ended,
        &[
            "called `update` of object 1",
            "and runs its closure\n",
            OVER,
        ],
    ),
    fault(
        "update-panic",
        "in a closure of `update`",
        Sees::Closure("panicked: a deliberate panic in a closure"),
        &[PANIC, ": a deliberate panic in a closure\n"],
    ),
    fault(
        "update-error",
        "`Err` from a closure of `try_update`",
        Sees::Closure("a deliberate error in a closure"),
        &["rank {v} saw: the closure on rank {v} failed: a deliberate error in a closure\n"],
    ),
    fault(
        "from_root-panic",
        "in a closure of `from_root`",
        Sees::Closure("panicked: a deliberate panic in a closure"),
        &[PANIC, ": a deliberate panic in a closure\n"],
    ),
    fault(
        "exit-0",
        "`exit(0)`, others in a barrier",
        Sees::Ended,
        &[ABORTS],
    ),
    fault(
        "exit-3",
        "`exit(3)`, others in a barrier",
        Sees::Ended,
        &[ABORTS],
    ),
    fault(
        "kill-barrier",
        "SIGKILL, others in a barrier",
        Sees::Ended,
        &[],
    ),
    fault(
        "kill-loop",
        "SIGKILL after 137 rounds of `set` and `update`",
        Sees::Ended,
        &[],
    ),
    fault(
        "kill-update",
        "SIGKILL in a closure of `update`",
        Sees::Ended,
        &[],
    ),
    fault(
        "kill-lock",
        "SIGKILL with a `Mutex`, others wait for it",
        Sees::Ended,
        &[],
    ),
    fault(
        "kill-create",
        "SIGKILL while large objects are created",
        Sees::Ended,
        &[],
    ),
    fault(
        "kill-any",
        "SIGKILL at some moment of mixed calls",
        Sees::Ended,
        &[],
    ),
];

/// Faults that also run with three ranks on two nodes, made by `PSHMEM_RANKS_PER_NODE`, and who commits them there.
pub(super) const ON_NODES: &[(&str, usize)] = &[
    ("panic", 2),
    ("error", 2),
    ("return", 0),
    ("update-panic", 0),
    ("exit-0", 1),
    ("kill-update", 2),
    ("kill-lock", 1),
    ("kill-any", 1),
];

/// One run of a fault.
pub(super) struct Case {
    pub(super) fault: &'static Fault,
    pub(super) ranks: usize,
    pub(super) victim: usize,
    /// The moment of faults that a timer commits.
    pub(super) seed: usize,
}

pub(super) fn cases(filter: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for fault in FAULTS {
        let mut add = |ranks, victim| {
            let seed = cases.len();
            cases.push(Case {
                fault,
                ranks,
                victim,
                seed,
            });
        };
        add(2, 1);
        // Five seconds of grace each: once is enough.
        if fault.name != "panic-alone" {
            add(2, 0);
        }
        if fault.name == "kill-any" {
            add(2, 0);
            add(2, 1);
        }
        for (_, victim) in ON_NODES.iter().filter(|(name, _)| *name == fault.name) {
            add(3, *victim);
        }
    }
    cases.retain(|case| case.fault.name.contains(filter));
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rank_is_a_victim_and_names_are_known() {
        for name in ON_NODES.iter().map(|(name, _)| name) {
            assert!(FAULTS.iter().any(|fault| fault.name == *name));
        }
        let all = cases("");
        for fault in FAULTS.iter().filter(|fault| fault.name != "panic-alone") {
            for victim in [0, 1] {
                assert!(
                    all.iter()
                        .any(|case| case.fault.name == fault.name && case.victim == victim)
                );
            }
        }
        assert!(cases("kill-").len() < all.len() && cases("no such fault").is_empty());
    }
}
