//! What a run with an injected failure must have been: its end, what each rank printed, and who named the MPI function.

use crate::process::{End, Outcome};
use std::collections::BTreeMap;

/// What happens to the chosen call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Nothing: calls are only printed.
    Count,
    /// It is not made and returns an error.
    Fail,
    /// It is made, and returns an error then.
    FailAfter,
    /// It is made after a second.
    Late,
}

impl Kind {
    /// As `INJECT_KIND` has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Fail => "fail",
            Self::FailAfter => "fail-after",
            Self::Late => "late",
        }
    }
}

/// Functions by which the library finds out whether one-sided operations work. When one fails, all ranks do without.
const OPTIONAL: [&str; 6] = [
    "MPI_Win_flush",
    "MPI_Fetch_and_op",
    "MPI_Compare_and_swap",
    "MPI_Accumulate",
    "MPI_Get",
    "MPI_Put",
];
const ONE_SIDED: &str = "one-sided operations";
const LAST_STEP: &str = "close";

/// The functions that a counting run has printed.
pub(super) fn calls(outcome: &Outcome, ranks: usize) -> Result<Vec<String>, String> {
    check(outcome, ranks, Kind::Count)?;
    let call = |line: &str| {
        let (_, name) = line.strip_prefix("inject: call ")?.split_once(' ')?;
        Some(name.trim().to_owned())
    };
    let calls: Vec<String> = outcome.output.lines().filter_map(call).collect();
    if calls.is_empty() {
        return Err("no call was counted".into());
    }
    Ok(calls)
}

/// Whether the run ended as it may.
pub(super) fn check(outcome: &Outcome, ranks: usize, kind: Kind) -> Result<(), String> {
    let output = &outcome.output;
    let steps = steps(output);
    if output.contains(": WRONG ") {
        return Err("a wrong value".into());
    }
    for (step, results) in &steps {
        let mut texts = results.values();
        let first = texts.next();
        if texts.any(|text| Some(text) != first) {
            return Err(format!("step {step} differs: {results:?}"));
        }
    }
    let failed = failed_function(output).filter(|_| kind != Kind::Late);
    match (&outcome.end, failed) {
        (End::Exit(0), failed) => {
            let last = steps.get(LAST_STEP);
            let ended = last.map_or(0, |ranks| {
                ranks.values().filter(|text| *text == &"ok").count()
            });
            if ended < ranks {
                return Err(format!(
                    "exit code 0, but {ended} of {ranks} ranks came to the end"
                ));
            }
            match failed {
                Some(function) if !is_done_without(output, function) => {
                    Err(format!("exit code 0 after a failure of {function}"))
                }
                _ => Ok(()),
            }
        }
        (End::Exit(_), Some(function)) => {
            let is_named = |line: &str| line.contains("pshmem: ") && line.contains(function);
            let is_agreed = |results: &BTreeMap<usize, &str>| {
                results.len() == ranks && results.values().all(|text| text.starts_with("Err "))
            };
            if output.lines().any(is_named) || steps.values().any(is_agreed) {
                Ok(())
            } else {
                Err(format!("the job ended, but nobody named {function}"))
            }
        }
        (end, _) => end.check(),
    }
}

/// The function that has failed, as the injector says.
fn failed_function(output: &str) -> Option<&str> {
    let line = output
        .lines()
        .find_map(|line| line.strip_prefix("inject: rank "))?;
    line.split(' ').find(|word| word.starts_with("MPI_"))
}

/// Whether ranks may go on after a failure of this function, and did so alike.
fn is_done_without(output: &str, function: &str) -> bool {
    let mut engines = output
        .lines()
        .filter_map(|line| line.split_once(" engine "));
    OPTIONAL.contains(&function) && engines.all(|(_, engine)| !engine.contains(ONE_SIDED))
}

