//! `Op`: the operations of reductions.

use crate::layout::Element;
use std::any::TypeId;
use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, BitAnd, BitOr, BitXor, Mul};

/// An operation that combines two elements of type `T`, for `reduce_into`, `accumulate` and `scatter`, and for
/// [`all_reduce`](crate::Comm::all_reduce) and its relatives.
///
/// The operation is applied element by element. For `reduce_into` and `accumulate`, it must be associative and commutative up to
/// rounding: the order in which the elements of the ranks are combined depends on the number of ranks and on their nodes only; see
/// [`reproducible`](Op::reproducible). The calls on a `Comm` always combine in the order of ranks.
///
/// ```
/// use pshmem::{Op, Shared, local::Cluster};
///
/// let found = Cluster::new(&[2, 1]).run(|comm| {
///     let mut table = Shared::<[f64]>::new(comm, 2).unwrap();
///     let local = [comm.rank() as f64, -1.0];
///     table.reduce_into(Op::sum(), &local).unwrap();
///     let sum = table.to_owned();
///     table.reduce_into(Op::new(|a: f64, b| a.hypot(b)), &local).unwrap();
///     table.reduce_into(Op::max(), &local).unwrap();
///     (sum, table.to_owned())
/// });
/// assert_eq!(found[2], (vec![3.0, -3.0], vec![2.0, -1.0]));
/// ```
pub struct Op<'a, T> {
    name: &'static str,
    combine: Box<dyn Combine<T> + 'a>,
    is_reproducible: bool,
}

/// What an operation does to many elements, so that there is one virtual call for all of them.
trait Combine<T> {
    /// Combines each element of the first slice with the element of the second at the same index.
    fn all(&self, results: &mut [T], more: &[T]);

    /// Combines elements with those of `more`, one after the other: the i-th with the element that has the place `places[i]` if
    /// that of `results[0]` is `first`.
    fn at_places(&self, results: &mut [T], first: usize, places: &[usize], more: &[T]);
}

/// The operation of two elements.
struct Each<F>(F);

impl<T: Copy, F: Fn(T, T) -> T> Combine<T> for Each<F> {
    fn all(&self, results: &mut [T], more: &[T]) {
        for (result, &next) in results.iter_mut().zip(more) {
            *result = self.0(*result, next);
        }
    }

    fn at_places(&self, results: &mut [T], first: usize, places: &[usize], more: &[T]) {
        for (&place, &next) in places.iter().zip(more) {
            let result = &mut results[place - first];
            *result = self.0(*result, next);
        }
    }
}

