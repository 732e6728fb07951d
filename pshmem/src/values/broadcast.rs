//! `broadcast` and `try_broadcast`: a value of one rank on all ranks.

use crate::comm::Comm;
use crate::comm::collective::conclude::{Items, Maker};
use crate::comm::protocol::call::{Call, Kind};
use crate::error::Result;
use crate::values::codec::Codec;
use crate::values::first_round::first_round;
use crate::values::long;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::panic::Location;

impl Comm {
    /// The value that `root` makes, on all ranks.
    ///
    /// The closure runs on `root` only, at once; the other ranks wait for its value. Each rank gets a value of its own. A large table
    /// that all ranks only read is better made with [`Shared::from_root`](crate::Shared::from_root), once per node.
    ///
    /// ```
    /// use pshmem::local::Cluster;
    ///
    /// let settings = Cluster::new(&[2, 1]).run(|comm| {
    ///     comm.broadcast(0, || vec![("steps".to_owned(), 100.0), ("width".to_owned(), 0.5)]).unwrap()
    /// });
    /// assert_eq!(settings[2][1], ("width".to_owned(), 0.5));
    /// ```
    ///
    /// # Collective
    /// All ranks call it, with the same root and type. One round if the encoded value has at most about a kilobyte; over N nodes that
    /// is 2 (N - 1) messages, which carry the value. A longer value takes two rounds more, and up to four if node memory for it must be
    /// mapped; it is sent to each other node once. One round more, in which all ranks agree that they have decoded the value, if it is
    /// longer or its type is neither primitive nor of the standard library. On one rank nothing is encoded.
    ///
    /// # Errors
    /// [`Error::Encoding`](crate::Error::Encoding) if the value cannot be encoded or decoded,
    /// [`Error::NoSuchRank`](crate::Error::NoSuchRank), [`Error::Mismatch`](crate::Error::Mismatch) if ranks ask for different types,
    /// [`Error::Closure`](crate::Error::Closure) on the other ranks when the closure, `Serialize` or `Deserialize` panics,
    /// [`Error::NoRoom`](crate::Error::NoRoom), and those of [`barrier`](Comm::barrier).
    ///
    /// # Panics
    /// On the rank where the closure, `Serialize` or `Deserialize` panics, after the other ranks have got their error.
    #[track_caller]
    pub fn broadcast<T: Serialize + DeserializeOwned>(
        &self,
        root: usize,
        value: impl FnOnce() -> T,
    ) -> Result<T> {
        self.broadcast_made(root, Location::caller(), || Ok(value()))
    }

    /// Like [`broadcast`](Comm::broadcast), with a closure that may fail. Its error becomes
    /// [`Error::Closure`](crate::Error::Closure) on all ranks.
    ///
    /// ```
    /// use pshmem::{Error, local::Cluster};
    ///
    /// let read = Cluster::new(&[2]).run(|comm| comm.try_broadcast(1, || std::fs::read_to_string("/no/such/file")));
    /// assert!(matches!(read[0], Err(Error::Closure { rank: 1, .. })));
    /// assert_eq!(read[0], read[1]);
    /// ```
    ///
    /// # Collective
    /// As [`broadcast`](Comm::broadcast).
    ///
    /// # Errors
    /// As [`broadcast`](Comm::broadcast).
    ///
    /// # Panics
    /// As [`broadcast`](Comm::broadcast).
    #[track_caller]
    pub fn try_broadcast<T: Serialize + DeserializeOwned, E: Display>(
        &self,
        root: usize,
        value: impl FnOnce() -> Result<T, E>,
    ) -> Result<T> {
        self.broadcast_made(root, Location::caller(), || {
            value().map_err(|error| error.to_string())
        })
    }

    fn broadcast_made<T: Serialize + DeserializeOwned>(
        &self,
        root: usize,
        site: &'static Location<'static>,
        closure: impl FnOnce() -> Result<T, String>,
    ) -> Result<T> {
        let core = &self.core;
        let _call = core.enter(Kind::Broadcast.name(), site)?;
        let call = Call::new(Kind::Broadcast).root(root);
        core.check_root(call, root)?;
        let mut codec = Codec::new::<T>(core, call);
        if self.size() == 1 {
            let made = codec.closure.run(closure);
            return codec.finish(made);
        }
        let mut own = None;
        let mut mine = Ok(None);
        if self.rank() == root {
            let made = codec.closure.run(closure);
            let encoded = made.and_then(|value| codec.encode(own.insert(value)));
            mine = encoded.map(Some);
        }
        let bytes = mine.as_ref().map(Option::as_deref);
        let first = Maker {
            run: |items: &Items| Ok(items[0].1.clone()),
            once: false,
        };
        let sent = first_round(core, call, &codec.key(), bytes, first);
        let result = sent.and_then(|sent| match (sent, own) {
            // Its own value is not decoded, but the others decode it.
            (Some(_), Some(own)) => codec.agree_unless_of_std(core, Ok(own)),
            (Some(bytes), None) => {
                let decoded = codec.decode(&bytes);
                codec.agree_unless_of_std(core, decoded)
            }
            (None, own) => {
                let decoded = long::broadcast(core, call, mine?, |bytes| {
                    own.map_or_else(|| codec.decode(bytes), Ok)
                })?;
                codec.agree(core, decoded)
            }
        });
        codec.finish(result)
    }
}
