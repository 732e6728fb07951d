//! The state that all clones of a `Comm` on one rank share, and how its life begins and ends.

use crate::comm::check::Level;
use crate::comm::collective::call::Call;
use crate::comm::collective::contribution::Contribution;
use crate::comm::collective::control::{CONTRIBUTION_BYTES, Control};
use crate::comm::collective::message::{Caller, LeaveReason, NodeMessage};
use crate::comm::node_memory::NodeMemory;
use crate::comm::thread_state;
use crate::comm::topology::{Topology, tree_children, tree_parent};
use crate::comm::wait::{self, Wait};
use crate::comm::world::World;
use crate::error::{Error, Result, clip};
use crate::live::Live;
use crate::memory::Segment;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::panic::Location;
use std::rc::Rc;

/// One rank's part of a `Comm`.
#[derive(Debug)]
pub(crate) struct RankState {
    pub(crate) world: Rc<World>,
    /// Unique among the `Comm`s of every rank that belongs to it.
    pub(crate) id: u64,
    pub(crate) topology: Topology,
    /// Holds the control block of this node, for as many node_size as the node has ranks.
    control: Rc<Segment>,
    pub(crate) memory: NodeMemory,
    /// Neighbours of this node in the tree that leaders gather through.
    pub(crate) parent: Option<usize>,
    pub(crate) children: Vec<usize>,
    /// Calls that this rank has completed.
    pub(crate) done: Cell<u64>,
    /// Steps that this rank has done inside calls; see `pace.rs`.
    pub(crate) steps: Cell<u64>,
    /// Objects that have been created, or failed to be.
    objects: Cell<u64>,
    /// The host of each node, once they have been asked for.
    pub(super) hosts: OnceCell<Vec<String>>,
    /// Why the `Comm` refuses further calls.
    end: RefCell<Option<Error>>,
    left: Cell<bool>,
    pub(super) site: Cell<Option<&'static Location<'static>>>,
    pub(crate) crowded: bool,
}

thread_local! {
    /// Every `Comm` of this rank that may still be alive, leaked handles included.
    static LIVE: Live<RankState> = const { Live::new() };
}

/// Source lines as text. A program calls from few of them, in turn, and formatting one takes as long as a whole call.
fn with_text(site: &'static Location<'static>, use_text: impl FnOnce(&str)) {
    thread_local! {
        static TEXTS: RefCell<HashMap<*const Location<'static>, String>> = RefCell::default();
    }
    TEXTS.with_borrow_mut(|texts| {
        let text = texts
            .entry(std::ptr::from_ref(site))
            .or_insert_with(|| site.to_string());
        use_text(text);
    });
}

impl RankState {
    /// # Safety
    /// `control` was placed for [`control_block_bytes`] of as many node_size as this node has ranks, was zeroed, and the
    /// other ranks of the node make a core with the same memory.
    pub(crate) unsafe fn new(
        world: &Rc<World>,
        id: u64,
        topology: Topology,
        control: Rc<Segment>,
    ) -> Rc<Self> {
        world.mailbox.open(id);
        let (node_size, is_leader) = (topology.node_ranks.len(), topology.is_leader());
        // SAFETY: passed on from the caller.
        let memory = unsafe { NodeMemory::beside_control(&control, node_size, is_leader) };
        let (node, nodes) = (topology.node(), topology.nodes());
        let crowded = wait::crowded(world.transport.ranks_on_machine());
        let core = Rc::new(RankState {
            world: world.clone(),
            id,
            parent: tree_parent(node),
            children: tree_children(node, nodes),
            topology,
            control,
            memory,
            done: Cell::new(0),
            steps: Cell::new(0),
            objects: Cell::new(0),
            hosts: OnceCell::new(),
            end: RefCell::default(),
            left: Cell::new(false),
            site: Cell::new(None),
            crowded,
        });
        LIVE.with(|live| live.add(&core));
        core
    }

