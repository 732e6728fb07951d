//! Calls that must fail with the same error on all ranks, and change nothing but what a failed closure has written.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ndarray::Array2;
use pshmem::{Batch, Comm, Domain, Error, Lock, Result, Shared};

use super::array::AnyArray;
use super::early_exits::DELIBERATE;
use super::object::on_array;
use super::ops::Op;
use super::pairs;
use super::rng::Rng;
use super::state::State;
use crate::collective::{error_of_others, gather_texts, same_error};
use crate::report::Outcome;

/// The numbers of kinds of calls on an array, on an object, and on a `Comm`.
const ON_ARRAY: usize = 42;
const ON_OBJECT: usize = 4;
const ON_COMM: usize = 22;

/// Makes an invalid call on an object or on the `Comm` of one.
pub(super) fn run(state: &mut State<'_>, op: &Op) -> Outcome {
    if state.objects.is_empty() {
        return Ok(());
    }
    let at = op.target % state.objects.len();
    let entry = &mut state.objects[at];
    let comm = entry.object.comm().clone();
    if state.exits.iter().any(Option::is_some) {
        let group = entry.group.clone();
        let root = op.root % comm.size();
        let result = on_array(&mut *entry.object, op.seed, |array| {
            array.set_out_of_bounds(root)
        });
        if state.has_exited(&group) {
            return state.expect_exit_error(&group, result);
        }
        return expect(&comm, result, |e| matches!(e, Error::OutOfBounds { .. }));
    }
    let kind = op.seed % (ON_ARRAY + ON_OBJECT + ON_COMM);
    if let Some(kind) = kind.checked_sub(ON_ARRAY + ON_OBJECT) {
        return on_comm(&comm, kind, op);
    }
    let rng = Rng::new(op.seed ^ entry.salt);
    if let Some(kind) = kind.checked_sub(ON_ARRAY) {
        if kind < 3 {
            return pairs::copy_or_swap_in_vain(&mut *entry.object, kind, rng);
        }
        if comm.size() == 1 {
            return Ok(());
        }
        let result = entry.object.disagree(op.root % comm.size());
        return expect(&comm, result, |e| matches!(e, Error::Mismatch { .. }));
    }
    // For a call inside the closure of another: any `Comm` of the rank.
    let inner = op.root.checked_rem(state.comms.len());
    let inner = inner.map_or(&comm, |at| &state.comms[at].comm);
    on_array(&mut *entry.object, op.seed / 64, |array| {
        if kind < 17 {
            on_one_rank(array, kind, op, rng, inner)
        } else {
            on_all_ranks(array, kind - 17, op, rng, inner)
        }
    })
}

/// Calls in which one rank's data count.
fn on_one_rank(array: &mut dyn AnyArray, kind: usize, op: &Op, rng: Rng, inner: &Comm) -> Outcome {
    let comm = array.comm().clone();
    let (root, size) = (op.root % comm.size(), comm.size());
    let fail = || DELIBERATE.to_owned();
    let panics = || -> String { resume_unwind(Box::new(DELIBERATE)) };
    let nested = || nested(inner, op.seed / 32);
    let no_such_rank = |error: &Error| matches!(error, Error::NoSuchRank { .. });
    let several_or_none = |error: &Error| matches!(error, Error::Holders { .. });
    match kind {
        0 => expect(&comm, array.set_out_of_bounds(root), |e| {
            matches!(e, Error::OutOfBounds { .. })
        }),
        1 => expect(&comm, array.set_without_data(root), |e| {
            matches!(e, Error::NoData { .. })
        }),
        2 => expect(&comm, array.set_out_of_bounds(size + root), no_such_rank),
        3 => expect(&comm, array.update_without_root(size + root), no_such_rank),
        4 => expect(&comm, array.update_without_root(usize::MAX), no_such_rank),
        5 => expect(&comm, array.assign_from(&[]), several_or_none),
        6 if size > 1 => expect(
            &comm,
            array.assign_from(&[root, (root + 1) % size]),
            several_or_none,
        ),
        7 if size > 1 => expect(&comm, array.fill_differently(root), |e| {
            matches!(e, Error::Mismatch { .. })
        }),
        8 => expect(&comm, array.failing_update(root, rng, &fail), is_closure),
        9 => expect(&comm, array.failing_per_node(&fail), is_closure),
        10 | 11 => expect_panic(&comm, root, || array.failing_update(root, rng, &panics)),
        12 => expect_panic(&comm, root, || array.panicking_set_with(root)),
        13 => expect_panic_on_each_node(&comm, || array.failing_per_node(&panics)),
        14 | 15 if size > 1 => expect(&comm, array.failing_update(root, rng, &nested), is_nested),
        16 if size > 1 => expect(&comm, array.failing_per_node(&nested), is_nested),
        _ => Ok(()),
    }
}

