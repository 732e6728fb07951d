//! Why one rank cannot go on with a file, and the error that all ranks get for it.

use crate::comm::rank_state::RankState;
use crate::error::{Error, clip, clip_start};
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of a path or a reason that are passed on.
const TEXT: usize = 300;

/// A file or folder, and what is wrong with it.
#[derive(Debug)]
pub(super) struct Failure {
    path: PathBuf,
    reason: String,
}

pub(super) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(super) fn new(path: &Path, reason: impl Display) -> Self {
        Failure {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// For `map_err` after a call of the system. `what` was to be done.
    pub(super) fn system<'a>(what: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |error| Failure::new(path, format_args!("{what}: {error}"))
    }

    /// The error of the call `call`, on this rank.
    pub(super) fn error(&self, core: &RankState, call: &str) -> Error {
        Error::File {
            call: call.to_owned(),
            path: clip_start(&self.path.to_string_lossy(), TEXT),
            reason: clip(&self.reason, TEXT),
            rank: core.group.topology.rank,
            host: core.group.host().to_owned(),
        }
    }
}
