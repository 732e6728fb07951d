//! Closures, operations, `Serialize` and `Deserialize` that fail, panic or make collective calls.

use std::cell::Cell;

use pshmem::{Comm, Error, Op};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::support::{PANIC, assert_panic_error, call_with_panic, deliberate_panic};
use crate::collective::{check_usable, gather_texts, outliers, same_error};
use crate::report::{Outcome, does_not_apply};

/// Closures of `broadcast` and `try_broadcast` fail and panic on each root.
pub(crate) fn closures_that_fail(comm: &Comm) -> Outcome {
    for root in 0..comm.size() {
        let failed = comm.try_broadcast(root, || Err::<u64, _>("no such table"));
        let error = same_error(comm, failed)?;
        let Error::Closure { rank, message } = error else {
            panic!("{error:?}")
        };
        assert_eq!((rank, &message[..]), (root, "no such table"));
        let error = call_with_panic(comm, root, || {
            comm.broadcast(root, || -> String { deliberate_panic() })
        })?;
        assert_panic_error(error, root);
        let error = call_with_panic(comm, root, || {
            comm.try_broadcast(root, || -> Result<Vec<u8>, String> { deliberate_panic() })
        })?;
        assert_panic_error(error, root);
        assert_eq!(comm.try_broadcast(root, || Ok::<_, String>(root))?, root);
    }
    check_usable(comm)
}

/// The operation panics where it runs on one rank: that rank panics, all others get the same error; or it does not run there.
pub(crate) fn operations_that_panic(comm: &Comm) -> Outcome {
    if comm.size() == 1 {
        return does_not_apply("it needs two ranks");
    }
    let mut has_panicked = [false; 3];
    for failing in 0..comm.size() {
        for (kind, len) in [(0, 1), (1, 1), (2, 1), (2, 50), (2, 60_000)] {
            let is_here = comm.rank() == failing;
            let op = Op::new(move |a: u64, b| if is_here { deliberate_panic() } else { a + b });
            let mut values = vec![1; len];
            let call = std::panic::AssertUnwindSafe(|| match kind {
                0 => comm.all_reduce(op, 1).map(drop),
                1 => comm.exclusive_scan(op, 1).map(drop),
                _ => comm.all_reduce_into(op, &mut values),
            });
            let text = match std::panic::catch_unwind(call) {
                Ok(Ok(())) => String::new(),
                Ok(Err(Error::Closure { rank, message })) => {
                    assert!(
                        rank == failing && message.contains(PANIC),
                        "{rank}: {message}"
                    );
                    "an error".to_owned()
                }
                Ok(Err(error)) => panic!("{error:?}"),
                Err(payload) => {
                    assert_eq!(payload.downcast_ref::<&str>(), Some(&PANIC));
                    "a panic".to_owned()
                }
            };
            let texts = gather_texts(comm, &text)?;
            let runs_there = texts[failing] == "a panic";
            has_panicked[kind] |= runs_there;
            for (rank, text) in texts.iter().enumerate() {
                let expected = match (runs_there, rank == failing) {
                    (false, _) => "",
                    (true, true) => "a panic",
                    (true, false) => "an error",
                };
                assert_eq!(text, expected, "rank {rank}: {texts:?}");
            }
        }
        // All ranks but the first combine chunks of a long slice.
        let op = Op::new(|a: u64, b: u64| a + b);
        let mut values = vec![1_u64; 50_000];
        comm.all_reduce_into(op, &mut values)?;
        assert!(values.iter().all(|&sum| sum == comm.size() as u64));
    }
    // The prefix of two ranks is not an operation.
    assert!(has_panicked[0] && has_panicked[2] && (has_panicked[1] || comm.size() == 2));
    check_usable(comm)
}

thread_local! {
    static MOOD: Cell<Mood> = const { Cell::new(Mood::Good) };
}

/// What the codec of [`Moody`] does on this rank.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Good,
    FailsToEncode,
    PanicsInEncode,
    FailsToDecode,
    PanicsInDecode,
    /// Leaves bytes over.
    DecodesLess,
}

/// A value with a codec of its own. It has as many bytes as it says, and more.
#[derive(Debug, Clone, PartialEq)]
struct Moody(Vec<u8>);

impl Serialize for Moody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match MOOD.get() {
            Mood::FailsToEncode => Err(S::Error::custom("in a bad mood")),
            Mood::PanicsInEncode => deliberate_panic(),
            _ => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Moody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match MOOD.get() {
            Mood::FailsToDecode => Err(D::Error::custom("in a bad mood")),
            Mood::PanicsInDecode => deliberate_panic(),
            Mood::DecodesLess => u8::deserialize(deserializer).map(|_| Moody(Vec::new())),
            _ => Vec::deserialize(deserializer).map(Moody),
        }
    }
}

/// Puts this rank into a good mood when it is dropped.
struct Calm;