/// Calls in which the data of all ranks count.
fn on_all_ranks(array: &mut dyn AnyArray, kind: usize, op: &Op, rng: Rng, inner: &Comm) -> Outcome {
    let comm = array.comm().clone();
    let (size, outlier, shape) = (comm.size(), op.root % comm.size(), array.shape().to_vec());
    let rows = shape[0];
    let fail = || DELIBERATE.to_owned();
    let panics = || -> String { resume_unwind(Box::new(DELIBERATE)) };
    let nested = || nested(inner, op.seed / 64);
    let counts_error = |error: &Error| matches!(error, Error::Counts { .. });
    let out_of_bounds = |error: &Error| matches!(error, Error::OutOfBounds { .. });
    let other_extents = |error: &Error| matches!(error, Error::Extents { .. });
    let mut counts = vec![0; size];
    match kind {
        0 => expect(&comm, array.failing_parts(outlier, rng, &fail), is_closure),
        1 => expect_panic(&comm, outlier, || {
            array.failing_parts(outlier, rng, &panics)
        }),
        2 if size > 1 => expect(&comm, array.failing_parts(outlier, rng, &nested), is_nested),
        3 => {
            counts[outlier] = rows + 1;
            expect(&comm, array.parts_with_counts(&counts), counts_error)
        }
        4 => {
            counts[outlier] = rows;
            counts.push(0);
            expect(&comm, array.parts_with_counts(&counts), counts_error)
        }
        5 => {
            counts = vec![usize::MAX; size.max(2)];
            expect(&comm, array.parts_with_counts(&counts), counts_error)
        }
        6 if size > 1 && rows > 0 => {
            let other = (outlier + 1) % size;
            counts[if comm.rank() == outlier {
                outlier
            } else {
                other
            }] = rows;
            expect(&comm, array.parts_with_counts(&counts), |e| {
                matches!(e, Error::Mismatch { .. })
            })
        }
        7 if size > 1 && !shape.contains(&0) => expect(&comm, array.overlapping_gather(), |e| {
            matches!(e, Error::Overlap { .. })
        }),
        8 => expect(&comm, array.gather_out_of_bounds(outlier), out_of_bounds),
        9 => expect(&comm, array.gather_too_many_rows(outlier), out_of_bounds),
        10 if shape.len() > 1 => expect(&comm, array.gather_other_rows(outlier), other_extents),
        11 => {
            let accumulates = op.seed.is_multiple_of(128);
            let result = array.reduce_other_extents(outlier, accumulates);
            expect(&comm, result, other_extents)
        }
        12 if size > 1 => expect(&comm, array.reduce_differently(outlier), |e| {
            matches!(e, Error::Mismatch { .. })
        }),
        13 => panicking_operation(array, rng, outlier, |array, mut rng| {
            array.panicking_reduce(outlier, rng.below(2) == 0)
        }),
        20 => expect(
            &comm,
            array.failing_scatter(outlier, rng, &fail),
            is_closure,
        ),
        21 => expect_panic(&comm, outlier, || {
            array.failing_scatter(outlier, rng, &panics)
        }),
        22 => expect(&comm, array.scatter_out_of_range(outlier, rng), |e| {
            matches!(e, Error::NoSuchElement { .. })
        }),
        23 if size > 1 => expect(&comm, array.scatter_differently(outlier), |e| {
            matches!(e, Error::Mismatch { .. })
        }),
        24 => panicking_operation(array, rng, outlier, |array, rng| {
            array.panicking_scatter(outlier, rng)
        }),
        _ => of_partitions(array, kind, op),
    }
}

