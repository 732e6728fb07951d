//! `#[derive(SharedLayout)]` and `#[derive(SharedColumns)]` on ranks that are threads.
//!
//! - `behaviour` what a derived struct does · `dims` named extents · `columns` records as one array per field
//! - `crate_path` modules in place of pshmem that replace single items of it
//! - `forms` every form of struct that the derive accepts · `hygiene` hostile surroundings · `strict` a crate that denies
//!   every lint

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

#[path = "derive/behaviour.rs"]
mod behaviour;
#[path = "derive/columns.rs"]
mod columns;
#[path = "derive/crate_path.rs"]
mod crate_path;
#[path = "derive/dims.rs"]
mod dims;
#[path = "derive/forms.rs"]
mod forms;
#[path = "derive/hygiene.rs"]
mod hygiene;
#[path = "derive/strict.rs"]
mod strict;
