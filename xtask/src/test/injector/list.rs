//! Which runs there are: the layouts of ranks under each library, and the calls that are chosen from those that were counted.

use super::check::Kind;
use crate::mpi::{self, Mpi};
use std::fmt;

/// How many ranks there are, and on how many nodes.
pub(super) struct Layout {
    pub(super) name: &'static str,
    pub(super) count: usize,
    /// Environment of the ranks.
    pub(super) variables: &'static [&'static str],
}

/// With windows as node memory, whose functions no other layout calls.
const ONE_NODE: Layout = Layout {
    name: "one node",
    count: 2,
    variables: &["PSHMEM_MEMORY=window"],
};

const TWO_NODES: Layout = Layout {
    name: "two nodes",
    count: 2,
    variables: &["PSHMEM_RANKS_PER_NODE=1"],
};

/// Ranks that share memory, and nodes that do not.
const TWO_OF_TWO: Layout = Layout {
    name: "two nodes",
    count: 4,
    variables: &["PSHMEM_RANKS_PER_NODE=2"],
};

/// Open MPI has one-sided operations that progress by its component for node memory only.
const ONE_SIDED: Layout = Layout {
    name: "one-sided",
    count: 2,
    variables: &[
        "PSHMEM_RANKS_PER_NODE=1",
        "PSHMEM_ONE_SIDED=always",
        "OMPI_MCA_osc=sm",
    ],
};

/// Waiting ranks of MPICH keep their cores busy, so it gets two.
pub(super) fn layouts(mpi: &Mpi) -> Vec<&'static Layout> {
    let mut layouts = vec![&ONE_NODE, &TWO_NODES, &ONE_SIDED];
    if mpi.kind == mpi::Kind::OpenMpi {
        layouts.push(&TWO_OF_TWO);
    }
    layouts
}

impl Layout {
    pub(super) fn ranks(&self) -> &'static str {
        match self.name {
            "one node" => "2",
            _ if self.count == 4 => "2+2",
            _ => "1+1",
        }
    }
}

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Case {
    pub(super) rank: usize,
    /// Number of the call on that rank, from 1.
    pub(super) call: usize,
    pub(super) kind: Kind,
}

impl Case {
    pub(super) fn variables(&self) -> [String; 3] {
        [
            format!("INJECT_RANK={}", self.rank),
            format!("INJECT_CALL={}", self.call),
            format!("INJECT_KIND={}", self.kind.name()),
        ]
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { rank, call, kind } = self;
        write!(f, "rank {rank} call {call} {}", kind.name())
    }
}

/// Of a function that a rank calls more often than this, only so many calls are chosen.
const MOST: usize = 200;

/// Every call in each way. `calls` are those of `rank`, in order.
pub(super) fn all(calls: &[String], rank: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    for (at, function) in calls.iter().enumerate() {
        let same = |calls: &[String]| calls.iter().filter(|name| *name == function).count();
        let (before, count) = (same(&calls[..at]), same(calls));
        if before % count.div_ceil(MOST) != 0 {
            continue;
        }
        let is_poll = POLLS.contains(&function.as_str());
        let kinds = [Kind::Fail, Kind::FailAfter, Kind::Late];
        let kinds = kinds
            .into_iter()
            .filter(|kind| !is_poll || *kind != Kind::FailAfter);
        cases.extend(kinds.map(|kind| Case {
            rank,
            call: at + 1,
            kind,
        }));
    }
    cases
}

/// The cases in an order in which any first part of them is spread over the whole list. The seed says with which it begins.
pub(super) fn scattered(cases: Vec<Case>, seed: u64) -> Vec<Case> {
    // A step of this part of the length, the golden ratio, always falls into a largest gap.
    const PERCENT: usize = 62;
    let mut rest: Vec<Option<Case>> = cases.into_iter().map(Some).collect();
    let (len, step) = (rest.len(), (rest.len() * PERCENT / 100).max(1));
    let mut at = seed as usize % len.max(1);
    let mut next = || {
        // Steps that come back to a place go on to the next one.
        while rest[at].is_none() {
            at = (at + 1) % len;
        }
        let case = rest[at].take();
        at = (at + step) % len;
        case
    };
    (0..len).filter_map(|_| next()).collect()
}

