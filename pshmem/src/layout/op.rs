//! `Op`: how two elements become one in a reduction.

use crate::layout::Element;
use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, BitAnd, BitOr, BitXor, Mul};

/// Combines elements of type `T`, for `reduce_into` and `accumulate`.
///
/// The operations of this page, and a closure with [`new`](Op::new), combine element by element. They must be associative and
/// commutative up to rounding: which elements are combined first depends on ranks and nodes, always in the same way.
///
/// ```
/// use pshmem::{Op, Shared, local::Cluster};
///
/// let found = Cluster::new(&[2, 1]).run(|comm| {
///     let mut table = Shared::<[f64]>::new(comm, 2).unwrap();
///     let mine = [comm.rank() as f64, -1.0];
///     table.reduce_into(Op::sum(), &mine).unwrap();
///     let sum = table.to_owned();
///     table.reduce_into(Op::new(|a: f64, b| a.hypot(b)), &mine).unwrap();
///     table.reduce_into(Op::max(), &mine).unwrap();
///     (sum, table.to_owned())
/// });
/// assert_eq!(found[2], (vec![3.0, -3.0], vec![2.0, -1.0]));
/// ```
pub struct Op<'a, T> {
    name: &'static str,
    combine: Combine<'a, T>,
    is_reproducible: bool,
}

/// Combines each element of the first slice with that of the second.
type Combine<'a, T> = Box<dyn Fn(&mut [T], &[T]) + 'a>;

impl<'a, T: Element> Op<'a, T> {
    /// Combines by a closure; all ranks pass the same one. What it is given first is the result so far.
    ///
    /// Functions of different names are told apart, and closures of different functions; two closures inside one function
    /// are not.
    ///
    /// ```
    /// use pshmem::{Comm, Op, Shared};
    ///
    /// let mut flags = Shared::<[u8]>::from_root(&Comm::solo(), 0, || vec![1, 0])?;
    /// flags.accumulate(Op::new(|a, b| u8::from(a != 0 || b != 0)), &[0, 4])?;
    /// assert_eq!(flags.view(), [1, 1]);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn new<F: Fn(T, T) -> T + 'a>(combine: F) -> Self {
        Self::named(std::any::type_name::<F>(), combine)
    }

    fn named<F: Fn(T, T) -> T + 'a>(name: &'static str, combine: F) -> Self {
        let all = move |results: &mut [T], more: &[T]| {
            for (result, &next) in results.iter_mut().zip(more) {
                *result = combine(*result, next);
            }
        };
        Op {
            name,
            combine: Box::new(all),
            is_reproducible: false,
        }
    }

    /// The sum, by `+`: integers that overflow panic or wrap as the program is compiled.
    #[must_use]
    pub fn sum() -> Self
    where
        T: Add<Output = T>,
    {
        Self::named("sum", |a, b| a + b)
    }

    /// The product, by `*`.
    #[must_use]
    pub fn product() -> Self
    where
        T: Mul<Output = T>,
    {
        Self::named("product", |a, b| a * b)
    }

    /// The smallest. NaN wins over every number: where one rank has NaN, the result is NaN. Of equal values (0.0 and -0.0) the
    /// first one stays.
    #[must_use]
    pub fn min() -> Self
    where
        T: PartialOrd,
    {
        Self::named(
            "min",
            |a, b| if wins(&b, &a, Ordering::Less) { b } else { a },
        )
    }

    /// The largest; NaN as in [`min`](Op::min).
    #[must_use]
    pub fn max() -> Self
    where
        T: PartialOrd,
    {
        Self::named("max", |a, b| {
            if wins(&b, &a, Ordering::Greater) {
                b
            } else {
                a
            }
        })
    }

    /// The bits that all have, by `&`; of `bool`s, whether all are true.
    #[must_use]
    pub fn bit_and() -> Self
    where
        T: BitAnd<Output = T>,
    {
        Self::named("bit_and", |a, b| a & b)
    }

    /// The bits that any has, by `|`; of `bool`s, whether any is true.
    #[must_use]
    pub fn bit_or() -> Self
    where
        T: BitOr<Output = T>,
    {
        Self::named("bit_or", |a, b| a | b)
    }

    /// The bits that an odd number of them have, by `^`.
    #[must_use]
    pub fn bit_xor() -> Self
    where
        T: BitXor<Output = T>,
    {
        Self::named("bit_xor", |a, b| a ^ b)
    }

    /// The same operation, with one order for every element: rank 0, rank 1, and so on. The result then depends on the ranks
    /// and what they pass alone, bit by bit, and not on how they are placed on nodes.
    ///
    /// It costs no more work on a node, but every node passes all elements on to the next one in the order of ranks, and the
    /// last one to all others, where the usual order sends each element to one node that combines it. Ranks that are dealt out
    /// to nodes round-robin pass all elements on from rank to rank.
    ///
    /// ```
    /// use pshmem::{Op, Shared, local::Cluster};
    ///
    /// let bits = |nodes: &[usize]| {
    ///     let found = Cluster::new(nodes).run(|comm| {
    ///         let mut table = Shared::<[f64]>::new(comm, 1).unwrap();
    ///         table.reduce_into(Op::sum().reproducible(), &[0.1 * comm.rank() as f64]).unwrap();
    ///         table.view()[0].to_bits()
    ///     });
    ///     found[0]
    /// };
    /// assert_eq!(bits(&[6]), bits(&[1, 3, 2]));
    /// ```
    #[must_use]
    pub fn reproducible(self) -> Self {
        Op {
            is_reproducible: true,
            ..self
        }
    }

    pub(crate) fn combine(&self, results: &mut [T], more: &[T]) {
        (self.combine)(results, more);
    }

    pub(crate) fn is_reproducible(&self) -> bool {
        self.is_reproducible
    }

    /// What all ranks must pass alike, as text.
    pub(crate) fn text(&self) -> String {
        let order = if self.is_reproducible {
            ", reproducible"
        } else {
            ""
        };
        format!("the operation `{}`{order}", self.name)
    }
}