/// Calls that divide the rows by weights, along an axis or by owners.
fn of_partitions(array: &mut dyn AnyArray, kind: usize, op: &Op) -> Outcome {
    let comm = array.comm().clone();
    let (size, outlier, shape) = (comm.size(), op.root % comm.size(), array.shape().to_vec());
    let rows = shape[0];
    match kind {
        14 => {
            let mut weights = vec![1.0; rows];
            match (op.seed / 64 % 3, rows) {
                (0, 1..) => weights[op.seed / 256 % rows] = f64::NAN,
                (1, 1..) if comm.rank() == outlier => weights[rows / 2] = -1.0,
                (1, 1..) => {}
                _ => weights.push(0.0),
            }
            expect(&comm, array.parts_with_weights(&weights), |e| {
                matches!(e, Error::Weights { .. })
            })
        }
        15 if size > 1 && rows > 0 => {
            let mut weights = vec![1.0; rows];
            weights[op.seed / 64 % rows] += f64::from(u8::from(comm.rank() == outlier));
            expect(&comm, array.parts_with_weights(&weights), |e| {
                matches!(e, Error::Mismatch { .. })
            })
        }
        16 => expect(&comm, array.parts_along(shape.len() + op.seed % 3), |e| {
            matches!(e, Error::NoSuchAxis { .. })
        }),
        17 if size > 1 && shape.len() > 1 => {
            let axis = usize::from(comm.rank() == outlier);
            expect(&comm, array.parts_along(axis), |e| {
                matches!(e, Error::Mismatch { .. })
            })
        }
        18 if rows > 0 => {
            let at = op.seed / 64 % rows;
            let is_wrong = comm.rank() == outlier || op.seed.is_multiple_of(2);
            let owner = |row| if is_wrong && row == at { size } else { 0 };
            expect(&comm, array.rows_of_owners(&owner), |e| {
                matches!(e, Error::NoSuchOwner { .. })
            })
        }
        19 if size > 1 && rows > 0 => {
            let at = op.seed / 64 % rows;
            let differs = usize::from(comm.rank() == outlier);
            let owner = |row| if row == at { differs } else { row % size };
            expect(&comm, array.rows_of_owners(&owner), |e| {
                matches!(e, Error::Mismatch { .. })
            })
        }
        _ => Ok(()),
    }
}

/// The operation of `call` panics on one rank, if it is called there; then the others get an error. The values are arbitrary
/// but equal on all ranks, until they are written again.
fn panicking_operation(
    array: &mut dyn AnyArray,
    rng: Rng,
    outlier: usize,
    call: impl FnOnce(&mut dyn AnyArray, Rng) -> Result<()>,
) -> Outcome {
    let comm = array.comm().clone();
    let result = catch_unwind(AssertUnwindSafe(|| call(array, rng.clone())));
    let text = match &result {
        Ok(Ok(())) => "no error".to_owned(),
        Ok(Err(error)) => format!("{error:?}"),
        Err(_) => PANICKED.to_owned(),
    };
    array.fill(rng)?;
    let texts = gather_texts(&comm, &text)?;
    let is_panic = texts[outlier] == PANICKED;
    for (rank, text) in texts.iter().enumerate() {
        let is_expected = if !is_panic {
            text == "no error"
        } else if rank == outlier {
            text == PANICKED
        } else {
            text.contains(DELIBERATE) && *text == texts[(outlier + 1) % texts.len()]
        };
        if !is_expected {
            return Err(format!("an operation that may panic on rank {outlier}: {texts:?}").into());
        }
    }
    Ok(())
}

/// The result of a rank that panicked.
const PANICKED: &str = "panicked";

