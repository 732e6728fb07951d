//! Many transfers in both directions at once: the legs of one rank, in an order that no circle of waiting ranks can spoil.

use crate::comm::collective::call::Call;
use crate::comm::collective::round::AbortOnDrop;
use crate::comm::rank_state::RankState;
use crate::comm::transfer::pieces::{InFlight, Piece, PieceTransfer, WINDOW, cut, whole};
use crate::comm::transfer::target::Target;
use crate::layout::region::Region;
use std::collections::VecDeque;

/// Bytes of a piece. Nobody passes it on, so nobody waits for its beginning, and the fewer the faster: measured between two
/// processes of one machine, pieces of 4 MiB take a fifth longer.
const PIECE: usize = 32 << 20;

fn long(regions: &[Region]) -> Vec<Piece> {
    cut(regions, PIECE)
}

/// Bytes that go to one rank, or come from it.
#[derive(Debug)]
pub(crate) struct Peer {
    /// A rank of another node.
    pub(crate) peer: usize,
    pub(crate) regions: Vec<Region>,
}

/// Takes received bytes that do not go into the segment: the place in the segment that they belong to, and the bytes.
pub(crate) type Take<'a> = dyn FnMut(usize, &[u8]) + 'a;

/// The pieces of all legs in one direction, of which the first few are under way.
struct Stream<'a> {
    legs: Vec<(usize, PieceTransfer<'a>)>,
    cut: fn(&[Region]) -> Vec<Piece>,
    /// What comes next: the leg, and its pieces.
    next: usize,
    pieces: std::vec::IntoIter<Piece>,
    under_way: VecDeque<(usize, InFlight)>,
}

impl<'a> Stream<'a> {
    fn new(
        core: &'a RankState,
        call: Call,
        target: &'a Target<'a>,
        legs: &'a [Peer],
        cut: fn(&[Region]) -> Vec<Piece>,
    ) -> Self {
        // All ranks have arrived at the call that they are in.
        let n = core.done.get();
        let legs = legs
            .iter()
            .map(|leg| {
                let carrier = PieceTransfer::new(core, n, call, target, &leg.regions);
                (leg.peer, carrier)
            })
            .collect();
        Stream {
            legs,
            cut,
            next: 0,
            pieces: Vec::new().into_iter(),
            under_way: VecDeque::new(),
        }
    }

    /// Puts pieces under way as long as the window has room.
    fn fill(&mut self, start: impl Fn(&PieceTransfer<'a>, Piece, usize) -> InFlight) {
        while self.under_way.len() < WINDOW {
            if let Some(piece) = self.pieces.next() {
                let leg = self.next - 1;
                let (peer, carrier) = &self.legs[leg];
                self.under_way
                    .push_back((leg, start(carrier, piece, *peer)));
            } else if let Some((_, carrier)) = self.legs.get(self.next) {
                self.pieces = (self.cut)(carrier.regions).into_iter();
                self.next += 1;
            } else {
                return;
            }
        }
    }

    /// The oldest piece under way, if it is over. Never a younger one: transfers between two ranks are matched in order.
    fn take(&mut self, core: &RankState) -> Option<(usize, InFlight)> {
        let (_, flight) = self.under_way.front()?;
        let is_over = flight
            .transfers
            .iter()
            .all(|transfer| core.world.transport.test(transfer));
        is_over.then(|| self.under_way.pop_front()).flatten()
    }
}

impl RankState {
    /// Sends and receives regions of `target`, all at once. Returns when nothing of this rank's is under way any more.
    ///
    /// To be called by all ranks inside one call, after all of them have arrived at it and have agreed, and before they meet
    /// again. The lists of all ranks have every transfer twice, and bring them in an order that is the same for both ends and
    /// that no two ranks reverse (as the steps of [`all_to_nodes`](crate::comm::topology::Topology::all_to_nodes)).
    ///
    /// With `into`, what comes does not go into the segment but is handed over, region by region. Each of them must be one run
    /// then, and short: this rank holds a few of them.
    pub(crate) fn exchange(
        &self,
        call: Call,
        target: &Target<'_>,
        outgoing: &[Peer],
        incoming: &[Peer],
        mut into: Option<&mut Take<'_>>,
    ) {
        if outgoing.is_empty() && incoming.is_empty() {
            return;
        }
        let abort_on_drop = AbortOnDrop;
        let is_taken = into.is_some();
        let cut = if is_taken { whole } else { long };
        let mut sending = Stream::new(self, call, target, outgoing, cut);
        let mut receiving = Stream::new(self, call, target, incoming, cut);
        loop {
            sending.fill(PieceTransfer::start_send);
            receiving.fill(|carrier, piece, from| {
                if is_taken {
                    carrier.start_receive_aside(piece, from)
                } else {
                    carrier.start_receive(piece, self.topology.address(from))
                }
            });
            let next = |stream: &Stream<'_>| stream.under_way.front().map(|&(leg, _)| leg);
            let peer = match (next(&receiving), next(&sending)) {
                (Some(leg), _) => receiving.legs[leg].0,
                (None, Some(leg)) => sending.legs[leg].0,
                (None, None) => break,
            };
            let mut wait = self.wait_for_node(self.done.get(), call, self.topology.node_of(peer));
            // Both directions are looked at in every round: whoever only waited for what it gets could hold up what it sends,
            // and be waited for in a circle.
            let over = wait.until(|| {
                let over = receiving.take(self);
                let has_sent = sending.take(self).is_some();
                (has_sent || over.is_some()).then_some(over)
            });
            if let Some((leg, InFlight { piece, stage, .. })) = over {
                let carrier = &receiving.legs[leg].1;
                match &mut into {
                    Some(take) => take(carrier.place(&piece), &stage),
                    None => carrier.unpack(&piece, &stage),
                }
            }
        }
        std::mem::forget(abort_on_drop);
    }
}
