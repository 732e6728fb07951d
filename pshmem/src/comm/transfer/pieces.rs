//! Regions in pieces: cutting, packing, sending and receiving them.

use crate::comm::protocol::call::Call;
use crate::comm::rank_sync::RankSync;
use crate::comm::transfer::target::Target;
use crate::comm::wait::Wait;
use crate::layout::region::Region;
use crate::transport::TransferHandle;
use std::collections::VecDeque;

/// Bytes of a piece. Large enough to hide the latency of a network, small enough to fill a chain of nodes quickly.
const PIECE: usize = 4 << 20;
/// Bytes of a staging buffer.
pub(super) const STAGE: usize = 256 << 10;
/// A region that is one run of up to this many bytes is packed together with others beside it in the list: a message of its own
/// would take longer than two copies.
const SHORT: usize = 16 << 10;
/// Pieces that may be in flight to or from one peer.
pub(super) const WINDOW: usize = 4;

/// A part of a region that is sent as one message.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    /// Bytes of the segment.
    Direct { offset: usize, len: usize },
    /// Some runs, from run `first` of a region on, of which the last may be in a later region, packed into a staging buffer.
    Staged {
        region: usize,
        first: usize,
        bytes: usize,
    },
}

impl Piece {
    /// A staging buffer for the piece. Empty if it needs none.
    fn stage(&self) -> Vec<u8> {
        match self {
            Piece::Direct { .. } => Vec::new(),
            Piece::Staged { bytes, .. } => vec![0; *bytes],
        }
    }
}

/// Cuts regions into pieces of at most `limit` bytes. Senders and receivers cut alike.
pub(super) fn cut(regions: &[Region], limit: usize) -> Vec<Piece> {
    let mut cutter = Cutter {
        regions,
        limit,
        pieces: Vec::new(),
        staged: None,
    };
    for (index, region) in regions.iter().enumerate() {
        let runs = region.bytes().checked_div(region.run).unwrap_or(0);
        if runs == 0 {
            // Pieces skip it.
        } else if (runs == 1 && region.run > SHORT) || region.run >= STAGE {
            cutter.close();
            for start in region.runs(0) {
                cutter.direct(start, region.run);
            }
        } else {
            cutter.stage(index, runs);
        }
    }
    cutter.close();
    cutter.pieces
}

/// The state of [`cut`].
struct Cutter<'a> {
    regions: &'a [Region],
    limit: usize,
    pieces: Vec<Piece>,
    /// The staged piece that the next short runs may be added to.
    staged: Option<Staged>,
}

struct Staged {
    region: usize,
    first: usize,
    runs: usize,
    bytes: usize,
}

impl Cutter<'_> {
    /// Adds a run in pieces that need no buffer.
    fn direct(&mut self, start: usize, run: usize) {
        let mut at = 0;
        while at < run {
            let len = self.limit.min(run - at);
            self.pieces.push(Piece::Direct {
                offset: start + at,
                len,
            });
            at += len;
        }
    }

    /// Adds the runs of a region to staged pieces, none of which is larger than a buffer.
    fn stage(&mut self, region: usize, runs: usize) {
        let run = self.regions[region].run;
        let mut first = 0;
        while first < runs {
            let free = STAGE - self.staged.as_ref().map_or(0, |staged| staged.bytes);
            let some = (free / run).min(runs - first);
            if some == 0 {
                self.close();
                continue;
            }
            let staged = self.staged.get_or_insert(Staged {
                region,
                first,
                runs: 0,
                bytes: 0,
            });
            staged.runs += some;
            staged.bytes += some * run;
            first += some;
        }
    }

    /// Ends the staged piece. One run alone needs no buffer.
    fn close(&mut self) {
        let Some(staged) = self.staged.take() else {
            return;
        };
        let Staged {
            region,
            first,
            runs,
            bytes,
        } = staged;
        if runs > 1 {
            self.pieces.push(Piece::Staged {
                region,
                first,
                bytes,
            });
        } else if let Some(start) = self.regions[region].runs(first).next() {
            self.direct(start, bytes);
        }
    }
}

