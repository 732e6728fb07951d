//! What a run of a fault must have been: its end, its time, and what each rank printed.

use super::cases::Case;
use super::list::{Observed, commit_prefix, observed_prefix};
use crate::process::{End, Outcome};

/// From the fault to the end of the job.
const IN_TIME: f64 = 10.0;

impl Case {
    /// Whether the run ended as the contract says.
    pub(super) fn check(&self, outcome: &Outcome, seconds: f64) -> Result<(), String> {
        match &outcome.end {
            End::Exit(0) => return Err("exit code 0".into()),
            End::Exit(_) => {}
            other => other.check()?,
        }
        if seconds > IN_TIME {
            return Err(format!("ended after {seconds:.1} s"));
        }
        let output = &outcome.output;
        if fault_time(output, self.faulty).is_none() {
            return Err("the fault was not committed".into());
        }
        for part in self.fault.output {
            let part = part.replace("{rank}", &self.faulty.to_string());
            if !output.contains(&part) {
                return Err(format!("the output does not contain `{}`", part.trim()));
            }
        }
        self.check_report(output)?;
        let mut others = (0..self.ranks).filter(|rank| *rank != self.faulty);
        others.try_for_each(|rank| self.check_observed(rank, observed(output, rank)))
    }

    /// The faulty rank's own report, where there has to be one: rank and host come before the reason, in the same line.
    fn check_report(&self, output: &str) -> Result<(), String> {
        let reasons = self.fault.output;
        if !reasons.iter().any(|part| part.starts_with("failed: ")) {
            return Ok(());
        }
        let start = format!("pshmem: rank {} on ", self.faulty);
        let report = output
            .lines()
            .find_map(|line| line.strip_prefix(&start)?.split_once(' '));
        let is_complete = report.is_some_and(|(host, rest)| {
            let begins = |part: &&str| rest.starts_with(part.trim_end());
            !host.is_empty() && reasons.iter().any(begins)
        });
        if is_complete {
            Ok(())
        } else {
            Err(format!("no report `{start}HOST failed: ...`"))
        }
    }

    fn check_observed(&self, rank: usize, text: Option<&str>) -> Result<(), String> {
        let expected = self.expected();
        let is_expected = match text {
            None => expected.is_empty(),
            Some(text) => !expected.is_empty() && expected.iter().all(|part| text.contains(part)),
        };
        if is_expected {
            return Ok(());
        }
        Err(format!(
            "rank {rank} observed `{}`, not {:?}",
            text.unwrap_or("nothing"),
            self.fault.others
        ))
    }

    /// Parts of the error that the other ranks must have observed; none where they are ended while they wait.
    fn expected(&self) -> Vec<String> {
        let faulty = self.faulty;
        match self.fault.others {
            Observed::Ended => vec![],
            Observed::RankFailed(text) => {
                vec![format!("rank {faulty} on "), format!(" failed: {text}")]
            }
            Observed::Diverged => vec![
                "the ranks of one Comm did not make the same call".into(),
                format!("but rank {faulty} on "),
            ],
            Observed::Closure(text) => vec![format!("the closure on rank {faulty} failed: {text}")],
        }
    }
}

/// When the faulty rank committed the fault, in seconds since 1970.
pub(super) fn fault_time(output: &str, faulty: usize) -> Option<f64> {
    let start = commit_prefix(faulty);
    output
        .lines()
        .find_map(|line| line.strip_prefix(&start)?.parse().ok())
}

/// What the call of a rank returned, if it returned.
pub(super) fn observed(output: &str, rank: usize) -> Option<&str> {
    let start = observed_prefix(rank);
    output.lines().find_map(|line| line.strip_prefix(&start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::faults::LIMIT;
    use crate::test::faults::list::{FAULTS, HANG_ABORT, NO_ERROR};

    fn case(name: &str) -> Case {
        let fault = FAULTS.iter().find(|fault| fault.name == name).unwrap();
        Case {
            fault,
            ranks: 2,
            faulty: 1,
            has_windows: false,
            seed: 0,
        }
    }

    fn ended(code: i32, output: &str) -> Outcome {
        Outcome {
            end: End::Exit(code),
            output: format!("rank 1 commits the fault at 1795348589.267\n{output}"),
            seconds: 1.0,
            mark: String::new(),
        }
    }

    const REPORT: &str = "pshmem: rank 1 on vm failed: panicked at tests/faults/actions.rs:114:24: a deliberate panic\n";
    const OBSERVED: &str = "rank 0 observed: rank 1 on vm failed: panicked at tests/faults/actions.rs:114:24: a deliberate panic\n";

    #[test]
    fn a_panic_must_be_reported_and_observed() {
        let check = |code, output: &str| case("panic").check(&ended(code, output), 0.5);
        assert_eq!(check(1, &format!("{REPORT}{OBSERVED}")), Ok(()));
        let why = |code, output: &str| check(code, output).unwrap_err();
        assert_eq!(why(0, &format!("{REPORT}{OBSERVED}")), "exit code 0");
        assert!(why(1, OBSERVED).contains("no report"));
        assert!(why(1, REPORT).contains("rank 0 observed `nothing`"));
        assert!(
            why(1, &format!("{REPORT}rank 0 observed: {NO_ERROR}\n")).contains("not RankFailed")
        );
        let unnamed = REPORT.replace(" on vm", "");
        assert!(why(1, &format!("{unnamed}{OBSERVED}")).contains("no report"));
        let other = REPORT.replace("deliberate", "quiet");
        let observed = OBSERVED.replace("deliberate", "quiet");
        assert!(why(1, &format!("{other}{observed}")).contains("does not contain"));
    }

    #[test]
    fn the_fault_must_be_committed_and_the_job_end_in_time() {
        let case = case("kill-barrier");
        assert_eq!(case.check(&ended(137, ""), 1.6), Ok(()));
        assert!(
            case.check(&ended(137, ""), 11.0)
                .unwrap_err()
                .contains("11.0 s")
        );
        let outcome = Outcome {
            output: "mpirun: no such option\n".into(),
            ..ended(1, "")
        };
        assert_eq!(
            case.check(&outcome, 0.1),
            Err("the fault was not committed".into())
        );
        let outcome = Outcome {
            end: End::Hang(LIMIT),
            ..ended(0, "")
        };
        assert!(case.check(&outcome, 5.0).unwrap_err().contains("HANG"));
        let continued = ended(9, &format!("rank 0 observed: {NO_ERROR}\n"));
        assert!(
            case.check(&continued, 1.0)
                .unwrap_err()
                .contains("not Ended")
        );
    }

    #[test]
    fn the_faulty_rank_is_named() {
        let diverged = |rank: usize| {
            let text = format!(
                "rank 0 observed: the ranks of one Comm did not make the same call: others called `barrier`, but rank {rank} on vm has left\n"
            );
            case("return").check(&ended(1, &text), 0.5)
        };
        assert_eq!(diverged(1), Ok(()));
        assert!(diverged(0).unwrap_err().contains("not Diverged"));
        let circle = "pshmem: call 4 on a Comm\n  rank 1 is missing (last call: 3: `fill`) and is in the program\n";
        let over = format!("{circle}{HANG_ABORT}\n");
        assert_eq!(case("compute").check(&ended(1, &over), 1.1), Ok(()));
        assert!(case("compute").check(&ended(1, circle), 1.1).is_err());
    }
}
