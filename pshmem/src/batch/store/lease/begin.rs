//! Beginning an attempt at a task, or taking one over from a process that is silent or dead.

use crate::batch::store::folder::{Folder, Read};
use crate::batch::store::heartbeat::{Heartbeat, KeepAlive, Liveness, Observer, Owner};
use crate::batch::store::lease::attempt::{self, AttemptLink};
use crate::batch::store::lease::commit::Lease;
use crate::batch::store::lease::{Admission, BeginOutcome};
use crate::batch::store::link_template::LinkTemplate;
use crate::batch::store::options::StoreOptions;
use crate::batch::store::state_file::{self, Recorded, StateFile};
use crate::batch::task_state::TaskState;
use crate::error::Result;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

/// After so many attempts at a task the links of earlier ones are removed.
const KEPT_LINKS: u32 = 16;

/// Takes leases on tasks for one rank.
#[derive(Debug)]
pub(in crate::batch::store) struct Leases<'a> {
    pub(in crate::batch::store) root: &'a Folder,
    /// The folder of this library's own files.
    pub(in crate::batch::store) own: &'a Folder,
    pub(in crate::batch::store) options: &'a Rc<StoreOptions>,
    pub(in crate::batch::store) heartbeat: &'a Arc<Heartbeat>,
    pub(in crate::batch::store) link_template: &'a LinkTemplate,
    pub(in crate::batch::store) observer: &'a Observer,
}

/// What became of the try to make an attempt.
#[derive(Debug)]
pub(in crate::batch::store) enum Claimed {
    /// It is ours.
    Leased(Box<Lease>),
    /// Another process has made it first.
    Lost,
    /// The task is in a state in which it is not to be begun.
    NotOpen(TaskState),
    /// The number had been used before, and its link been removed. The first number in use is this.
    Outdated(u32),
}

