//! Requests of one rank about one object, and the wait for their replies.

use crate::comm::rank_state::RankState;
use crate::comm::wait::limits::wait_limits;
use crate::comm::wait::reporter::WaitReporter;
use crate::comm::world::World;
use crate::error::{Error, Result};
use crate::transport::rpc::{HomeObject, encode_release, encode_request};
use std::cell::Cell;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Instant;

/// One rank's connection to an object of type `T` at the server of its home rank. Dropping it releases the object.
#[derive(Debug)]
pub(crate) struct HomeClient<T> {
    world: Rc<World>,
    /// The home rank, as a rank of the world.
    home: usize,
    /// The same as a rank of the `Comm`, and its host.
    home_in_comm: (usize, String),
    object: u64,
    /// Requests that this rank has sent.
    sent: Cell<u64>,
    object_type: PhantomData<fn(T)>,
}

impl<T: HomeObject> HomeClient<T> {
    /// `home` is a rank of the `Comm`, whose hosts are known.
    pub(super) fn new(core: &RankState, home: usize, object: u64) -> Self {
        HomeClient {
            world: core.group.world.clone(),
            home: core.group.topology.address(home),
            home_in_comm: (home, core.group.host_of(home).to_owned()),
            object,
            sent: Cell::new(0),
            object_type: PhantomData,
        }
    }

    /// Whether requests can be sent; `false` after MPI has ended.
    pub(crate) fn is_open(&self) -> bool {
        self.world.transport.is_open()
    }

    /// Sends a request. Returns its number, by which its reply is known.
    pub(crate) fn send(&self, request: &T::Request) -> u64 {
        let number = self.sent.get() + 1;
        self.sent.set(number);
        let message = encode_request(self.object, number, request);
        let has_reply = T::has_reply(request);
        self.world
            .transport
            .send_request(self.home, &message, has_reply);
        number
    }

    /// Waits for the reply to a request, and drives progress meanwhile. `keep_waiting` is called between two polls; `None` when it
    /// returns `false`.
    ///
    /// # Errors
    /// [`Error::HomeLeft`], in the name of `call`. The request may still be handled when the home rank ends MPI.
    pub(crate) fn wait_for_reply(
        &self,
        call: &str,
        number: u64,
        mut keep_waiting: impl FnMut() -> bool,
    ) -> Result<Option<T::Reply>> {
        let World {
            transport,
            mailbox,
            replies,
            ..
        } = &*self.world;
        let start = Instant::now();
        loop {
            if let Some(reply) = replies.take(&**transport, self.object, number) {
                return Ok(Some(reply));
            }
            if !keep_waiting() {
                return Ok(None);
            }
            // Most programs end MPI soon after the last handle, and then there is a reply. One that does not may itself wait for
            // this rank.
            if replies.has_left(self.home) && start.elapsed() >= wait_limits().report {
                let (rank, host) = self.home_in_comm.clone();
                return Err(Error::HomeLeft {
                    call: call.to_owned(),
                    rank,
                    host,
                });
            }
            mailbox.progress();
            std::thread::yield_now();
        }
    }

    /// Waits for the reply to a request as long as it takes, and reports long waits. The home rank is that of `object`, as in
    /// `the batch`.
    ///
    /// # Errors
    /// As for `wait_for_reply`.
    pub(crate) fn wait_with_reports(
        &self,
        core: &RankState,
        object: &str,
        call: &str,
        number: u64,
    ) -> Result<Option<T::Reply>> {
        let (group, home) = (&core.group, self.home);
        let mut reporter = WaitReporter::new(&group.world, None);
        self.wait_for_reply(call, number, || {
            if let Some(waited) = reporter.check_due(Instant::now()) {
                reporter.report_if_overdue(waited, |_| {
                    Some(format!(
                        "rank {} on {} has waited for {:.0} s in `{call}` for rank {home} of the world, the home rank of {object}, \
                         which does not reply",
                        group.topology.rank,
                        group.host(),
                        waited.as_secs_f64(),
                    ))
                });
            }
            true
        })
    }
}

impl<T> Drop for HomeClient<T> {
    fn drop(&mut self) {
        let transport = &self.world.transport;
        // After MPI has ended, no rank sends requests any more.
        if transport.is_open() {
            transport.send_request(self.home, &encode_release(self.object), false);
        }
    }
}