/// Whether `next` takes the place of `result`: because it is in that order to it, or is NaN.
fn wins<T: PartialOrd>(next: &T, result: &T, order: Ordering) -> bool {
    match next.partial_cmp(result) {
        Some(found) => found == order,
        // One of the two is no number.
        None => next.partial_cmp(next).is_none(),
    }
}

impl<T: Element> fmt::Debug for Op<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Op")
            .field("name", &self.name)
            .field("is_reproducible", &self.is_reproducible)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold<T: Element>(op: &Op<'_, T>, values: &[T]) -> T {
        let mut result = [values[0]];
        for &value in &values[1..] {
            op.combine(&mut result, &[value]);
        }
        result[0]
    }

    #[test]
    fn nan_wins_wherever_it_is() {
        for values in [
            [f64::NAN, 1.0, 2.0],
            [1.0, f64::NAN, 2.0],
            [1.0, 2.0, f64::NAN],
        ] {
            assert!(fold(&Op::min(), &values).is_nan(), "{values:?}");
            assert!(fold(&Op::max(), &values).is_nan(), "{values:?}");
        }
        assert!(fold(&Op::min(), &[2.0, -1.0, 3.0]) < 0.0);
        assert!(fold(&Op::max(), &[2.0, -1.0, 3.0]) > 2.5);
        assert!(fold(&Op::min(), &[-0.0_f64, 0.0]).is_sign_negative());
        assert!(fold(&Op::max(), &[-0.0_f64, 0.0]).is_sign_negative());
    }

    #[test]
    fn operations_are_what_they_are_called() {
        assert_eq!(fold(&Op::sum(), &[1, 2, 4]), 7);
        assert_eq!(fold(&Op::product(), &[2, 3, 4]), 24);
        assert_eq!(fold(&Op::bit_and(), &[0b110, 0b011]), 0b010);
        assert_eq!(fold(&Op::bit_or(), &[0b110, 0b011]), 0b111);
        assert_eq!(fold(&Op::bit_xor(), &[0b110, 0b011]), 0b101);
        assert!(!fold(&Op::bit_and(), &[true, false]));
        assert_eq!(fold(&Op::new(|a: i32, b| a - b), &[9, 1, 2]), 6);
    }
}
