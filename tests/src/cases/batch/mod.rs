//! Batches of tasks.
//!
//! - `claims` who gets which task · `states` how tasks end, and which are run · `settings` invalid settings
//! - `directory` state files · `jobs` what several batches on one directory share · `stopping` tasks that end early
//! - `names` names of tasks · `reports` what all ranks are told in the end

mod claims;
mod directory;
mod jobs;
mod names;
mod reports;
mod settings;
mod states;
mod stopping;

pub(super) use claims::*;
pub(super) use directory::*;
pub(super) use jobs::*;
pub(super) use names::*;
pub(super) use reports::*;
pub(super) use settings::*;
pub(super) use states::*;
pub(super) use stopping::*;

use pshmem::Comm;

/// The numbers of ranks for workers of equal size.
fn possible_worker_sizes(comm: &Comm) -> impl Iterator<Item = usize> {
    let ranks = comm.size();
    (1..=ranks).filter(move |size| ranks.is_multiple_of(*size))
}

fn task_names(count: usize) -> Vec<String> {
    (0..count).map(|task| format!("task_{task}")).collect()
}
