//! Signs of life: one file per process and root, touched while the process has leases, so that others can tell a worker that
//! computes for hours from one that is dead.
//!
//! `<root>/.pshmem/<id>` says which job, host and process it is and how long its silence may last; its time of change is the
//! sign. Ages are differences of two such times, both set by the file server, so that clocks of nodes do not matter. A file
//! is opened to look at its time: network file systems answer a mere look from memory, up to a minute late.
//!
//! A process of this very machine that is gone is known to be dead at once: by its number and the time it started, because
//! numbers are used rerun. Whether it is of this machine says the boot's number and the process namespace, not the host's
//! name, which containers may share.
//!
//! A heartbeat that is wrongly taken for dead (frozen, cut off from the file server) costs work that is done twice, and never
//! more: what decides is in [`lease`](super::lease).

use crate::batch::store::{Options, files, names, process};
use crate::error::Result;
use crate::stderr::report;
use crate::sync::lock;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::{Duration, Instant, SystemTime};

/// The longest and shortest time between two signs; otherwise there are four in a timeout.
const LONGEST: Duration = Duration::from_secs(15);
const SHORTEST: Duration = Duration::from_millis(5);

/// How long the server's time may be reckoned from the last sign.
const RECKONED: Duration = Duration::from_millis(100);

/// The sign of life of this process for one root.
#[derive(Debug)]
pub(super) struct Heartbeat {
    options: Options,
    path: PathBuf,
    /// Told apart by it from every other process that ever worked here.
    id: String,
    record: String,
    period: Duration,
    last: Mutex<Option<Beat>>,
    leases: AtomicUsize,
    /// Leases begun so far.
    count: AtomicU64,
    /// Whether the thread's last sign could be given.
    is_well: AtomicBool,
}

/// A sign that was given.
#[derive(Debug)]
struct Beat {
    file: File,
    at: Instant,
    /// The same failpoint on the server's clock.
    server: SystemTime,
}

/// All heartbeats of this process, and whether the thread runs that lets them beat.
#[derive(Debug)]
struct Heartbeats {
    all: Vec<Weak<Heartbeat>>,
    /// How long the thread sleeps between two looks, if it runs.
    pause: Option<Duration>,
}

static HEARTBEATS: Mutex<Heartbeats> = Mutex::new(Heartbeats {
    all: Vec::new(),
    pause: None,
});
/// A heartbeat has come that beats faster than the thread looks.
static FASTER: Condvar = Condvar::new();

impl Heartbeat {
    /// The heartbeat of this process for a root, job and timeout. Its file is made by the first sign.
    pub(super) fn of(root: &Path, options: &Options) -> Arc<Self> {
        let folder = root.join(names::OWN);
        let mut heartbeats = lock(&HEARTBEATS);
        heartbeats
            .all
            .retain(|heartbeat| heartbeat.strong_count() > 0);
        let same = |heartbeat: &Arc<Heartbeat>| {
            heartbeat.path.parent() == Some(&*folder)
                && heartbeat.options.job == options.job
                && heartbeat.options.lease_timeout == options.lease_timeout
        };
        if let Some(heartbeat) = heartbeats.all.iter().filter_map(Weak::upgrade).find(same) {
            return heartbeat;
        }
        // Seeded by the system, and different in every call.
        let id = format!("{:016x}", RandomState::new().build_hasher().finish());
        let heartbeat = Arc::new(Heartbeat {
            path: folder.join(&id),
            id,
            record: Record::own(options).to_string(),
            period: (options.lease_timeout / 4).clamp(SHORTEST, LONGEST),
            last: Mutex::default(),
            leases: AtomicUsize::new(0),
            count: AtomicU64::new(0),
            is_well: AtomicBool::new(true),
            options: options.clone(),
        });
        heartbeats.all.push(Arc::downgrade(&heartbeat));
        heartbeat
    }