/// What each rank printed for each step.
fn steps(output: &str) -> BTreeMap<&str, BTreeMap<usize, &str>> {
    let mut steps: BTreeMap<&str, BTreeMap<usize, &str>> = BTreeMap::new();
    for line in output.lines() {
        let parts = line.strip_prefix("rank ").and_then(|rest| {
            let (rank, rest) = rest.split_once(" step ")?;
            let (step, text) = rest.split_once(": ")?;
            Some((rank.parse().ok()?, step, text))
        });
        if let Some((rank, step, text)) = parts {
            steps.entry(step).or_default().insert(rank, text);
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const STRUCK: &str = "inject: rank 1 call 17 MPI_Isend fail\n";
    const ALL_OK: &str =
        "rank 0 step set: ok\nrank 1 step set: ok\nrank 1 step close: ok\nrank 0 step close: ok\n";
    const NAMED: &str = "pshmem: MPI_Isend failed on rank 1 (vm) with code 16\n";

    fn ended(end: End, parts: &[&str], kind: Kind) -> Result<(), String> {
        let outcome = Outcome {
            end,
            output: parts.concat(),
            seconds: 1.0,
            mark: String::new(),
        };
        check(&outcome, 2, kind)
    }

    #[test]
    fn a_failure_must_end_the_job_with_its_name() {
        let fail = |code, parts: &[&str]| ended(End::Exit(code), parts, Kind::Fail);
        let set = "rank 0 step set: ok\n";
        assert_eq!(fail(1, &[set, STRUCK, NAMED]), Ok(()));
        let why = |code, parts: &[&str]| fail(code, parts).unwrap_err();
        assert!(why(1, &[set, STRUCK]).contains("nobody named MPI_Isend"));
        assert!(why(0, &[STRUCK, ALL_OK]).contains("exit code 0"));
        assert!(why(0, &[STRUCK, NAMED, set]).contains("0 of 2 ranks"));
        // A call that did not come.
        assert_eq!(fail(0, &[ALL_OK]), Ok(()));
        assert_eq!(why(1, &[set]), "exit code 1");
        let hang = End::Hang(Duration::from_secs(60));
        assert!(ended(hang, &[STRUCK, NAMED], Kind::Fail).is_err());
    }

    #[test]
    fn an_error_must_be_the_same_everywhere() {
        let error = |rank: usize, text: &str| format!("rank {rank} step new: Err {text}\n");
        let fail = |a: &str, b: &str| ended(End::Exit(1), &[STRUCK, a, b], Kind::Fail);
        assert_eq!(fail(&error(0, "refused"), &error(1, "refused")), Ok(()));
        let other = fail(&error(0, "refused"), &error(1, "no room"));
        assert!(other.unwrap_err().contains("step new differs"));
        assert!(fail(&error(0, "refused"), "rank 1 step new: ok\n").is_err());
        assert!(fail(&error(0, "refused"), "").is_err());
    }

    #[test]
    fn ranks_do_without_what_is_optional() {
        let struck = STRUCK.replace("Isend", "Put");
        let fail = |engine: &str| ended(End::Exit(0), &[&struck, ALL_OK, engine], Kind::Fail);
        assert_eq!(fail("rank 0 engine a service thread\n"), Ok(()));
        assert!(fail("rank 0 engine one-sided operations\n").is_err());
    }

    #[test]
    fn a_late_call_changes_nothing() {
        let late = |code, parts: &[&str]| ended(End::Exit(code), parts, Kind::Late);
        assert_eq!(late(0, &[STRUCK, ALL_OK]), Ok(()));
        assert!(late(1, &[STRUCK, ALL_OK, NAMED]).is_err());
        let wrong = late(
            0,
            &[ALL_OK, "rank 0 step set: WRONG element 3 is 7, not 9\n"],
        );
        assert_eq!(wrong, Err("a wrong value".into()));
    }

    #[test]
    fn calls_are_those_of_a_run_that_ended_well() {
        let outcome = |parts: &[&str]| Outcome {
            end: End::Exit(0),
            output: parts.concat(),
            seconds: 1.0,
            mark: String::new(),
        };
        let lines = "inject: call 1 MPI_Comm_rank\ninject: call 2 MPI_Isend\n";
        let counted = calls(&outcome(&[lines, ALL_OK]), 2);
        assert_eq!(
            counted,
            Ok(vec!["MPI_Comm_rank".into(), "MPI_Isend".into()])
        );
        assert!(calls(&outcome(&[lines]), 2).is_err());
        assert!(calls(&outcome(&[ALL_OK]), 2).is_err());
    }
}
