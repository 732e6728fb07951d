//! Synchronization state of one rank in one `Comm`: its control block, the calls it has completed, and how its part ends.

use crate::comm::check::Level;
use crate::comm::group::Group;
use crate::comm::obligations::CallCount;
use crate::comm::protocol::call::Call;
use crate::comm::protocol::control::{Conflict, Control};
use crate::comm::protocol::control_block::{CONTRIBUTION_BYTES, LANES, SITE_BYTES};
use crate::comm::protocol::message::{Caller, LeaveReason, NodeMessage};
use crate::comm::thread_state::{self, CallScope};
use crate::error::{Error, Result, clip, clip_start};
use crate::memory::Segment;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::Location;
use std::rc::Rc;

/// Bytes of an error that a rank passes to others as the reason why it leaves.
const LEAVE_BYTES: usize = CONTRIBUTION_BYTES.saturating_sub(8);

/// How one rank takes part in the calls of a `Comm`.
#[derive(Debug)]
pub(crate) struct RankSync {
    pub(crate) group: Rc<Group>,
    /// Holds the control block for the ranks of this node.
    control: Rc<Segment>,
    /// Calls that this rank has completed.
    done: Cell<u64>,
    /// What others learn that ask whether they wait for this rank.
    calls: Rc<CallCount>,
    /// Turns that this rank has finished in them, in each lane; see `comm::turns`.
    pub(super) turns: [Cell<u64>; LANES],
    /// The error that every further call returns.
    end: RefCell<Option<Error>>,
    /// Whether this rank has published that it makes no further call.
    has_left: Cell<bool>,
    /// Source line of the last call.
    site: Cell<Option<&'static Location<'static>>>,
}

impl RankSync {
    /// # Safety
    /// As for [`Control::in_segment`], for as many ranks as this node has.
    pub(crate) unsafe fn new(group: Rc<Group>, control: Rc<Segment>) -> Self {
        RankSync {
            calls: group.world.obligations.add_comm(group.id),
            group,
            control,
            done: Cell::new(0),
            turns: Default::default(),
            end: RefCell::default(),
            has_left: Cell::new(false),
            site: Cell::new(None),
        }
    }

