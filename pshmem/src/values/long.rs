//! Encoded values of any length, through node memory: each is copied there once on every node that needs it, and decoded in place.

use crate::comm::collective::conclude::Items;
use crate::comm::protocol::call::{Call, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::comm::rank_state::RankState;
use crate::comm::transfer::Target;
use crate::comm::transfer::exchange::Peer;
use crate::error::{Error, Result};
use crate::layout::region::Region;
use crate::memory::Segment;
use std::ops::Range;
use std::ptr::NonNull;

/// Calls `read` with the bytes that the root passes. The caller ends the call with a round, before which the bytes stay.
pub(super) fn broadcast<R>(
    core: &RankState,
    call: Call,
    mine: Option<Vec<u8>>,
    read: impl FnOnce(&[u8]) -> R,
) -> Result<R> {
    let contribution = Contribution {
        maximum: mine.as_ref().map(|bytes| bytes.len() as u64),
        ..Contribution::default()
    };
    let agreed = core.agree(call.step(Step::Extents), contribution)?;
    let len = agreed.maximum.unwrap_or(0) as usize;
    let scratch = core.scratch(call, len)?;
    let target = target_of(&scratch, len);
    core.write(call.step(Step::Write), Some(&target), |regions| {
        let mine = mine.expect("the root has encoded its value");
        // SAFETY: this rank is inside the call, all others wait for it, and nobody uses the memory before this round.
        unsafe { target.write(0, &mine) };
        if core.group.is_multi_node() {
            regions.push(Region::run(0, len));
        }
        Ok(Vec::new())
    })?;
    Ok(read(target.bytes(0, len)))
}

/// Calls `read` with the bytes of all ranks, in rank order, as `broadcast`.
pub(super) fn all_gather<R>(
    core: &RankState,
    call: Call,
    mine: Vec<u8>,
    read: impl FnOnce(&mut dyn Iterator<Item = &[u8]>) -> R,
) -> Result<R> {
    let places = places(core, call, mine.len())?;
    let total = total(&places);
    let scratch = core.scratch(call, total)?;
    let target = target_of(&scratch, total);
    let rank = core.group.topology.rank;
    // SAFETY: the bytes are this rank's own, which no other rank writes, and reads only after the round below.
    unsafe { target.write(places[rank].start, &mine) };
    drop(mine);
    let region = |rank: usize| vec![region(&places[rank])];
    core.exchange_with_all_nodes(call, &target, region);
    core.barrier(call.step(Step::Write))?;
    Ok(read(&mut bytes_of(&target, &places)))
}

/// The same on the root only; the others get `None`. Many bytes need memory on the root's node only.
pub(super) fn gather<R>(
    core: &RankState,
    call: Call,
    mine: Vec<u8>,
    read: impl FnOnce(&mut dyn Iterator<Item = &[u8]>) -> R,
) -> Result<Option<R>> {
    let topology = &core.group.topology;
    let (rank, root) = (topology.rank, call.root_rank());
    let places = places(core, call, mine.len())?;
    let total = total(&places);
    let is_at_root = |rank: usize| topology.node_of(rank) == topology.node_of(root);
    let scratch = core.scratch_on(call, total, is_at_root(rank))?;
    // The ranks of the root's node receive in turn from those of other nodes.
    let (receivers, senders): (Vec<usize>, Vec<usize>) =
        (0..topology.size()).partition(|&rank| is_at_root(rank));
    let mut pairs = senders.into_iter().zip(receivers.into_iter().cycle());
    if !is_at_root(rank) {
        let pair = pairs.find(|&(from, _)| from == rank);
        send(core, call, mine, pair.map(|(_, to)| to));
        core.barrier(call.step(Step::Write))?;
        return Ok(None);
    }
    let scratch = scratch.expect("the root's node has memory");
    let target = target_of(&scratch, total);
    // SAFETY: the bytes are this rank's own, as in `all_gather`.
    unsafe { target.write(places[rank].start, &mine) };
    drop(mine);
    let incoming: Vec<Peer> = pairs
        .filter(|&(_, to)| to == rank)
        .map(|(from, _)| Peer {
            rank: from,
            regions: [region(&places[from])].into(),
        })
        .collect();
    core.exchange(call, &target, &[], &incoming, None);
    core.barrier(call.step(Step::Write))?;
    Ok((rank == root).then(|| read(&mut bytes_of(&target, &places))))
}

/// Sends private bytes to another rank.
fn send(core: &RankState, call: Call, mut bytes: Vec<u8>, to: Option<usize>) {
    let start = NonNull::new(bytes.as_mut_ptr()).expect("a vector has an address");
    // SAFETY: the bytes are private, valid until the transfer has ended, and only read.
    let target = unsafe { Target::new(start, 0..bytes.len()) };
    let outgoing = to.map(|rank| Peer {
        rank,
        regions: [Region::run(0, bytes.len())].into(),
    });
    core.exchange(call, &target, outgoing.as_slice(), &[], None);
}

/// Where the bytes of each rank go, of which this rank has `len`. Takes a round for each 312 ranks.
fn places(core: &RankState, call: Call, len: usize) -> Result<Vec<Range<usize>>> {
    let all_ranks: Vec<usize> = (0..core.group.topology.size()).collect();
    let lens = core.allgather(call.step(Step::Gather), &all_ranks, Some(&(len as u64)))?;
    let mut end = Some(0_usize);
    let places = lens.iter().map(|&len| {
        let start = end?;
        end = start.checked_add(len as usize);
        Some(start..end?)
    });
    // The same on all ranks, so no round is needed.
    places
        .collect::<Option<_>>()
        .ok_or_else(|| Error::TooLarge {
            what: "memory for the values of all ranks".to_owned(),
            extents: vec![usize::MAX],
            size: 1,
        })
}

fn total(places: &[Range<usize>]) -> usize {
    places.last().map_or(0, |last| last.end)
}

fn region(place: &Range<usize>) -> Region {
    Region::run(place.start, place.len())
}

fn bytes_of<'a>(
    target: &'a Target<'_>,
    places: &'a [Range<usize>],
) -> impl Iterator<Item = &'a [u8]> {
    let bytes = |place: &Range<usize>| target.bytes(place.start, place.len());
    places.iter().map(bytes)
}