/// Each region as one piece. It must be one run.
pub(super) fn whole(regions: &[Region]) -> Vec<Piece> {
    let piece = |region: &Region| Piece::Direct {
        offset: region.start,
        len: region.run,
    };
    regions.iter().map(piece).collect()
}

/// A piece in flight: its transfers and the buffer that they use.
pub(super) struct InFlight {
    pub(super) piece: Piece,
    pub(super) transfers: Vec<TransferHandle>,
    /// Staging buffer; its heap memory does not move when this value does.
    pub(super) stage: Vec<u8>,
}

impl InFlight {
    /// Whether its transfers are complete. Must not be called again after that.
    pub(super) fn is_complete(&self, sync: &RankSync) -> bool {
        let transport = &sync.group.world.transport;
        self.transfers
            .iter()
            .all(|transfer| transport.test(transfer))
    }
}

/// The regions that one rank sends or receives in one call.
pub(super) struct PieceTransfer<'a> {
    sync: &'a RankSync,
    n: u64,
    call: Call,
    target: &'a Target<'a>,
    pub(super) regions: &'a [Region],
}

impl<'a> PieceTransfer<'a> {
    pub(super) fn new(
        sync: &'a RankSync,
        n: u64,
        call: Call,
        target: &'a Target<'a>,
        regions: &'a [Region],
    ) -> Self {
        target.check(regions);
        PieceTransfer {
            sync,
            n,
            call,
            target,
            regions,
        }
    }

    /// All bytes, one region after the other.
    pub(super) fn pack_all(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for run in self.target.runs(self.regions) {
            bytes.extend_from_slice(run);
        }
        bytes
    }

