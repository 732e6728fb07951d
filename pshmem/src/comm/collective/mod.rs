//! Collective calls: how the ranks of a `Comm` synchronise, compare their calls, and learn the outcome.
//!
//! - `call` what a rank calls · `control` the atomic words of one node · `round` the two kinds of round
//! - `contribution` what ranks add to a round, and how it is merged · `agreement` checks that an argument is identical
//! - `message`, `tree` messages between node leaders · `allgather` small tables · `turns` turns of node ranks inside one call

pub(crate) mod agreement;
pub(crate) mod allgather;
pub(crate) mod call;
pub(crate) mod contribution;
pub(crate) mod control;
pub(crate) mod message;
#[cfg(all(test, loom))]
mod models;
pub(crate) mod round;
mod tree;
pub(crate) mod turns;
