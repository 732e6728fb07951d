//! Runs steps side by side, as far as the cores of the machine allow.
//!
//! Most steps either compile or wait: for time limits, for processes that are about to end, for ranks that are about to notice.
//! Each step says how much of the machine it keeps busy. A step starts when its share is free and, if it is in a lane, no
//! other step of that lane runs. The order of the list decides between steps that could start. A step may have successors, which
//! are started in its place in the list once it has passed.

use crate::report::{Report, Row, Verdict};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

/// Steps of which only one runs at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Lane {
    /// cargo locks the build folder.
    Cargo,
    /// Waiting ranks of MPICH keep their cores busy.
    Mpich,
}

/// How much of the machine a step keeps busy, in halves of a core.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load(usize);

impl Load {
    /// Mostly waits.
    pub(crate) const WAITING: Self = Self(1);
    /// One core, or two of them half of the time.
    pub(crate) const CORE: Self = Self(2);
    /// All cores, however many: what it measures must not depend on other steps.
    pub(crate) const MACHINE: Self = Self(usize::MAX);

    /// As many cores as that.
    pub(crate) const fn cores(cores: usize) -> Self {
        Self(2 * cores)
    }
}

/// A part of the test run.
pub(crate) struct Step<'a> {
    load: Load,
    lane: Option<Lane>,
    work: Box<dyn FnOnce() -> Done<'a> + Send + 'a>,
}

/// What a step found, and its successors.
#[derive(Default)]
pub(crate) struct Done<'a> {
    pub(crate) rows: Vec<Row>,
    /// A table for the end of the test run, or nothing.
    pub(crate) table: String,
    pub(crate) next: Vec<Step<'a>>,
}

impl<'a> Step<'a> {
    /// A step without successors.
    pub(crate) fn new(load: Load, work: impl FnOnce() -> Row + Send + 'a) -> Self {
        Self::with_next(load, || Done {
            rows: vec![work()],
            ..Done::default()
        })
    }

    /// A step that says what follows.
    pub(crate) fn with_next(load: Load, work: impl FnOnce() -> Done<'a> + Send + 'a) -> Self {
        Self {
            load,
            lane: None,
            work: Box::new(work),
        }
    }

    /// The same step in a lane.
    pub(crate) fn in_lane(mut self, lane: Lane) -> Self {
        self.lane = Some(lane);
        self
    }
}

/// Runs steps and their successors on a machine with so many cores.
pub(crate) fn run(steps: Vec<Step<'_>>, cores: usize, report: &mut Report) {
    let capacity = 2 * cores.max(1);
    let mut waiting = VecDeque::from(steps);
    let mut running: Vec<Option<(usize, Option<Lane>)>> = Vec::new();
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        loop {
            let fits = |step: &Step| {
                let used: usize = running.iter().flatten().map(|(load, _)| load).sum();
                let is_taken = |lane| {
                    running
                        .iter()
                        .flatten()
                        .any(|(_, other)| *other == Some(lane))
                };
                used + step.load.0.min(capacity) <= capacity && !step.lane.is_some_and(is_taken)
            };
            if let Some(step) = waiting
                .iter()
                .position(fits)
                .and_then(|at| waiting.remove(at))
            {
                let number = running.len();
                running.push(Some((step.load.0.min(capacity), step.lane)));
                let sender = sender.clone();
                scope.spawn(move || {
                    let done =
                        catch_unwind(AssertUnwindSafe(step.work)).unwrap_or_else(|_| failed());
                    // The receiver lives until all steps have ended.
                    let _ = sender.send((number, done));
                });
                continue;
            }
            if running.iter().all(Option::is_none) {
                // Every step fits an empty machine, so none waits.
                return;
            }
            let Ok((number, done)) = receiver.recv() else {
                return;
            };
            running[number] = None;
            for row in done.rows {
                report.push(row);
            }
            report.add_table(&done.table);
            for step in done.next.into_iter().rev() {
                waiting.push_front(step);
            }
        }
    });
}

/// The result of a step that panicked; the message is on stderr.
fn failed<'a>() -> Done<'a> {
    let row = Row {
        verdict: Verdict::Failed("a step panicked".into()),
        ..Row::new("xtask")
    };
    Done {
        rows: vec![row],
        ..Done::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// Runs twelve steps and returns how many ran at the same time at most.
    fn most_at_once(load: Load, lane: Option<Lane>) -> usize {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = || {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(20));
            now.fetch_sub(1, Ordering::SeqCst);
            Row::new("x")
        };
        let step = |_| Step {
            lane,
            ..Step::new(load, work)
        };
        let mut report = Report::new(false);
        run((0..12).map(step).collect(), 2, &mut report);
        let text = report.text();
        assert!(
            text.ends_with("; 12 passed, 0 failed, 0 skipped (worlds)\n"),
            "{text}"
        );
        most.into_inner()
    }

    #[test]
    fn loads_and_lanes_limit_what_runs_at_once() {
        assert!(most_at_once(Load::WAITING, None) <= 4);
        assert!(most_at_once(Load::CORE, None) <= 2);
        assert_eq!(most_at_once(Load::cores(2), None), 1);
        assert_eq!(most_at_once(Load::MACHINE, None), 1);
        assert_eq!(most_at_once(Load::WAITING, Some(Lane::Cargo)), 1);
    }

    #[test]
    fn successors_run_in_the_place_of_their_step() {
        let order = Mutex::new(Vec::new());
        let note = |name: &'static str| {
            order.lock().unwrap().push(name);
            Row::new(name)
        };
        let first = Step::with_next(Load::MACHINE, || Done {
            rows: vec![note("first")],
            next: ["second", "third"]
                .map(|name| Step::new(Load::MACHINE, move || note(name)))
                .into(),
            ..Done::default()
        });
        let last = Step::new(Load::MACHINE, || note("last"));
        run(vec![first, last], 2, &mut Report::new(false));
        assert_eq!(
            order.into_inner().unwrap(),
            ["first", "second", "third", "last"]
        );
    }

    #[test]
    fn a_step_that_panics_fails() {
        let mut report = Report::new(false);
        let steps = vec![
            Step::new(Load::CORE, || panic!("a deliberate panic")),
            Step::new(Load::CORE, || Row::new("other")),
        ];
        run(steps, 2, &mut report);
        let text = report.text();
        assert!(
            text.ends_with("; 1 passed, 1 failed, 0 skipped (worlds)\n"),
            "{text}"
        );
    }
}