    /// A name that nobody has had before, for what belongs to one lease.
    pub(super) fn fresh_key(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        format!("{}.{count}", self.id)
    }

    /// One lease more: gives a sign where the last one is old, and sees to it that more follow.
    pub(super) fn hold(self: &Arc<Self>) -> Result<Held> {
        // Counted first, so that the thread does not end in between.
        let held = Held(Arc::clone(self));
        self.leases.fetch_add(1, Ordering::Relaxed);
        self.beat(self.period)?;
        let mut heartbeats = lock(&HEARTBEATS);
        match heartbeats.pause {
            Some(pause) if pause > self.period => FASTER.notify_one(),
            Some(_) => {}
            None => {
                let thread = std::thread::Builder::new().name("pshmem-heartbeat".to_owned());
                thread.spawn(beat_all).map_err(files::failed(
                    &self.options,
                    "starting the thread",
                    &self.path,
                ))?;
                heartbeats.pause = Some(self.period);
            }
        }
        drop(heartbeats);
        Ok(held)
    }

    /// The time on the server's clock.
    pub(super) fn now(&self) -> Result<SystemTime> {
        let reckoned = || {
            let last = lock(&self.last);
            let last = last.as_ref()?;
            let since = last.at.elapsed();
            (since < RECKONED).then(|| last.server + since)
        };
        if let Some(now) = reckoned() {
            return Ok(now);
        }
        self.beat(Duration::ZERO)
    }

    /// Gives a sign if the last one is older than `period`; the server's time of the last sign.
    fn beat(&self, period: Duration) -> Result<SystemTime> {
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
        // Where it was removed by hand it is made rerun.
        let beat = beat.and_then(|beat| beat.map_or_else(|| self.first(), Ok));
        let beat = beat.map_err(files::failed(&self.options, "touching", &self.path))?;
        let server = beat.server;
        *last = Some(beat);
        Ok(server)
    }

    fn first(&self) -> io::Result<Beat> {
        if let Some(folder) = self.path.parent() {
            files::folder(folder)?;
        }
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).open(&self.path)?;
        files::failpoint();
        file.write_all(self.record.as_bytes())?;
        files::failpoint();
        // On the server before a lease tells anybody to read it.
        file.sync_all()?;
        touch(file)?.ok_or_else(|| ErrorKind::NotFound.into())
    }
}

/// Sets a file's time of change by its server's clock; `None` when nobody can see the file any more.
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
        // No lease is left, so that its absence misleads nobody; a file that stays is found to be of a process that is gone.
        if lock(&self.last).is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// A lease that is to be kept.
#[derive(Debug)]
pub(super) struct Held(Arc<Heartbeat>);

impl Held {
    pub(super) fn options(&self) -> &Options {
        &self.0.options
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.leases.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The thread: lets heartbeats with leases beat, and ends when it finds none.
fn beat_all() {
    let mut heartbeats = lock(&HEARTBEATS);
    loop {
        let busy = |heartbeat: &Arc<Heartbeat>| heartbeat.leases.load(Ordering::Relaxed) > 0;
        let all = heartbeats.all.iter().filter_map(Weak::upgrade).filter(busy);
        let all: Vec<_> = all.collect();
        heartbeats.pause = all.iter().map(|heartbeat| heartbeat.period).min();
        let Some(pause) = heartbeats.pause else {
            return;
        };
        drop(heartbeats);
        for heartbeat in &all {
            // A little before its time, because the thread may sleep for too long.
            let beat = heartbeat.beat(heartbeat.period / 2);
            let was_well = heartbeat.is_well.swap(beat.is_ok(), Ordering::Relaxed);
            // Once: a folder that somebody has removed stays away.
            if let Err(error) = beat
                && was_well
            {
                report(format_args!(
                    "{error}; others may take this process for dead and run its tasks again"
                ));
            }
        }
        // The last one to hold a heartbeat stops it, so it must not be held during the pause.
        drop(all);
        heartbeats = lock(&HEARTBEATS);
        heartbeats = match FASTER.wait_timeout(heartbeats, pause) {
            Ok((heartbeats, _)) => heartbeats,
            Err(poisoned) => poisoned.into_inner().0,
        };
    }
}

/// What a heartbeat's file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Record {
    job: String,
    host: String,
    process: process::Process,
    timeout: Duration,
}

impl Record {
    fn own(options: &Options) -> Self {
        Record {
            job: options.job.replace(char::is_control, " "),
            host: options.host.replace(char::is_control, " "),
            process: process::Process::own(),
            timeout: options.lease_timeout,
        }
    }

