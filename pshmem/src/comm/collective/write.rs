//! Calls in which one rank writes while all others wait. The other nodes receive what it has written, and all ranks get its
//! outcome.

use crate::comm::abort::AbortOnDrop;
use crate::comm::check::Level;
use crate::comm::collective::copies::compare_copies;
use crate::comm::collective::round::{
    Outcome, WRITTEN_BYTES, arrive_with, await_outcome, claim_on_all_nodes, claim_on_node,
    poison_if_missing,
};
use crate::comm::protocol::call::Call;
use crate::comm::protocol::contribution::short_form;
use crate::comm::rank_sync::RankSync;
use crate::comm::transfer::short::{self, ShortBlock};
use crate::comm::transfer::{self, Target};
use crate::comm::wait::Wait;
use crate::error::Result;
use crate::layout::region::Region;

/// The root of `call` runs `job` while all other ranks wait. Then the regions that `job` has named are sent from the copy of
/// `target` on its node to those of the other nodes, and all ranks get its result.
pub(crate) fn write(
    sync: &RankSync,
    call: Call,
    target: Option<&Target<'_>>,
    job: impl FnOnce(&mut Vec<Region>) -> Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    write_block(sync, call, target, None, job)
}

/// The same for a block that the root may have before the call begins, if it is short. Then `job` does not run, and no
/// message follows the agreement of the nodes. Only on several nodes, and with a target.
pub(crate) fn write_block(
    sync: &RankSync,
    call: Call,
    target: Option<&Target<'_>>,
    short: Option<&ShortBlock>,
    job: impl FnOnce(&mut Vec<Region>) -> Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    let (group, topology) = (&sync.group, &sync.group.topology);
    if topology.size() == 1 {
        return job(&mut Vec::new());
    }
    let contribution = short.map(|block| short_form(&[], Some(&block.item), false));
    let n = arrive_with(sync, call, &contribution.unwrap_or_default());
    let (root, is_multi_node) = (call.root_rank(), group.is_multi_node());
    let mut written = None;
    if topology.rank == root && short.is_none() {
        if claim_for_writer(sync, n, call) {
            written = Some(run(sync, n, call, target, job));
        }
    } else if is_multi_node
        && topology.is_leader()
        && let Some(Ok(mut merged)) = claim_on_all_nodes(sync, n, call, |_| {})
    {
        let item = merged.items.pop();
        if let (Some((_, item)), Some(target)) = (item, target) {
            let abort_on_drop = AbortOnDrop;
            written = Some(short::place(sync, n, call, target, &item));
            sync.control().release(n, &[]);
            std::mem::forget(abort_on_drop);
        } else if topology.node_of(root) == topology.node() {
            sync.control().pass_claim(n);
        } else {
            written = Some(transfer::receive(sync, n, call, target));
        }
    }
    let outcome = await_outcome(sync, n, call);
    if let (Some(block), Ok(_)) = (short, &outcome) {
        // It has come to each other node once, with messages of several ranks.
        let bytes = block.bytes * (topology.nodes() - 1);
        group.world.mailbox.count_bytes_sent(bytes);
    }
    if let Some(target) = target
        && is_multi_node
        && sync.checks(Level::Copies)
        && !matches!(&outcome, Err(error) if error.is_fatal())
    {
        compare_copies(sync, call, target, written.as_deref())?;
    }
    Ok(match outcome? {
        Some(Outcome::Written(bytes)) => bytes,
        _ => Vec::new(),
    })
}

/// Like `write`, for a result of any length and without a target. What does not fit into one outcome follows in more rounds.
pub(crate) fn write_long(
    sync: &RankSync,
    call: Call,
    job: impl FnOnce() -> Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    let mut job = Some(job);
    // On the root, the whole result.
    let mut all = Vec::new();
    let mut received = Vec::new();
    loop {
        let piece = write(sync, call, None, |_| {
            if let Some(job) = job.take() {
                all = job()?;
            }
            let rest = &all[received.len()..];
            let taken = rest.len().min(WRITTEN_BYTES.saturating_sub(1));
            let is_last = u8::from(taken == rest.len());
            Ok([&[is_last], &rest[..taken]].concat())
        })?;
        let (is_last, bytes) = piece.split_first().expect("every piece begins with a flag");
        received.extend_from_slice(bytes);
        if *is_last == 1 {
            return Ok(received);
        }
    }
}

/// The writer waits until it has the claim. `false` when the call has ended with an error.
fn claim_for_writer(sync: &RankSync, n: u64, call: Call) -> bool {
    if !sync.group.is_multi_node() {
        return claim_on_node(sync, n, call);
    }
    if sync.group.topology.is_leader() {
        return matches!(claim_on_all_nodes(sync, n, call, |_| {}), Some(Ok(_)));
    }
    let check_others = || poison_if_missing(sync, n, call);
    sync.control()
        .await_claim(n, &mut Wait::new(sync, n, call), check_others)
}

/// The writer, which has the claim, writes and sends. Returns the regions that it has written.
fn run(
    sync: &RankSync,
    n: u64,
    call: Call,
    target: Option<&Target<'_>>,
    job: impl FnOnce(&mut Vec<Region>) -> Result<Vec<u8>>,
) -> Vec<Region> {
    let abort_on_drop = AbortOnDrop;
    let mut regions = Vec::new();
    let outcome = match job(&mut regions) {
        Ok(bytes) if bytes.is_empty() => bytes,
        Ok(bytes) => Outcome::Written(bytes).encode(),
        Err(error) => Outcome::failed(error),
    };
    sync.control().release(n, &outcome);
    if sync.group.is_multi_node() {
        transfer::send(sync, n, call, target, outcome, &regions);
    }
    std::mem::forget(abort_on_drop);
    regions
}