    pub(crate) fn control(&self) -> Control<'_> {
        // SAFETY: duty of `new`, kept by the private field.
        unsafe { self.segment_control() }
    }

    /// # Safety
    /// As for [`Control::in_segment`].
    unsafe fn segment_control(&self) -> Control<'_> {
        // SAFETY: passed on from the caller.
        unsafe { Control::in_segment(&self.control, self.topology.node_ranks.len()) }
    }

    /// The wait for an event of call `n` on this node.
    pub(crate) fn wait(&self, n: u64, call: Call) -> Wait<'_> {
        Wait::new(self, n, call, None)
    }

    /// The wait for something that another node sends at call `n`.
    pub(crate) fn wait_for_node(&self, n: u64, call: Call, node: usize) -> Wait<'_> {
        Wait::new(self, n, call, Some(node))
    }

    pub(crate) fn is_multi_node(&self) -> bool {
        self.topology.nodes() > 1
    }

    /// A number that no object of this `Comm` has had.
    pub(crate) fn next_object(&self) -> u64 {
        self.objects.set(self.objects.get() + 1);
        self.objects.get()
    }

    /// Whether a call may begin: not inside a closure, not on a dead `Comm`, not after the transport's end.
    #[inline]
    pub(crate) fn is_able(&self) -> bool {
        let is_well = !thread_state::is_inside()
            && self.end.borrow().is_none()
            && self.world.transport.is_open();
        is_well || self.topology.size() == 1
    }

    /// Why a call may not begin.
    #[cold]
    pub(crate) fn refusal(&self, name: &str) -> Error {
        let call = name.to_owned();
        if thread_state::is_inside() {
            return Error::Nested { call };
        }
        let end = self.end.borrow().clone();
        end.unwrap_or(Error::MpiFinalized { call })
    }

    /// Begins a collective call that was made at `site`, if it may begin.
    pub(crate) fn enter(&self, name: &str, site: &'static Location<'static>) -> Result<()> {
        if !self.is_able() {
            return Err(self.refusal(name));
        }
        if self.topology.size() == 1 {
            return Ok(());
        }
        if self.checks(Level::Reports)
            && !self.site.get().is_some_and(|last| std::ptr::eq(last, site))
        {
            self.site.set(Some(site));
            with_text(site, |text| {
                self.control().set_site(self.topology.local_rank, text);
            });
        }
        Ok(())
    }

    /// Checks a root that a user gave. Ranks that all give the same wrong one get the same error.
    pub(crate) fn check_root(&self, call: Call, root: usize) -> Result<()> {
        let size = self.topology.size();
        if root < size {
            return Ok(());
        }
        Err(self.refuse(
            call,
            Error::NoSuchRank {
                call: call.name().to_owned(),
                root,
                size,
            },
        ))
    }

    /// Takes part in `call` only to say that this rank cannot, so that all ranks get an error.
    pub(crate) fn refuse(&self, call: Call, error: Error) -> Error {
        self.agree(call, Contribution::fault(Some(error.clone())))
            .err()
            .unwrap_or(error)
    }

    /// Ends call `n` on this rank.
    pub(crate) fn complete<R>(&self, n: u64, result: Result<R>) -> Result<R> {
        self.done.set(n);
        if let Err(error) = &result
            && error.is_fatal()
        {
            self.end.replace(Some(error.clone()));
        }
        result
    }

    /// The host, rank and call of a mate, as a sentence for an error.
    pub(crate) fn describe(&self, local_rank: usize) -> String {
        let (call, _, site) = self.control().posted(local_rank);
        let caller = Caller {
            rank: self.topology.node_ranks[local_rank] as usize,
            host: self.world.transport.host().to_owned(),
            site,
        };
        caller.sentence(call)
    }

    /// This rank, as it makes its present call.
    pub(crate) fn caller(&self) -> Caller {
        let mut site = String::new();
        if let Some(at) = self.site.get() {
            with_text(at, |text| text.clone_into(&mut site));
        }
        Caller {
            rank: self.topology.rank,
            host: self.world.transport.host().to_owned(),
            site,
        }
    }

    /// The error of a call that a rank will never make.
    pub(crate) fn gone(rank: usize, host: &str, why: &LeaveReason, call: Call) -> Error {
        match why {
            LeaveReason::Failed(message) => Error::RankFailed {
                rank,
                host: host.to_owned(),
                message: message.clone(),
            },
            LeaveReason::TaskFailed { task, message } => Error::TaskFailed {
                task: *task,
                rank,
                host: host.to_owned(),
                message: message.clone(),
            },
            LeaveReason::NextTask => Error::Diverged {
                what: format!(
                    "others called {}, but rank {rank} on {host} has ended its task and called `next_task`",
                    call.text()
                ),
            },
            LeaveReason::Dropped => Error::Diverged {
                what: format!(
                    "others called {}, but rank {rank} on {host} has let go of its last handle or left `run`",
                    call.text()
                ),
            },
        }
    }

    /// The error of a call that a mate will never make.
    pub(crate) fn gone_mate(&self, local_rank: usize, call: Call) -> Error {
        let why =
            postcard::from_bytes(&self.control().note(local_rank)).unwrap_or(LeaveReason::Dropped);
        Self::gone(
            self.topology.node_ranks[local_rank] as usize,
            self.world.transport.host(),
            &why,
            call,
        )
    }

    /// Tells everybody that this rank makes no further call. Local: it waits for nobody.
    fn leave(&self) {
        self.leave_because(
            thread_state::failure().map_or(LeaveReason::Dropped, |message| {
                LeaveReason::Failed(clip(&message, CONTRIBUTION_BYTES.saturating_sub(16)))
            }),
        );
    }

    fn leave_because(&self, why: LeaveReason) {
        if self.left.replace(true) || self.topology.size() == 1 {
            return;
        }
        let bytes = postcard::to_allocvec(&why).expect("plain data always encodes");
        let done = self.done.get();
        self.control().leave(self.topology.local_rank, done, &bytes);
        if self.is_multi_node() && self.topology.is_leader() && self.world.transport.is_open() {
            let gone = NodeMessage::Gone {
                done,
                rank: self.topology.rank,
                host: self.world.transport.host().to_owned(),
                why,
            };
            for node in self.parent.iter().chain(&self.children) {
                self.world.mailbox.send_unacknowledged(
                    self.topology.leader_address(*node),
                    self.id,
                    &gone,
                );
            }
        }
    }

    /// On the `Comm` of a worker: this rank has ended its task and joins no call until all have come to `next_task`. A
    /// failure with its reason ends the `Comm`.
    pub(crate) fn end_task(&self, failure: Option<(usize, &str)>) {
        let Some((task, reason)) = failure else {
            return self.leave_because(LeaveReason::NextTask);
        };
        let message = clip(reason, CONTRIBUTION_BYTES.saturating_sub(32));
        let error = Error::TaskFailed {
            task,
            rank: self.topology.rank,
            host: self.world.transport.host().to_owned(),
            message: message.clone(),
        };
        self.end.borrow_mut().get_or_insert(error);
        self.leave_because(LeaveReason::TaskFailed { task, message });
    }

    /// All ranks, who share a node, have called `end_task` and make no call: one of them lets all begin anew. `false` when
    /// the `Comm` has ended.
    pub(crate) fn rejoin_all(&self) -> bool {
        !self.has_ended() && self.control().rejoin()
    }

    /// Whether an error of an earlier call refuses every further one.
    pub(crate) fn has_ended(&self) -> bool {
        self.end.borrow().is_some()
    }

    /// After `rejoin_all` on one of the ranks.
    pub(crate) fn rejoined(&self) {
        self.left.set(false);
    }
}

impl Drop for RankState {
    fn drop(&mut self) {
        self.leave();
        self.world.mailbox.close(self.id);
    }
}

/// Leaves every `Comm` of this rank, also those whose handles were leaked: the rank returns from `run`.
pub(crate) fn leave_all() {
    for core in LIVE.with(Live::take) {
        core.leave();
    }
}