    /// What can be read; nothing where a line is missing or half written.
    fn parse(text: &str) -> Self {
        let value = |name: &str| {
            let mut lines = text.lines();
            lines
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
                .unwrap_or_default()
        };
        Record {
            job: value("job").to_owned(),
            host: value("host").to_owned(),
            process: process::Process {
                pid: value("pid").parse().unwrap_or_default(),
                started: value("started").parse().unwrap_or_default(),
                space: value("space").to_owned(),
            },
            timeout: Duration::from_millis(value("timeout_ms").parse().unwrap_or_default()),
        }
    }
}

impl std::fmt::Display for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "job {}", self.job)?;
        writeln!(f, "host {}", self.host)?;
        writeln!(f, "pid {}", self.process.pid)?;
        writeln!(f, "started {}", self.process.started)?;
        writeln!(f, "space {}", self.process.space)?;
        writeln!(f, "timeout_ms {}", self.timeout.as_millis())
    }
}

/// How the process is that a heartbeat belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Life {
    Alive(Sign),
    /// It has been silent for too long, but may only be frozen.
    Silent(Sign),
    /// Nothing of it is left.
    Gone,
}

/// Who gave the last sign of life, and how long ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sign {
    pub(super) job: String,
    pub(super) host: String,
    pub(super) pid: u32,
    pub(super) age: Duration,
}

/// Looks at the heartbeat with that id. `now` is the server's time.
pub(super) fn look(root: &Path, id: &str, now: SystemTime) -> io::Result<Life> {
    if !is_id(id) {
        return Ok(Life::Gone);
    }
    let read = || -> io::Result<(SystemTime, Record)> {
        let mut file = File::open(root.join(names::OWN).join(id))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok((file.metadata()?.modified()?, Record::parse(&text)))
    };
    let (time, record) = match read() {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Life::Gone),
        Err(error) => return Err(error),
    };
    if record.process.is_gone() {
        return Ok(Life::Gone);
    }
    let sign = Sign {
        job: record.job,
        host: record.host,
        pid: record.process.pid,
        age: now.duration_since(time).unwrap_or_default(),
    };
    // The timeout is that of the job that must keep it.
    if sign.age > record.timeout {
        Ok(Life::Silent(sign))
    } else {
        Ok(Life::Alive(sign))
    }
}

fn is_id(name: &str) -> bool {
    name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Ids of all heartbeats in a root.
pub(super) fn ids(root: &Path) -> io::Result<Vec<String>> {
    let mut names = entries(root)?;
    names.retain(|name| is_id(name));
    Ok(names)
}

fn entries(root: &Path) -> io::Result<Vec<String>> {
    match std::fs::read_dir(root.join(names::OWN)) {
        Ok(entries) => entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Removes the files of heartbeats that are gone, and their patterns.
pub(super) fn remove_dead(root: &Path, gone: &[String]) -> io::Result<()> {
    let mut names = entries(root)?;
    names.retain(|name| {
        let id = name.split('.').next();
        id.is_some_and(|id| gone.iter().any(|gone| gone == id))
    });
    // The heartbeats last, so that a kill in between leaves all to the next job.
    names.sort_by_key(|name| is_id(name));
    for name in names {
        files::remove(&root.join(names::OWN).join(name))?;
    }
    Ok(())
}
