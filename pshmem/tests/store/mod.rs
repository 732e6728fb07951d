//! Tests of the state directory: `pshmem/src/batch/store` includes them, so that they reach its private parts.
//!
//! - `attempts`, `takeover`, `directory`: one process on a directory
//! - `outdated`, `faults`, `random`: reads from a cache, and calls that fail · `reruns`: what several jobs share
//! - `lost`: what the log tells of processes that have died
//! - `kills`: several processes, killed and frozen at every failpoint; `job` starts them
//! - `python`: directories shared with the Python package

mod attempts;
mod directory;
mod faults;
mod job;
mod kills;
mod lost;
mod outdated;
mod python;
mod random;
mod reruns;
mod takeover;

use crate::batch::names::TaskNames;
use crate::batch::store::folder::Folder;
use crate::batch::store::{Admission, BeginOutcome, Lease, Recorded, Store, StoreOptions, lease};
use crate::batch::task_state::TaskState;
use crate::error::Result;
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
        patience: Duration::from_secs(2),
        patience_with_results: Duration::from_secs(2),
        job: job.to_owned(),
        rank: 0,
        host: "node0".to_owned(),
    }
}

fn task_names(count: usize) -> TaskNames {
    let names: Vec<String> = (0..count).map(|task| format!("task_{task}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    TaskNames::of(&names)
}

/// A store, with what its directory held when it was opened.
#[derive(Debug)]
struct OpenedStore {
    store: Store,
    states: Vec<TaskState>,
    recorded: Vec<Recorded>,
    unparsable: Vec<String>,
    /// The rerun request of the job.
    request: u32,
}

/// Opens a root as a job of one rank does.
fn create(root: &Path, names: TaskNames, options: &StoreOptions) -> Result<OpenedStore> {
    create_for(root, names, options, false)
}

/// The same for a job that may ask for tasks to be rerun.
fn create_for(
    root: &Path,
    names: TaskNames,
    options: &StoreOptions,
    asks: bool,
) -> Result<OpenedStore> {
    let count = names.len();
    let (mut store, opening) = Store::prepare(root, names, options, asks)?;
    let share = store.read_share(0..count, &opening)?;
    store.clear_dead(&opening, !share.is_unclear);
    Ok(OpenedStore {
        store,
        states: share
            .recorded
            .iter()
            .map(|recorded| recorded.state)
            .collect(),
        recorded: share.recorded,
        unparsable: share.unparsable,
        request: opening.request,
    })
}

fn open(root: &Path, count: usize) -> OpenedStore {
    create(root, task_names(count), &options()).unwrap()
}

/// An open folder, for functions that need one.
fn folder(path: &Path) -> Folder {
    Folder::open(path, Duration::ZERO).unwrap()
}

/// The store of another job, with a heartbeat of its own.
fn other(root: &Path, count: usize, job: &str) -> Store {
    let options = options_of(job, MINUTE);
    Store::attach(root, task_names(count), &options)
}

/// The same, which soon gives up operations that fail.
fn impatient(root: &Path, count: usize, job: &str) -> Store {
    let options = StoreOptions {
        patience: Duration::from_millis(10),
        patience_with_results: Duration::from_millis(20),
        ..options_of(job, MINUTE)
    };
    Store::attach(root, task_names(count), &options)
}

fn begin(store: &Store, task: usize) -> Lease {
    match store.begin(task, &Admission::default()).unwrap() {
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
            let kind = [".running.", ".end.", ".set.", ".first."]
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
    lease::last(&folder(dir), 0).unwrap().unwrap().key
}

/// Makes the owner of a key look like a process of this machine that has ended: one that started at another time.
fn mark_dead(root: &Path, key: &str) {
    let (id, _) = key.rsplit_once('.').unwrap();
    let heartbeat = root.join(".pshmem").join(id);
    let text = fs::read_to_string(&heartbeat).unwrap();
    fs::write(heartbeat, text.replace("started ", "started 1")).unwrap();
}
