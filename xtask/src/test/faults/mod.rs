//! How jobs end when a rank fails: each fault of the program `fault`, under one MPI library, with each rank as the faulty one.
//!
//! A run passes when the job ended in time with an exit code that is not zero, every other rank observed what the contract says,
//! the reports name the rank and the reason, and nothing is left but the files that the list of faults expects.

mod cases;
mod check;
// The program `fault` has the same list.
#[path = "../../../../tests/faults/list.rs"]
mod list;

use super::Context;
use super::leftovers::{Folders, only_expected};
use super::schedule::{Done, Lane, Load, Step};
use super::suites::program;
use crate::cargo;
use crate::mpi::{Kind, Mpi};
use crate::process::{self, Outcome};
use crate::report::{self, Row, Verdict};
use crate::tally::{Count, Tally};
use cases::{Case, cases};
use check::{fault_time, observed};
use list::HANG_ABORT;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The hard limit of a run.
const LIMIT: Duration = Duration::from_secs(20);

/// `PSHMEM_HANG_ABORT`, for faults after which the job would wait for ever.
const HANG_ABORT_SECONDS: &str = "1";

/// Runs side by side: they mostly wait.
const AT_ONCE: usize = 3;

const HEAD: [&str; 8] = [
    "fault",
    "where",
    "library",
    "ranks",
    "rank",
    "what every rank observed",
    "seconds",
    "left behind",
];

/// A step with all faults whose names contain the filter: one row for the sum, and a table.
pub(super) fn step<'a>(context: &'a Context, mpi: &Mpi) -> Option<Step<'a>> {
    let cases = cases(context.options.filter.as_deref().unwrap_or_default());
    if cases.is_empty() {
        return None;
    }
    let mpi = mpi.clone();
    let is_mpich = mpi.kind == Kind::Mpich;
    let step = Step::with_next(Load::CORE, move || {
        run(&cases, &mpi, context.options.verbose)
    });
    Some(if is_mpich {
        step.in_lane(Lane::Mpich)
    } else {
        step
    })
}

fn run<'a>(cases: &[Case], mpi: &Mpi, verbose: bool) -> Done<'a> {
    let mut row = Row::under("faults", mpi.name, "2, 3");
    println!("== {} (at most {} s each)", row.title(), LIMIT.as_secs());
    // Waiting ranks of MPICH keep their cores busy.
    let at_once = if mpi.kind == Kind::Mpich { 1 } else { AT_ONCE };
    let start = std::time::Instant::now();
    let results = side_by_side(cases, at_once, |case| case.run(mpi));
    row.seconds = start.elapsed().as_secs_f64();

    let mut table = vec![HEAD.map(String::from)];
    let mut failures = Vec::new();
    let mut tally = Tally::default();
    for (case, result) in cases.iter().zip(&results) {
        if let Err(why) = &result.verdict {
            let title = case.title(mpi);
            println!("-- {title}: FAILED: {why}");
            failures.push(format!(
                "{} of rank {}: {why}",
                case.fault.name, case.faulty
            ));
        }
        if verbose || result.verdict.is_err() {
            println!("{}", result.outcome.output.trim_end());
        }
        let count = result
            .verdict
            .as_ref()
            .map_or(Count::FAILED, |()| Count::PASSED);
        tally.add(&Tally::case(format!("fault {}", case.fault.name), count));
        table.push(case.cells(mpi, result));
    }
    row.tally = Some(tally);
    if !failures.is_empty() {
        row.verdict = Verdict::Failed(failures.join("; "));
    }
    Done {
        rows: vec![row],
        table: report::table(&table, &[6]),
        ..Done::default()
    }
}

/// Works on all items on so many threads; the results are in the order of the items.
fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = Mutex::new(items.iter().enumerate());
    let take = || next.lock().ok()?.next();
    let worker = || {
        let mut results = Vec::new();
        while let Some((index, item)) = take() {
            results.push((index, work(item)));
        }
        results
    };
    let mut results: Vec<(usize, R)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| worker.join().expect("a run panicked");
        workers.into_iter().flat_map(join).collect()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The result of a run.
