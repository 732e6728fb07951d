//! How written bytes reach the other nodes: straight from segment to segment, in pieces.
//!
//! The header goes down a binomial tree of nodes rooted at the writer's. Few bytes follow along the same tree; many go down
//! a chain, where each node passes a piece on while it receives the next, so that the time hardly depends on the number of
//! nodes. Contiguous regions are sent from and received into the segments themselves; strided ones are packed into staging
//! buffers of one piece each, so that no rank ever holds a copy of the data.

use crate::comm::call::Call;
use crate::comm::core::Core;
use crate::comm::letter::{Body, Header};
use crate::comm::topology::{tree_children, tree_parent};
use crate::comm::wait::Wait;
use crate::layout::region::Region;
use crate::transport::Transfer;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;

/// Bytes of a piece. Large enough that a network's latency does not show, small enough that a chain fills quickly.
const PIECE: usize = 4 << 20;
/// Bytes of a staging buffer.
const STAGE: usize = 256 << 10;
/// Pieces that may be under way to or from one neighbour.
const WINDOW: usize = 4;
/// Up to this many bytes travel inside the header.
const INLINE: usize = 1 << 10;
/// Up to this many bytes go down the tree, where the fewest hops count.
const SHORT: usize = 64 << 10;

/// The fields of an object that a call names, on this rank's node.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    /// First byte of the segment.
    start: NonNull<u8>,
    /// Bytes of the fields that the call names; neighbours may be under a live view.
    fields: Range<usize>,
    life: PhantomData<&'a mut u8>,
}

impl Target<'_> {
    /// # Safety
    /// `start` is valid for reads and writes of `fields` during the value's life, and no reference to these bytes is used
    /// by any rank of the node while a call on this target is between its claim and its release.
    pub(crate) unsafe fn new(start: NonNull<u8>, fields: Range<usize>) -> Self {
        Target {
            start,
            fields,
            life: PhantomData,
        }
    }

    fn at(&self, offset: usize) -> *mut u8 {
        // An empty run may start where the fields end.
        debug_assert!((self.fields.start..=self.fields.end).contains(&offset));
        // SAFETY: pieces are cut from regions inside `fields` (checked in `check`), which lie in the segment.
        unsafe { self.start.add(offset) }.as_ptr()
    }

    /// The bytes of `regions`, run by run, for a rank that is inside a call on this target when nobody writes.
    pub(crate) fn runs<'a>(&'a self, regions: &'a [Region]) -> impl Iterator<Item = &'a [u8]> {
        self.check(regions);
        regions.iter().flat_map(move |region| {
            region.runs(0).map(move |start| {
                // SAFETY: the run is inside the target (`check`), and stays unwritten until this rank arrives at its next
                // call on it, which is after the use of the slice (duty of the caller).
                unsafe { std::slice::from_raw_parts(self.at(start), region.run) }
            })
        })
    }

    /// Rule 4 of the protocol: whatever a header says, nothing outside the fields of the call is touched.
    fn check(&self, regions: &[Region]) {
        let inside = regions
            .iter()
            .all(|region| region.is_inside(self.fields.start, self.fields.end));
        assert!(
            inside,
            "a header names bytes outside the fields of its call"
        );
    }
}

/// A part of a region that travels as one message.
#[derive(Debug, Clone)]
enum Piece {
    /// Bytes of the segment.
    Direct { offset: usize, len: usize },
    /// `runs` equal runs of a region, from the `first`-th on, packed.
    Staged {
        region: usize,
        first: usize,
        runs: usize,
    },
}

/// Cuts regions into pieces; sender and receivers cut alike.
fn cut(regions: &[Region]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (index, region) in regions.iter().enumerate() {
        let runs = region.bytes().checked_div(region.run).unwrap_or(0);
        if runs == 1 || region.run >= STAGE {
            for start in region.runs(0) {
                let mut at = 0;
                while at < region.run {
                    let len = PIECE.min(region.run - at);
                    pieces.push(Piece::Direct {
                        offset: start + at,
                        len,
                    });
                    at += len;
                }
            }
        } else if runs > 0 {
            let per_piece = (STAGE / region.run).max(1);
            for first in (0..runs).step_by(per_piece) {
                pieces.push(Piece::Staged {
                    region: index,
                    first,
                    runs: per_piece.min(runs - first),
                });
            }
        }
    }
    pieces
}

/// A piece under way: its transfers and the buffer that they use.
struct Flight {
    piece: Piece,
    transfers: Vec<Transfer>,
    /// Staging buffer; its heap memory does not move when this value does.
    stage: Vec<u8>,
}

/// One rank's part in carrying the regions of one call.
struct Carrier<'a> {
    core: &'a Core,
    n: u64,
    call: Call,
    target: &'a Target<'a>,
    regions: &'a [Region],
}

