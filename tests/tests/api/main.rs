//! The public API with ranks as threads: what is no case of the suite, because it needs threads or more than one world.
//!
//! - `cluster` `local::Cluster` and ranks that return or panic · `many_ranks` 64 ranks · `sequences` random sequences of calls
//! - `derive` structs with derived layouts · `send_sync` which types may be moved to other threads

mod cluster;
mod derive;
mod many_ranks;
mod send_sync;
mod sequences;
