//! stub
use crate::comm::Comm;
use std::fmt::Display;
/// stub
pub fn run<E: Display>(_main: impl Fn(&Comm) -> Result<(), E> + Sync) -> std::process::ExitCode { unimplemented!() }