/// The first bytes of the memory of a call.
pub(super) fn target_of(scratch: &Segment, len: usize) -> Target<'_> {
    assert!(len <= scratch.len(), "the memory was asked for");
    // SAFETY: valid as long as the segment is borrowed. All ranks of the node are inside one call, and all of them use its memory
    // for this call only. The call reads and writes only through this target, and ends with a round before which no rank of the node
    // reaches another claim with it.
    unsafe { Target::new(scratch.start(), 0..len) }
}

/// The bytes of all ranks in one sequence, each behind its length.
pub(super) fn join(items: &Items) -> Vec<u8> {
    let mut joined = Vec::new();
    for (_, item) in items {
        let len = u16::try_from(item.len()).expect("an item fits into a contribution");
        joined.extend_from_slice(&len.to_le_bytes());
        joined.extend_from_slice(item);
    }
    joined
}

/// The bytes of each rank in such a sequence.
pub(super) fn split(mut joined: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (len, rest) = joined.split_first_chunk()?;
        let (item, rest) = rest.split_at(u16::from_le_bytes(*len).into());
        joined = rest;
        Some(item)
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn joined_bytes_come_apart() {
        let items = [vec![], vec![1], vec![7; 900], vec![]];
        let numbered: Vec<_> = items.iter().cloned().enumerate().collect();
        assert!(split(&join(&numbered)).eq(items.iter().map(Vec::as_slice)));
        assert_eq!(split(&[]).count(), 0);
    }
}
