//! A lock without what it protects: taking it and giving it back, wherever its words are.

use crate::comm::Comm;
use crate::comm::call::{Call, Kind};
use crate::comm::core::Core;
use crate::comm::hosting::Hosting;
use crate::comm::memory::Want;
use crate::comm::note::Note;
use crate::comm::same::SAME_BYTES;
use crate::error::{Error, Result};
use crate::layout::place::{PAGE, round_up};
use crate::live::Live;
use crate::lock::desk::{Poison, now};
use crate::lock::hosted::Hosted;
use crate::lock::queue::{Mode, Queue};
use crate::lock::remote::{self, Remote};
use crate::lock::wait::{Patience, Wait};
use crate::lock::{Engine, Fairness};
use crate::segment::Segment;
use crate::sync;
use std::cell::Cell;
use std::panic::Location;
use std::ptr::NonNull;
use std::rc::Rc;

/// One rank's part of a lock.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) comm: Comm,
    number: u64,
    side: Side,
    /// How this rank has the lock, if it does.
    held: Cell<Option<Mode>>,
}

/// Where the lock's words are.
#[derive(Debug)]
enum Side {
    /// In a segment that all ranks of the `Comm` share, placed for a lock of as many ranks; the value lies behind it.
    Node { segment: Segment, value: usize },
    /// In words of a rank that all others reach.
    Remote(Remote),
    /// At the desk of a rank of the world.
    Hosted { lock: Hosted, engine: Engine },
}

/// What a rank gets with the lock.
#[derive(Debug)]
pub(crate) struct Taken {
    /// The value where it travels with the lock.
    pub(crate) value: Option<Vec<u8>>,
    /// The rank that panicked while it had the lock.
    pub(crate) poisoned: Option<usize>,
}

/// A lock from outside, at one moment.
#[derive(Debug)]
pub(crate) struct Looks {
    /// Who has it for writing, and since when.
    pub(crate) holder: Option<(usize, u64)>,
    /// Whether this rank is the next.
    pub(crate) is_next: bool,
    pub(crate) waiting: usize,
}

/// What all ranks pass to make a lock.
pub(crate) struct Plan<'a> {
    pub(crate) root: usize,
    pub(crate) fairness: Fairness,
    /// The name of the kind of lock, and its value as all ranks pass it.
    pub(crate) kind: &'a str,
    pub(crate) value: &'a [u8],
    pub(crate) align: usize,
    /// Whether ranks may also share it, to read.
    pub(crate) has_readers: bool,
}

thread_local! {
    /// The locks of this rank that may still be alive, leaked ones included.
    static LIVE: Live<Raw> = const { Live::new() };
}

impl Raw {
    /// Collective over the `Comm`.
    pub(crate) fn new(
        comm: &Comm,
        plan: &Plan<'_>,
        site: &'static Location<'static>,
    ) -> Result<Rc<Self>> {
        let core = &comm.core;
        core.enter(Kind::Lock.name(), site)?;
        let call = Call::new(Kind::Lock).root(plan.root);
        core.check_root(call, plan.root)?;
        let number = core.next_object();
        let same = [
            plan.fairness.text().as_bytes(),
            plan.kind.as_bytes(),
            plan.value,
        ]
        .concat();
        let words = if core.is_multi_node() {
            Self::on_host(core, call, plan, &same, number)?
        } else {
            Self::agree_on(core, call, &same, None)?;
            Self::on_node(core, call, plan)?
        };
        let raw = Rc::new(Raw {
            comm: comm.clone(),
            number,
            side: words,
            held: Cell::new(None),
        });
        LIVE.with(|live| live.add(&raw));
        Ok(raw)
    }

    /// All ranks must pass the same; they get the largest of what they pass as `id`.
    fn agree_on(core: &Core, call: Call, same: &[u8], id: Option<u64>) -> Result<Option<u64>> {
        let is_short = same.len() <= SAME_BYTES;
        let note = Note {
            same: is_short.then(|| same.to_vec()),
            id,
            ..Note::default()
        };
        let notes = core.agree(call, note, |_| Vec::new())?.notes;
        if !is_short {
            core.compare(call, same)?;
        }
        Ok(notes.id)
    }

    fn on_host(core: &Core, call: Call, plan: &Plan<'_>, same: &[u8], number: u64) -> Result<Side> {
        let lock = (core.id << 32) | number;
        let is_host = core.topology.rank == plan.root;
        core.try_words(call.step(11))?;
        // Ready before anybody can ask for it.
        let mine = is_host.then(|| Self::host(core, plan, lock));
        let number = mine.and_then(Hosting::number);
        let agreed = Self::agree_on(core, call, same, number)
            .and_then(|id| core.learn_hosts(call.step(10)).map(|()| id));
        let hosting = Hosting::of(agreed.inspect_err(|_| match mine {
            Some(Hosting::OneSided { first }) => core.take_words_back(first),
            Some(_) => sync::lock(&core.post.desk).remove(lock),
            None => {}
        })?);
        if let Hosting::OneSided { first } = hosting {
            return Ok(Side::Remote(Remote::new(core, plan, first)));
        }
        Ok(Side::Hosted {
            lock: Hosted::new(core.topology.address(plan.root), lock),
            engine: hosting.engine(),
        })
    }

