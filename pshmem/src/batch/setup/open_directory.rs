//! Collective opening of a state directory: the root prepares it, all ranks read a share of the states, and all learn of them.

use crate::batch::directory::{StateDirectory, admission, initial_state};
use crate::batch::names::TaskNames;
use crate::batch::setup::settings::Settings;
use crate::batch::store::{Opening, Share, Store, StoreOptions};
use crate::comm::Comm;
use crate::comm::protocol::call::{Call, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::error::Result;
use crate::layout::partition::share;
use crate::shared::Shared;
use crate::stderr::report;
use std::panic::Location;
use std::path::Path;

/// A directory that this rank has opened with the others.
#[derive(Debug)]
pub(super) struct OpenedDirectory {
    pub(super) directory: StateDirectory,
    /// The states of all tasks in the table, a byte each.
    pub(super) slot_states: Shared<[u8]>,
    /// Tasks that were begun in earlier jobs, of those that this rank has read, and how often.
    pub(super) attempts: Vec<(u32, u32)>,
}

/// Opens a directory. Collective, inside a call that was made at `site`.
pub(super) fn open(
    all: &Comm,
    call: Call,
    site: &'static Location<'static>,
    dir: &Path,
    names: &TaskNames,
    options: &StoreOptions,
    settings: &Settings<'_>,
) -> Result<OpenedDirectory> {
    let mut prepared = None;
    let encoded = Shared::frozen_from_root(all, settings.root, site, || {
        let asks = !settings.rerun.is_empty();
        let opening = match Store::prepare(dir, names.clone(), options, asks) {
            Ok((store, opening)) => {
                prepared = Some(store);
                Ok(opening)
            }
            Err(error) => Err(error.clipped()),
        };
        postcard::to_allocvec(&opening).expect("plain data always encodes")
    })?;
    let (opening, _) = postcard::take_from_bytes::<Result<Opening>>(&encoded)
        .expect("what this executable encoded");
    let opening = opening?;
    let mut store = prepared.unwrap_or_else(|| Store::attach(dir, names.clone(), options));

    let mine = share(&(0..names.len()), all.rank(), all.size());
    let (read, fault) = match store.read_share(mine, &opening) {
        Ok(read) => (read, None),
        Err(error) => (Share::default(), Some(error.clipped())),
    };
    let contribution = Contribution {
        maximum: read.is_unclear.then_some(1),
        ..Contribution::fault(fault)
    };
    let agreed = all.core.agree(call.step(Step::Gather), contribution)?;
    report_unparsable(&read.unparsable, all.size());
    let admission = admission(&settings.rerun, settings.retries, opening.request);
    let states = read.recorded.iter();
    let states: Vec<u8> = states
        .map(|&recorded| initial_state(recorded, &admission) as u8)
        .collect();
    // All ranks have read their shares.
    let (slot_states, _) = Shared::<[u8]>::concat(all, &states)?;
    if all.rank() == settings.root {
        store.clear_dead(&opening, agreed.maximum.is_none());
    }
    Ok(OpenedDirectory {
        directory: StateDirectory::new(store, admission),
        slot_states,
        attempts: read.attempts,
    })
}

/// Reports state files that could not be parsed: of all ranks together, not many more than ten.
fn report_unparsable(unparsable: &[String], ranks: usize) {
    let shown = (10 / ranks).max(1);
    for what in unparsable.iter().take(shown) {
        report(what);
    }
    if unparsable.len() > shown {
        report(format_args!(
            "and {} more state files that cannot be parsed",
            unparsable.len() - shown
        ));
    }
}