fn on_comm(comm: &Comm, kind: usize, op: &Op) -> Outcome {
    let (root, size) = (op.root % comm.size(), comm.size());
    let differing = usize::from(comm.rank() == root);
    match kind {
        0 => expect_panic(comm, root, || {
            Shared::<u64>::from_root(comm, root, || resume_unwind(Box::new(DELIBERATE)))
        }),
        1 => {
            let made = Shared::<u64>::try_from_root(comm, root, || Err::<u64, _>(DELIBERATE));
            expect(comm, made, is_closure)
        }
        2 => {
            let made = Shared::<u64>::from_root(comm, size + root, || 1);
            expect(comm, made, |e| matches!(e, Error::NoSuchRank { .. }))
        }
        3 if size > 1 => {
            let made = Shared::<[u8]>::new(comm, 10 + differing * op.seed.max(1));
            expect(comm, made, |e| matches!(e, Error::Mismatch { .. }))
        }
        4 => expect(
            comm,
            Shared::<Array2<u64>>::new(comm, [usize::MAX, 0]),
            |e| matches!(e, Error::TooLarge { .. }),
        ),
        5 => expect(comm, Shared::<[u8]>::new(comm, 1 << 50), |e| {
            matches!(e, Error::NoRoom { .. })
        }),
        6 => expect(comm, comm.with_ranks_per_node(0), |e| {
            matches!(e, Error::InvalidSetting { .. })
        }),
        7 if size > 1 && (op.seed / 64).is_multiple_of(2) => {
            let domain = [Domain::Node, Domain::Socket][differing];
            expect(comm, comm.with_domains(domain), |e| {
                matches!(e, Error::Mismatch { .. })
            })
        }
        7 if size > 1 => expect(comm, comm.with_ranks_per_node(1 + differing), |e| {
            matches!(e, Error::Mismatch { .. })
        }),
        8 => {
            let made = Batch::builder(comm, 3).worker_size(size + 1).build();
            expect(comm, made, |e| matches!(e, Error::InvalidSetting { .. }))
        }
        9 if size > 1 => {
            let made = Batch::builder(comm, 3 + differing).build();
            expect(comm, made, |e| matches!(e, Error::Mismatch { .. }))
        }
        10 => {
            let made = Lock::builder(comm).root(size + root).build();
            expect(comm, made, |e| matches!(e, Error::NoSuchRank { .. }))
        }
        11 if size > 1 => {
            let made = pshmem::Mutex::<u64>::new(comm, differing as u64);
            expect(comm, made, |e| matches!(e, Error::Mismatch { .. }))
        }
        19 => {
            let fails = |_| Err::<(), _>(DELIBERATE);
            expect(
                comm,
                comm.for_each_dynamic(0..1 + op.seed % 9, 2, fails),
                is_closure,
            )
        }
        20 => {
            let zero = comm.for_each_dynamic(0..9, 0, |_| Ok::<(), Error>(()));
            expect(comm, zero, |e| matches!(e, Error::InvalidSetting { .. }))
        }
        21 if size > 1 => expect(comm, comm.counter(differing), |e| {
            matches!(e, Error::Mismatch { .. })
        }),
        _ => with_values(comm, kind, op),
    }
}

/// Calls that pass values.
fn with_values(comm: &Comm, kind: usize, op: &Op) -> Outcome {
    let (root, size) = (op.root % comm.size(), comm.size());
    let differing = usize::from(comm.rank() == root);
    match kind {
        12 => expect_panic(comm, root, || {
            comm.broadcast(root, || -> u64 { resume_unwind(Box::new(DELIBERATE)) })
        }),
        13 => {
            let made = comm.try_broadcast(root, || Err::<u64, _>(DELIBERATE));
            expect(comm, made, is_closure)
        }
        14 => expect(comm, comm.gather(size + root, 1_u64), |e| {
            matches!(e, Error::NoSuchRank { .. })
        }),
        15 if size > 1 => {
            let mut values = vec![1_u64; op.seed + differing];
            let summed = comm.all_reduce_into(pshmem::Op::sum(), &mut values);
            expect(comm, summed, |e| matches!(e, Error::Mismatch { .. }))
        }
        16 if size > 1 => {
            let text = "x".repeat(op.seed / 32);
            let gathered = if differing == 1 {
                comm.all_gather(text.into_bytes()).map(drop)
            } else {
                comm.all_gather(text).map(drop)
            };
            expect(comm, gathered, |e| matches!(e, Error::Mismatch { .. }))
        }
        17 if size > 1 => {
            let made = comm.try_broadcast(root, || Err::<u64, _>(nested(comm, op.seed)));
            expect(comm, made, is_nested)
        }
        18 if size > 1 => {
            // The codec fails on one rank.
            let value = Refused(vec![1; op.seed / 64], differing == 1);
            expect(
                comm,
                comm.all_gather(value),
                |e| matches!(e, Error::Encoding { rank, .. } if *rank == root),
            )
        }
        _ => Ok(()),
    }
}