impl Core {
    /// The writer tells the other nodes that call `n` is written, and sends the bytes. Returns when its segment may change
    /// again.
    pub(crate) fn send(
        &self,
        n: u64,
        call: Call,
        target: Option<&Target<'_>>,
        outcome: Vec<u8>,
        regions: &[Region],
    ) {
        let route = Route::new(self, call.root_rank());
        let carrier = target.map(|target| Carrier::new(self, n, call, target, regions));
        let few = regions.iter().map(Region::bytes).sum::<usize>() <= INLINE;
        let bytes = carrier
            .as_ref()
            .filter(|_| few)
            .map(Carrier::pack_all)
            .unwrap_or_default();
        route.announce(&Body::Header(Header {
            n,
            outcome,
            regions: regions.to_vec(),
            bytes,
        }));
        if let Some(carrier) = carrier.filter(|_| !few) {
            carrier.send(&route.receivers(regions));
        }
    }

    /// The leader of another node receives call `n`, releases its node and passes the bytes on. All ranks of the node have
    /// arrived and all nodes have agreed, or the header would not have been sent. Gives what was received.
    pub(crate) fn receive(&self, n: u64, call: Call, target: Option<&Target<'_>>) -> Vec<Region> {
        let route = Route::new(self, call.root_rank());
        let letter = self.await_letter(
            route.wait(n, call),
            route.tree_parent(),
            |body| match body {
                Body::Header(header) if header.n == n => Some(Body::Header(header)),
                _ => None,
            },
        );
        route.announce(&letter);
        let Body::Header(Header {
            outcome,
            regions,
            bytes,
            ..
        }) = letter
        else {
            unreachable!("nothing else was waited for")
        };
        let received = || self.control().release(n, &outcome);
        match target.map(|target| Carrier::new(self, n, call, target, &regions)) {
            Some(carrier) if bytes.is_empty() => {
                carrier.relay(route.sender(&regions), &route.receivers(&regions), received);
            }
            Some(carrier) => {
                carrier.unpack_all(&bytes);
                received();
            }
            None => received(),
        }
        regions
    }
}

/// Whom this node hears from and whom it tells, for a writer on any node.
struct Route<'a> {
    core: &'a Core,
    root: usize,
    /// Distance from the writer's node in the order of nodes, round the end.
    at: usize,
    nodes: usize,
}

impl<'a> Route<'a> {
    fn new(core: &'a Core, root: usize) -> Self {
        let nodes = core.topology.nodes();
        let at = (core.topology.node() + nodes - core.topology.node_of(root)) % nodes;
        Route {
            core,
            root,
            at,
            nodes,
        }
    }

    /// The wait for what the node above sends.
    fn wait(&self, n: u64, call: Call) -> Wait<'a> {
        let above = tree_parent(self.at).map_or(0, |at| self.node(at));
        self.core.wait_for_node(n, call, above)
    }

    fn node(&self, at: usize) -> usize {
        (self.core.topology.node_of(self.root) + at) % self.nodes
    }

    /// World rank of who acts for a node: the writer itself for its own, the leader for others.
    fn address(&self, at: usize) -> usize {
        let topology = &self.core.topology;
        if at == 0 {
            return topology.address(self.root);
        }
        topology.leader_address(self.node(at))
    }

    fn tree_parent(&self) -> usize {
        self.address(tree_parent(self.at).expect("the writer's node receives nothing"))
    }

    fn tree_children(&self) -> Vec<usize> {
        tree_children(self.at, self.nodes)
            .into_iter()
            .map(|at| self.address(at))
            .collect()
    }

    /// Passes a header on down the tree.
    fn announce(&self, letter: &Body) {
        for to in self.tree_children() {
            if let Body::Header(header) = letter {
                self.core.post.count_carried(header.bytes.len());
            }
            self.core.post.send(to, self.core.id, letter);
        }
    }

    fn is_short(regions: &[Region]) -> bool {
        regions.iter().map(Region::bytes).sum::<usize>() <= SHORT
    }

    fn sender(&self, regions: &[Region]) -> usize {
        if Self::is_short(regions) {
            self.tree_parent()
        } else {
            self.address(self.at - 1)
        }
    }

    fn receivers(&self, regions: &[Region]) -> Vec<usize> {
        if Self::is_short(regions) {
            self.tree_children()
        } else if self.at + 1 < self.nodes {
            vec![self.address(self.at + 1)]
        } else {
            Vec::new()
        }
    }
}

impl<'a> Carrier<'a> {
    fn new(
        core: &'a Core,
        n: u64,
        call: Call,
        target: &'a Target<'a>,
        regions: &'a [Region],
    ) -> Self {
        target.check(regions);
        Carrier {
            core,
            n,
            call,
            target,
            regions,
        }
    }

    /// All bytes, one region after the other.
    fn pack_all(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for run in self.target.runs(self.regions) {
            bytes.extend_from_slice(run);
        }
        bytes
    }

    /// The opposite of `pack_all`.
    fn unpack_all(&self, mut bytes: &[u8]) {
        for region in self.regions {
            for start in region.runs(0) {
                let (run, rest) = bytes.split_at(region.run);
                // SAFETY: the run is inside the target; no rank of the node uses its bytes before the release (duty of
                // `Target::new`).
                unsafe {
                    self.target
                        .at(start)
                        .copy_from_nonoverlapping(run.as_ptr(), run.len());
                }
                bytes = rest;
            }
        }
    }

