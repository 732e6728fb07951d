//! How jobs end when a rank fails: each fault of the program `fault`, under one MPI library, with each rank as the victim.
//!
//! A run passes when the job ended in time with an exit code that is not zero, every other rank saw what the contract says,
//! the reports name who failed where, and no process and no file of ours is left. What the MPI library leaves is shown.

use crate::leftovers::{self, Listing};
use crate::mpi::Mpi;
use crate::report::{self, Report, Row, Verdict};
use crate::run::{self, End, Outcome};
use crate::{args, cargo};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// From the fault to the end of the job.
const IN_TIME: f64 = 10.0;
/// The hard limit of a run.
const LIMIT: Duration = Duration::from_secs(20);
/// `PSHMEM_HANG_ABORT`, for the faults that nothing else ends.
const PATIENCE: &str = "1";

/// What the ranks that did not commit the fault print.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sees {
    /// `Error::RankFailed` with this text.
    RankFailed(&'static str),
    Diverged,
    /// `Error::Closure` with this text.
    Closure(&'static str),
    /// Nothing: they are ended while they wait.
    Ended,
}

/// One fault of the program `fault`.
struct Fault {
    name: &'static str,
    /// What happens on the victim, and where the others are.
    place: &'static str,
    others: Sees,
    /// What the output must say; `{v}` is the victim.
    says: &'static [&'static str],
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
const PANIC: &str = "failed: panicked at tests/src/bin/fault.rs:";
const OVER: &str = "pshmem: PSHMEM_HANG_ABORT is over, ending the job";
const ABORTS: &str = "exits inside `run`; ending the job";

const FAULTS: &[Fault] = &[
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
            "and is at work in it\n",
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
const ON_NODES: &[(&str, usize)] = &[
    ("panic", 2),
    ("error", 2),
    ("return", 0),
    ("update-panic", 0),
    ("exit-0", 1),
    ("kill-update", 2),
    ("kill-any", 1),
];

/// One run of a fault.
struct Case {
    fault: &'static Fault,
    ranks: usize,
    victim: usize,
    /// The moment of faults that a timer commits.
    seed: usize,
}

fn cases(filter: &str) -> Vec<Case> {
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

const HEAD: [&str; 8] = [
    "fault",
    "where",
    "library",
    "ranks",
    "rank",
    "what every rank saw",
    "seconds",
    "left behind",
];

/// Runs all faults whose names contain the filter: one row for the sum, and a table of its own.
pub(crate) fn all(mpi: &Mpi, options: &args::Test, report: &mut Report) {
    let cases = cases(options.filter.as_deref().unwrap_or_default());
    if cases.is_empty() {
        return;
    }
    let mut row = Row::under("faults", mpi.name, "2, 3");
    let mut table = vec![HEAD.map(String::from)];
    let mut failures = Vec::new();
    println!("\n== {} (at most {} s each)", row.title(), LIMIT.as_secs());
    for case in &cases {
        let ran = case.run(mpi, options.verbose);
        row.seconds += ran.outcome.seconds;
        if let Err(why) = &ran.verdict {
            if !options.verbose {
                println!("{}", ran.outcome.output.trim_end());
            }
            failures.push(format!(
                "{} of rank {}: {why}",
                case.fault.name, case.victim
            ));
        }
        let verdict = ran
            .verdict
            .as_ref()
            .map_or_else(|why| format!("FAILED: {why}"), |()| "ok".into());
        println!("-- {}: {verdict}", case.title(mpi));
        table.push(case.cells(mpi, &ran));
    }
    row.cases = Some(((cases.len() - failures.len()) as u64, failures.len() as u64));
    if !failures.is_empty() {
        row.verdict = Verdict::Failed(failures.join("; "));
    }
    report.push(row);
    report.add_table(&report::table(&table, &[6]));
}

/// What became of a run.
struct Ran {
    outcome: Outcome,
    /// Seconds from the fault, or from the start where the fault did not come.
    seconds: f64,
    /// What was left behind.
    left: Vec<String>,
    verdict: Result<(), String>,
}

impl Case {
    fn title(&self, mpi: &Mpi) -> String {
        format!(
            "fault {} {} {} rank {}",
            self.fault.name, mpi.name, self.ranks, self.victim
        )
    }

    fn run(&self, mpi: &Mpi, verbose: bool) -> Ran {
        let program = cargo::built(mpi, cargo::SUITE, "fault");
        let mut command = mpi.launch(self.ranks, &program);
        command
            .arg(self.fault.name)
            .args([self.victim.to_string(), self.seed.to_string()]);
        command
            .current_dir(cargo::root())
            .env("RUST_BACKTRACE", "0")
            .env_remove("PSHMEM_HANG_REPORT")
            .env_remove("PSHMEM_HANG_ABORT");
        if self.fault.says.contains(&OVER) {
            command.env("PSHMEM_HANG_ABORT", PATIENCE);
        }
        if self.ranks > 2 {
            command.env("PSHMEM_RANKS_PER_NODE", "2");
        }
        let listing = Listing::new();
        command.env("TMPDIR", listing.folder());
        let outcome = run::run(command, LIMIT, &cargo::log_of(&self.title(mpi)), verbose);
        let ended = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64();
        let left = listing.left(&outcome);
        let struck = struck(&outcome.output, self.victim);
        let seconds = struck.map_or(outcome.seconds, |at| ended - at);
        let verdict = self
            .check(&outcome, seconds)
            .and_then(|()| nothing_of_ours(&left));
        Ran {
            outcome,
            seconds,
            left,
            verdict,
        }
    }

    /// Whether the run ended as the contract says.
    fn check(&self, outcome: &Outcome, seconds: f64) -> Result<(), String> {
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

    fn cells(&self, mpi: &Mpi, ran: &Ran) -> [String; 8] {
        let seen = (0..self.ranks).map(|rank| {
            let word = saw(&ran.outcome.output, rank)
                .map_or_else(|| if rank == self.victim { "-" } else { "ended" }, word);
            format!("{rank}: {word}")
        });
        let ranks = if self.ranks > 2 {
            "2+1".into()
        } else {
            self.ranks.to_string()
        };
        [
            self.fault.name.into(),
            self.fault.place.into(),
            mpi.name.into(),
            ranks,
            self.victim.to_string(),
            match &ran.verdict {
                Ok(()) => seen.collect::<Vec<_>>().join(", "),
                Err(why) => format!("FAILED: {why}"),
            },
            format!("{:.1}", ran.seconds),
            if ran.left.is_empty() {
                "nothing".into()
            } else {
                ran.left.join(" ")
            },
        ]
    }
}

/// Whether all that is left is the MPI library's.
fn nothing_of_ours(left: &[String]) -> Result<(), String> {
    let ours = |name: &&String| name.contains("pshmem") || name.starts_with(leftovers::PROCESS);
    left.iter()
        .find(ours)
        .map_or(Ok(()), |name| Err(format!("left behind: {name}")))
}

/// When the victim committed the fault.
fn struck(output: &str, victim: usize) -> Option<f64> {
    let start = format!("rank {victim} strikes at ");
    output
        .lines()
        .find_map(|line| line.strip_prefix(&start)?.parse().ok())
}

/// What a rank says that it saw.
fn saw(output: &str, rank: usize) -> Option<&str> {
    let start = format!("rank {rank} saw: ");
    output.lines().find_map(|line| line.strip_prefix(&start))
}

/// The name of the error with this text.
fn word(text: &str) -> &'static str {
    if text.starts_with("the ranks of one Comm") {
        "Diverged"
    } else if text.starts_with("the closure on rank ") {
        "Closure"
    } else if text.starts_with("rank ") {
        "RankFailed"
    } else {
        "something else"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn every_rank_is_a_victim_and_names_are_known() {
        for name in ON_NODES.iter().map(|(name, _)| name) {
            case(name);
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
