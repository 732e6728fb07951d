//! Objects kept by one home rank (locks, task tables, counters), and how other ranks reach them.
//!
//! Ranks on one node share an object through node memory. Ranks on several nodes share one that a home rank keeps, in one of
//! two ways:
//!
//! - [`home_words`]: the object is words of the home rank, which all ranks change by one-sided operations.
//! - [`home_client`]: the object is a [`HomeObject`](crate::transport::rpc::HomeObject) at the server of the home rank, to which
//!   all ranks send requests. A service thread handles them, or the home rank does when it makes a call.
//!
//! [`access`] creates an object in the best way there is, and connects the ranks of a `Comm` to it; [`engine`] names the ways.
//! [`atomic_words`] and [`direct_words`] are what a protocol on words needs, so that it is the same in node memory and at a home
//! rank.

pub(crate) mod access;
pub(crate) mod atomic_words;
pub(crate) mod direct_words;
pub(crate) mod engine;
pub(crate) mod home_client;
pub(crate) mod home_words;
