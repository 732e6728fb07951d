//! One rank's part of a `Comm`: what it offers to the objects that are made on it.
//!
//! The state has three parts, each of which knows only those before it: `group` says who belongs to the `Comm`, `sync` is how
//! its ranks synchronize, `memory` is the node memory of its objects. The methods here bring them together with the calls in
//! `collective` and the transfers in `transfer`.

use crate::comm::check::Level;
use crate::comm::collective::agree::{self, Agreed};
use crate::comm::collective::allgather::{self, AllgatherItem};
use crate::comm::collective::conclude::{self, Conclusion, Items, Maker, Mine};
use crate::comm::collective::{agreement, allocate, copies, scratch, write};
use crate::comm::group::Group;
use crate::comm::node_memory::{AllocRequest, NodeMemory};
use crate::comm::protocol::call::Call;
use crate::comm::protocol::contribution::{Contribution, Contributions};
use crate::comm::rank_sync::RankSync;
use crate::comm::thread_state::{self, CallScope};
use crate::comm::transfer::buffers::Buffers;
use crate::comm::transfer::chain::{self, ChainWork, Chunks};
use crate::comm::transfer::exchange::{self, OnReceive, Peer};
use crate::comm::transfer::short::ShortBlock;
use crate::comm::transfer::{Target, pipeline, schedule};
use crate::comm::turns::TurnCounter;
use crate::error::{Error, Result};
use crate::layout::identity::Described;
use crate::layout::region::Region;
use crate::live::{Live, LiveMark};
use crate::memory::Segment;
use std::panic::Location;
use std::rc::Rc;

/// The state that all clones of a `Comm` on one rank share.
#[derive(Debug)]
pub(crate) struct RankState {
    pub(crate) group: Rc<Group>,
    pub(crate) sync: RankSync,
    pub(crate) memory: NodeMemory,
}

thread_local! {
    /// Every `Comm` of this rank that may still be alive, including those whose handles were leaked.
    static LIVE: Live<RankState> = const { Live::new() };
}

impl RankState {
    /// `memory_start` is where the memory for objects begins in the segment of the control block.
    ///
    /// # Safety
    /// `control` was allocated for the control block of the ranks of this node, and zeroed. Its bytes up to `memory_start` are
    /// used for that, and for other blocks of atomics. The other ranks of the node do the same with the same segment.
    pub(crate) unsafe fn new(group: Group, control: Rc<Segment>, memory_start: usize) -> Rc<Self> {
        group.world.mailbox.open(group.id);
        let is_leader = group.topology.is_leader();
        // SAFETY: passed on from the caller.
        let memory = unsafe { NodeMemory::behind_control(&control, memory_start, is_leader) };
        let group = Rc::new(group);
        // SAFETY: passed on from the caller.
        let sync = unsafe { RankSync::new(group.clone(), control) };
        let state = Rc::new(RankState {
            group,
            sync,
            memory,
        });
        LIVE.with(|live| live.add(&state));
        state
    }

    /// Begins a collective call that was made at `site`, if it may begin. The call lasts as long as the returned scope.
    pub(crate) fn enter(&self, name: &str, site: &'static Location<'static>) -> Result<CallScope> {
        self.sync.enter(name, site)
    }

    /// Checks a root that a user has passed. Ranks that all pass the same wrong one get the same error. Collective.
    pub(crate) fn check_root(&self, call: Call, root: usize) -> Result<()> {
        agree::check_root(&self.sync, call, root)
    }

    /// Takes part in `call` only to say that this rank cannot, so that all ranks get an error. Returns it.
    pub(crate) fn refuse(&self, call: Call, error: Error) -> Error {
        agree::refuse(&self.sync, call, error)
    }

    /// Adds an object to the list of those of which this rank has a handle.
    pub(crate) fn add_object(&self, number: u64, type_name: &'static str, segment: &Segment) {
        let objects = &self.group.world.objects;
        objects.add(self.group.id, number, type_name, segment);
    }

    /// Removes an object from that list.
    pub(crate) fn remove_object(&self, number: u64) {
        self.group.world.objects.remove(self.group.id, number);
    }