impl Leases<'_> {
    /// Tries to begin the task with that name. `seems_new` if it was OPEN and had never been begun when somebody looked last.
    /// Attempts that it takes over are appended to `lost`, whatever becomes of the task.
    pub(in crate::batch::store) fn begin(
        &self,
        name: &str,
        admission: &Admission,
        seems_new: bool,
        lost: &mut Vec<AttemptLink>,
    ) -> Result<BeginOutcome> {
        self.heartbeat.remove_given_up();
        let path = self.root.join(name);
        let folder = self.root.open_folder(name);
        let folder = Rc::new(folder.map_err(self.options.failed("opening", &path))?);
        let open = Recorded::new(TaskState::Open);
        let mut recorded = if seems_new {
            open
        } else {
            self.recorded(&folder)?
        };
        // Most open tasks were never begun: their first attempt is made without a search for earlier ones.
        let mut is_new = recorded == open;
        let mut known = 0;
        loop {
            let Some(mut failures) = admission.failures_before(recorded) else {
                return Ok(BeginOutcome::NotOpen(recorded.state));
            };
            if !is_new {
                let found = attempt::last(&folder, known);
                if let Some(last) =
                    found.map_err(self.options.failed("reading the attempts", &path))?
                {
                    known = last.number;
                    match self.end(&folder, &last)? {
                        Ended::Lasts(owner) => return Ok(BeginOutcome::OwnedBy(owner)),
                        Ended::Before => {}
                        Ended::Now => lost.push(last.clone()),
                    }
                    if recorded.state == TaskState::Running {
                        failures = last.failures;
                    }
                }
                // The attempt has ended, so nobody changes the state until the next one begins.
                recorded = self.recorded(&folder)?;
                match admission.failures_before(recorded) {
                    None => continue,
                    // The link tells the owner of the attempt before whether its failure was recorded.
                    Some(counted) if recorded.state != TaskState::Running => failures = counted,
                    Some(_) => {}
                }
            }
            match self.claim(&folder, known + 1, failures, admission)? {
                Claimed::Leased(lease) => return Ok(BeginOutcome::Leased(*lease)),
                Claimed::NotOpen(state) => return Ok(BeginOutcome::NotOpen(state)),
                // Somebody else has made that attempt.
                Claimed::Lost => known += 1,
                Claimed::Outdated(first) => known = known.max(first - 1),
            }
            is_new = false;
            recorded = self.recorded(&folder)?;
        }
    }

    /// Ends an attempt unless its owner is alive.
    fn end(&self, folder: &Folder, attempt: &AttemptLink) -> Result<Ended> {
        let failed = |error| self.options.failed("reading", folder.path())(error);
        let lasts = attempt.lasts(folder).map_err(failed)?;
        if lasts {
            let found = self.observer.liveness(self.own, attempt.heartbeat());
            let found =
                found.map_err(self.options.failed("reading heartbeats", self.own.path()))?;
            if let Liveness::Alive(owner) = found {
                return Ok(Ended::Lasts(owner));
            }
        }
        // Also of one that has ended: what its owner has not done yet must fail.
        let key = &attempt.key;
        let names = [
            attempt::running(key),
            attempt::first(key),
            attempt::end(key),
        ];
        let names = names.iter().filter(|_| !key.is_empty());
        for name in names {
            let removed = folder.remove(name);
            removed.map_err(self.options.failed("removal", folder.join(name)))?;
        }
        Ok(if lasts { Ended::Now } else { Ended::Before })
    }

    /// Makes attempt `number`.
    pub(in crate::batch::store) fn claim(
        &self,
        folder: &Rc<Folder>,
        number: u32,
        failures: u32,
        admission: &Admission,
    ) -> Result<Claimed> {
        let kept = KeepAlive::new(self.heartbeat)?;
        let key = self.heartbeat.fresh_key();
        let (running, end) = (attempt::running(&key), attempt::end(&key));
        let put = self.link_template.put(self.own, folder, &running);
        put.map_err(self.options.failed("writing", folder.join(&running)))?;
        let done = Recorded {
            rerun: admission.request,
            ..Recorded::new(TaskState::Done)
        };
        let file = folder.create(&end, &done.text()).map_err(|error| {
            // A failure of this removal is not reported: the first error is.
            let _ = folder.remove(&running);
            self.options.failed("writing", folder.join(&end))(error)
        })?;
        // From here on, dropping the lease removes the file.
        let mut lease = Lease::new(folder, key, file, self.options, self.heartbeat);
        (lease.number, lease.failures) = (number, failures);
        lease.request = admission.request;
        lease.kept = Some(kept);
        let made = self.make(&mut lease, admission);
        if let Ok(None) = made {
            return Ok(Claimed::Leased(Box::new(lease)));
        }
        let removed = folder.remove(&running);
        lease.give_up()?;
        removed.map_err(self.options.failed("removal", folder.join(&running)))?;
        let link = folder.join(&attempt::link(number));
        let why_not = made.map_err(self.options.failed("creation", link))?;
        Ok(why_not.unwrap_or(Claimed::Lost))
    }

    /// Makes the link of an attempt and announces it. `None` when the attempt is ours and has begun.
    fn make(&self, lease: &mut Lease, admission: &Admission) -> io::Result<Option<Claimed>> {
        let folder = Rc::clone(&lease.folder);
        let text = AttemptLink::text(&self.options.host, lease.failures, &lease.key);
        if !folder.link(&attempt::link(lease.number), &text)? {
            return Ok(Some(Claimed::Lost));
        }
        // Only now is it certain that the attempt before has ended, and only what is read now is its end: what was read before
        // may have come from a cache.
        let found = state_file::read(&folder, Read::AfterOwnChange)?;
        let Some(failures) = admission.failures_before(found.recorded()) else {
            return Ok(Some(Claimed::NotOpen(found.state())));
        };
        if found.state() != TaskState::Running {
            lease.failures = failures;
        }
        // Where there is no state, no attempt has ever begun, and no link been removed.
        if found != StateFile::Missing {
            let first = attempt::first_number(&folder, Read::AfterOwnChange)?;
            if lease.number < first {
                folder.remove(&attempt::link(lease.number))?;
                return Ok(Some(Claimed::Outdated(first)));
            }
        }
        if !lease.announce()? {
            return Ok(Some(Claimed::Lost));
        }
        if lease.number.is_multiple_of(KEPT_LINKS) {
            // If this fails, the links stay until later.
            let _ = attempt::prune(&folder, lease.number, &lease.key);
        }
        Ok(None)
    }

    /// The right to record the end of attempt `number`, which another process of the same worker has begun. `None` when the
    /// attempt has ended.
    pub(in crate::batch::store) fn adopt(
        &self,
        name: &str,
        number: u32,
        request: u32,
    ) -> Result<Option<Lease>> {
        let path = self.root.join(name);
        let failed = |error| self.options.failed("reading", &path)(error);
        let folder = Rc::new(self.root.open_folder(name).map_err(failed)?);
        folder.set_patience(self.options.patience_with_results);
        let text = folder.read_link(&attempt::link(number), Read::SavesWork);
        let Some(text) = text.map_err(failed)? else {
            return Ok(None);
        };
        let attempt = AttemptLink::parse(number, &text);
        let file = folder
            .identity(&attempt::end(&attempt.key))
            .map_err(failed)?;
        // Its owner keeps it alive until all ranks have ended the task: nothing is made here, for which there might be no room.
        Ok(file.map(|file| {
            let mut lease = Lease::new(&folder, attempt.key, file, self.options, self.heartbeat);
            (lease.number, lease.failures) = (number, attempt.failures);
            lease.request = request;
            lease
        }))
    }

    fn recorded(&self, folder: &Folder) -> Result<Recorded> {
        let found = state_file::read(folder, Read::SavesWork);
        let found = found.map_err(self.options.failed("reading the state", folder.path()))?;
        Ok(found.recorded())
    }
}

/// Whether an attempt has ended.
#[derive(Debug)]
enum Ended {
    /// Not: this live process owns it.
    Lasts(Owner),
    /// It had ended.
    Before,
    /// It has been taken over.
    Now,
}