impl<'a, T: Element> Op<'a, T> {
    /// An operation given by a closure, which gets the result so far and the next element. All ranks pass the same closure.
    ///
    /// Ranks that pass different functions get [`Error::Mismatch`](crate::Error::Mismatch), and so do ranks that pass closures
    /// from different functions. Two closures inside the same function cannot be distinguished.
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
        Op {
            name,
            combine: Box::new(Each(combine)),
            is_reproducible: false,
        }
    }

    /// The sum, by `+`. Integer overflow panics in debug builds and wraps in release builds, as `+` does.
    ///
    /// ```
    /// use pshmem::{Op, Shared, local::Cluster};
    ///
    /// let sums = Cluster::new(&[2, 1]).run(|comm| {
    ///     let mut hits = Shared::<[u64]>::new(comm, 2).unwrap();
    ///     hits.reduce_into(Op::sum(), &[1, comm.rank() as u64]).unwrap();
    ///     hits.to_owned()
    /// });
    /// assert_eq!(sums[0], [3, 3]);
    /// ```
    #[must_use]
    pub fn sum() -> Self
    where
        T: Add<Output = T>,
    {
        Self::named("sum", |a, b| a + b)
    }

    /// The product, by `*`.
    ///
    /// ```
    /// use pshmem::{Comm, Op, Shared};
    ///
    /// let mut table = Shared::<[f64]>::from_root(&Comm::solo(), 0, || vec![2.0, 3.0])?;
    /// table.accumulate(Op::product(), &[10.0, 0.5])?;
    /// assert_eq!(table.view(), [20.0, 1.5]);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn product() -> Self
    where
        T: Mul<Output = T>,
    {
        Self::named("product", |a, b| a * b)
    }

    /// The minimum. If an element of one rank is NaN, the result is NaN. Of equal values (0.0 and -0.0) the first is kept.
    ///
    /// ```
    /// use pshmem::{Comm, Op, Shared};
    ///
    /// let mut table = Shared::<[f64]>::from_root(&Comm::solo(), 0, || vec![2.0, 3.0])?;
    /// table.accumulate(Op::min(), &[1.0, f64::NAN])?;
    /// assert!(table.view()[0] == 1.0 && table.view()[1].is_nan());
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn min() -> Self
    where
        T: PartialOrd,
    {
        Self::named("min", |a, b| {
            if replaces(&b, &a, Ordering::Less) {
                b
            } else {
                a
            }
        })
    }

    /// The maximum. NaN and equal values are treated as in [`min`](Op::min).
    ///
    /// ```
    /// use pshmem::{Comm, Op, Shared};
    ///
    /// let mut table = Shared::<[i32]>::from_root(&Comm::solo(), 0, || vec![2, 3])?;
    /// table.accumulate(Op::max(), &[5, 1])?;
    /// assert_eq!(table.view(), [5, 3]);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn max() -> Self
    where
        T: PartialOrd,
    {
        Self::named("max", |a, b| {
            if replaces(&b, &a, Ordering::Greater) {
                b
            } else {
                a
            }
        })
    }

    /// The bitwise and, by `&`; of `bool`s, whether all are true.
    ///
    /// ```
    /// use pshmem::{Comm, Op, Shared};
    ///
    /// let mut valid = Shared::<[bool]>::from_root(&Comm::solo(), 0, || vec![true, true])?;
    /// valid.accumulate(Op::bit_and(), &[true, false])?;
    /// assert_eq!(valid.view(), [true, false]);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn bit_and() -> Self
    where
        T: BitAnd<Output = T>,
    {
        Self::named("bit_and", |a, b| a & b)
    }

    /// The bitwise or, by `|`; of `bool`s, whether any is true.
    ///
    /// ```
    /// use pshmem::{Comm, Op, Shared};
    ///
    /// let mut flags = Shared::<[u8]>::from_root(&Comm::solo(), 0, || vec![0b01, 0])?;
    /// flags.accumulate(Op::bit_or(), &[0b10, 0b10])?;
    /// assert_eq!(flags.view(), [0b11, 0b10]);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn bit_or() -> Self
    where
        T: BitOr<Output = T>,
    {
        Self::named("bit_or", |a, b| a | b)
    }

    /// The bitwise exclusive or, by `^`.
    ///
    /// ```
    /// use pshmem::{Comm, Op, Shared};
    ///
    /// let mut checksum = Shared::<[u8]>::from_root(&Comm::solo(), 0, || vec![0b01])?;
    /// checksum.accumulate(Op::bit_xor(), &[0b11])?;
    /// assert_eq!(checksum.view(), [0b10]);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn bit_xor() -> Self
    where
        T: BitXor<Output = T>,
    {
        Self::named("bit_xor", |a, b| a ^ b)
    }

    /// The same operation, applied in the order of ranks for every element: the result is bitwise the same for every placement
    /// of the ranks on nodes.
    ///
    /// On one node this costs no more. Over several nodes it is slower: all elements go from node to node in the order of
    /// ranks, and from the last one to all others, while the usual order combines each element on one node and uses all
    /// connections at the same time. With ranks assigned to nodes round-robin, all elements go from rank to rank.
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
        self.combine.all(results, more);
    }

    /// Combines elements of `results` with those of `more`, one after the other. `places` says which elements, if the first one
    /// has the place `first`.
    pub(crate) fn combine_at(&self, results: &mut [T], first: usize, places: &[usize], more: &[T]) {
        self.combine.at_places(results, first, places, more);
    }

    /// Whether it never fails, and makes the same of the same values on any rank. A sum of integers may overflow, and what user
    /// types and closures do is not known.
    pub(crate) fn cannot_fail(&self) -> bool {
        let is = |kinds: &[TypeId]| kinds.contains(&TypeId::of::<T>());
        match self.name {
            "sum" | "product" => is(&[TypeId::of::<f64>(), TypeId::of::<f32>()]),
            "min" | "max" | "bit_and" | "bit_or" | "bit_xor" => is(&numbers()),
            _ => false,
        }
    }

    pub(crate) fn is_reproducible(&self) -> bool {
        self.is_reproducible
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The operation as text, which must be the same on all ranks.
    pub(crate) fn text(&self) -> String {
        let order = if self.is_reproducible {
            ", reproducible"
        } else {
            ""
        };
        format!("the operation `{}`{order}", self.name)
    }
}

/// The types of numbers, whose operations are known.
fn numbers() -> [TypeId; 12] {
    [
        TypeId::of::<f64>(),
        TypeId::of::<f32>(),
        TypeId::of::<u64>(),
        TypeId::of::<i64>(),
        TypeId::of::<usize>(),
        TypeId::of::<isize>(),
        TypeId::of::<u32>(),
        TypeId::of::<i32>(),
        TypeId::of::<u16>(),
        TypeId::of::<i16>(),
        TypeId::of::<u8>(),
        TypeId::of::<i8>(),
    ]
}

/// Whether `next` replaces `result`: if it compares to it as `order` says, or if it is NaN.
fn replaces<T: PartialOrd>(next: &T, result: &T, order: Ordering) -> bool {
    match next.partial_cmp(result) {
        Some(found) => found == order,
        // One of the two is NaN.
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
    fn only_known_operations_on_numbers_cannot_fail() {
        assert!(Op::<f64>::sum().cannot_fail() && Op::<u8>::max().cannot_fail());
        assert!(!Op::<u64>::sum().cannot_fail() && !Op::<[f64; 2]>::new(|a, _| a).cannot_fail());
        assert!(!Op::new(|a: f64, b| a + b).cannot_fail());
    }

    #[test]
    fn a_nan_makes_the_result_nan_wherever_it_is() {
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
    fn operations_do_what_their_names_say() {
        assert_eq!(fold(&Op::sum(), &[1, 2, 4]), 7);
        assert_eq!(fold(&Op::product(), &[2, 3, 4]), 24);
        assert_eq!(fold(&Op::bit_and(), &[0b110, 0b011]), 0b010);
        assert_eq!(fold(&Op::bit_or(), &[0b110, 0b011]), 0b111);
        assert_eq!(fold(&Op::bit_xor(), &[0b110, 0b011]), 0b101);
        assert!(!fold(&Op::bit_and(), &[true, false]));
        assert_eq!(fold(&Op::new(|a: i32, b| a - b), &[9, 1, 2]), 6);
    }
}