    /// Begins to host a lock, in the best way there is.
    fn host(core: &Core, plan: &Plan<'_>, lock: u64) -> Hosting {
        // The ring knows one order and no readers.
        if plan.fairness == Fairness::Fifo
            && !plan.has_readers
            && let Some(first) = remote::host(core, plan)
        {
            return Hosting::OneSided { first };
        }
        let users = core.topology.size();
        sync::lock(&core.post.desk).open(lock, users, plan.fairness, plan.value.to_vec());
        core.serve_desk()
    }

    fn on_node(core: &Core, call: Call, plan: &Plan<'_>) -> Result<Side> {
        let ranks = core.topology.mates.len();
        let too_large = || Error::TooLarge {
            what: "the value of the lock".to_owned(),
            extents: vec![plan.value.len()],
            size: 1,
        };
        debug_assert!(plan.align <= PAGE);
        let value =
            round_up(Segment::lock_bytes(ranks), plan.align.max(64)).ok_or_else(too_large)?;
        let want = Want {
            bytes: value.checked_add(plan.value.len()).ok_or_else(too_large)?,
            align: plan.align.max(64),
            ranks,
        };
        let segment = core
            .place(call.step(8), None, &[want], Some(0))?
            .expect("a segment was asked for");
        if core.topology.is_leader() {
            // SAFETY: the value lies behind the lock, inside the segment (`want`); the other ranks wait in the next meeting.
            let to = unsafe { segment.start().add(value) };
            // SAFETY: as above; the bytes are `plan.value.len()` on both sides.
            unsafe {
                to.copy_from_nonoverlapping(
                    NonNull::from(plan.value).cast::<u8>(),
                    plan.value.len(),
                );
            }
        }
        core.agree(call.step(9), Note::default(), |_| Vec::new())?;
        Ok(Side::Node { segment, value })
    }

    pub(crate) fn engine(&self) -> Engine {
        match &self.side {
            Side::Node { .. } => Engine::NodeAtomics,
            Side::Remote(_) => Engine::OneSided,
            Side::Hosted { engine, .. } => *engine,
        }
    }

    /// The value, where it lies in node memory. To be used by the rank that has the lock only.
    pub(crate) fn value(&self) -> Option<NonNull<u8>> {
        match &self.side {
            // SAFETY: inside the segment (`on_node`).
            Side::Node { segment, value } => Some(unsafe { segment.start().add(*value) }),
            Side::Remote(_) | Side::Hosted { .. } => None,
        }
    }

    /// Takes the lock if that needs no waiting, no message and no word to the caller. All that is rarer is for `take`.
    #[inline]
    pub(crate) fn take_free(&self, mode: Mode) -> bool {
        let Side::Node { segment, .. } = &self.side else {
            return false;
        };
        if self.held.get().is_some() || !self.comm.core.is_able() {
            return false;
        }
        let queue = self.queue(segment);
        if queue.poisoned().is_some() || !queue.try_take(mode) {
            return false;
        }
        self.note_taken(queue, mode);
        if queue.poisoned().is_some() {
            // Since the look above, which saved taking it in vain.
            self.give_back(None, None);
            return false;
        }
        true
    }

    /// Takes the lock; `None` when patience ends before.
    pub(crate) fn take(
        &self,
        name: &'static str,
        mode: Mode,
        patience: Patience,
        site: &'static Location<'static>,
    ) -> Result<Option<Taken>> {
        let core = &self.comm.core;
        if !core.is_able() {
            return Err(core.refusal(name));
        }
        if self.held.get().is_some() {
            return Err(Error::Held {
                call: name.to_owned(),
            });
        }
        let wait = Wait::new(self, name, patience, site);
        match &self.side {
            Side::Node { segment, .. } => {
                let queue = self.queue(segment);
                let taken = if patience == Patience::None {
                    queue.try_take(mode)
                } else {
                    queue.take_or_wait(mode) || self.wait_on_node(name, wait, queue)?
                };
                if !taken {
                    return Ok(None);
                }
                self.note_taken(queue, mode);
                Ok(Some(Taken {
                    value: None,
                    poisoned: queue.poisoned().map(|rank| rank as usize),
                }))
            }
            Side::Remote(lock) => Ok(self.taken(mode, lock.take(core, patience, wait))),
            Side::Hosted { lock, .. } => {
                Ok(self.taken(mode, lock.take(core, mode, patience, wait)))
            }
        }
    }

    /// Notes the outcome of waiting for a host.
    fn taken(&self, mode: Mode, taken: Option<(Vec<u8>, Option<usize>)>) -> Option<Taken> {
        self.held.set(taken.as_ref().map(|_| mode));
        let (value, poisoned) = taken?;
        Some(Taken {
            value: Some(value),
            poisoned: poisoned.and_then(|world| self.rank_of(world)),
        })
    }

