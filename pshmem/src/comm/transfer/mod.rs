//! Transfers: how written bytes reach the other nodes, directly from segment to segment, in pieces.
//!
//! One writer sends a header down a binomial tree of nodes, whose root is its own node. Few bytes follow along the same tree.
//! Many bytes follow along a chain of nodes: each node forwards a piece while it receives the next, so that the time hardly
//! depends on the number of nodes. If all ranks write, each sends its bytes to one rank of every other node.
//!
//! Contiguous regions are sent from, and received into, the segments themselves. Strided regions are packed into staging
//! buffers of one piece each. So no rank ever holds a copy of the data.
//!
//! - `target` the bytes that a call may access · `pieces` regions in pieces · `route` from one writer to all nodes
//! - `broadcast` header and bytes of one writer · `short` bytes that come with its arrival
//! - `exchange` transfers with several peers at once
//! - `schedule` which rank sends what to whom if all ranks write · `pipeline` chunks that all ranks work on, in rank order
//! - `chain` the same, with results that go to all ranks · `buffers` what ranks send each other at any time inside a call

mod broadcast;
pub(crate) mod buffers;
pub(crate) mod chain;
pub(crate) mod exchange;
mod pieces;
pub(crate) mod pipeline;
mod route;
pub(crate) mod schedule;
pub(crate) mod short;
mod target;

pub(crate) use broadcast::{receive, send};
pub(crate) use target::Target;