/// Cannot be encoded if the flag is set.
#[derive(serde::Deserialize)]
struct Refused(Vec<u8>, bool);

impl serde::Serialize for Refused {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        if self.1 {
            return Err(serde::ser::Error::custom(DELIBERATE));
        }
        (&self.0, self.1).serialize(serializer)
    }
}

/// What `nested` returns when the call was rejected.
const NESTED: &str = "rejected";

/// Makes a collective call, to be used inside the closure of another one.
fn nested(inner: &Comm, kind: usize) -> String {
    let result = match kind % 11 {
        0 => inner.barrier(),
        4 => Lock::new(inner).map(drop),
        5 => Batch::builder(inner, 1).build().map(drop),
        1 => inner.split(Some(0), 0).map(drop),
        2 => inner.with_ranks_per_node(1).map(drop),
        3 => Shared::<[u8]>::new(inner, 9).map(drop),
        6 => inner.all_gather(1_u8).map(drop),
        7 => inner.all_reduce(pshmem::Op::sum(), 1_u8).map(drop),
        8 => inner.counter(3).map(drop),
        9 => inner.for_each_dynamic(0..3, 1, |_| Ok::<(), Error>(())),
        _ => Shared::<u64>::from_root(inner, 0, || 7).map(drop),
    };
    match result {
        // A call on a `Comm` of one rank waits for nobody, and is allowed.
        Ok(()) if inner.size() == 1 => NESTED.to_owned(),
        Err(Error::Nested { .. }) if inner.size() > 1 => NESTED.to_owned(),
        other => format!("{other:?}"),
    }
}

fn is_nested(error: &Error) -> bool {
    matches!(error, Error::Closure { message, .. } if message == NESTED)
}

fn is_closure(error: &Error) -> bool {
    matches!(error, Error::Closure { message, .. } if message.contains(DELIBERATE))
}

fn expect<R>(comm: &Comm, result: Result<R>, is: impl Fn(&Error) -> bool) -> Outcome {
    let error = same_error(comm, result)?;
    if is(&error) {
        Ok(())
    } else {
        Err(format!("unexpected error: {error:?}").into())
    }
}

fn expect_panic<R>(comm: &Comm, root: usize, call: impl FnOnce() -> Result<R>) -> Outcome {
    // What the call has borrowed is valid after a panic: that is what is tested.
    let error = catch_unwind(AssertUnwindSafe(call))
        .ok()
        .and_then(Result::err);
    match error_of_others(comm, root, error)? {
        Some(error) if !is_closure(&error) => Err(format!("unexpected error: {error:?}").into()),
        _ => Ok(()),
    }
}

/// The closure panics on the lowest rank of each node; the other ranks get an error.
fn expect_panic_on_each_node(comm: &Comm, call: impl FnOnce() -> Result<()>) -> Outcome {
    let error = catch_unwind(AssertUnwindSafe(call))
        .ok()
        .and_then(Result::err);
    let panicked = comm.node().rank == 0;
    if panicked != error.is_none() || error.as_ref().is_some_and(|error| !is_closure(error)) {
        return Err(format!("should panic here: {panicked}, but: {error:?}").into());
    }
    let texts = gather_texts(
        comm,
        &error.map_or_else(String::new, |error| format!("{error:?}")),
    )?;
    let mut errors = texts.iter().filter(|text| !text.is_empty());
    let first = errors.next();
    match errors.find(|text| Some(*text) != first) {
        None => Ok(()),
        Some(other) => Err(format!("errors differ: {first:?} and {other:?}").into()),
    }
}
