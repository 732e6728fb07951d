//! Beginning an attempt at a task, or taking one over from a process that is silent or dead.

use crate::batch::store::heartbeat::{Heartbeat, KeepAlive, Liveness, Owner, liveness};
use crate::batch::store::lease::attempt::{self, AttemptLink};
use crate::batch::store::lease::commit::Lease;
use crate::batch::store::lease::{BeginOutcome, RerunPolicy};
use crate::batch::store::link_template::LinkTemplate;
use crate::batch::store::options::StoreOptions;
use crate::batch::store::{files, state_file};
use crate::batch::task_state::TaskState;
use crate::error::{Error, Result};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

/// Takes leases on tasks for one rank.
#[derive(Debug)]
pub(in crate::batch::store) struct Leases<'a> {
    pub(in crate::batch::store) root: &'a Path,
    pub(in crate::batch::store) options: &'a StoreOptions,
    pub(in crate::batch::store) heartbeat: &'a Arc<Heartbeat>,
    pub(in crate::batch::store) link_template: &'a LinkTemplate,
}

impl Leases<'_> {
    /// Tries to begin the task in `dir`.
    pub(in crate::batch::store) fn begin(
        &self,
        dir: &Path,
        rerun: RerunPolicy,
    ) -> Result<BeginOutcome> {
        let mut state = self.state(dir)?;
        // Most open tasks were never begun: their first attempt is made without a search for earlier ones.
        let mut known = 0;
        let mut is_new = state == TaskState::Open;
        loop {
            if !rerun.allows(state) {
                return Ok(BeginOutcome::NotOpen(state));
            }
            if !is_new {
                let last =
                    attempt::last(dir, known).map_err(self.failed("reading the attempts", dir))?;
                if let Some(last) = last {
                    if let Some(owner) = self.end(dir, &last)? {
                        return Ok(BeginOutcome::OwnedBy(owner));
                    }
                    known = last.number;
                }
                // The attempt has ended, so nobody changes the state until the next one begins.
                state = self.state(dir)?;
                if !rerun.allows(state) {
                    continue;
                }
            }
            if let Some(lease) = self.claim(dir, known + 1)? {
                return Ok(BeginOutcome::Leased(lease));
            }
            // Somebody else has made that attempt.
            known += 1;
            is_new = false;
        }
    }

    /// Ends an attempt unless its owner is alive. Returns the owner if it is.
    fn end(&self, dir: &Path, attempt: &AttemptLink) -> Result<Option<Owner>> {
        if attempt.lasts(dir) {
            let now = self.heartbeat.now()?;
            let found = liveness(self.root, attempt.heartbeat(), now)
                .map_err(self.failed("reading heartbeats", self.root))?;
            if let Liveness::Alive(owner) = found {
                return Ok(Some(owner));
            }
        }
        for path in [attempt.running(dir), attempt.end(dir)] {
            files::remove(&path).map_err(self.failed("removal", &path))?;
        }
        Ok(None)
    }

    /// Makes attempt `number`. `None` when another process has made it first.
    pub(in crate::batch::store) fn claim(&self, dir: &Path, number: u32) -> Result<Option<Lease>> {
        let kept = KeepAlive::new(self.heartbeat)?;
        let key = self.heartbeat.fresh_key();
        let (running, end) = (attempt::running(dir, &key), attempt::end(dir, &key));
        self.link_template
            .put(&running)
            .map_err(self.failed("writing", &running))?;
        let file = match files::create(&end, state_file::content(TaskState::Done)) {
            Ok(file) => file,
            Err(error) => {
                // A failure of this removal is not reported: the first error is.
                let _ = files::remove(&running);
                return Err(self.failed("writing", &end)(error));
            }
        };
        // From here on, dropping the lease removes the file.
        let mut lease = Lease::new(dir, number, end, file, kept);
        let link = attempt::link(dir, number);
        let outcome = self
            .make_link(&link, &key)
            .and_then(|is_own| Ok(is_own && lease.announce(&running)?));
        if let Ok(true) = outcome {
            return Ok(Some(lease));
        }
        files::remove(&running).map_err(self.failed("removal", &running))?;
        lease.give_up()?;
        outcome
            .map(|_| None)
            .map_err(self.failed("creation", &link))
    }

    /// The lease on attempt `number`, which another process of the same worker has begun, to record its end. `None` when the
    /// attempt has ended.
    pub(in crate::batch::store) fn adopt(&self, dir: &Path, number: u32) -> Result<Option<Lease>> {
        let link = attempt::link(dir, number);
        let text = std::fs::read_link(&link).map_err(self.failed("reading", &link))?;
        let end = AttemptLink::parse(number, &text.to_string_lossy()).end(dir);
        let Some(file) = files::identity(&end).map_err(self.failed("reading", &end))? else {
            return Ok(None);
        };
        let kept = KeepAlive::new(self.heartbeat)?;
        Ok(Some(Lease::new(dir, number, end, file, kept)))
    }

    /// Makes the link of an attempt. `false` when it belongs to another process.
    fn make_link(&self, link: &Path, key: &str) -> io::Result<bool> {
        let text = AttemptLink::text(&self.options.host, key);
        match files::link(&text, link) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                // Ours if the call was repeated because the reply to the first one was lost.
                Ok(std::fs::read_link(link).is_ok_and(|found| found.as_os_str() == text.as_str()))
            }
            Err(error) => Err(error),
        }
    }

    fn state(&self, dir: &Path) -> Result<TaskState> {
        let found = state_file::read(dir).map_err(self.failed("reading the state", dir))?;
        Ok(found.state())
    }

    fn failed<'b>(&'b self, call: &'b str, path: &'b Path) -> impl FnOnce(io::Error) -> Error + 'b {
        files::failed(self.options, call, path)
    }
}
