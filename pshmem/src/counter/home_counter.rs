//! A counter at the server of its home rank, and the requests about it.

use crate::transport::rpc::{HomeObject, RequestId};
use serde::{Deserialize, Serialize};

/// A request of one rank. The reply is how many numbers had been taken before.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum CounterRequest {
    /// Takes so many numbers, or as many as are left.
    Take(u64),
    /// Makes all numbers available again.
    Reset,
}

/// How many numbers have been taken, and how many there are.
#[derive(Debug)]
pub(super) struct HomeCounter {
    taken: u64,
    limit: u64,
}

impl HomeCounter {
    pub(super) fn new(limit: u64) -> Self {
        HomeCounter { taken: 0, limit }
    }
}

impl HomeObject for HomeCounter {
    type Request = CounterRequest;
    type Reply = u64;

    fn has_reply(_: &CounterRequest) -> bool {
        true
    }

    fn handle(&mut self, from: RequestId, request: CounterRequest) -> Vec<(RequestId, u64)> {
        let before = self.taken;
        self.taken = match request {
            CounterRequest::Take(chunk) => before.saturating_add(chunk).min(self.limit),
            CounterRequest::Reset => 0,
        };
        vec![(from, before)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_once_until_the_reset() {
        let mut counter = HomeCounter::new(u64::MAX);
        let from = RequestId { rank: 1, number: 1 };
        let mut handle = |request| counter.handle(from, request)[0].1;
        assert_eq!(handle(CounterRequest::Take(5)), 0);
        assert_eq!(handle(CounterRequest::Take(u64::MAX)), 5);
        assert_eq!(handle(CounterRequest::Take(1)), u64::MAX);
        assert_eq!(handle(CounterRequest::Reset), u64::MAX);
        assert_eq!(handle(CounterRequest::Take(1)), 0);
    }
}
