//! The heartbeat of this process in one root.

use crate::batch::store::folder::{Folder, is_missing, repeat, touch_now};
use crate::batch::store::heartbeat::record::OwnerRecord;
use crate::batch::store::names;
use crate::batch::store::options::StoreOptions;
use crate::error::Result;
use crate::sync::lock;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Limits of the time between two beats. Within them there are four beats in a lease timeout.
const MAX_PERIOD: Duration = Duration::from_secs(15);
const MIN_PERIOD: Duration = Duration::from_millis(5);

/// The heartbeat of this process for one root, job and lease timeout. Its file is made by the first beat and removed when the
/// value is dropped.
#[derive(Debug)]
pub(in crate::batch::store) struct Heartbeat {
    options: StoreOptions,
    root: PathBuf,
    /// Distinguishes this process from every other one that has ever worked in this root. The name of its file.
    id: String,
    record: OwnerRecord,
    pub(super) period: Duration,
    last: Mutex<Option<Beat>>,
    /// Leases that need the heartbeat.
    pub(super) leases: AtomicUsize,
    /// Keys given out by `fresh_key`.
    keys: AtomicU64,
    /// Whether the last beat of the thread succeeded.
    pub(super) is_well: AtomicBool,
    /// End files of attempts that were given up, by their folders, which could not be removed yet.
    given_up: Mutex<Vec<(PathBuf, String)>>,
}

/// The last beat that succeeded.
#[derive(Debug)]
struct Beat {
    /// Kept open, so that a beat is two calls.
    file: OwnedFd,
    at: Instant,
}

impl Heartbeat {
    pub(super) fn new(root: &Path, options: &StoreOptions) -> Arc<Self> {
        // Seeded by the system, and different in every call.
        let id = format!("{:016x}", RandomState::new().build_hasher().finish());
        Arc::new(Heartbeat {
            root: root.to_owned(),
            id,
            record: OwnerRecord::own(options),
            period: (options.lease_timeout / 4).clamp(MIN_PERIOD, MAX_PERIOD),
            last: Mutex::default(),
            leases: AtomicUsize::new(0),
            keys: AtomicU64::new(0),
            is_well: AtomicBool::new(true),
            given_up: Mutex::default(),
            options: options.clone(),
        })
    }

    /// Whether this is the heartbeat for that root, job and timeout.
    pub(super) fn is_for(&self, root: &Path, options: &StoreOptions) -> bool {
        self.root == root
            && self.options.job == options.job
            && self.options.lease_timeout == options.lease_timeout
    }

    pub(super) fn options(&self) -> &StoreOptions {
        &self.options
    }

    /// Whether there are leases that need it.
    pub(in crate::batch::store) fn is_needed(&self) -> bool {
        self.leases.load(Ordering::Relaxed) > 0
    }

    pub(in crate::batch::store) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn path(&self) -> PathBuf {
        self.root.join(names::OWN).join(&self.id)
    }

    /// A name that nobody has used before, for the files of one lease.
    pub(in crate::batch::store) fn fresh_key(&self) -> String {
        let key = self.keys.fetch_add(1, Ordering::Relaxed);
        format!("{}.{key}", self.id)
    }

    /// Keeps in mind that an end file is to be removed.
    pub(in crate::batch::store) fn remove_later(&self, folder: &Path, end: &str) {
        lock(&self.given_up).push((folder.to_owned(), end.to_owned()));
    }

    /// Tries once to remove what could not be removed before.
    pub(in crate::batch::store) fn remove_given_up(&self) {
        lock(&self.given_up).retain(|(folder, end)| {
            let removed =
                Folder::open(folder, Duration::ZERO).and_then(|folder| folder.remove(end));
            // A folder that is gone has taken the file with it.
            removed.is_err_and(|error| !is_missing(&error))
        });
    }

    /// Touches the file unless the last beat is younger than `period`. Without success it is tried again by the next call, and
    /// nothing of the file is lost.
    pub(in crate::batch::store) fn beat(&self, period: Duration) -> Result<()> {
        let mut last = lock(&self.last);
        if last.as_ref().is_some_and(|beat| beat.at.elapsed() < period) {
            return Ok(());
        }
        let touched = self.touch(&mut last);
        touched.map_err(self.options.failed("touching", self.path()))
    }

    fn touch(&self, last: &mut Option<Beat>) -> io::Result<()> {
        if let Some(beat) = last {
            let touched = repeat(self.options.patience, || touch_now(&beat.file));
            if let Ok(true) = touched {
                beat.at = Instant::now();
                return Ok(());
            }
            // The file was removed by hand, or its server knows it by another handle now: it is made or opened again.
        }
        let root = Folder::open(&self.root, self.options.patience)?;
        root.make_folder(names::OWN)?;
        let own = root.open_folder(names::OWN)?;
        let file = own.open_for_record(&self.id, &self.record.to_string())?;
        touch_now(&file)?;
        *last = Some(Beat {
            file,
            at: Instant::now(),
        });
        Ok(())
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.remove_given_up();
        // No lease refers to it any more. A file that cannot be removed is found to be that of a dead process.
        if lock(&self.last).is_some()
            && let Ok(root) = Folder::open(&self.root, Duration::ZERO)
            && let Ok(own) = root.open_folder(names::OWN)
        {
            let _ = own.remove(&self.id);
        }
    }
}
