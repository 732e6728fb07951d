//! Why ranks have failed, as it is printed at the end of a job: ranks that give the same reason in one line.

use std::fmt::{self, Display, Formatter, Write};

/// Why one rank has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The rank and its host. `None` if it has failed before it had a world.
    pub(crate) place: Option<(usize, String)>,
    pub(crate) message: String,
}

impl Failure {
    /// A number by which processes find out that they have the same message. Not 0.
    #[cfg(feature = "__mpi")]
    pub(crate) fn fingerprint(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};

        // All ranks run the same executable, so that they have the same hash function.
        let mut hasher = DefaultHasher::new();
        self.message.hash(&mut hasher);
        hasher.finish().max(1)
    }

    /// Of ranks that have no world, for a reason that all of them know.
    #[cfg(feature = "__mpi")]
    pub(crate) fn of_all(reason: &impl Display) -> Self {
        Failure {
            place: None,
            message: reason.to_string(),
        }
    }

    /// One line for all `ranks` that have failed with this message; this one is among them.
    pub(crate) fn of_ranks(&self, ranks: &[usize]) -> String {
        if ranks.len() < 2 {
            return self.to_string();
        }
        format!("ranks {} failed: {}", ranges(ranks), self.message)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some((rank, host)) = &self.place {
            write!(f, "rank {rank} on {host} ")?;
        }
        write!(f, "failed: {}", self.message)
    }
}

/// One line for each message, in the order of the lowest ranks that give it.
pub(crate) fn lines(mut failures: Vec<Failure>) -> Vec<String> {
    failures.sort_by_key(|failure| failure.place.as_ref().map(|(rank, _)| *rank));
    let mut lines = Vec::new();
    while let Some(first) = failures.first().cloned() {
        let (same, others): (Vec<Failure>, Vec<Failure>) = failures
            .into_iter()
            .partition(|failure| failure.message == first.message);
        let ranks: Vec<usize> = same
            .iter()
            .filter_map(|failure| failure.place.as_ref().map(|(rank, _)| *rank))
            .collect();
        lines.push(first.of_ranks(&ranks));
        failures = others;
    }
    lines
}

/// The ranks whose fingerprints are that of `rank`, if `rank` is the lowest of them: it prints the line for all.
#[cfg(feature = "__mpi")]
pub(crate) fn to_report(fingerprints: &[u64], rank: usize) -> Option<Vec<usize>> {
    let mine = fingerprints
        .get(rank)
        .filter(|fingerprint| **fingerprint != 0)?;
    let same = |other: &usize| fingerprints[*other] == *mine;
    let ranks: Vec<usize> = (0..fingerprints.len()).filter(same).collect();
    (ranks.first() == Some(&rank)).then_some(ranks)
}

/// `0-3,5`: ranks in ascending order.
fn ranges(ranks: &[usize]) -> String {
    let mut text = String::new();
    for run in ranks.chunk_by(|a, b| a + 1 == *b) {
        if !text.is_empty() {
            text.push(',');
        }
        // Writing to a string does not fail.
        let _ = match run {
            [only] => write!(text, "{only}"),
            [first, .., last] => write!(text, "{first}-{last}"),
            [] => Ok(()),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(rank: usize, message: &str) -> Failure {
        Failure {
            place: Some((rank, format!("node{rank}"))),
            message: message.to_owned(),
        }
    }

    #[test]
    fn ranks_are_written_as_ranges() {
        assert_eq!(ranges(&[0, 1, 2, 3, 5]), "0-3,5");
        assert_eq!(ranges(&[7]), "7");
        assert_eq!(ranges(&[0, 2, 3, 9, 10]), "0,2-3,9-10");
    }

    #[test]
    fn the_same_message_is_one_line() {
        let failures = [5, 3, 0, 2, 1].map(|rank| failure(rank, "no such file"));
        assert_eq!(
            lines(failures.to_vec()),
            ["ranks 0-3,5 failed: no such file"]
        );
    }

    #[test]
    fn different_messages_are_one_line_each() {
        let failures = vec![
            failure(2, "b"),
            failure(1, "a"),
            failure(0, "b"),
            failure(3, "c"),
        ];
        let expected = [
            "ranks 0,2 failed: b",
            "rank 1 on node1 failed: a",
            "rank 3 on node3 failed: c",
        ];
        assert_eq!(lines(failures), expected);
        assert!(lines(Vec::new()).is_empty());
    }

    #[test]
    fn ranks_without_a_world_are_one_line_too() {
        let without = Failure {
            place: None,
            message: "no thread".to_owned(),
        };
        assert_eq!(lines(vec![without.clone(), without]), ["failed: no thread"]);
    }

    #[test]
    #[cfg(feature = "__mpi")]
    fn the_lowest_rank_reports_for_all() {
        let fingerprints = [0, 7, 9, 7, 0, 9, 8];
        assert_eq!(to_report(&fingerprints, 1), Some(vec![1, 3]));
        assert_eq!(to_report(&fingerprints, 2), Some(vec![2, 5]));
        assert_eq!(to_report(&fingerprints, 6), Some(vec![6]));
        // Others, and those that have not failed or have reported already.
        for rank in [0, 3, 4, 5] {
            assert_eq!(to_report(&fingerprints, rank), None);
        }
        let same = failure(0, "x").fingerprint();
        assert_eq!(failure(1, "x").fingerprint(), same);
        assert_ne!(failure(1, "y").fingerprint(), same);
    }
}
