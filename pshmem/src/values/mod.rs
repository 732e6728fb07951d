//! Values that ranks pass each other, without an object: `broadcast`, `gather` and `all_gather` of any type that serde knows,
//! `all_reduce`, `all_reduce_into` and `exclusive_scan` of elements.
//!
//! Short values travel inside the first round of a call: every rank contributes its bytes, one rank makes of them what all get.
//! Longer ones use node memory after that round, which then only compares what all ranks must pass alike.
//!
//! - `broadcast`, `gather`, `reduce` the calls · `first_round` what they have in common
//! - `codec` users' `Serialize` and `Deserialize`, and which types need none · `long` encoded values of any length
//! - `long_reduce` arrays of any length

mod broadcast;
mod codec;
mod first_round;
mod gather;
mod long;
mod long_reduce;
mod reduce;
