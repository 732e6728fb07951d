//! Rerun requests: what makes a task that is to be run again run once, although several jobs ask for it.
//!
//! A request has a number, and is a link `.pshmem/rerun.<n>`. Attempts of jobs that work together have the same request, and
//! leave its number in the state of their tasks: a task that has ended for this request is not run again for it.
//!
//! A job that asks for a rerun joins the last request if other jobs are at work, and otherwise makes the next one. Its heartbeat
//! begins before that, and lasts as long as the job, so that jobs which come later find it at work.

use crate::batch::store::folder::Folder;
use crate::batch::store::heartbeat::{Heartbeat, Observer, others_work};
use std::io;

const PREFIX: &str = "rerun.";

/// The number of the request that a job belongs to; 0 for none. `asks` is whether it asks for a rerun: then its heartbeat has
/// begun. `is_at_work` is whether this process is at work in another batch.
pub(super) fn request(
    own: &Folder,
    heartbeat: &Heartbeat,
    observer: &Observer,
    asks: bool,
    is_at_work: bool,
) -> io::Result<u32> {
    let last = numbers(own)?.into_iter().max().unwrap_or_default();
    if !asks || (last > 0 && (is_at_work || others_work(own, heartbeat.id(), observer)?)) {
        return Ok(last);
    }
    // Where another job has made it meanwhile, this one joins.
    own.link(&format!("{PREFIX}{}", last + 1), heartbeat.id())?;
    for number in numbers(own)?.into_iter().filter(|&number| number < last) {
        own.remove(&format!("{PREFIX}{number}"))?;
    }
    Ok(last + 1)
}

fn numbers(own: &Folder) -> io::Result<Vec<u32>> {
    let names = own.names()?;
    let numbers = names
        .iter()
        .filter_map(|name| name.strip_prefix(PREFIX)?.parse().ok());
    Ok(numbers.collect())
}