impl Drop for Calm {
    fn drop(&mut self) {
        MOOD.set(Mood::Good);
    }
}

/// Each of the calls with a moody rank, short and long values; `broadcast` has another root than that rank, if it is to decode.
fn calls_with(
    comm: &Comm,
    moody: usize,
    mood: Mood,
    mut check: impl FnMut(&mut dyn FnMut() -> Result<(), Error>) -> Outcome,
) -> Outcome {
    let encodes = matches!(mood, Mood::FailsToEncode | Mood::PanicsInEncode);
    let root = if encodes {
        moody
    } else {
        (moody + 1) % comm.size()
    };
    let destination = if encodes { root } else { moody };
    for len in [1, 5000] {
        for call in 0..3 {
            check(&mut || {
                let mood = if comm.rank() == moody {
                    mood
                } else {
                    Mood::Good
                };
                MOOD.set(mood);
                let value = || Moody(vec![7; len]);
                // Also where it panics.
                let _calm = Calm;
                match call {
                    0 => comm.broadcast(root, value).map(drop),
                    1 => comm.all_gather(value()).map(drop),
                    _ => comm.gather(destination, value()).map(drop),
                }
            })?;
        }
        let all = comm.all_gather(Moody(vec![comm.rank() as u8; len]))?;
        assert!((0..comm.size()).all(|rank| all[rank] == Moody(vec![rank as u8; len])));
    }
    Ok(())
}

/// `Serialize` and `Deserialize` return an error on each rank in turn: all ranks get the same error.
pub(crate) fn codecs_that_fail(comm: &Comm) -> Outcome {
    if comm.size() == 1 {
        return does_not_apply("it needs two ranks");
    }
    for moody in outliers(comm) {
        for (mood, verb) in [
            (Mood::FailsToEncode, "encode"),
            (Mood::FailsToDecode, "decode"),
            (Mood::DecodesLess, "decode"),
        ] {
            calls_with(comm, moody, mood, |call| {
                let error = same_error(comm, call())?;
                let Error::Encoding {
                    rank,
                    what,
                    type_name,
                    ..
                } = &error
                else {
                    panic!("{error:?}")
                };
                assert!(*rank == moody && what == verb, "{error:?}");
                assert!(type_name.ends_with("Moody"), "{error:?}");
                Ok(())
            })?;
        }
    }
    check_usable(comm)
}

/// They panic: the panic continues, and all other ranks get the same error.
pub(crate) fn codecs_that_panic(comm: &Comm) -> Outcome {
    if comm.size() == 1 {
        return does_not_apply("it needs two ranks");
    }
    for moody in outliers(comm) {
        for mood in [Mood::PanicsInEncode, Mood::PanicsInDecode] {
            calls_with(comm, moody, mood, |call| {
                let error = call_with_panic(comm, moody, call)?;
                assert_panic_error(error, moody);
                Ok(())
            })?;
        }
    }
    check_usable(comm)
}

/// Makes collective calls while it is encoded and decoded.
struct Nested<'a>(Option<&'a Comm>);

thread_local! {
    /// A `Comm` for `Deserialize`, which gets none.
    static COMM: Cell<Option<Comm>> = const { Cell::new(None) };
}

fn is_rejected(comm: &Comm) -> bool {
    let barrier = comm.barrier();
    let sum = comm.all_reduce(Op::sum(), 1);
    let values = comm.all_gather(1);
    let is_nested = |error: Option<Error>| matches!(error, Some(Error::Nested { .. }));
    let solo = Comm::solo().all_gather(7).ok() == Some(vec![7]);
    is_nested(barrier.err()) && is_nested(sum.err()) && is_nested(values.err()) && solo
}

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.is_some_and(is_rejected).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Nested<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let comm = COMM.take();
        let here = comm.as_ref().is_some_and(is_rejected);
        COMM.set(comm);
        if bool::deserialize(deserializer)? && here {
            Ok(Nested(None))
        } else {
            Err(D::Error::custom("a nested call was made"))
        }
    }
}

/// Collective calls inside closures, operations and codecs are errors there, on any `Comm` of several ranks.
pub(crate) fn nested_calls(comm: &Comm) -> Outcome {
    if comm.size() == 1 {
        return does_not_apply("it needs two ranks");
    }
    let other = comm.split(Some(0), 0)?.expect("every rank is in it");
    assert!(comm.broadcast(0, || is_rejected(comm) && is_rejected(&other))?);
    for len in [1, 150] {
        let op = Op::new(|a: u64, b| a + b + u64::from(!is_rejected(&other)));
        let mut sums = vec![1; len];
        comm.all_reduce_into(op, &mut sums)?;
        assert!(sums.iter().all(|&sum| sum == comm.size() as u64));
    }
    COMM.set(Some(other.clone()));
    let all = comm.all_gather(Nested(Some(&other)));
    COMM.set(None);
    assert_eq!(all?.len(), comm.size());
    check_usable(comm)
}
