//! The progress of a batch on stderr: a bar on a terminal, otherwise a line now and then for the log of a job.

use crate::progress_bar::Bar;
use crate::stderr::report;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Shortest time between two reads of the counts.
const READ_PERIOD: Duration = Duration::from_millis(100);
/// Time between two lines in a log.
const LINE_PERIOD: Duration = Duration::from_secs(10);

/// What the root shows.
#[derive(Debug)]
pub(crate) struct Progress {
    /// On a terminal.
    bar: Option<Bar>,
    /// Tasks to be run.
    total: u64,
    start: Instant,
    last_read: Cell<Option<Instant>>,
    last_line: Cell<Instant>,
    is_over: Cell<bool>,
    /// What was shown last: tasks that are done, and that have failed.
    shown: Cell<Option<(u64, u64)>>,
}

impl Progress {
    pub(crate) fn new(total: u64) -> Self {
        let now = Instant::now();
        let template = "{bar:40.cyan/blue} {pos}/{len} tasks{msg}, {eta} left";
        let bar = Bar::on_terminal(total, template, "");
        if let Some(bar) = &bar {
            bar.tick_every_second();
        }
        Progress {
            bar,
            total,
            start: now,
            last_read: Cell::new(None),
            last_line: Cell::new(now),
            is_over: Cell::new(false),
            shown: Cell::new(None),
        }
    }

    /// Shows how it has ended, after all workers have: when the root's own worker had nothing left, others may have gone on.
    pub(crate) fn finish(&self, counts: (u64, u64)) {
        if !self.is_over.get() || self.shown.get() != Some(counts) {
            self.is_over.set(false);
            self.show(true, || counts);
        }
    }

    /// Shows the progress if it is time for it. `counts` returns how many tasks are done, and how many have failed.
    pub(crate) fn show(&self, is_over: bool, counts: impl FnOnce() -> (u64, u64)) {
        let now = Instant::now();
        let is_early = self
            .last_read
            .get()
            .is_some_and(|last| now - last < READ_PERIOD);
        if self.is_over.get() || (is_early && !is_over) {
            return;
        }
        self.last_read.set(Some(now));
        self.is_over.set(is_over);
        let (done, failed) = counts();
        self.shown.set(Some((done, failed)));
        if let Some(bar) = &self.bar {
            if failed > 0 {
                bar.set_message(format!(", {failed} failed"));
            }
            bar.set_position(done + failed);
            if is_over {
                bar.leave();
            }
        } else if is_over || now - self.last_line.get() >= LINE_PERIOD {
            self.last_line.set(now);
            report(line(done, failed, self.total, now - self.start));
        }
    }
}

/// `12 of 100 tasks done, 1 failed, about 40 s left`
fn line(done: u64, failed: u64, total: u64, elapsed: Duration) -> String {
    let ended = done + failed;
    let failed = match failed {
        0 => String::new(),
        failed => format!(", {failed} failed"),
    };
    let rest = total.saturating_sub(ended);
    let left = if rest == 0 || ended == 0 {
        format!("after {:.0} s", elapsed.as_secs_f64())
    } else {
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let seconds = elapsed.as_secs_f64() / ended as f64 * rest as f64;
        format!("about {seconds:.0} s left")
    };
    format!("{done} of {total} tasks done{failed}, {left}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_shown_once_unless_others_have_gone_on() {
        let progress = Progress::new(3);
        let mut asked = 0;
        progress.show(true, || (1, 0));
        progress.show(true, || {
            asked += 1;
            (2, 0)
        });
        assert_eq!((asked, progress.shown.get()), (0, Some((1, 0))));
        progress.finish((1, 0));
        assert!(progress.is_over.get());
        progress.finish((2, 1));
        assert_eq!(progress.shown.get(), Some((2, 1)));
        let progress = Progress::new(3);
        progress.finish((3, 0));
        assert_eq!(
            (progress.is_over.get(), progress.shown.get()),
            (true, Some((3, 0)))
        );
    }

    #[test]
    fn a_line_tells_how_long_it_will_take() {
        let ten = Duration::from_secs(10);
        assert_eq!(
            line(4, 1, 20, ten),
            "4 of 20 tasks done, 1 failed, about 30 s left"
        );
        assert_eq!(line(20, 0, 20, ten), "20 of 20 tasks done, after 10 s");
        assert_eq!(line(0, 0, 20, ten), "0 of 20 tasks done, after 10 s");
    }
}