    /// The control block of this node.
    #[inline]
    pub(crate) fn control(&self) -> Control<'_> {
        // SAFETY: duty of `new`, kept by the private field.
        unsafe { Control::in_segment(&self.control, self.group.topology.node_ranks.len()) }
    }

    /// The number of calls that this rank has completed. Inside a call after its first round, that is the number of that round.
    pub(crate) fn done(&self) -> u64 {
        self.done.get()
    }

    /// Notes that this rank has arrived at call `n`.
    #[inline]
    pub(crate) fn count_arrival(&self, n: u64) {
        self.calls.set_arrived(n);
        self.group.world.wait_table.count_arrival();
    }

    /// Whether what `level` asks for is checked.
    pub(crate) fn checks(&self, level: Level) -> bool {
        self.group.world.level.get() >= level
    }

    /// Whether a call may begin: not inside a closure, not on a `Comm` that has ended, not after the end of the transport.
    #[inline]
    pub(crate) fn is_able(&self) -> bool {
        let is_able = !thread_state::is_inside()
            && self.end.borrow().is_none()
            && self.group.world.transport.is_open();
        is_able || self.group.topology.size() == 1
    }

    /// Whether calls that are not collective can be made: the `Comm` has not ended, and the transport neither. They may also be
    /// made inside closures.
    pub(crate) fn check_alive(&self, name: &str) -> Result<()> {
        if self.group.topology.size() == 1 {
            return Ok(());
        }
        if let Some(end) = &*self.end.borrow() {
            return Err(end.clone());
        }
        if self.group.world.transport.is_open() {
            return Ok(());
        }
        Err(Error::MpiFinalized {
            call: name.to_owned(),
        })
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

    /// Begins a collective call that was made at `site`, if it may begin. The call lasts as long as the returned scope.
    pub(crate) fn enter(&self, name: &str, site: &'static Location<'static>) -> Result<CallScope> {
        if !self.is_able() {
            return Err(self.refusal(name));
        }
        let topology = &self.group.topology;
        let is_same = || self.site.get().is_some_and(|last| std::ptr::eq(last, site));
        if topology.size() > 1 && self.checks(Level::Reports) && !is_same() {
            self.site.set(Some(site));
            with_text(site, |text| {
                self.control().set_site(topology.local_rank, text);
            });
        }
        Ok(CallScope::new())
    }

    /// Ends call `n` on this rank. After a fatal error, every further call returns it.
    pub(crate) fn complete<R>(&self, n: u64, result: Result<R>) -> Result<R> {
        self.done.set(n);
        if let Err(error) = &result
            && error.is_fatal()
        {
            self.calls.set_over(true);
            self.end.replace(Some(error.clone()));
        }
        result
    }

    /// Whether every further call returns an error.
    pub(crate) fn has_ended(&self) -> bool {
        self.end.borrow().is_some()
    }

    /// This rank, as it makes its current call.
    pub(crate) fn caller(&self) -> Caller {
        let mut site = String::new();
        if let Some(at) = self.site.get() {
            with_text(at, |text| text.clone_into(&mut site));
        }
        Caller {
            rank: self.group.topology.rank,
            host: self.group.host().to_owned(),
            site,
        }
    }

    /// A rank of this node, as it has made its last call.
    fn caller_on_node(&self, local_rank: usize) -> Caller {
        Caller {
            rank: self.group.topology.node_ranks[local_rank] as usize,
            host: self.group.host().to_owned(),
            site: self.control().site(local_rank),
        }
    }

    /// The last call of a rank of this node, if it has made one.
    fn last_call(&self, local_rank: usize) -> Option<Call> {
        let (done, _) = self.control().arrival(local_rank);
        (done > 0).then(|| self.control().call(local_rank))
    }

    /// The last call of a rank of this node, as a sentence.
    pub(crate) fn describe(&self, local_rank: usize) -> String {
        let call = self.group.call_text(self.control().call(local_rank));
        self.caller_on_node(local_rank).sentence(&call)
    }

    /// The last call of a rank of this node with its source line.
    pub(crate) fn last_call_text(&self, local_rank: usize) -> Option<String> {
        let call = self.group.call_text(self.last_call(local_rank)?);
        Some(self.caller_on_node(local_rank).with_site(&call))
    }

    /// A call with its source line on this rank.
    pub(crate) fn call_text(&self, call: Call) -> String {
        let text = self.group.call_text(call);
        match self.site.get() {
            Some(site) => format!("{text} at {site}"),
            None => text,
        }
    }

    /// The error of a call that cannot be completed because of a rank of this node.
    pub(crate) fn conflict(&self, conflict: Conflict, call: Call) -> Error {
        match conflict {
            Conflict::Left(local_rank) => {
                let reason = self.control().contribution(local_rank);
                let reason = postcard::from_bytes(&reason).unwrap_or(LeaveReason::Dropped);
                let (caller, last) = (self.caller_on_node(local_rank), self.last_call(local_rank));
                self.missing_rank(&caller, last, reason, call)
            }
            Conflict::Differs(other) => {
                let mine = self.group.topology.local_rank;
                let (first, second) = (mine.min(other), mine.max(other));
                Error::Diverged {
                    what: format!("{}; {}", self.describe(first), self.describe(second)),
                }
            }
        }
    }

    /// The error of a call that a rank will never make, after its last one.
    pub(crate) fn missing_rank(
        &self,
        missing: &Caller,
        last: Option<Call>,
        reason: LeaveReason,
        call: Call,
    ) -> Error {
        let what = match reason {
            LeaveReason::Failed(message) => {
                return Error::RankFailed {
                    rank: missing.rank,
                    host: missing.host.clone(),
                    message,
                };
            }
            LeaveReason::Ended(error) => return error,
            LeaveReason::Suspended(what) => what,
            LeaveReason::Dropped => "has dropped its last handle or returned from `run`".to_owned(),
        };
        let last = match last {
            Some(last) => missing.with_site(&self.group.call_text(last)),
            None => "none".to_owned(),
        };
        let caller = self.caller();
        let awaited = caller.with_site(&self.group.call_text(call));
        let is_leader = self.group.topology.leaders.contains(&(missing.rank as u32));
        let waiting = if self.group.is_multi_node() && is_leader {
            // The leaders of several nodes find it, each by itself, and all ranks get the same error: it names none of them. They
            // wait on one source line, unless the program makes the call from several.
            format!("others wait in {awaited}")
        } else {
            format!("{} waits in {awaited}", caller.name())
        };
        let missing = missing.name();
        Error::Diverged {
            what: format!("{waiting}, but {missing} {what}; its last call on this Comm: {last}"),
        }
    }

    /// Tells the other ranks that this one makes no further call: its last handle was dropped, or the rank ends. Waits for
    /// nobody.
    pub(crate) fn leave(&self) {
        self.leave_because(
            thread_state::failure().map_or(LeaveReason::Dropped, |message| {
                LeaveReason::Failed(clip(&message, LEAVE_BYTES.saturating_sub(8)))
            }),
        );
    }

    /// This rank makes no call until it resumes. `what` it has done is told to ranks that call meanwhile, as in "rank 1 has
    /// returned". Waits for nobody.
    pub(crate) fn suspend(&self, what: &str) {
        self.leave_because(LeaveReason::Suspended(what.to_owned()));
    }

    /// Undoes `suspend` on behalf of all ranks of a `Comm` of one node. Each of them has suspended it, and makes no call before
    /// it has called `resume`. `false` when the `Comm` has ended instead.
    pub(crate) fn resume_all(&self) -> bool {
        !self.has_ended() && self.control().rejoin()
    }

    /// This rank makes calls again, after `resume_all` on one of the ranks.
    pub(crate) fn resume(&self) {
        self.calls.set_over(false);
        self.has_left.set(false);
    }

    /// Ends the `Comm` with an error that every further call returns, on all ranks. Waits for nobody.
    pub(crate) fn end(&self, error: Error) {
        let error = error.fitted(LEAVE_BYTES);
        self.end.borrow_mut().get_or_insert(error.clone());
        self.leave_because(LeaveReason::Ended(error));
    }

    fn leave_because(&self, reason: LeaveReason) {
        let (group, topology) = (&self.group, &self.group.topology);
        self.calls.set_over(true);
        if self.has_left.replace(true) || topology.size() == 1 {
            return;
        }
        let bytes = postcard::to_allocvec(&reason).expect("plain data always encodes");
        debug_assert!(cfg!(loom) || bytes.len() <= CONTRIBUTION_BYTES);
        let done = self.done.get();
        self.control().leave(topology.local_rank, done, &bytes);
        if group.is_multi_node() && topology.is_leader() && group.world.transport.is_open() {
            let left = NodeMessage::Left {
                done,
                // From node memory: this may run when the thread's own data are gone.
                caller: self.caller_on_node(topology.local_rank),
                last: self.last_call(topology.local_rank),
                reason,
            };
            let neighbours = group.parent.iter().chain(&group.children);
            for &node in neighbours.chain(&group.other_root) {
                let leader = topology.leader_address(node);
                let mailbox = &group.world.mailbox;
                mailbox.send_unacknowledged(leader, group.id, &left);
            }
        }
    }
}

/// A source line as text, of a long path the end. A program calls from few lines, and formatting one takes as long as a whole call, so texts are kept.
fn with_text(site: &'static Location<'static>, use_text: impl FnOnce(&str)) {
    thread_local! {
        static TEXTS: RefCell<HashMap<*const Location<'static>, String>> = RefCell::default();
    }
    TEXTS.with_borrow_mut(|texts| {
        let text = texts
            .entry(std::ptr::from_ref(site))
            .or_insert_with(|| clip_start(&site.to_string(), SITE_BYTES - "…".len()));
        use_text(text);
    });
}
