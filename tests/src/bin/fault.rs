//! A job with one deliberate fault, for tests of how jobs end: `fault NAME [RANK]`.
//!
//! Rank `RANK` (1 by default) commits the fault while the others wait for it in a collective.

use pshmem::{Comm, Error, Shared};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_default();
    let culprit: usize = words.next().and_then(|rank| rank.parse().ok()).unwrap_or(1);
    pshmem::run(|comm: &Comm| -> Result<(), String> {
        let mut table = Shared::<[u64]>::new(comm, 1000).map_err(|error| error.to_string())?;
        table.fill(1).map_err(|error| error.to_string())?;
        if comm.rank() == culprit {
            match name.as_str() {
                "panic" => panic!("a deliberate panic"),
                "error" => return Err("a deliberate error".to_owned()),
                "return" => return Ok(()),
                "compute" => std::thread::sleep(Duration::from_secs(3600)),
                "closure" => {
                    let _ = table.update(culprit, |_| panic!("a deliberate panic in a closure"));
                }
                "kill" => std::process::abort(),
                other => return Err(format!("no fault is called `{other}`")),
            }
        }
        let met = if name == "closure" {
            table.update(culprit, |_| ()).map(|_| ())
        } else {
            comm.barrier()
        };
        println!("rank {} saw: {}", comm.rank(), text(&met));
        met.map_err(|error| error.to_string())
    })
}

fn text(met: &Result<(), Error>) -> String {
    match met {
        Ok(()) => "nothing".to_owned(),
        Err(error) => error.to_string(),
    }
}