    /// Whether this rank's node has room for an object of these bytes, as far as is known before all ranks allocate it.
    pub(crate) fn check_room(&self, bytes: usize) -> Result<()> {
        allocate::check_room_for_object(&self.sync, bytes)
    }

    /// All ranks wait for each other.
    pub(crate) fn barrier(&self, call: Call) -> Result<()> {
        agree::barrier(&self.sync, call)
    }

    /// All ranks get the merged contributions of all of them, or the same error.
    pub(crate) fn agree(&self, call: Call, contribution: Contribution) -> Result<Contributions> {
        agree::agree(&self.sync, call, contribution)
    }

    /// Like `agree`. If no rank has a fault, `at_leader` runs on the leader of each node before its node is released, and may
    /// add bytes for its node.
    pub(crate) fn agree_with(
        &self,
        call: Call,
        contribution: Contribution,
        at_leader: impl FnOnce(&Contributions) -> Vec<u8>,
    ) -> Result<Agreed> {
        agree::agree_with(&self.sync, call, contribution, at_leader)
    }

    /// Like `agree`, and compares `argument`, of any length, with that of all other ranks.
    pub(crate) fn agree_on(
        &self,
        call: Call,
        argument: &[u8],
        contribution: Contribution,
    ) -> Result<Contributions> {
        agreement::agree_on(&self.sync, call, argument, contribution)
    }

    /// All ranks get what the maker returns for the items that they pass; see [`conclude::conclude`].
    pub(crate) fn conclude(
        &self,
        call: Call,
        must_match: &[u8],
        mine: Mine<'_>,
        maker: Maker<impl FnOnce(&Items) -> Result<Vec<u8>>>,
    ) -> Result<Conclusion> {
        conclude::conclude(&self.sync, call, must_match, mine, maker)
    }

    /// The root of `call` runs `job` while all other ranks wait. Then the regions that `job` has named are sent from the copy
    /// of `target` on its node to those of the other nodes, and all ranks get its result.
    pub(crate) fn write(
        &self,
        call: Call,
        target: Option<&Target<'_>>,
        job: impl FnOnce(&mut Vec<Region>) -> Result<Vec<u8>>,
    ) -> Result<Vec<u8>> {
        write::write(&self.sync, call, target, job)
    }

    /// The same for a block that the root may have before the call begins; see [`write::write_block`].
    pub(crate) fn write_block(
        &self,
        call: Call,
        target: &Target<'_>,
        short: Option<&ShortBlock>,
        job: impl FnOnce(&mut Vec<Region>) -> Result<Vec<u8>>,
    ) -> Result<Vec<u8>> {
        write::write_block(&self.sync, call, Some(target), short, job)
    }