/// Functions that the injector has called before it knows that the call counts: `fail` and `fail-after` are the same.
const POLLS: [&str; 1] = ["MPI_Test"];

/// One call of each function that is not in `seen`, and one late call. `calls` are those of `rank`, in order. The ranks of a layout
/// share the functions that are new in it.
pub(super) fn sample(
    calls: &[String],
    rank: usize,
    ranks: usize,
    seen: &mut Vec<String>,
) -> Vec<Case> {
    let is_first = |&at: &usize| !calls[..at].contains(&calls[at]) && !seen.contains(&calls[at]);
    let new: Vec<usize> = (0..calls.len()).filter(is_first).collect();
    let mut cases = Vec::new();
    for at in new.into_iter().step_by(ranks - rank) {
        let function = &calls[at];
        let is_same = |&at: &usize| calls[at] == *function;
        let same: Vec<usize> = (at..calls.len()).filter(is_same).collect();
        let kind = [Kind::Fail, Kind::FailAfter][seen.len() % 2];
        cases.push(Case {
            rank,
            call: 1 + same[same.len() / 2],
            kind: quick(function).unwrap_or(kind),
        });
        seen.push(function.clone());
    }
    cases.push(Case {
        rank,
        call: 1 + calls.len() / 2,
        kind: Kind::Late,
    });
    cases
}

/// When a window is not made on one rank, that rank waits 30 s for the others.
fn quick(function: &str) -> Option<Kind> {
    (function == "MPI_Win_allocate").then_some(Kind::FailAfter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_in_the_sample_once() {
        let calls: Vec<String> = ["A", "B", "A", "A", "C"].map(String::from).into();
        let mut seen = vec!["B".to_owned()];
        let mut cases = sample(&calls, 0, 2, &mut seen);
        cases.extend(sample(&calls, 1, 2, &mut seen));
        let chosen: Vec<(usize, usize, Kind)> = cases
            .into_iter()
            .map(|case| (case.rank, case.call, case.kind))
            .collect();
        let expected = [
            (0, 3, Kind::FailAfter),
            (0, 3, Kind::Late),
            (1, 5, Kind::Fail),
            (1, 3, Kind::Late),
        ];
        assert_eq!(chosen, expected);
        assert_eq!(seen, ["B", "A", "C"]);
    }

    #[test]
    fn every_call_is_chosen_unless_there_are_many() {
        let calls: Vec<String> = ["MPI_Isend", "MPI_Test"].map(String::from).into();
        let chosen: Vec<(usize, Kind)> = all(&calls, 0)
            .into_iter()
            .map(|case| (case.call, case.kind))
            .collect();
        let expected = [
            (1, Kind::Fail),
            (1, Kind::FailAfter),
            (1, Kind::Late),
            (2, Kind::Fail),
            (2, Kind::Late),
        ];
        assert_eq!(chosen, expected);
        let many = vec!["MPI_Get".to_owned(); 3 * MOST];
        assert_eq!(all(&many, 1).len(), 3 * MOST);
    }

    #[test]
    fn scattered_cases_are_all_cases() {
        for (count, seed) in [(0, 5), (1, 9), (2, 1), (100, 17), (997, 3)] {
            let cases: Vec<Case> = (1..=count)
                .map(|call| Case {
                    rank: 0,
                    call,
                    kind: Kind::Late,
                })
                .collect();
            let mut calls: Vec<usize> = scattered(cases, seed)
                .iter()
                .map(|case| case.call)
                .collect();
            if count > 50 {
                let mut first = calls[..10].to_vec();
                first.sort_unstable();
                let gaps = first.windows(2).map(|pair| pair[1] - pair[0]);
                assert!(gaps.max() < Some(count / 4), "{first:?}");
            }
            calls.sort_unstable();
            assert_eq!(calls, (1..=count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_case_names_itself_in_the_environment() {
        let case = Case {
            rank: 1,
            call: 17,
            kind: Kind::FailAfter,
        };
        let expected = ["INJECT_RANK=1", "INJECT_CALL=17", "INJECT_KIND=fail-after"];
        assert_eq!(case.variables(), expected);
        assert_eq!(case.to_string(), "rank 1 call 17 fail-after");
    }
}
