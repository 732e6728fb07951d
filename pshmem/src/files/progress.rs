//! The progress of a long save or load: a bar on a terminal, on rank 0.

use crate::comm::rank_state::RankState;
use crate::comm::thread_state::after_call;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::path::Path;
use std::time::Instant;

/// Bytes of a share from which on a bar is shown: about a second of a disk.
const LONG: usize = 256 << 20;

/// What this rank has read or written.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    bytes: usize,
    start: Instant,
}

impl Progress {
    /// `share` is the number of bytes that this rank will read or write: those of other ranks take as long.
    pub(super) fn new(core: &RankState, call: &'static str, share: usize) -> Self {
        let is_shown =
            core.group.topology.rank == 0 && share >= LONG && std::io::stderr().is_terminal();
        let bar = is_shown.then(|| {
            let style = "{msg} {bar:40.cyan/blue} {percent} %, {eta} left";
            let style = ProgressStyle::with_template(style).expect("a well-formed template");
            ProgressBar::new(share as u64)
                .with_style(style)
                .with_message(call)
        });
        Progress {
            bar,
            bytes: 0,
            start: Instant::now(),
        }
    }

    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        if let Some(bar) = &self.bar {
            bar.inc(bytes as u64);
        }
    }

    /// This rank has done its share.
    pub(super) fn end(self, call: &'static str, path: &Path) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let (bytes, seconds) = (self.bytes, self.start.elapsed().as_secs_f64());
        let path = path.to_owned();
        // The subscriber is a user's, and other ranks wait meanwhile.
        after_call(move || {
            tracing::debug!(call, path = %path.display(), bytes, seconds, "share done");
        });
    }
}
