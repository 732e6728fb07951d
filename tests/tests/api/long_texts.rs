//! Long names of types and large values of locks: they work, or are one error on all ranks.

use std::marker::PhantomData;

use bytemuck::{NoUninit, Zeroable};
use pshmem::local::Cluster;
use pshmem::{Comm, Error, Mutex, Result, Shared};
use pshmem_tests::watchdog::guard;

type Two<T> = (T, T);
type Sixteen<T> = Two<Two<Two<Two<T>>>>;
/// The name of this type has more than 12,000 bytes.
type LongName<T> = Sixteen<Sixteen<Sixteen<T>>>;

/// A number whose type has a long name.
struct Named<T>(u64, PhantomData<T>);

impl<T> Clone for Named<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Named<T> {}

// SAFETY: zero is a value of each field.
unsafe impl<T> Zeroable for Named<T> {}
// SAFETY: a number and a field without bytes: no padding, no interior mutability.
unsafe impl<T: 'static> NoUninit for Named<T> {}
// SAFETY: it holds no `T`.
unsafe impl<T> Send for Named<T> {}
// SAFETY: it holds no `T`.
unsafe impl<T> Sync for Named<T> {}

type Bytes = Named<LongName<u8>>;
type Words = Named<LongName<u32>>;

fn number<T>(number: u64) -> Named<T> {
    Named(number, PhantomData)
}

/// Runs `main` on one node and on two.
fn on_clusters<R: Send>(main: impl Fn(&Comm) -> R + Sync) -> Vec<Vec<R>> {
    assert!(std::any::type_name::<Bytes>().len() > 8192);
    let clusters = [Cluster::new(&[2]), Cluster::new(&[1, 1])];
    let run = |cluster: &Cluster| guard("long texts", || cluster.run(&main));
    clusters.iter().map(run).collect()
}

#[test]
fn types_of_long_names_work() {
    let results = on_clusters(|comm| -> Result<()> {
        let list = Shared::<[Bytes]>::from_root(comm, 1, || vec![number(7), number(8)])?;
        assert_eq!(list.view()[1].0, 8);
        let mut value = Shared::<pshmem::Value<Bytes>>::new(comm, ())?;
        value.update(1, |mut w| *w = number(9))?;
        assert_eq!(value.view().0, 9);
        let mut mutex = Mutex::<Bytes>::new(comm, number(5))?;
        assert_eq!(mutex.lock()?.0, 5);
        comm.barrier()
    });
    assert_eq!(results, [[Ok(()), Ok(())], [Ok(()), Ok(())]]);
}

#[test]
fn types_of_long_names_that_differ_are_one_error() {
    let calls: [fn(&Comm) -> Result<()>; 3] = [
        |comm| match comm.rank() {
            0 => Shared::<[Bytes]>::from_root(comm, 0, || vec![number(7)]).map(drop),
            _ => Shared::<[Words]>::from_root(comm, 0, Vec::new).map(drop),
        },
        |comm| match comm.rank() {
            0 => Shared::<[Bytes]>::new(comm, 3).map(drop),
            _ => Shared::<[Words]>::new(comm, 3).map(drop),
        },
        |comm| match comm.rank() {
            0 => Mutex::<Bytes>::new(comm, number(5)).map(drop),
            _ => Mutex::<Words>::new(comm, number(5)).map(drop),
        },
    ];
    for call in calls {
        for results in on_clusters(|comm| {
            let error = call(comm).unwrap_err();
            comm.barrier().unwrap();
            error
        }) {
            assert!(matches!(results[0], Error::Mismatch { .. }), "{results:?}");
            assert_eq!(results[0], results[1]);
        }
    }
}

#[test]
fn large_values_of_locks_work_and_are_unmapped() {
    const LEN: usize = 3_000_001;
    let results = on_clusters(|comm| -> Result<()> {
        let before = comm.memory()?.nodes[0].mapped;
        let mut mutex = Mutex::<[u8]>::from_slice(comm, &vec![3; LEN])?;
        for rank in 0..2 {
            if comm.rank() == rank {
                let mut bytes = mutex.lock()?;
                assert_eq!(bytes[LEN - 1], 3 + rank as u8);
                bytes[LEN - 1] += 1;
            }
            comm.barrier()?;
        }
        drop(mutex);
        assert_eq!(comm.memory()?.nodes[0].mapped, before);
        Ok(())
    });
    assert_eq!(results, [[Ok(()), Ok(())], [Ok(()), Ok(())]]);
}