    /// Copies what `pack_all` has returned on another rank into the segment.
    pub(super) fn unpack_all(&self, mut bytes: &[u8]) {
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
    pub(super) fn send(&self, to: &[usize]) {
        if to.is_empty() {
            return;
        }
        let mut sending = VecDeque::new();
        for piece in cut(self.regions, PIECE) {
            if sending.len() == WINDOW {
                self.finish(sending.pop_front());
            }
            let mut stage = piece.stage();
            self.pack(&piece, &mut stage);
            sending.push_back(self.start_sends(piece, stage, to));
        }
        while !sending.is_empty() {
            self.finish(sending.pop_front());
        }
    }

    /// Receives all pieces, calls `received`, and returns when all have been forwarded as well.
    pub(super) fn relay(&self, from: usize, to: &[usize], received: impl FnOnce()) {
        let mut pieces = cut(self.regions, PIECE).into_iter();
        let mut receiving = VecDeque::new();
        let mut sending = VecDeque::new();
        loop {
            while receiving.len() < WINDOW
                && let Some(piece) = pieces.next()
            {
                receiving.push_back(self.start_receive(piece, from));
            }
            let Some(InFlight {
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

    pub(super) fn start_sends(&self, piece: Piece, stage: Vec<u8>, to: &[usize]) -> InFlight {
        let (bytes, len) = match &piece {
            Piece::Direct { offset, len } => (self.target.at(*offset).cast_const(), *len),
            Piece::Staged { .. } => (stage.as_ptr(), stage.len()),
        };
        let world = &self.sync.group.world;
        world.mailbox.count_transfers(to.len(), len);
        let transport = &world.transport;
        let transfers = to
            .iter()
            // SAFETY: the bytes are those of the segment, which nobody writes before this rank arrives at the next call,
            // which is after `finish`; or of the staging buffer, which `InFlight` owns until then.
            .map(|&to| unsafe { transport.send_bytes(to, bytes, len) })
            .collect();
        InFlight {
            piece,
            transfers,
            stage,
        }
    }

    /// Packs a piece and starts to send it to a rank of the `Comm`.
    pub(super) fn start_send(&self, piece: Piece, to: usize) -> InFlight {
        let mut stage = piece.stage();
        self.pack(&piece, &mut stage);
        self.start_sends(piece, stage, &[self.sync.group.topology.address(to)])
    }

    /// Starts to receive a piece from a rank of the `Comm`, into a buffer instead of the segment.
    pub(super) fn start_receive_aside(&self, piece: Piece, from: usize) -> InFlight {
        let Piece::Direct { len, .. } = piece else {
            unreachable!("regions that are received aside were cut by `whole`")
        };
        let mut stage = vec![0; len];
        let from = self.sync.group.topology.address(from);
        let transport = &self.sync.group.world.transport;
        // SAFETY: the bytes are those of the staging buffer, which `InFlight` owns until the transfer is over.
        let transfer = unsafe { transport.recv_bytes(from, stage.as_mut_ptr(), len) };
        InFlight {
            piece,
            transfers: vec![transfer],
            stage,
        }
    }

    /// First byte of a piece in the segment.
    pub(super) fn start_of(&self, piece: &Piece) -> usize {
        match piece {
            Piece::Direct { offset, .. } => *offset,
            Piece::Staged { region, .. } => self.regions[*region].start,
        }
    }

    /// Starts to receive a piece from the rank at the address `from`.
    pub(super) fn start_receive(&self, piece: Piece, from: usize) -> InFlight {
        let mut stage = piece.stage();
        let (bytes, len) = match &piece {
            Piece::Direct { offset, len } => (self.target.at(*offset), *len),
            Piece::Staged { .. } => (stage.as_mut_ptr(), stage.len()),
        };
        // SAFETY: the bytes are those of the target, which no rank of the node uses between claim and release (duty of
        // `Target::new`), and the release follows the last transfer; or of the staging buffer, which `InFlight` owns until then.
        let transfer = unsafe { self.sync.group.world.transport.recv_bytes(from, bytes, len) };
        InFlight {
            piece,
            transfers: vec![transfer],
            stage,
        }
    }

    pub(super) fn finish(&self, in_flight: Option<InFlight>) {
        if let Some(in_flight) = in_flight {
            self.await_transfers(&in_flight.transfers);
        }
    }

    /// The oldest of some pieces in flight, if it is complete. Never a younger one: transfers between two ranks are matched in
    /// order.
    pub(super) fn take_complete(&self, in_flight: &mut VecDeque<InFlight>) -> Option<InFlight> {
        let oldest = in_flight.front()?;
        oldest
            .is_complete(self.sync)
            .then(|| in_flight.pop_front())
            .flatten()
    }

    fn await_transfers(&self, transfers: &[TransferHandle]) {
        let mut wait = Wait::new(self.sync, self.n, self.call);
        let transport = &self.sync.group.world.transport;
        for transfer in transfers {
            wait.until(|| transport.test(transfer).then_some(()));
        }
    }

    pub(super) fn pack(&self, piece: &Piece, stage: &mut [u8]) {
        let mut rest = stage;
        for (start, run) in self.runs(piece) {
            let Some((packed, after)) = rest.split_at_mut_checked(run) else {
                return;
            };
            // SAFETY: the run is inside the target (`check`), `packed` is as long as it; the writer has finished writing, so nobody writes there.
            unsafe {
                self.target
                    .at(start)
                    .copy_to_nonoverlapping(packed.as_mut_ptr(), run);
            }
            rest = after;
        }
    }

    pub(super) fn unpack(&self, piece: &Piece, stage: &[u8]) {
        let mut rest = stage;
        for (start, run) in self.runs(piece) {
            let Some((packed, after)) = rest.split_at_checked(run) else {
                return;
            };
            // SAFETY: as in `pack`; no rank of the node uses these bytes before the release (duty of `Target::new`).
            unsafe {
                self.target
                    .at(start)
                    .copy_from_nonoverlapping(packed.as_ptr(), run);
            }
            rest = after;
        }
    }

    /// The starts and lengths of the runs from the first one of a staged piece on, also behind the piece.
    fn runs(&self, piece: &Piece) -> impl Iterator<Item = (usize, usize)> {
        let (region, first) = match *piece {
            Piece::Direct { .. } => (self.regions.len(), 0),
            Piece::Staged { region, first, .. } => (region, first),
        };
        let regions = self.regions[region..].iter().enumerate();
        regions
            .filter(|(_, region)| region.run > 0)
            .flat_map(move |(index, region)| {
                let first = if index == 0 { first } else { 0 };
                region.runs(first).map(|start| (start, region.run))
            })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::comm::Comm;
    use crate::comm::protocol::call::Kind;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::ptr::NonNull;

    /// Offset and length of pieces that need no staging buffer.
    fn direct(pieces: &[Piece]) -> Vec<(usize, usize)> {
        let found = pieces.iter().map(|piece| match piece {
            Piece::Direct { offset, len } => (*offset, *len),
            Piece::Staged { .. } => panic!("{piece:?} is staged"),
        });
        found.collect()
    }

    #[test]
    fn contiguous_bytes_are_never_staged() {
        assert_eq!(direct(&cut(&[Region::run(64, 10)], PIECE)), [(64, 10)]);
        let long = Region::run(64, 2 * PIECE + 1);
        let pieces = [
            (64, PIECE),
            (64 + PIECE, PIECE),
            (64 + 2 * PIECE, 1),
            (8, 8),
        ];
        assert_eq!(direct(&cut(&[long, Region::run(8, 8)], PIECE)), pieces);
        let two = [(64, SHORT + 1), (STAGE, SHORT + 1)];
        let regions = two.map(|(start, run)| Region::run(start, run));
        assert_eq!(direct(&cut(&regions, PIECE)), two);
        // Long runs of a strided block are sent from where they are, too.
        let rows = Region {
            start: 0,
            run: STAGE,
            loops: vec![(3, 2 * STAGE)],
        };
        let pieces = [0, 2, 4].map(|at| (at * STAGE, STAGE));
        assert_eq!(direct(&cut(std::slice::from_ref(&rows), PIECE)), pieces);
        let halves = [0, 1, 4, 5, 8, 9].map(|at| (at * STAGE / 2, STAGE / 2));
        assert_eq!(direct(&cut(&[rows], STAGE / 2)), halves);
        assert!(cut(&[Region::run(64, 0)], PIECE).is_empty());
        assert_eq!(direct(&whole(&[Region::run(3, 5)])), [(3, 5)]);
    }

    #[test]
    fn short_runs_are_staged_and_fill_a_buffer() {
        let region = Region {
            start: 16,
            run: STAGE / 4 - 1,
            loops: vec![(3, 4 * STAGE), (3, STAGE)],
        };
        let long = Region::run(0, SHORT + 1);
        let pieces = cut(&[long, region], PIECE);
        let run = STAGE / 4 - 1;
        assert_eq!(staged(&pieces[1..3]), [(1, 0, 4 * run), (1, 4, 4 * run)]);
        // The run that is left over needs no buffer.
        let last = 16 + 2 * (4 * STAGE) + 2 * STAGE;
        assert_eq!(direct(&pieces[3..]), [(last, run)]);
    }

    /// First region, first run and bytes of pieces that need a staging buffer.
    fn staged(pieces: &[Piece]) -> Vec<(usize, usize, usize)> {
        let found = pieces.iter().map(|piece| match *piece {
            Piece::Staged {
                region,
                first,
                bytes,
            } => (region, first, bytes),
            Piece::Direct { .. } => panic!("{piece:?} is not staged"),
        });
        found.collect()
    }

    #[test]
    fn short_regions_travel_together() {
        let rows: Vec<Region> = (0..1000).map(|i| Region::run(i * 1000, 600)).collect();
        let per_piece = STAGE / 600;
        let pieces = [
            (0, 0, per_piece * 600),
            (per_piece, 0, per_piece * 600),
            (2 * per_piece, 0, (1000 - 2 * per_piece) * 600),
        ];
        assert_eq!(staged(&cut(&rows, PIECE)), pieces);
        let strided = Region {
            start: 8,
            run: 8,
            loops: vec![(3, 100)],
        };
        let nothing = Region::run(0, 0);
        let regions = [Region::run(1000, 4), nothing.clone(), strided, nothing];
        let pieces = cut(&regions, PIECE);
        assert_eq!(staged(&pieces), [(0, 0, 28)]);
        let long = [
            Region::run(0, 8),
            Region::run(64, SHORT + 1),
            Region::run(8, 8),
        ];
        let expected = [(0, 8), (64, SHORT + 1), (8, 8)];
        assert_eq!(direct(&cut(&long, PIECE)), expected, "in order");
    }

    #[test]
    fn what_is_packed_is_unpacked_in_the_same_places() {
        let comm = Comm::solo();
        let mut bytes: Vec<u8> = (0..200).collect();
        let start = NonNull::new(bytes.as_mut_ptr()).unwrap();
        // SAFETY: valid for as long as the target, and used by nobody else.
        let target = unsafe { Target::new(start, 0..200) };
        let strided = Region {
            start: 20,
            run: 2,
            loops: vec![(2, 50), (3, 10)],
        };
        let regions = [Region::run(3, 4), Region::run(0, 0), strided];
        let call = Call::new(Kind::Set);
        let transfer = PieceTransfer::new(&comm.core.sync, 1, call, &target, &regions);
        let piece = &cut(&regions, PIECE)[0];
        let mut stage = piece.stage();
        transfer.pack(piece, &mut stage);
        assert_eq!(
            stage,
            [3, 4, 5, 6, 20, 21, 30, 31, 40, 41, 70, 71, 80, 81, 90, 91]
        );
        let found: Vec<u8> = stage.iter().map(|byte| byte + 1).collect();
        transfer.unpack(piece, &found);
        // From a later run on.
        let piece = Piece::Staged {
            region: 2,
            first: 4,
            bytes: 4,
        };
        transfer.unpack(&piece, &[7, 8, 9, 10]);
        assert_eq!((bytes[3], bytes[6], bytes[7]), (4, 7, 7));
        assert_eq!(
            (bytes[20], bytes[31], bytes[70], bytes[71]),
            (21, 32, 71, 72)
        );
        assert_eq!(bytes[80..82], [7, 8]);
        assert_eq!(bytes[90..92], [9, 10]);
    }

    #[test]
    fn a_header_that_names_other_bytes_is_refused() {
        let comm = Comm::solo();
        let mut bytes = vec![0_u8; 32];
        let start = NonNull::new(bytes.as_mut_ptr()).unwrap();
        // SAFETY: valid for as long as the target, and used by nobody else.
        let target = unsafe { Target::new(start, 8..24) };
        let call = Call::new(Kind::Set);
        let accepts = |regions: &[Region]| {
            let transfer = || PieceTransfer::new(&comm.core.sync, 1, call, &target, regions);
            catch_unwind(AssertUnwindSafe(|| transfer().pack_all().len())).ok()
        };
        assert_eq!(accepts(&[Region::run(8, 16)]), Some(16));
        assert_eq!(accepts(&[Region::run(8, 0), Region::run(24, 0)]), Some(0));
        assert_eq!(accepts(&[Region::run(7, 1)]), None);
        assert_eq!(accepts(&[Region::run(8, 8), Region::run(23, 2)]), None);
        // One that only receives looks at the regions before it receives, too.
        let transfer = || {
            PieceTransfer::new(&comm.core.sync, 1, call, &target, &[])
                .regions
                .len()
        };
        assert_eq!(transfer(), 0);
        let outside = [Region::run(0, 32)];
        let create = || PieceTransfer::new(&comm.core.sync, 1, call, &target, &outside).n;
        assert!(catch_unwind(AssertUnwindSafe(create)).is_err());
    }
}