    /// The root of `call` runs `job` while all other ranks wait, and all get its result, which may be of any length.
    pub(crate) fn write_long(
        &self,
        call: Call,
        job: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<Vec<u8>> {
        write::write_long(&self.sync, call, job)
    }

    /// All ranks get the items of `contributors`, which are in rising order, and of which each passes its own.
    pub(crate) fn allgather<T: AllgatherItem>(
        &self,
        call: Call,
        contributors: &[usize],
        mine: Option<&T>,
    ) -> Result<Vec<T>> {
        allgather::allgather(&self.sync, call, contributors, mine)
    }

    /// The same with one item of each node, which its leader passes.
    pub(crate) fn allgather_nodes<T: AllgatherItem>(
        &self,
        call: Call,
        mine: Option<&T>,
    ) -> Result<Vec<T>> {
        allgather::allgather_nodes(&self.sync, call, mine)
    }

    /// All ranks learn the hosts of all nodes. Collective; takes a round the first time.
    pub(crate) fn learn_hosts(&self, call: Call) -> Result<()> {
        allgather::learn_hosts(&self.sync, call)
    }

    /// All ranks take part in `call`. If they describe the same object, every node allocates its requests, and this rank gets
    /// the one with the index `mine`, zeroed.
    pub(crate) fn allocate(
        &self,
        call: Call,
        object: Option<&Described>,
        requests: &[AllocRequest],
        mine: Option<usize>,
    ) -> Result<Option<Segment>> {
        allocate::allocate(&self.sync, &self.memory, call, object, requests, mine)
    }

    /// Memory of at least `bytes` bytes for the rest of `call`; see [`scratch::scratch`].
    pub(crate) fn scratch(&self, call: Call, bytes: usize) -> Result<Rc<Segment>> {
        scratch::scratch(&self.sync, &self.memory, call, bytes)
    }

    /// The same on some nodes only, if it is much; see [`scratch::scratch_on`].
    pub(crate) fn scratch_on(
        &self,
        call: Call,
        bytes: usize,
        is_here: bool,
    ) -> Result<Option<Rc<Segment>>> {
        scratch::scratch_on(&self.sync, &self.memory, call, bytes, is_here)
    }

    /// Sends and receives regions of `target`; see [`exchange::exchange`]. Inside a call, after its first round.
    pub(crate) fn exchange(
        &self,
        call: Call,
        target: &Target<'_>,
        outgoing: &[Peer],
        incoming: &[Peer],
        on_receive: Option<&mut OnReceive<'_>>,
    ) {
        exchange::exchange(&self.sync, call, target, outgoing, incoming, on_receive);
    }

    /// Sends this rank's regions to all other nodes, and receives those of their ranks. Inside a call, after its first round.
    pub(crate) fn exchange_with_all_nodes(
        &self,
        call: Call,
        target: &Target<'_>,
        regions_of: impl Fn(usize) -> Vec<Region>,
    ) {
        schedule::exchange_with_all_nodes(&self.sync, call, target, regions_of);
    }

    /// Buffers that ranks of different nodes send each other inside this call, after its first round: each to one rank of every
    /// other node, in the order of [`schedule::peers_of_all_nodes`].
    pub(crate) fn buffers(&self) -> Buffers<'_> {
        let (to, from) = schedule::peers_of_all_nodes(&self.group.topology, 1, |_| Vec::new());
        let ranks =
            |peers: Vec<Peer>| -> Vec<usize> { peers.iter().map(|peer| peer.rank).collect() };
        Buffers::new(&self.sync, &ranks(to), &ranks(from))
    }

    /// Calls `work` for each chunk after the ranks before this one have finished it. Inside a call, after its first round.
    pub(crate) fn pipeline(
        &self,
        call: Call,
        target: &Target<'_>,
        chunks: &[Region],
        work: impl FnMut(usize),
    ) {
        pipeline::pipeline(&self.sync, call, target, chunks, work);
    }

    /// Calls the functions of `work` for each chunk; see [`chain::chain`]. Inside a call, after its first round.
    pub(crate) fn chain(
        &self,
        call: Call,
        target: &Target<'_>,
        chunks: Chunks,
        work: impl ChainWork,
    ) {
        chain::chain(&self.sync, call, target, chunks, work);
    }

    /// This rank's turns in a call of which all ranks of the node have finished the first round.
    pub(crate) fn turns(&self, call: Call) -> TurnCounter<'_> {
        TurnCounter::new(&self.sync, call)
    }

    /// Whether what `level` asks for is checked.
    pub(crate) fn checks(&self, level: Level) -> bool {
        self.sync.checks(level)
    }

    /// At the level for it: compares the bytes of `regions` over all nodes after a call in which many ranks have written.
    pub(crate) fn check_copies(
        &self,
        call: Call,
        target: &Target<'_>,
        regions: &[Region],
    ) -> Result<()> {
        copies::check_copies(&self.sync, call, target, regions)
    }
}

impl Drop for RankState {
    fn drop(&mut self) {
        self.sync.leave();
        self.group.world.obligations.remove_comm(self.group.id);
        self.group.world.mailbox.close(self.group.id);
    }
}

/// A moment in the life of this rank, for [`leave_since`].
pub(crate) fn live_mark() -> LiveMark {
    LIVE.with(Live::mark)
}

/// Leaves every `Comm` that this rank has got since `mark`, including those whose handles were leaked. Called when the rank
/// returns from `run`, which may itself be called inside the closure of an outer `run`.
pub(crate) fn leave_since(mark: LiveMark) {
    for state in LIVE
        .try_with(|live| live.take_since(mark))
        .unwrap_or_default()
    {
        thread_state::after_call(move || state.sync.leave());
    }
}
