//! A job with one deliberate fault or misuse: `fault NAME [RANK] [SEED]`.
//!
//! Rank `RANK` (1 by default) commits the fault of that name in `list.rs`, while the other ranks make the calls that `actions.rs`
//! pairs with it. `SEED` chooses the time of faults that a timer commits. Ranks print what their collective calls returned.

mod actions;
mod misuse;

use pshmem::Comm;
use pshmem_tests::faults::{FAULTS, MISUSES};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let name = arguments.first().map_or("", String::as_str);
    let number = |index: usize| {
        let argument = arguments.get(index);
        argument.and_then(|text| text.parse().ok()).unwrap_or(1)
    };
    let fault = FAULTS.iter().find(|fault| fault.name == name);
    let misuse = MISUSES.iter().find(|misuse| misuse.name == name);
    pshmem::run(|comm: &Comm| match (fault, misuse) {
        (Some(fault), _) => actions::run(fault.kind, comm, number(1) as usize, number(2)),
        (None, Some(misuse)) => misuse::run(misuse.kind, comm).map_err(|error| error.to_string()),
        (None, None) => Err(format!("no fault is called `{name}`")),
    })
}
