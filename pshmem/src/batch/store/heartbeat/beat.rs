//! The heartbeat of this process in one root.

use crate::batch::store::heartbeat::record::OwnerRecord;
use crate::batch::store::options::StoreOptions;
use crate::batch::store::{files, names};
use crate::error::Result;
use crate::sync::lock;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// Limits of the time between two beats. Within them there are four beats in a lease timeout.
const MAX_PERIOD: Duration = Duration::from_secs(15);
const MIN_PERIOD: Duration = Duration::from_millis(5);

/// How long the server's time may be extrapolated from the last beat.
const EXTRAPOLATED: Duration = Duration::from_millis(100);

/// The heartbeat of this process for one root, job and lease timeout. Its file is made by the first beat and removed when the
/// value is dropped.
#[derive(Debug)]
pub(in crate::batch::store) struct Heartbeat {
    options: StoreOptions,
    path: PathBuf,
    /// Distinguishes this process from every other one that has ever worked in this root.
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
}

/// The last beat.
#[derive(Debug)]
struct Beat {
    file: File,
    at: Instant,
    /// The same moment on the server's clock.
    server: SystemTime,
}

impl Heartbeat {
    pub(super) fn new(root: &Path, options: &StoreOptions) -> Arc<Self> {
        // Seeded by the system, and different in every call.
        let id = format!("{:016x}", RandomState::new().build_hasher().finish());
        Arc::new(Heartbeat {
            path: root.join(names::OWN).join(&id),
            id,
            record: OwnerRecord::own(options),
            period: (options.lease_timeout / 4).clamp(MIN_PERIOD, MAX_PERIOD),
            last: Mutex::default(),
            leases: AtomicUsize::new(0),
            keys: AtomicU64::new(0),
            is_well: AtomicBool::new(true),
            options: options.clone(),
        })
    }

    /// Whether this is the heartbeat for that root, job and timeout.
    pub(super) fn is_for(&self, root: &Path, options: &StoreOptions) -> bool {
        self.path.parent() == Some(&*root.join(names::OWN))
            && self.options.job == options.job
            && self.options.lease_timeout == options.lease_timeout
    }

    pub(super) fn options(&self) -> &StoreOptions {
        &self.options
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A name that nobody has used before, for the files of one lease.
    pub(in crate::batch::store) fn fresh_key(&self) -> String {
        let key = self.keys.fetch_add(1, Ordering::Relaxed);
        format!("{}.{key}", self.id)
    }

    /// The time on the server's clock.
    pub(in crate::batch::store) fn now(&self) -> Result<SystemTime> {
        let extrapolated = || {
            let last = lock(&self.last);
            let last = last.as_ref()?;
            let since = last.at.elapsed();
            (since < EXTRAPOLATED).then(|| last.server + since)
        };
        if let Some(now) = extrapolated() {
            return Ok(now);
        }
        self.beat(Duration::ZERO)
    }

    /// Touches the file unless the last beat is younger than `period`. Returns the server's time of the last beat.
    pub(super) fn beat(&self, period: Duration) -> Result<SystemTime> {
        let mut last = lock(&self.last);
        if let Some(beat) = &*last
            && beat.at.elapsed() < period
        {
            return Ok(beat.server);
        }
        let beat = match last.take() {
            Some(beat) => touch(beat.file),
            None => Ok(None),
        };
        // The first beat makes the file; so does the next one after somebody has removed it by hand.
        let beat = beat.and_then(|beat| beat.map_or_else(|| self.create(), Ok));
        let beat = beat.map_err(files::failed(&self.options, "touching", &self.path))?;
        let server = beat.server;
        *last = Some(beat);
        Ok(server)
    }

    fn create(&self) -> io::Result<Beat> {
        if let Some(folder) = self.path.parent() {
            files::folder(folder)?;
        }
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).open(&self.path)?;
        files::failpoint();
        file.write_all(self.record.to_string().as_bytes())?;
        files::failpoint();
        // On the server before any lease refers to it.
        file.sync_all()?;
        touch(file)?.ok_or_else(|| ErrorKind::NotFound.into())
    }
}

/// Sets the modification time of a file by its server's clock. `None` when the file has been removed.
fn touch(file: File) -> io::Result<Option<Beat>> {
    // SAFETY: the descriptor is open as long as `file` lives, and a null pointer stands for the present time.
    if unsafe { libc::futimens(file.as_raw_fd(), std::ptr::null()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let data = file.metadata()?;
    let beat = Beat {
        at: Instant::now(),
        server: data.modified()?,
        file,
    };
    Ok((data.nlink() > 0).then_some(beat))
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        // No lease refers to it any more. A file that cannot be removed is found to be that of a dead process.
        if lock(&self.last).is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
