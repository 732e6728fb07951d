//! Loads a catalogue of stars once per node, and prints how many they are and the brightest one.
//!
//! ```text
//! PSHMEM_LOCAL=2+1 cargo run --release --manifest-path examples/csv/Cargo.toml -- FILE
//! ```
//!
//! The first line of the file names its columns: `id,ra,dec,magnitude`.

use pshmem::{Comm, Result};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file] = &arguments[..] else {
        eprintln!("usage: pshmem-example-csv FILE");
        return ExitCode::from(2);
    };
    pshmem::run(|comm: &Comm| -> Result<()> {
        let stars = pshmem_example_csv::load(comm, file)?;
        if comm.rank() == 0 {
            let view = stars.view();
            println!("{} stars", view.len());
            let of = |star: usize| view.magnitude[star];
            // Magnitudes are smaller the brighter a star is.
            if let Some(star) = (0..view.len()).min_by(|&a, &b| of(a).total_cmp(&of(b))) {
                println!("the brightest: {:?}", view.get(star));
            }
        }
        Ok(())
    })
}
