//! How the ranks of a batch are divided into workers.

use crate::error::{Error, Result};

/// How many ranks work on a task together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WorkerSizes {
    /// The same number in each worker.
    Equal(usize),
    /// A number for each worker.
    Each(Vec<usize>),
}

impl WorkerSizes {
    /// The worker of a rank, and the number of workers.
    pub(super) fn worker_of(&self, rank: usize, ranks: usize) -> Result<(usize, usize)> {
        let starts = self.starts(ranks)?;
        let worker = starts.partition_point(|&start| start <= rank) - 1;
        Ok((worker, starts.len() - 1))
    }

    /// The first rank of each worker, and the number of ranks.
    fn starts(&self, ranks: usize) -> Result<Vec<usize>> {
        match self {
            WorkerSizes::Equal(size) if *size > 0 && ranks.is_multiple_of(*size) => {
                Ok((0..=ranks).step_by(*size).collect())
            }
            WorkerSizes::Equal(size) => Err(Error::InvalidSetting {
                name: "worker_size".to_owned(),
                value: size.to_string(),
                reason: format!(
                    "the Comm has {ranks} ranks, which is no multiple of it; use a divisor, or `worker_sizes` for workers of \
                     different sizes"
                ),
            }),
            WorkerSizes::Each(sizes) => {
                let mut starts = vec![0_usize];
                for size in sizes {
                    starts.push(starts[starts.len() - 1].saturating_add(*size));
                }
                if !sizes.contains(&0) && starts[sizes.len()] == ranks {
                    return Ok(starts);
                }
                let shown: Vec<String> = sizes.iter().take(20).map(usize::to_string).collect();
                let more = if sizes.len() > 20 { ", ..." } else { "" };
                Err(Error::InvalidSetting {
                    name: "worker_sizes".to_owned(),
                    value: format!("[{}{more}]", shown.join(", ")),
                    reason: format!(
                        "the Comm has {ranks} ranks; give each worker at least one rank, and {ranks} in total"
                    ),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_divided_into_workers_in_order() {
        let equal = WorkerSizes::Equal(2);
        assert_eq!(equal.worker_of(0, 6), Ok((0, 3)));
        assert_eq!(equal.worker_of(5, 6), Ok((2, 3)));
        let each = WorkerSizes::Each(vec![4, 2, 1]);
        assert_eq!(each.worker_of(3, 7), Ok((0, 3)));
        assert_eq!(each.worker_of(4, 7), Ok((1, 3)));
        assert_eq!(each.worker_of(6, 7), Ok((2, 3)));
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        for sizes in [
            WorkerSizes::Equal(0),
            WorkerSizes::Equal(4),
            WorkerSizes::Equal(7),
            WorkerSizes::Each(vec![]),
            WorkerSizes::Each(vec![3, 2]),
            WorkerSizes::Each(vec![6, 0]),
            WorkerSizes::Each(vec![usize::MAX, 7]),
        ] {
            assert!(
                matches!(sizes.worker_of(0, 6), Err(Error::InvalidSetting { .. })),
                "{sizes:?}"
            );
        }
    }
}
