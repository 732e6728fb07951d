//! The progress of a long save or load: a bar on a terminal, on rank 0.

use crate::comm::rank_state::RankState;
use crate::comm::thread_state::after_call;
use crate::events;
use crate::progress_bar::Bar;
use std::path::Path;
use std::time::Instant;

/// Bytes of a share from which on a bar is shown: about a second of a disk.
const LONG: usize = 256 << 20;

/// What this rank has read or written.
pub(super) struct Progress {
    bar: Option<Bar>,
    bytes: usize,
    start: Instant,
}

impl Progress {
    /// `share` is the number of bytes that this rank will read or write: those of other ranks take as long.
    pub(super) fn new(core: &RankState, call: &'static str, share: usize) -> Self {
        let is_shown = core.group.topology.rank == 0 && share >= LONG;
        let template = "{msg} {bar:40.cyan/blue} {percent} %, {eta} left";
        let bar = is_shown.then(|| Bar::on_terminal(share as u64, template, call));
        let bar = bar.flatten();
        Progress {
            bar,
            bytes: 0,
            start: Instant::now(),
        }
    }

    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        if let Some(bar) = &self.bar {
            bar.advance(bytes as u64);
        }
    }

    /// This rank has done its share.
    pub(super) fn end(self, call: &'static str, path: &Path) {
        if let Some(bar) = &self.bar {
            bar.remove();
        }
        let (bytes, seconds) = (self.bytes, self.start.elapsed().as_secs_f64());
        let path = path.to_owned();
        // The subscriber is a user's, and other ranks wait meanwhile.
        after_call(move || {
            events::debug!(call, path = %path.display(), bytes, seconds, "share done");
        });
    }
}