    /// Sends all pieces to each of `to`, and waits until the segment may change again.
    fn send(&self, to: &[usize]) {
        if to.is_empty() {
            return;
        }
        let mut sending = VecDeque::new();
        for piece in cut(self.regions) {
            if sending.len() == WINDOW {
                self.finish(sending.pop_front());
            }
            let mut stage = self.stage(&piece);
            self.pack(&piece, &mut stage);
            sending.push_back(self.start_sends(piece, stage, to));
        }
        while !sending.is_empty() {
            self.finish(sending.pop_front());
        }
    }

    /// Receives all pieces, calls `received`, and returns when they have also been passed on.
    fn relay(&self, from: usize, to: &[usize], received: impl FnOnce()) {
        let mut pieces = cut(self.regions).into_iter();
        let mut receiving = VecDeque::new();
        let mut sending = VecDeque::new();
        loop {
            while receiving.len() < WINDOW
                && let Some(piece) = pieces.next()
            {
                receiving.push_back(self.start_receive(piece, from));
            }
            let Some(Flight {
                piece,
                stage,
                transfers,
            }) = receiving.pop_front()
            else {
                break;
            };
            self.await_transfers(&transfers);
            self.unpack(&piece, &stage);
            if !to.is_empty() {
                if sending.len() == WINDOW {
                    self.finish(sending.pop_front());
                }
                sending.push_back(self.start_sends(piece, stage, to));
            }
        }
        received();
        while !sending.is_empty() {
            self.finish(sending.pop_front());
        }
    }

    /// A buffer for the piece, empty for one that needs none.
    fn stage(&self, piece: &Piece) -> Vec<u8> {
        match piece {
            Piece::Direct { .. } => Vec::new(),
            Piece::Staged { region, runs, .. } => vec![0; self.regions[*region].run * runs],
        }
    }

    fn start_sends(&self, piece: Piece, stage: Vec<u8>, to: &[usize]) -> Flight {
        let (bytes, len) = match &piece {
            Piece::Direct { offset, len } => (self.target.at(*offset).cast_const(), *len),
            Piece::Staged { .. } => (stage.as_ptr(), stage.len()),
        };
        self.core.post.count_carried(len * to.len());
        let transport = &self.core.post.transport;
        let transfers = to
            .iter()
            // SAFETY: the bytes are those of the segment, which nobody writes before this rank arrives at the next call,
            // which is after `finish`; or of the stage, which the flight owns until then.
            .map(|&to| unsafe { transport.send_bytes(to, bytes, len) })
            .collect();
        Flight {
            piece,
            transfers,
            stage,
        }
    }

    fn start_receive(&self, piece: Piece, from: usize) -> Flight {
        let mut stage = self.stage(&piece);
        let (bytes, len) = match &piece {
            Piece::Direct { offset, len } => (self.target.at(*offset), *len),
            Piece::Staged { .. } => (stage.as_mut_ptr(), stage.len()),
        };
        // SAFETY: the bytes are those of the target, which no rank of the node uses between claim and release (duty of
        // `Target::new`), and the release follows the last transfer; or of the stage, which the flight owns.
        let transfer = unsafe { self.core.post.transport.recv_bytes(from, bytes, len) };
        Flight {
            piece,
            transfers: vec![transfer],
            stage,
        }
    }

    fn finish(&self, flight: Option<Flight>) {
        if let Some(flight) = flight {
            self.await_transfers(&flight.transfers);
        }
    }

    fn await_transfers(&self, transfers: &[Transfer]) {
        let mut wait = self.core.wait(self.n, self.call);
        for transfer in transfers {
            wait.until(|| self.core.post.transport.test(transfer).then_some(()));
        }
    }

    fn pack(&self, piece: &Piece, stage: &mut [u8]) {
        let Piece::Staged { region, first, .. } = piece else {
            return;
        };
        let region = &self.regions[*region];
        for (start, packed) in region.runs(*first).zip(stage.chunks_exact_mut(region.run)) {
            // SAFETY: the run is inside the target (`check`), `packed` is as long as it; the writer has finished writing.
            unsafe {
                self.target
                    .at(start)
                    .copy_to_nonoverlapping(packed.as_mut_ptr(), region.run);
            }
        }
    }

    fn unpack(&self, piece: &Piece, stage: &[u8]) {
        let Piece::Staged { region, first, .. } = piece else {
            return;
        };
        let region = &self.regions[*region];
        for (start, packed) in region.runs(*first).zip(stage.chunks_exact(region.run)) {
            // SAFETY: as in `pack`; no rank of the node uses these bytes before the release (duty of `Target::new`).
            unsafe {
                self.target
                    .at(start)
                    .copy_from_nonoverlapping(packed.as_ptr(), region.run);
            }
        }
    }
}
