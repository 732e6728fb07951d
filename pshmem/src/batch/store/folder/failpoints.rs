//! Faults that tests inject into the system calls of the store: a process is ended or frozen before a call, a call fails or
//! succeeds and reports an error, its reply is lost and the file system repeats it, or a read gets an outdated answer.
//!
//! All of them concern the calling thread.

use super::{Content, Read};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Calls that fail.
#[derive(Debug, Clone, Copy)]
pub(in crate::batch::store) struct Failure {
    /// How many calls pass before.
    pub(in crate::batch::store) after: u32,
    /// How many calls fail.
    pub(in crate::batch::store) times: u32,
    pub(in crate::batch::store) code: i32,
    /// Whether they are executed all the same.
    pub(in crate::batch::store) is_executed: bool,
}

/// Calls that fail at random: one of so many, from a seed.
#[derive(Debug, Clone, Copy)]
pub(in crate::batch::store) struct RandomFailures {
    pub(in crate::batch::store) one_of: u64,
    pub(in crate::batch::store) state: u64,
}

/// What names stood for at an earlier time.
pub(in crate::batch::store) type Snapshot = HashMap<PathBuf, Vec<u8>>;

thread_local! {
    /// A signal, and how many calls of this thread pass before it.
    static SIGNAL: Cell<Option<(&'static str, u32)>> = const { Cell::new(None) };
    /// How many calls pass before the one whose reply is lost.
    static LOST: Cell<Option<u32>> = const { Cell::new(None) };
    static FAILURE: Cell<Option<Failure>> = const { Cell::new(None) };
    static RANDOM: Cell<Option<RandomFailures>> = const { Cell::new(None) };
    /// How many reads pass before the one that is answered from the snapshot.
    static OUTDATED: RefCell<Option<(u32, Snapshot)>> = const { RefCell::new(None) };
}

/// Sends this process a signal before a call, after so many others.
pub(in crate::batch::store) fn plan(signal: &'static str, after: u32) {
    SIGNAL.set(Some((signal, after)));
}

/// Loses the reply to a call, after so many others.
pub(in crate::batch::store) fn lose_reply(after: u32) {
    LOST.set(Some(after));
}

/// Whether the reply was lost that was to be.
pub(in crate::batch::store) fn reply_was_lost() -> bool {
    LOST.take().is_none()
}

/// Lets calls fail.
pub(in crate::batch::store) fn fail(failure: Failure) {
    FAILURE.set(Some(failure));
}

/// Lets no more calls fail. Whether any has.
pub(in crate::batch::store) fn has_failed() -> bool {
    FAILURE.take().is_none_or(|failure| failure.after == 0)
}

/// Lets calls fail at random, or no more.
pub(in crate::batch::store) fn fail_at_random(failures: Option<RandomFailures>) {
    RANDOM.set(failures);
}

/// What the folder at `path` holds now.
pub(in crate::batch::store) fn snapshot(path: &Path) -> Snapshot {
    let mut snapshot = Snapshot::new();
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        let text = match std::fs::read_link(&path) {
            Ok(text) => text.into_os_string().into_encoded_bytes(),
            Err(_) => std::fs::read(&path).unwrap_or_default(),
        };
        snapshot.insert(path, text);
    }
    snapshot
}

/// After so many reads, one is answered as it was when the snapshot was taken.
pub(in crate::batch::store) fn outdate(snapshot: Snapshot, after: u32) {
    OUTDATED.replace(Some((after, snapshot)));
}

/// Whether a read has got an outdated answer.
pub(in crate::batch::store) fn was_outdated() -> bool {
    OUTDATED.take().is_none()
}

/// The answer to a read: `found`, or, if it is this one's turn, what the snapshot says.
pub(super) fn answer<T: Answer>(path: &Path, read: Read, found: io::Result<T>) -> io::Result<T> {
    if read == Read::AfterOwnChange {
        return found;
    }
    OUTDATED.with_borrow_mut(|plan| match plan.take() {
        Some((0, snapshot)) => T::outdated(snapshot.get(path), found),
        Some((left, snapshot)) => {
            *plan = Some((left - 1, snapshot));
            found
        }
        None => found,
    })
}

/// The answer to a kind of read.
pub(super) trait Answer: Sized {
    /// The answer when the name stood for this, or for nothing.
    fn outdated(was: Option<&Vec<u8>>, found: io::Result<Self>) -> io::Result<Self>;
}

impl Answer for Content {
    fn outdated(was: Option<&Vec<u8>>, _found: io::Result<Self>) -> io::Result<Self> {
        Ok(was.map_or(Content::Missing, |bytes| Content::File(bytes.clone())))
    }
}

impl Answer for Option<String> {
    fn outdated(was: Option<&Vec<u8>>, _found: io::Result<Self>) -> io::Result<Self> {
        Ok(was.map(|text| String::from_utf8_lossy(text).into_owned()))
    }
}

impl Answer for bool {
    /// What exists may be missing in a cache only if somebody has asked for it before it was made. Names that have a key are not
    /// known before.
    fn outdated(was: Option<&Vec<u8>>, found: io::Result<Self>) -> io::Result<Self> {
        found.map(|found| found || was.is_some())
    }
}

/// Executes a system call, unless it is to fail.
pub(super) fn system_call<T>(call: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match SIGNAL.get() {
        Some((signal, 0)) => {
            SIGNAL.set(None);
            send(signal, std::process::id());
        }
        Some((signal, left)) => SIGNAL.set(Some((signal, left - 1))),
        None => {}
    }
    if let Some((code, is_executed)) = next_failure().or_else(random_failure) {
        if is_executed {
            let _unreported = call();
        }
        return Err(io::Error::from_raw_os_error(code));
    }
    match LOST.take() {
        // As a network file system does: it repeats the call, and returns the second reply.
        Some(0) => {
            let _lost = call();
        }
        left => LOST.set(left.map(|left| left - 1)),
    }
    call()
}

fn next_failure() -> Option<(i32, bool)> {
    let mut failure = FAILURE.get()?;
    if failure.after > 0 {
        failure.after -= 1;
        FAILURE.set(Some(failure));
        return None;
    }
    failure.times = failure.times.checked_sub(1)?;
    FAILURE.set(Some(failure));
    Some((failure.code, failure.is_executed))
}

fn random_failure() -> Option<(i32, bool)> {
    const CODES: [i32; 5] = [
        libc::EIO,
        libc::ESTALE,
        libc::ENOSPC,
        libc::EACCES,
        libc::ETIMEDOUT,
    ];
    let mut random = RANDOM.get()?;
    // A xorshift generator: good enough to choose calls.
    random.state ^= random.state << 13;
    random.state ^= random.state >> 7;
    random.state ^= random.state << 17;
    RANDOM.set(Some(random));
    let draw = random.state >> 16;
    draw.is_multiple_of(random.one_of).then(|| {
        let draw = draw / random.one_of;
        (CODES[(draw % 5) as usize], (draw / 5).is_multiple_of(2))
    })
}

/// Sends a signal by its name, as `kill` does.
pub(in crate::batch::store) fn send(signal: &str, pid: u32) {
    let mut kill = Command::new("kill");
    let status = kill
        .args(["-s", signal, &pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success(), "kill -s {signal} {pid}");
}
