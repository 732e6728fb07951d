//! The thread that repeats the heartbeats of this process while it holds leases.

use crate::batch::store::heartbeat::beat::Heartbeat;
use crate::batch::store::options::StoreOptions;
use crate::error::Result;
use crate::stderr::report;
use crate::sync::lock;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::Duration;

/// All heartbeats of this process.
#[derive(Debug)]
struct Registry {
    heartbeats: Vec<Weak<Heartbeat>>,
    /// How long the thread sleeps between two rounds, if it runs.
    pause: Option<Duration>,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    heartbeats: Vec::new(),
    pause: None,
});
/// Wakes the thread for a heartbeat with a period shorter than its pause.
static SHORTER_PAUSE: Condvar = Condvar::new();

/// The heartbeat of this process for a root, job and timeout.
pub(in crate::batch::store) fn heartbeat_of(root: &Path, options: &StoreOptions) -> Arc<Heartbeat> {
    let mut registry = lock(&REGISTRY);
    registry
        .heartbeats
        .retain(|heartbeat| heartbeat.strong_count() > 0);
    let mut heartbeats = registry.heartbeats.iter().filter_map(Weak::upgrade);
    if let Some(heartbeat) = heartbeats.find(|heartbeat| heartbeat.is_for(root, options)) {
        return heartbeat;
    }
    let heartbeat = Heartbeat::new(root, options);
    registry.heartbeats.push(Arc::downgrade(&heartbeat));
    heartbeat
}

/// Keeps a heartbeat beating as long as it lives; each lease has one.
#[derive(Debug)]
pub(in crate::batch::store) struct KeepAlive(Arc<Heartbeat>);

impl KeepAlive {
    /// Beats now if the last beat is old, and sees to it that the thread repeats it.
    pub(in crate::batch::store) fn new(heartbeat: &Arc<Heartbeat>) -> Result<Self> {
        // Counted first, so that the thread does not end in between.
        let kept = KeepAlive(Arc::clone(heartbeat));
        heartbeat.leases.fetch_add(1, Ordering::Relaxed);
        heartbeat.beat(heartbeat.period)?;
        let mut registry = lock(&REGISTRY);
        match registry.pause {
            Some(pause) if pause > heartbeat.period => SHORTER_PAUSE.notify_one(),
            Some(_) => {}
            None => {
                let thread = std::thread::Builder::new().name("pshmem-heartbeat".to_owned());
                thread.spawn(repeat).map_err(
                    heartbeat
                        .options()
                        .failed("starting the heartbeat thread", heartbeat.path()),
                )?;
                registry.pause = Some(heartbeat.period);
            }
        }
        drop(registry);
        Ok(kept)
    }
}

impl Drop for KeepAlive {
    fn drop(&mut self) {
        self.0.leases.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The thread: beats every heartbeat that a lease needs, and ends when it finds none.
fn repeat() {
    let mut registry = lock(&REGISTRY);
    loop {
        let is_needed = |heartbeat: &Arc<Heartbeat>| heartbeat.is_needed();
        let needed = registry.heartbeats.iter().filter_map(Weak::upgrade);
        let needed: Vec<_> = needed.filter(is_needed).collect();
        registry.pause = needed.iter().map(|heartbeat| heartbeat.period).min();
        let Some(pause) = registry.pause else {
            return;
        };
        drop(registry);
        for heartbeat in &needed {
            // A little early, because the thread may sleep longer than it asked for.
            let beat = heartbeat.beat(heartbeat.period / 2);
            heartbeat.remove_given_up();
            let was_well = heartbeat.is_well.swap(beat.is_ok(), Ordering::Relaxed);
            // Reported once for each time that it ceases. It is tried again: a file server may come back.
            if let Err(error) = beat
                && was_well
            {
                report(format_args!(
                    "{error}; other jobs may take this process for dead and run its tasks again"
                ));
            }
        }
        // Dropping the last reference removes the file, so the thread keeps none during the pause.
        drop(needed);
        registry = lock(&REGISTRY);
        registry = match SHORTER_PAUSE.wait_timeout(registry, pause) {
            Ok((registry, _)) => registry,
            Err(poisoned) => poisoned.into_inner().0,
        };
    }
}
