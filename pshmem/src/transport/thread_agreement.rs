//! How ranks that are threads learn, before there is a `Comm`, whether one of them has failed.

use crate::error::{Error, Result};
use crate::sync::lock;
use std::sync::{Condvar, Mutex, PoisonError};

/// Rounds in which all ranks wait for each other and get the error of the lowest rank that has one.
#[derive(Debug, Default)]
pub(super) struct ThreadAgreement {
    round: Mutex<Round>,
    is_complete: Condvar,
}

#[derive(Debug, Default)]
struct Round {
    number: u64,
    arrived: usize,
    /// The lowest rank that has failed so far.
    failed: Option<(usize, Error)>,
    /// The outcome of the round before. It stays until all ranks have arrived in this one.
    outcome: Option<Error>,
}

impl ThreadAgreement {
    /// The part of `rank` in a round of `ranks` ranks.
    pub(super) fn agree(&self, rank: usize, ranks: usize, error: Option<Error>) -> Result<()> {
        let mut round = lock(&self.round);
        let is_lowest = round.failed.as_ref().is_none_or(|(other, _)| rank < *other);
        if is_lowest && let Some(error) = error {
            round.failed = Some((rank, error));
        }
        round.arrived += 1;
        if round.arrived == ranks {
            round.number += 1;
            round.arrived = 0;
            round.outcome = round.failed.take().map(|(_, error)| error);
            self.is_complete.notify_all();
        } else {
            let number = round.number;
            while round.number == number {
                let waited = self.is_complete.wait(round);
                round = waited.unwrap_or_else(PoisonError::into_inner);
            }
        }
        round.outcome.clone().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ranks_get_the_error_of_the_lowest() {
        const RANKS: usize = 4;
        let agreement = ThreadAgreement::default();
        let error = |rank: usize| Error::Poisoned { rank };
        // The ranks that fail in each round.
        let rounds: [&[usize]; 4] = [&[], &[2, 3], &[], &[1, 0]];
        std::thread::scope(|scope| {
            for rank in 0..RANKS {
                let agreement = &agreement;
                scope.spawn(move || {
                    for failing in rounds {
                        let mine = failing.contains(&rank).then(|| error(rank));
                        let lowest = failing.iter().min();
                        let expected = lowest.map_or(Ok(()), |&lowest| Err(error(lowest)));
                        assert_eq!(agreement.agree(rank, RANKS, mine), expected);
                    }
                });
            }
        });
    }
}
