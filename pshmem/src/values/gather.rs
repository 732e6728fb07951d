//! `all_gather` and `gather`: the values of all ranks, on all of them or on one.

use crate::comm::Comm;
use crate::comm::collective::conclude::{Items, Maker};
use crate::comm::protocol::call::{Call, Kind};
use crate::error::Result;
use crate::values::codec::Codec;
use crate::values::first_round::first_round;
use crate::values::long;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::panic::Location;

impl Comm {
    /// The values of all ranks, in rank order, on all ranks.
    ///
    /// Values may have different lengths. Each rank gets values of its own. Rows that all ranks only read are better stacked with
    /// [`Shared::concat`](crate::Shared::concat), once per node.
    ///
    /// ```
    /// use pshmem::local::Cluster;
    ///
    /// let names = Cluster::new(&[2, 1]).run(|comm| {
    ///     let name = "x".repeat(comm.rank());
    ///     comm.all_gather(name).unwrap()
    /// });
    /// assert_eq!(names[0], ["", "x", "xx"]);
    /// ```
    ///
    /// # Collective
    /// All ranks call it, with the same type. One round if each encoded value has at most about a kilobyte, and all together have 8
    /// KiB; over N nodes that is 2 (N - 1) messages, which carry the values. Longer values take three rounds, one more for each 312
    /// ranks after the first 312, and up to four more if node memory for them must be mapped; each is sent to each other node
    /// once. One round more, in which all ranks agree that they have decoded the values, if these are longer or their type is neither
    /// primitive nor of the standard library. On one rank nothing is encoded.
    ///
    /// # Errors
    /// [`Error::Encoding`](crate::Error::Encoding) if a value cannot be encoded or decoded,
    /// [`Error::Mismatch`](crate::Error::Mismatch) if ranks pass different types,
    /// [`Error::Closure`](crate::Error::Closure) on the other ranks when `Serialize` or `Deserialize` panics,
    /// [`Error::NoRoom`](crate::Error::NoRoom), [`Error::TooLarge`](crate::Error::TooLarge), and those of [`barrier`](Comm::barrier).
    ///
    /// # Panics
    /// On the rank where `Serialize` or `Deserialize` panics, after the other ranks have got their error.
    #[track_caller]
    pub fn all_gather<T: Serialize + DeserializeOwned>(&self, value: T) -> Result<Vec<T>> {
        let gathered = self.gather_on(None, Location::caller(), value)?;
        Ok(gathered.expect("every rank gets the values"))
    }

    /// The values of all ranks, in rank order, on `root`. The other ranks get `None`.
    ///
    /// ```
    /// use pshmem::local::Cluster;
    ///
    /// let lines = Cluster::new(&[2, 1]).run(|comm| {
    ///     let seconds = 0.5 * comm.rank() as f64;
    ///     comm.gather(0, (comm.rank(), seconds)).unwrap()
    /// });
    /// assert_eq!(lines, [Some(vec![(0, 0.0), (1, 0.5), (2, 1.0)]), None, None]);
    /// ```
    ///
    /// # Collective
    /// As [`all_gather`](Comm::all_gather), with the same root on all ranks. Longer values are sent to the root's node only. If
    /// all together have more than 8 MiB, they need memory there only.
    ///
    /// # Errors
    /// Those of [`all_gather`](Comm::all_gather), and [`Error::NoSuchRank`](crate::Error::NoSuchRank).
    ///
    /// # Panics
    /// As [`all_gather`](Comm::all_gather).
    #[track_caller]
    pub fn gather<T: Serialize + DeserializeOwned>(
        &self,
        root: usize,
        value: T,
    ) -> Result<Option<Vec<T>>> {
        self.gather_on(Some(root), Location::caller(), value)
    }

    /// On the root, or on all ranks.
    fn gather_on<T: Serialize + DeserializeOwned>(
        &self,
        root: Option<usize>,
        site: &'static Location<'static>,
        value: T,
    ) -> Result<Option<Vec<T>>> {
        let core = &self.core;
        let kind = root.map_or(Kind::AllGather, |_| Kind::GatherValues);
        let _call = core.enter(kind.name(), site)?;
        let mut call = Call::new(kind);
        if let Some(root) = root {
            call = call.root(root);
            core.check_root(call, root)?;
        }
        if self.size() == 1 {
            return Ok(Some(vec![value]));
        }
        let mut codec = Codec::new::<T>(core, call);
        let encoded = codec.encode(&value);
        // Not moved into closures that may not run: its `drop` must not run between two rounds.
        let mut own = Some(value);
        let mine = encoded.as_deref().map(Some);
        let join = Maker {
            run: |items: &Items| Ok(long::join(items)),
            once: false,
        };
        let sent = first_round(core, call, &codec.key(), mine, join);
        let result = sent.and_then(|sent| {
            if let Some(all) = sent {
                let gets = root.is_none_or(|root| root == self.rank());
                let decoded = gets.then(|| codec.decode_all(&mut own, long::split(&all)));
                return codec.agree_unless_of_std(core, decoded.transpose());
            }
            let read =
                |of_ranks: &mut dyn Iterator<Item = &[u8]>| codec.decode_all(&mut own, of_ranks);
            let decoded = match root {
                Some(_) => long::gather(core, call, encoded?, read)?,
                None => Some(long::all_gather(core, call, encoded?, read)?),
            };
            codec.agree(core, decoded.transpose())
        });
        codec.finish(result)
    }
}
