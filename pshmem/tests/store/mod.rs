//! Tests of the state directory: `pshmem/src/batch/store` includes them, so that they reach its private parts.
//!
//! - `attempts`, `takeover`, `directory`: one process on a directory
//! - `kills`: several processes, killed and frozen at every failpoint; `job` starts them
//! - `python`: directories shared with the Python package

mod attempts;
mod directory;
mod job;
mod kills;
mod python;
mod takeover;

use crate::batch::store::{
    BeginOutcome, Lease, OpenedStore, RerunPolicy, Store, StoreOptions, lease,
};
use std::fs;
use std::path::Path;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn options() -> StoreOptions {
    options_of("job 1", MINUTE)
}

fn options_of(job: &str, lease_timeout: Duration) -> StoreOptions {
    StoreOptions {
        lease_timeout,
        job: job.to_owned(),
        rank: 0,
        host: "node0".to_owned(),
    }
}

fn task_names(count: usize) -> Vec<String> {
    (0..count).map(|task| format!("task_{task}")).collect()
}

fn open(root: &Path, count: usize) -> OpenedStore {
    Store::create(root, task_names(count), &options()).unwrap()
}

/// The store of another job, with a heartbeat of its own.
fn other(root: &Path, count: usize, job: &str) -> Store {
    let options = options_of(job, MINUTE);
    Store::attach(root, task_names(count), &options)
}

fn begin(store: &Store, task: usize) -> Lease {
    match store.begin(task, RerunPolicy::default()).unwrap() {
        BeginOutcome::Leased(lease) => lease,
        other => panic!("{other:?}"),
    }
}

fn word(store: &Store, task: usize) -> String {
    fs::read_to_string(store.dir(task).join("state")).unwrap()
}

/// Names of the files in a folder, sorted, without their keys.
fn file_names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let kind = [".running.", ".end.", ".set."]
                .into_iter()
                .find(|kind| name.starts_with(kind));
            kind.map_or(name.clone(), ToOwned::to_owned)
        })
        .collect();
    names.sort();
    names
}

/// The key of the last attempt at a task.
fn key(dir: &Path) -> String {
    lease::last(dir, 0).unwrap().unwrap().key
}

/// Makes the owner of a key look like a process of this machine that has ended: one that started at another time.
fn mark_dead(root: &Path, key: &str) {
    let (id, _) = key.rsplit_once('.').unwrap();
    let heartbeat = root.join(".pshmem").join(id);
    let text = fs::read_to_string(&heartbeat).unwrap();
    fs::write(heartbeat, text.replace("started ", "started 1")).unwrap();
}
