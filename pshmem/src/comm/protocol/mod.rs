//! What the ranks of a `Comm` write for each other: in the control block of their node, and in messages between nodes.
//!
//! - `call` which call a rank makes · `contribution` what it adds to a round, and how contributions are merged
//! - `control_block` the layout of the control block · `control` the steps of a round on one node
//! - `value_key` what ranks that pass values must pass alike
//! - `message` messages between node leaders and writers · `byte_fields` how bytes in them are encoded

mod byte_fields;
pub(crate) mod call;
pub(crate) mod contribution;
pub(crate) mod control;
pub(crate) mod control_block;
pub(crate) mod message;
#[cfg(all(test, loom))]
mod models;
pub(crate) mod value_key;
