//! Collective calls: how the ranks of a `Comm` synchronize, compare their calls, and get the outcome.
//!
//! - `round` arriving, claiming and waiting, which all calls share · `tree` the same between nodes
//! - `agree` calls in which all ranks contribute · `write` calls in which one rank writes
//! - `agreement` checks that an argument is identical on all ranks · `mismatch` the error if it is not
//! - `copies` checks that the copies of all nodes are identical
//! - `conclude` calls in which one rank makes of what all pass what all get
//! - `allgather` small items of all ranks · `allocate` node memory for all ranks · `scratch` the same for the time of a call

pub(crate) mod agree;
pub(crate) mod agreement;
pub(crate) mod allgather;
pub(crate) mod allocate;
pub(crate) mod conclude;
pub(crate) mod copies;
mod mismatch;
mod round;
pub(crate) mod scratch;
mod tree;
pub(crate) mod write;
