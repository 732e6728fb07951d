//! What a run of a fault must have been: its end, its time, and what each rank printed.

use crate::faults::list::{Case, Sees};
use crate::leftovers;
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
        if struck(output, self.victim).is_none() {
            return Err("the fault did not come".into());
        }
        for part in self.fault.says {
            let part = part.replace("{v}", &self.victim.to_string());
            if !output.contains(&part) {
                return Err(format!("the output does not say `{}`", part.trim()));
            }
        }
        if self
            .fault
            .says
            .iter()
            .any(|part| part.starts_with("failed: "))
        {
            self.check_report(output)?;
        }
        (0..self.ranks)
            .filter(|rank| *rank != self.victim)
            .try_for_each(|rank| {
                let (seen, wanted) = (saw(output, rank), self.wanted());
                let well = match seen {
                    None => wanted.is_empty(),
                    Some(text) => {
                        !wanted.is_empty() && wanted.iter().all(|part| text.contains(part))
                    }
                };
                if well {
                    return Ok(());
                }
                let seen = seen.unwrap_or("nothing");
                Err(format!(
                    "rank {rank} saw `{seen}`, not {:?}",
                    self.fault.others
                ))
            })
    }

    /// The victim's own report: one line with rank and host before what `says` says.
    fn check_report(&self, output: &str) -> Result<(), String> {
        let start = format!("pshmem: rank {} on ", self.victim);
        let report = output
            .lines()
            .find_map(|line| line.strip_prefix(&start)?.split_once(' '));
        match report {
            Some((host, rest))
                if !host.is_empty()
                    && self
                        .fault
                        .says
                        .iter()
                        .any(|part| rest.starts_with(part.trim_end())) =>
            {
                Ok(())
            }
            _ => Err(format!("no report `{start}HOST failed: ...`")),
        }
    }

    /// The parts of what the other ranks must have seen; none when they see nothing.
    fn wanted(&self) -> Vec<String> {
        let victim = self.victim;
        match self.fault.others {
            Sees::Ended => vec![],
            Sees::RankFailed(text) => {
                vec![format!("rank {victim} on "), format!(" failed: {text}")]
            }
            Sees::Diverged => vec![
                "the ranks of one Comm did not make the same call".into(),
                format!("but rank {victim} on "),
            ],
            Sees::Closure(text) => vec![format!("the closure on rank {victim} failed: {text}")],
        }
    }
}

/// Whether all that is left is the MPI library's.
pub(super) fn nothing_of_ours(left: &[String]) -> Result<(), String> {
    let ours = |name: &&String| name.contains("pshmem") || name.starts_with(leftovers::PROCESS);
    left.iter()
        .find(ours)
        .map_or(Ok(()), |name| Err(format!("left behind: {name}")))
}

/// When the victim committed the fault.
pub(super) fn struck(output: &str, victim: usize) -> Option<f64> {
    let start = format!("rank {victim} strikes at ");
    output
        .lines()
        .find_map(|line| line.strip_prefix(&start)?.parse().ok())
}

/// What a rank says that it saw.
pub(super) fn saw(output: &str, rank: usize) -> Option<&str> {
    let start = format!("rank {rank} saw: ");
    output.lines().find_map(|line| line.strip_prefix(&start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::LIMIT;
    use crate::faults::list::{FAULTS, OVER};

    fn case(name: &str) -> Case {
        let fault = FAULTS.iter().find(|fault| fault.name == name).unwrap();
        Case {
            fault,
            ranks: 2,
            victim: 1,
            seed: 0,
        }
    }

    fn ended(code: i32, output: &str) -> Outcome {
        Outcome {
            end: End::Exit(code),
            output: format!("rank 1 strikes at 1795348589.267\n{output}"),
            seconds: 1.0,
            mark: String::new(),
        }
    }

    const PANICKED: &str = "pshmem: rank 1 on vm failed: panicked at tests/src/bin/fault.rs:114:24: a deliberate panic\n";
    const TOLD: &str = "rank 0 saw: rank 1 on vm failed: panicked at tests/src/bin/fault.rs:114:24: a deliberate panic\n";

    #[test]
    fn a_panic_must_be_told_and_seen() {
        let check = |code, output: &str| case("panic").check(&ended(code, output), 0.5);
        assert_eq!(check(1, &format!("{PANICKED}{TOLD}")), Ok(()));
        let why = |code, output: &str| check(code, output).unwrap_err();
        assert_eq!(why(0, &format!("{PANICKED}{TOLD}")), "exit code 0");
        assert!(why(1, TOLD).contains("no report"));
        assert!(why(1, PANICKED).contains("rank 0 saw `nothing`"));
        assert!(why(1, &format!("{PANICKED}rank 0 saw: nothing\n")).contains("not RankFailed"));
        let unnamed = PANICKED.replace(" on vm", "");
        assert!(why(1, &format!("{unnamed}{TOLD}")).contains("no report"));
        let other = PANICKED.replace("deliberate", "quiet");
        let told = TOLD.replace("deliberate", "quiet");
        assert!(why(1, &format!("{other}{told}")).contains("does not say"));
    }

    #[test]
    fn the_fault_must_come_and_the_job_end_in_time() {
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
            Err("the fault did not come".into())
        );
        let outcome = Outcome {
            end: End::Hang(LIMIT),
            ..ended(0, "")
        };
        assert!(case.check(&outcome, 5.0).unwrap_err().contains("HANG"));
        let went_on = ended(9, "rank 0 saw: nothing\n");
        assert!(case.check(&went_on, 1.0).unwrap_err().contains("not Ended"));
    }

    #[test]
    fn the_victim_is_named() {
        let diverged = |rank: usize| {
            let text = format!(
                "rank 0 saw: the ranks of one Comm did not make the same call: others called `barrier`, but rank {rank} on vm has left\n"
            );
            case("return").check(&ended(1, &text), 0.5)
        };
        assert_eq!(diverged(1), Ok(()));
        assert!(diverged(0).unwrap_err().contains("not Diverged"));
        let circle = "pshmem: call 4 on a Comm\n  rank 1 is missing (last call: 3: `fill`) and is in the program\n";
        let over = format!("{circle}{OVER}\n");
        assert_eq!(case("compute").check(&ended(1, &over), 1.1), Ok(()));
        assert!(case("compute").check(&ended(1, circle), 1.1).is_err());
    }

    #[test]
    fn only_what_the_library_leaves_is_no_failure() {
        assert_eq!(
            nothing_of_ours(&["/dev/shm/vader_segment.vm.0.1.0".into()]),
            Ok(())
        );
        assert!(nothing_of_ours(&["/dev/shm/pshmem.1".into()]).is_err());
        assert!(nothing_of_ours(&["process 12".into()]).is_err());
    }
}
