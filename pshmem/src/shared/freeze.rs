//! Bytes that all ranks make together and only read from then on: once on each node, without a handle.

use crate::comm::Comm;
use crate::comm::protocol::call::{Call, Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::error::Result;
use crate::memory::frozen::{FrozenBytes, object_bytes};
use crate::shared::Shared;
use std::panic::Location;

impl Shared<[u8]> {
    /// Bytes that the closure returns on the root, and zeros behind them. A panic in it is one of
    /// [`from_root`](Shared::from_root). Collective, inside a call that was made at `site`.
    pub(crate) fn frozen_from_root(
        comm: &Comm,
        root: usize,
        site: &'static Location<'static>,
        make: impl FnOnce() -> Vec<u8>,
    ) -> Result<FrozenBytes> {
        let shared = Self::make(comm, root, site, || {
            let mut bytes = make();
            bytes.resize(object_bytes(bytes.len()), 0);
            Ok(bytes)
        })?;
        Ok(shared.freeze())
    }

    /// Bytes that the leader of each node writes, and zeros behind them. Each leader passes the same `len` and writes the same; the
    /// other ranks pass `None`. Collective, inside `call`, which was made at `site`.
    pub(crate) fn frozen_per_node(
        comm: &Comm,
        call: Call,
        site: &'static Location<'static>,
        len: Option<usize>,
        write: impl FnOnce(&mut [u8]),
    ) -> Result<FrozenBytes> {
        let core = &comm.core;
        let number = core.memory.next_object();
        let contribution = Contribution {
            maximum: len.map(|len| object_bytes(len) as u64),
            ..Contribution::default()
        };
        let agreed = core.agree(call.step(Step::Extents), contribution)?;
        let bytes = agreed.maximum.unwrap_or(0) as usize;
        let mut shared = Self::create(comm, Call::new(Kind::New), number, &bytes)?;
        let written = |mut view: <[u8] as crate::SharedLayout>::ViewMut<'_>| {
            write(&mut view);
            Ok(())
        };
        shared.whole_mut().update_on_leaders(site, written)?;
        Ok(shared.freeze())
    }

    /// Ends all writes to the object, which takes a handle of every rank, and keeps its bytes.
    fn freeze(self) -> FrozenBytes {
        // SAFETY: bytes are initialised, because new memory is zeroed. A write is a collective call that begins when all ranks
        // have made it, with handles to the object; this rank has returned from every call that it took part in, and takes part
        // in no other one, because its only handle ends here. Those calls have made what they wrote visible to this rank, as
        // for a view.
        unsafe { FrozenBytes::of_segment(self.object.segment()) }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::run::cluster::Cluster;

    /// Lengths of bytes that each rank copies, that need zeros behind them, and of more. Miri takes minutes for the zeros.
    const LENS: &[usize] = if cfg!(miri) {
        &[1, 300_000]
    } else {
        &[0, 1, 64 << 10, (64 << 10) + 1, 256 << 10, 300_000]
    };

    fn pattern(len: usize) -> Vec<u8> {
        let mut bytes = b"0123456789abc".repeat(len / 13 + 1);
        bytes.truncate(len);
        bytes
    }

    /// Makes the bytes on clusters of one and two nodes, and compares them once all ranks have ended.
    fn check(make: impl Fn(&Comm, usize) -> Result<FrozenBytes> + Sync) {
        for nodes in [&[1][..], &[2], &[1, 2]] {
            let results = Cluster::new(nodes).run(|comm| -> Result<Vec<FrozenBytes>> {
                LENS.iter().map(|&len| make(comm, len)).collect()
            });
            for frozen in results.into_iter().map(Result::unwrap) {
                for (&len, frozen) in LENS.iter().zip(frozen) {
                    let (bytes, behind) = frozen.split_at(len);
                    assert!(bytes == pattern(len), "{nodes:?}, {len}");
                    assert!(behind == vec![0; behind.len()], "{nodes:?}, {len}");
                    assert_eq!(frozen.len() > len, (64 << 10 < len) && (len < 256 << 10));
                }
            }
        }
    }

    #[test]
    fn bytes_of_the_root_outlive_all_ranks() {
        check(|comm, len| {
            let root = comm.size() - 1;
            Shared::frozen_from_root(comm, root, Location::caller(), || pattern(len))
        });
    }

    #[test]
    fn bytes_of_leaders_outlive_all_ranks() {
        check(|comm, len| {
            let is_leader = comm.node().rank == 0;
            let call = Call::new(Kind::Report);
            let len = is_leader.then_some(len);
            Shared::frozen_per_node(comm, call, Location::caller(), len, |bytes| {
                let len = len.expect("only leaders write");
                bytes[..len].copy_from_slice(&pattern(len));
            })
        });
    }

    #[test]
    fn large_bytes_are_in_one_place_on_each_node() {
        for (len, is_one) in [(64 << 10, false), (300_000, true)] {
            let places = Cluster::new(&[2, 2]).run(|comm| {
                let site = Location::caller();
                let frozen = Shared::frozen_from_root(comm, 0, site, || pattern(len)).unwrap();
                (frozen.as_ptr().addr(), frozen)
            });
            let at: Vec<usize> = places.iter().map(|(at, _)| *at).collect();
            assert_eq!([at[0] == at[1], at[2] == at[3]], [is_one; 2], "{len}");
            assert_ne!(at[1], at[2]);
        }
    }
}
