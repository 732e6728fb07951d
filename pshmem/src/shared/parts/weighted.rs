//! `update_parts_weighted`: all ranks write rows of about equal weight.

use crate::comm::protocol::call::Kind;
use crate::comm::protocol::contribution::Contribution;
use crate::error::{Error, Result};
use crate::layout::partition::Partition;
use crate::layout::{Field, RowLayout, SharedLayout};
use crate::shared::Shared;
use pshmem_format::Checksum;
use std::fmt::Display;
use std::ops::Range;
use std::panic::Location;

/// Defines the calls on one type. `$write` is the `Field` on which they are implemented.
macro_rules! calls {
    ([$($generics:tt)*] $type:ty, $self:ident, $write:expr) => {
        impl<$($generics)* L: SharedLayout + ?Sized> $type {
            /// Like [`update_parts`](Self::update_parts), with parts of about equal weight: each row has a weight, such as the time
            /// that it takes.
            ///
            /// The sum of each part is less than the largest weight away from an equal share. Parts are in the order of ranks on any
            /// nodes, as in [`update_parts_by`](Self::update_parts_by). Weights are finite and not negative; if all are zero, parts
            /// have equal numbers of rows.
            ///
            /// ```
            /// use pshmem::{Shared, local::Cluster};
            ///
            /// let rows = Cluster::new(&[2]).run(|comm| {
            ///     let pointers = [0, 1, 2, 3, 4, 10]; // of five rows, the last of which is long
            ///     let weights: Vec<f64> = pointers.windows(2).map(|row| f64::from(row[1] - row[0])).collect();
            ///     let mut sums = Shared::<[f64]>::new(comm, 5).unwrap();
            ///     sums.update_parts_weighted(&weights, |rows, part| {
            ///         part.fill(1.0);
            ///         rows
            ///     }).unwrap()
            /// });
            /// assert_eq!(rows, [0..4, 4..5]);
            /// ```
            ///
            /// # Collective
            /// As [`update_parts_by`](Self::update_parts_by), with the same weights on all ranks, bit by bit: their checksums are
            /// compared, and the parts that follow from them.
            ///
            /// # Errors
            /// [`Error::Weights`](crate::Error::Weights) when there is not one weight for each row, or one is negative, infinite or
            /// NaN, [`Error::Mismatch`](crate::Error::Mismatch) when ranks pass different weights; no closure was called then. The
            /// errors of [`update_parts`](Self::update_parts).
            ///
            /// # Panics
            /// As [`update_parts`](Self::update_parts).
            #[track_caller]
            pub fn update_parts_weighted<R>(
                &mut $self,
                weights: &[f64],
                write: impl FnOnce(Range<usize>, L::Part<'_>) -> R,
            ) -> Result<R>
            where
                L: RowLayout,
            {
                $write.write_weighted_parts(Location::caller(), weights, |rows, part| Ok(write(rows, part)))
            }

            /// Like [`update_parts_weighted`](Self::update_parts_weighted), with a closure that may fail.
            ///
            /// ```
            /// use pshmem::{Comm, Shared};
            ///
            /// let mut table = Shared::<[u64]>::new(&Comm::solo(), 2)?;
            /// let failed = table.try_update_parts_weighted(&[1.0, 0.5], |rows, _| Err::<(), _>(format!("no rows {rows:?}")));
            /// assert_eq!(failed.unwrap_err().to_string(), "the closure on rank 0 failed: no rows 0..2");
            /// # Ok::<(), pshmem::Error>(())
            /// ```
            ///
            /// # Collective
            /// As [`update_parts_weighted`](Self::update_parts_weighted).
            ///
            /// # Errors
            /// As [`update_parts_weighted`](Self::update_parts_weighted).
            ///
            /// # Panics
            /// As [`update_parts`](Self::update_parts).
            #[track_caller]
            pub fn try_update_parts_weighted<R, E: Display>(
                &mut $self,
                weights: &[f64],
                write: impl FnOnce(Range<usize>, L::Part<'_>) -> Result<R, E>,
            ) -> Result<R>
            where
                L: RowLayout,
            {
                $write.write_weighted_parts(Location::caller(), weights, |rows, part| {
                    write(rows, part).map_err(|error| error.to_string())
                })
            }
        }
    };
}

calls!([] Shared<L>, self, self.whole_mut());
calls!(['a,] Field<'a, L>, self, self);

impl<L: RowLayout + ?Sized> Field<'_, L> {
    fn write_weighted_parts<R>(
        &mut self,
        site: &'static Location<'static>,
        weights: &[f64],
        write: impl FnOnce(Range<usize>, L::Part<'_>) -> Result<R, String>,
    ) -> Result<R> {
        let core = self.core();
        let _call = core.enter(Kind::UpdatePartsWeighted.name(), site)?;
        let call = self.call(Kind::UpdatePartsWeighted);
        let rows = L::rows(self.plan());
        let parts = self.row_leaves().and_then(|leaves| {
            let rank = core.group.topology.rank;
            check(weights, rows).map_err(|what| Error::Weights { rank, what, rows })?;
            let ranks = core.group.topology.size();
            Ok((leaves, Partition::by_weights(weights, ranks)))
        });
        // The parts are compared exactly, because two ranks must not write the same row: of the weights, a checksum is enough.
        let text = parts.as_ref().map_or_else(
            |_| String::new(),
            |(_, partition)| {
                let mut sum = Checksum::new();
                sum.update(bytemuck::cast_slice(weights));
                let counts = partition.counts();
                format!(
                    "weights with the checksum {:016x}, which give parts of {counts:?} rows",
                    sum.value()
                )
            },
        );
        core.agree_on(
            call,
            text.as_bytes(),
            Contribution::fault(parts.as_ref().err().cloned()),
        )?;
        let (leaves, partition) = parts?;
        self.write_parts(call, &leaves, &partition, write)
    }
}

/// What is wrong with the weights of `rows` rows.
fn check(weights: &[f64], rows: usize) -> Result<(), String> {
    if weights.len() != rows {
        let noun = if weights.len() == 1 {
            "weight"
        } else {
            "weights"
        };
        return Err(format!("{} {noun}", weights.len()));
    }
    let is_wrong = |weight: &f64| !weight.is_finite() || *weight < 0.0;
    match weights.iter().position(is_wrong) {
        Some(row) => Err(format!("the weight {:?} for row {row}", weights[row])),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_weight_is_named() {
        assert_eq!(check(&[], 0), Ok(()));
        assert_eq!(check(&[0.0, -0.0, f64::MAX], 3), Ok(()));
        let text = |weights: &[f64]| check(weights, 2).unwrap_err();
        assert_eq!(text(&[1.0]), "1 weight");
        assert_eq!(text(&[]), "0 weights");
        assert_eq!(text(&[1.0, -5e-324]), "the weight -5e-324 for row 1");
        assert_eq!(text(&[f64::NAN, -1.0]), "the weight NaN for row 0");
        assert_eq!(text(&[0.0, f64::INFINITY]), "the weight inf for row 1");
    }
}
