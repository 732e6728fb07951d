//! The public API with ranks as threads: what is no case of the suite, because it needs threads or more than one world.
//!
//! - `cluster` `local::Cluster` and ranks that return or panic · `many_ranks` up to 1100 ranks · `long_texts` long names and large
//!   values · `sequences` random sequences of calls
//! - `derive` structs with derived layouts · `send_sync` which types may be moved to other threads

mod cluster;
mod derive;
mod long_texts;
mod many_ranks;
mod send_sync;
mod sequences;