    #[inline]
    fn note_taken(&self, queue: Queue<'_>, mode: Mode) {
        self.held.set(Some(mode));
        queue.note_taken(mode, coarse_now());
    }

    /// Waits in line, where this rank stands already.
    fn wait_on_node(&self, name: &str, mut wait: Wait<'_>, queue: Queue<'_>) -> Result<bool> {
        loop {
            if queue.is_granted() {
                return Ok(true);
            }
            if wait.is_over() {
                return Ok(!queue.give_up());
            }
            if let Some(time) = wait.pause() {
                queue.sleep(time);
            }
            if wait.is_time_to_look()
                && let Some(error) = self.look_for_gone(name, queue)
                && queue.give_up()
            {
                return Err(error);
            }
        }
    }

    /// A rank that has left `run` with the lock will not give it back.
    fn look_for_gone(&self, name: &str, queue: Queue<'_>) -> Option<Error> {
        let core = &self.comm.core;
        if core.topology.size() == 1 {
            return None;
        }
        let control = core.control();
        let slot = queue.holders().find(|&slot| control.progress(slot).1)?;
        Some(Error::Abandoned {
            call: name.to_owned(),
            rank: core.topology.mates[slot] as usize,
            host: self.comm.host().to_owned(),
        })
    }

    /// Gives the lock back. `value` is what a writer leaves, where the value travels.
    #[inline]
    pub(crate) fn give_back(&self, value: Option<Vec<u8>>, poison: Option<Poison>) {
        let Some(mode) = self.held.take() else {
            return;
        };
        let core = &self.comm.core;
        match &self.side {
            Side::Node { segment, .. } => {
                let queue = self.queue(segment);
                if let Some(poison) = poison {
                    let me = core.topology.rank as u32;
                    queue.set_poisoned((poison == Poison::Panicked).then_some(me));
                }
                queue.note_given_back();
                queue.give_back(mode);
            }
            Side::Remote(lock) => lock.give_back(core, value.as_deref(), poison),
            Side::Hosted { lock, .. } => lock.give_back(core, value, poison),
        }
    }

    /// What can be known from outside; `None` when patience ends before the host has answered.
    pub(crate) fn look(&self, patience: Patience) -> Option<Looks> {
        let core = &self.comm.core;
        match &self.side {
            Side::Node { segment, .. } => {
                let queue = self.queue(segment);
                let rank =
                    |(slot, since): (usize, u64)| (core.topology.mates[slot] as usize, since);
                Some(Looks {
                    holder: queue.holder().map(rank),
                    is_next: queue.is_first(),
                    waiting: queue.waiting(),
                })
            }
            Side::Remote(lock) => lock.look(core, |world| self.rank_of(world)),
            Side::Hosted { lock, .. } => {
                let wait = Wait::new(self, "holder", patience, Location::caller());
                lock.look(core, wait, |world| self.rank_of(world))
            }
        }
    }

    /// The rank in the `Comm` of a rank of the world.
    fn rank_of(&self, world: usize) -> Option<usize> {
        let ranks = &self.comm.core.topology.world;
        ranks.iter().position(|&rank| rank as usize == world)
    }

    /// `lock 3`, for reports.
    pub(crate) fn name(&self) -> String {
        format!("lock {}", self.number)
    }

    #[inline]
    fn queue<'a>(&self, segment: &'a Segment) -> Queue<'a> {
        let topology = &self.comm.core.topology;
        // SAFETY: placed for a lock of as many ranks as the Comm has, all on this node, and zeroed (`on_node`).
        unsafe { segment.lock(topology.mates.len(), topology.slot) }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // After a guard was leaked. Nothing that it lent can be in use, or the handle could not be dropped.
        self.give_back(None, None);
        let core = &self.comm.core;
        match &self.side {
            Side::Node { .. } => {}
            Side::Remote(lock) => lock.close(core),
            Side::Hosted { lock, .. } => lock.close(core),
        }
    }
}

/// The rank returns from `run`: hosted locks that it has, because guards were leaked, go to the next as poisoned. Locks on a
/// node stay taken, because what a leaked guard has lent may still be in use; those who wait see that the rank has gone.
pub(crate) fn leave_all() {
    for raw in LIVE.with(Live::take) {
        if !matches!(raw.side, Side::Node { .. }) && raw.held.get().is_some() {
            raw.give_back(None, Some(Poison::Panicked));
        }
    }
}

/// The time for reports. The coarse clock takes a few nanoseconds, which is what an uncontended lock has to spare.
#[inline]
fn coarse_now() -> u64 {
    #[cfg(all(target_os = "linux", not(miri)))]
    {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: room for one timespec; the clock exists on every Linux.
        if unsafe { libc::clock_gettime(libc::CLOCK_REALTIME_COARSE, &raw mut time) } == 0 {
            return time.tv_sec.cast_unsigned() * 1000 + time.tv_nsec.cast_unsigned() / 1_000_000;
        }
    }
    now()
}