struct CaseResult {
    outcome: Outcome,
    /// Seconds from the fault, or from the start where the fault did not come.
    seconds: f64,
    /// What was left behind.
    leftovers: Vec<String>,
    verdict: Result<(), String>,
}

impl Case {
    fn title(&self, mpi: &Mpi) -> String {
        format!(
            "fault {} {} {} rank {} seed {}{}",
            self.fault.name,
            mpi.name,
            self.ranks,
            self.faulty,
            self.seed,
            if self.has_windows { " windows" } else { "" }
        )
    }

    fn run(&self, mpi: &Mpi) -> CaseResult {
        let mut command = mpi.launch(self.ranks, &program(mpi, "fault"));
        command
            .arg(self.fault.name)
            .args([self.faulty.to_string(), self.seed.to_string()]);
        command
            .current_dir(cargo::root())
            .env("RUST_BACKTRACE", "0")
            .env_remove("PSHMEM_HANG_REPORT")
            .env_remove("PSHMEM_HANG_ABORT");
        if self.fault.output.contains(&HANG_ABORT) {
            command.env("PSHMEM_HANG_ABORT", HANG_ABORT_SECONDS);
        }
        if self.ranks > 2 {
            command.env("PSHMEM_RANKS_PER_NODE", "2");
        }
        if self.has_windows {
            command.env("PSHMEM_MEMORY", "window");
        }
        let folders = match Folders::new() {
            Ok(folders) => folders,
            Err(why) => return CaseResult::not_run(&why),
        };
        let command = folders.around(&command);
        let outcome = process::run(command, LIMIT, &cargo::log_of(&self.title(mpi)), false);
        let ended = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64();
        let leftovers = folders.leftovers(&outcome);
        let fault = fault_time(&outcome.output, self.faulty);
        let seconds = fault.map_or(outcome.seconds, |at| ended - at);
        let verdict = self.check(&outcome, seconds).and_then(|()| {
            let of_windows = if self.has_windows {
                self.fault.windows_may_leave
            } else {
                &[]
            };
            let may_leave = [of_windows, mpi.leaves()].concat();
            only_expected(&leftovers, &may_leave)
        });
        CaseResult {
            outcome,
            seconds,
            leftovers,
            verdict,
        }
    }

    fn cells(&self, mpi: &Mpi, result: &CaseResult) -> [String; 8] {
        let observations = (0..self.ranks).map(|rank| {
            let error = match observed(&result.outcome.output, rank) {
                Some(text) => error_name(text),
                None if rank == self.faulty => "-",
                None => "ended",
            };
            format!("{rank}: {error}")
        });
        let ranks = match (self.ranks, self.has_windows) {
            (3.., _) => "2+1".into(),
            (ranks, true) => format!("{ranks}, windows"),
            (ranks, false) => ranks.to_string(),
        };
        [
            self.fault.name.into(),
            self.fault.place.into(),
            mpi.name.into(),
            ranks,
            self.faulty.to_string(),
            match &result.verdict {
                Ok(()) => observations.collect::<Vec<_>>().join(", "),
                Err(why) => format!("FAILED: {why}"),
            },
            format!("{:.1}", result.seconds),
            if result.leftovers.is_empty() {
                "nothing".into()
            } else {
                result.leftovers.join(" ")
            },
        ]
    }
}

impl CaseResult {
    fn not_run(why: &std::io::Error) -> Self {
        Self {
            outcome: Outcome::not_started(why.to_string()),
            seconds: 0.0,
            leftovers: Vec::new(),
            verdict: Err(format!("no folder for temporary files: {why}")),
        }
    }
}

/// The name of the error with this text.
fn error_name(text: &str) -> &'static str {
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

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..20).collect();
        let work = |item: &u64| {
            thread::sleep(Duration::from_millis(20 - item));
            2 * item
        };
        let expected: Vec<u64> = items.iter().map(|item| 2 * item).collect();
        assert_eq!(side_by_side(&items, 3, work), expected);
    }
}
