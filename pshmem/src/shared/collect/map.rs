//! `collect` and `collect_with` of maps: pairs of all ranks become one map.

use crate::comm::Comm;
use crate::comm::closure::ClosureRunner;
use crate::comm::protocol::call::{Call, Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::error::{Error, Result};
use crate::layout::composite::map::{Combine, MapMut};
use crate::layout::{Element, Map, MapKey, Op, Record};
use crate::shared::Shared;
use crate::shared::concat::Stacked;
use std::panic::Location;

/// Defines the calls on maps of one kind of keys.
macro_rules! calls {
    ([$($generics:tt)*] $key:ty, [$($pair:tt)*] $passed:ty, |$pair_key:ident| $borrowed:expr) => {
        impl<$($generics)* V: Element> Shared<Map<$key, V>> {
            /// Makes a map of pairs that all ranks bring. Entries are in the order of ranks.
            ///
            /// ```
            /// use pshmem::{Error, Map, Shared, local::Cluster};
            ///
            /// Cluster::new(&[2, 1]).run_ok(|comm| -> pshmem::Result<()> {
            ///     let rank = comm.rank() as u32;
            ///     let names = Shared::<Map<str, u32>>::collect(comm, [(format!("rank {rank}"), rank)])?;
            ///     assert_eq!((names.view().len(), names.view().get("rank 2")), (3, Some(&2)));
            ///     let squares = Shared::<Map<u64, u32>>::collect(comm, [(u64::from(rank * rank), rank)])?;
            ///     assert_eq!(squares.view().get(&4), Some(&2));
            ///     let twice = Shared::<Map<u64, u32>>::collect(comm, [(7, rank)]);
            ///     assert!(matches!(twice, Err(Error::RepeatedKey { first: 0, second: 1, .. })));
            ///     Ok(())
            /// });
            /// ```
            ///
            /// # Collective
            /// All ranks of `comm` call it, with the same type. The rounds of [`concat`](Shared::concat) and one more. Over N nodes,
            /// each pair is sent to each other node once; each node computes the index.
            ///
            /// # Errors
            /// [`Error::RepeatedKey`] if two ranks bring the same key, or one rank brings it twice; those of
            /// [`concat`](Shared::concat). No object exists then.
            #[track_caller]
            pub fn collect<$($pair)*>(
                comm: &Comm,
                pairs: impl IntoIterator<Item = ($passed, V)>,
            ) -> Result<Self> {
                collect_pairs(comm, Location::caller(), None, |add| {
                    for ($pair_key, value) in pairs {
                        add($borrowed, value);
                    }
                })
            }

            /// Like [`collect`](Self::collect), with an operation that combines the values of equal keys: those of one rank in the
            /// order in which it passes them, then those of all ranks in the order of ranks.
            ///
            /// ```
            /// use pshmem::{Map, Op, Shared, local::Cluster};
            ///
            /// Cluster::new(&[2, 1]).run_ok(|comm| -> pshmem::Result<()> {
            ///     let hits = [(comm.rank() as u64 % 2, 1_u32), (9, 1)];
            ///     let counts = Shared::<Map<u64, u32>>::collect_with(comm, Op::sum(), hits)?;
            ///     let expected: Map<u64, u32> = [(0, 2), (9, 3), (1, 1)].into_iter().collect();
            ///     assert_eq!(counts.view(), expected);
            ///     Ok(())
            /// });
            /// ```
            ///
            /// # Collective
            /// As [`collect`](Self::collect), with the same operation. There is room for the entries of all ranks, before those of equal
            /// keys are combined. Each node combines them itself: an operation that depends on more than its two values, such as on
            /// the rank, can make copies that differ, which `PSHMEM_CHECK=2` finds.
            ///
            /// # Errors
            /// Those of [`concat`](Shared::concat), [`Error::Mismatch`] if ranks pass different operations, and [`Error::Closure`] on
            /// the other ranks when the operation panics. No object exists then.
            ///
            /// # Panics
            /// On the ranks where the operation panics.
            #[track_caller]
            pub fn collect_with<$($pair)*>(
                comm: &Comm,
                op: Op<'_, V>,
                pairs: impl IntoIterator<Item = ($passed, V)>,
            ) -> Result<Self> {
                collect_pairs(comm, Location::caller(), Some(&op), |add| {
                    for ($pair_key, value) in pairs {
                        add($borrowed, value);
                    }
                })
            }
        }
    };
}

calls!([K: Record,] K, [] K, |key| &key);
calls!([] str, [S: AsRef<str>] S, |key| key.as_ref());

/// Takes a key and its value.
type Add<'a, K, V> = dyn FnMut(&K, V) + 'a;

fn collect_pairs<K: MapKey + ?Sized, V: Element>(
    comm: &Comm,
    site: &'static Location<'static>,
    op: Option<&Op<'_, V>>,
    pairs: impl FnOnce(&mut Add<'_, K, V>),
) -> Result<Shared<Map<K, V>>> {
    let core = &comm.core;
    let _call = core.enter(Kind::Collect.name(), site)?;
    let call = Call::new(Kind::Collect);
    let number = core.memory.next_object();
    let rank = core.group.topology.rank;
    let repeated = |key: &K, first: usize, second: usize| Error::RepeatedKey {
        key: key.show(),
        first,
        second,
    };
    let apply = op.map(|op| {
        move |one: V, other: V| {
            let mut result = [one];
            op.combine(&mut result, &[other]);
            result[0]
        }
    });
    let combine: Combine<'_, V> = apply.as_ref().map(|apply| apply as _);
    let mut mine = Map::<K, V>::new();
    let mut fault = None;
    let mut closure = ClosureRunner::new(rank);
    let made = closure.run(|| {
        pairs(&mut |key, value| match (mine.get_mut(key), combine) {
            (None, _) => {
                mine.push(key, value);
            }
            (Some(there), Some(combine)) => *there = combine(*there, value),
            (Some(_), None) => {
                fault.get_or_insert_with(|| repeated(key, rank, rank));
            }
        });
        Ok(())
    });
    let fault = made.err().or(fault);
    let what = format!(
        "{}{}",
        std::any::type_name::<Map<K, V>>(),
        op.map_or(String::new(), |op| format!(" with {}", op.text()))
    );
    let agreed = core.agree_on(
        call.step(Step::Type),
        what.as_bytes(),
        Contribution::fault(fault),
    );
    let stacked = agreed.and_then(|_| Stacked::<Map<K, V>>::new(comm, call, number, &mine));
    drop(mine);
    let finished = stacked.and_then(|mut stacked| {
        let made = make_entries(&mut stacked, &mut closure, combine, repeated);
        stacked.finish(made)
    });
    closure.finish(finished.map(|(map, _)| map))
}

/// The leader of each node makes one entry of those of equal keys, or finds them.
fn make_entries<K: MapKey + ?Sized, V: Element>(
    stacked: &mut Stacked<Map<K, V>>,
    closure: &mut ClosureRunner,
    combine: Combine<'_, V>,
    repeated: impl Fn(&K, usize, usize) -> Error,
) -> Result<()> {
    if !stacked.shared.comm().core.group.topology.is_leader() {
        return Ok(());
    }
    stacked.complete_inner()?;
    let entries = stacked.places.total_rows();
    let rank_of = |entry: usize| stacked.places.rank_of_row(entry);
    let field = stacked.shared.whole_mut();
    let made = field.run(closure, |mut w: MapMut<'_, K, V>| {
        Ok(w.make_entries(entries, combine).map_err(|(first, second)| {
            let key = w.key(second);
            repeated(key, rank_of(first), rank_of(second))
        }))
    });
    made?
}
