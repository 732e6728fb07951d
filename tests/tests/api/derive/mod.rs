//! `#[derive(SharedLayout)]`, `#[derive(SharedColumns)]` and `#[derive(Record)]`, with ranks as threads.
//!
//! - `behaviour` objects of derived structs · `dims` named extents · `columns` records as one array per field · `composites` fields
//!   that are rows of different lengths, strings or text
//! - `stack` rows of all ranks · `parts` rows of one rank · `records` descriptions and checks of bytes of unknown origin · `files` leaves of objects that are saved
//! - `forms` all forms of structs that the derives accept · `hygiene` names that generated code might use, defined by the user
//! - `crate_path` modules in place of pshmem that replace single items of it · `strict` a module that denies every lint

#![allow(
    unreachable_pub,
    reason = "the structs are written as users write them"
)]
#![allow(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "small whole numbers that are copied, not computed"
)]

mod behaviour;
mod columns;
mod composites;
mod crate_path;
mod dims;
mod files;
mod forms;
mod hygiene;
mod parts;
mod records;
mod stack;
mod strict;
