//! How a rank waits: it spins for a short time, then drives progress and yields, and checks now and then for problems.
//!
//! - `monitor` checks and reports of a wait in a collective call · `reporter` what it has in common with other long waits
//! - `deadlock` searches for deadlocks over several nodes
//! - `limits` the environment variables that limit how long a wait may take

mod deadlock;
pub(crate) mod limits;
mod monitor;
pub(crate) mod reporter;

use crate::comm::protocol::call::Call;
use crate::comm::protocol::control::Pause;
use crate::comm::protocol::message::NodeMessage;
use crate::comm::rank_sync::RankSync;
use crate::comm::world::World;
use monitor::WaitMonitor;
use std::time::Instant;

/// Polls before a rank gives its core away. A cache line moves between cores in about 50 ns.
const SPINS: u32 = 200;
/// The same if more ranks than cores share the machine: the rank that is waited for may need this very core.
const SPINS_CROWDED: u32 = 4;
/// Yields between two reads of the clock.
const YIELDS_PER_CLOCK: u32 = 16;

/// One rank's wait for one event of a call.
pub(crate) struct Wait<'a> {
    world: &'a World,
    /// The `Comm` of the call.
    comm: u64,
    spins: u32,
    yields: u32,
    monitor: WaitMonitor<'a>,
}

impl<'a> Wait<'a> {
    /// The wait for an event of call `n` on this node, or for transfers.
    pub(crate) fn new(sync: &'a RankSync, n: u64, call: Call) -> Self {
        Self::for_any(sync, n, call, None)
    }

    /// The wait for something that another node sends in call `n`.
    pub(crate) fn for_node(sync: &'a RankSync, n: u64, call: Call, node: usize) -> Self {
        Self::for_any(sync, n, call, Some(node))
    }

    fn for_any(sync: &'a RankSync, n: u64, call: Call, node: Option<usize>) -> Self {
        let world = &*sync.group.world;
        Wait {
            world,
            comm: sync.group.id,
            spins: if world.is_crowded {
                SPINS_CROWDED
            } else {
                SPINS
            },
            yields: 0,
            monitor: WaitMonitor::new(sync, n, call, node),
        }
    }

    /// Waits until `ready`, which polls messages or transfers, returns something.
    pub(crate) fn until<R>(&mut self, mut ready: impl FnMut() -> Option<R>) -> R {
        loop {
            if let Some(result) = ready() {
                return result;
            }
            if self.spins > 0 {
                // Messages and transfers complete by progress only, so even the first polls drive it.
                self.spins -= 1;
                self.world.mailbox.progress();
            } else {
                self.pause();
            }
        }
    }

    /// Waits for a message of the world rank `from` that `accept` turns into something. Other messages are kept.
    pub(crate) fn for_message<R>(
        &mut self,
        from: usize,
        mut accept: impl FnMut(NodeMessage) -> Option<R>,
    ) -> R {
        let (world, comm) = (self.world, self.comm);
        self.until(|| {
            world.mailbox.take(comm, |sender, message| {
                (sender == from).then_some(message).and_then(&mut accept)
            })
        })
    }
}

impl Pause for Wait<'_> {
    #[inline]
    fn pause(&mut self) -> bool {
        if self.spins > 0 {
            self.spins -= 1;
            std::hint::spin_loop();
            return false;
        }
        // A peer whose send to this rank needs this rank's half of the handshake would otherwise wait for ever.
        self.world.mailbox.progress();
        std::thread::yield_now();
        self.yields += 1;
        self.yields.is_multiple_of(YIELDS_PER_CLOCK) && self.monitor.check(Instant::now())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::comm::Comm;
    use crate::transport::threads::{ThreadWorld, Threads};
    use std::rc::Rc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    /// A rank that waits longer is taken for hanging.
    const LIMIT: Duration = Duration::from_secs(if cfg!(miri) { 900 } else { 20 });

    fn wait_until(what: &str, is_true: impl Fn() -> bool) {
        let start = Instant::now();
        while !is_true() {
            assert!(start.elapsed() < LIMIT, "{what}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn who_waits_on_a_comm_of_one_node_receives_what_other_nodes_send() {
        let world = ThreadWorld::new(vec![0, 0, 1]);
        let [waits, sent] = [const { AtomicBool::new(false) }; 2];
        let (waits, sent) = (&waits, &sent);
        std::thread::scope(|scope| {
            for rank in 0..3 {
                let world = world.clone();
                scope.spawn(move || {
                    let comm = Comm::world(Rc::new(Threads::new(world.clone(), rank))).unwrap();
                    let node = comm.node_comm().unwrap();
                    match rank {
                        // It shares the node with rank 0, and comes last.
                        1 => {
                            let sync = &node.core.sync;
                            let has_arrived = || sync.control().arrival(0).0 > sync.done();
                            wait_until("rank 0 never came", has_arrived);
                            waits.store(true, Ordering::Release);
                            wait_until("nothing was sent", || sent.load(Ordering::Acquire));
                            let has_received = || !world.has_messages(0);
                            wait_until("rank 0 waits without progress", has_received);
                        }
                        2 => {
                            wait_until("rank 0 never came", || waits.load(Ordering::Acquire));
                            let mailbox = &comm.core.group.world.mailbox;
                            // A `Comm` that rank 0 has not created yet.
                            mailbox.send(0, u64::MAX, &());
                            sent.store(true, Ordering::Release);
                        }
                        _ => {}
                    }
                    node.barrier().unwrap();
                    comm.barrier().unwrap();
                });
            }
        });
    }
}
