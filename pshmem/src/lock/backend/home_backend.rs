//! The lock of ranks on several nodes at the server of a home rank: requests about a [`HomeLock`].

use crate::comm::rank_state::RankState;
use crate::error::Result;
use crate::home::engine::Engine;
use crate::home::home_client::HomeClient;
use crate::lock::backend::home_lock::{HomeLock, LockReply, LockRequest};
use crate::lock::backend::{Acquired, LockBackend, LockStatus, Mode, Poison, rank_of};
use crate::lock::lock_wait::{Deadline, LockWait};
use std::rc::Rc;

/// One rank's part of it.
#[derive(Debug)]
pub(crate) struct HomeBackend {
    core: Rc<RankState>,
    client: HomeClient<HomeLock>,
    engine: Engine,
}

impl HomeBackend {
    pub(super) fn new(core: &Rc<RankState>, client: HomeClient<HomeLock>, engine: Engine) -> Self {
        HomeBackend {
            core: core.clone(),
            client,
            engine,
        }
    }
}

impl LockBackend for HomeBackend {
    fn engine(&self) -> Engine {
        self.engine
    }

    fn acquire(&self, mode: Mode, mut wait: LockWait<'_>) -> Result<Option<Acquired>> {
        let may_wait = wait.call.deadline != Deadline::Now;
        let number = self.client.send(&LockRequest::Acquire {
            mode,
            wait: may_wait,
        });
        let mut is_cancelled = false;
        let name = wait.call.name;
        let reply = self.client.wait_for_reply(name, number, || {
            if may_wait && !is_cancelled && wait.is_over() {
                // The request above gets its reply by this one, unless it has been granted before.
                is_cancelled = true;
                self.client.send(&LockRequest::Cancel);
            }
            wait.check();
            true
        });
        let reply = reply.inspect_err(|_| {
            // The request above is still on its way. Whether the lock is granted before it is withdrawn or not, this rank does not
            // have it then.
            self.client.send(&LockRequest::Cancel);
            self.client.send(&LockRequest::Release {
                value: None,
                poison: None,
            });
        })?;
        Ok(match reply {
            Some(LockReply::Granted { value, poisoned }) => Some(Acquired {
                value: Some(value),
                poisoned: poisoned.and_then(|world| rank_of(&self.core, world)),
            }),
            _ => None,
        })
    }

    fn release(&self, _: Mode, value: Option<Vec<u8>>, poison: Option<Poison>) {
        if self.client.is_open() {
            self.client.send(&LockRequest::Release { value, poison });
        }
    }

    fn status(&self, deadline: Deadline) -> Option<LockStatus> {
        let number = self.client.send(&LockRequest::Status);
        let reply = self
            .client
            .wait_for_reply("status", number, || !deadline.is_over())
            .ok()??;
        let LockReply::Status {
            holder,
            reader,
            next,
            is_queued,
            waiting,
        } = reply
        else {
            return None;
        };
        Some(LockStatus {
            holder: holder.and_then(|(world, since)| Some((rank_of(&self.core, world)?, since))),
            reader: reader.and_then(|world| rank_of(&self.core, world)),
            is_queued,
            is_next: next == Some(self.core.group.world.transport.rank()),
            waiting,
        })
    }
}
