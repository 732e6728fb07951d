//! How a rank waits: a short spin, then progress and yielding, with a look for trouble now and then.

use crate::comm::control::Pause;
use crate::transport::post::Post;
use std::time::{Duration, Instant};

/// Looks at a word before a rank gives its core away. A cache line travels between cores in about 50 ns.
const SPINS: u32 = 200;
/// The same when more ranks than cores share the machine: the rank waited for may need this very core.
const SPINS_CROWDED: u32 = 4;
/// Yields between two looks at the clock.
const YIELDS_PER_CLOCK: u32 = 16;
/// How long a rank waits before it looks for ranks that will never come, and between such looks.
const TROUBLE: Duration = Duration::from_millis(5);

/// The waiting of one rank for one event.
pub(crate) struct Wait<'a> {
    post: &'a Post,
    spins: u32,
    yields: u32,
    next_look: Option<Instant>,
}

impl<'a> Wait<'a> {
    pub(crate) fn new(post: &'a Post, crowded: bool) -> Self {
        Wait {
            post,
            spins: if crowded { SPINS_CROWDED } else { SPINS },
            yields: 0,
            next_look: None,
        }
    }

    /// Waits until `ready`, which looks at messages or transfers, returns something.
    pub(crate) fn until<R>(&mut self, mut ready: impl FnMut() -> Option<R>) -> R {
        loop {
            if let Some(result) = ready() {
                return result;
            }
            if self.spins > 0 {
                // What is waited for comes by progress, so even the first looks drive it.
                self.spins -= 1;
                self.post.pump();
            } else {
                self.pause();
            }
        }
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
        // Without progress here, a peer whose send to this rank needs our half of the handshake would wait for ever.
        self.post.pump();
        std::thread::yield_now();
        self.yields += 1;
        if !self.yields.is_multiple_of(YIELDS_PER_CLOCK) {
            return false;
        }
        let now = Instant::now();
        match self.next_look {
            Some(at) if now < at => false,
            due => {
                self.next_look = Some(now + TROUBLE);
                due.is_some()
            }
        }
    }
}

/// Whether this machine has fewer cores than the `ranks` that share it.
pub(crate) fn crowded(ranks: usize) -> bool {
    std::thread::available_parallelism().is_ok_and(|cores| cores.get() < ranks)
}
