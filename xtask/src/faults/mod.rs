//! How jobs end when a rank fails: each fault of the program `fault`, under one MPI library, with each rank as the victim.
//!
//! A run passes when the job ended in time with an exit code that is not zero, every other rank saw what the contract says,
//! the reports name who failed where, and no process and no file of ours is left. What the MPI library leaves is shown.

mod check;
mod list;

use crate::leftovers::Listing;
use crate::mpi::Mpi;
use crate::process::{self, Outcome};
use crate::report::{self, Report, Row, Verdict};
use crate::{args, cargo};
use check::{nothing_of_ours, saw, struck};
use list::{Case, OVER, cases};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The hard limit of a run.
const LIMIT: Duration = Duration::from_secs(20);
/// `PSHMEM_HANG_ABORT`, for the faults that nothing else ends.
const PATIENCE: &str = "1";

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
        let outcome = process::run(command, LIMIT, &cargo::log_of(&self.title(mpi)), verbose);
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
