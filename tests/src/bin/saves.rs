//! Saves on a file system that is full, or beside a limit on files, and saves that are killed.
//!
//! - `saves full FOLDER` FOLDER is on a file system with room for one save: the next one fails, and the first stands
//! - `saves limited FOLDER` the same where `ulimit -f` limits files
//! - `saves read-only FOLDER` on a file system that may not be written to
//! - `saves forever FOLDER` saves one number after the other, in all elements, until it is killed
//!
//! `tests/processes` and `cargo xtask test` run it, with ranks as threads.

use std::path::Path;
use std::process::ExitCode;

use pshmem::{Checkpoints, Comm, Error, Shared, SharedLayout};
use pshmem_tests::collective::{check_usable, same_error};
use pshmem_tests::report::Failure;
use pshmem_tests::watchdog;

#[derive(SharedLayout)]
struct Table {
    first: Vec<u64>,
    second: Vec<u64>,
}

/// Elements of a table that fits: half a megabyte.
const SMALL: usize = 32 << 10;
/// Elements of one that does not.
const LARGE: usize = 4 << 20;

fn main() -> ExitCode {
    pshmem::run(|comm: &Comm| -> Result<(), String> {
        let args: Vec<String> = std::env::args().skip(1).collect();
        let [scenario, folder] = &args[..] else {
            return Err("saves full|limited|read-only|forever FOLDER".to_owned());
        };
        let folder = Path::new(folder);
        let run = || match scenario.as_str() {
            "full" => too_large(comm, folder, "No space left"),
            "limited" => too_large(comm, folder, "ulimit -f"),
            "read-only" => read_only(comm, folder),
            "forever" => forever(comm, folder),
            other => Err(format!("{other} is no scenario").into()),
        };
        watchdog::guard("saves", run).map_err(|failure| format!("{failure:?}"))
    })
}

fn table(comm: &Comm, elements: usize, number: u64) -> Result<Shared<Table>, Failure> {
    let dims = TableDims {
        first: elements,
        second: elements,
    };
    let mut table = Shared::<Table>::new(comm, dims)?;
    let mut fields = table.fields();
    fields.first.fill(number)?;
    fields.second.fill(number)?;
    Ok(table)
}

fn too_large(comm: &Comm, folder: &Path, text: &str) -> Result<(), Failure> {
    let (path, file) = (folder.join("table"), folder.join("first.npy"));
    let mut small = table(comm, SMALL, 1)?;
    small.save(&path)?;
    small.fields().first.save(&file)?;
    let mut large = table(comm, LARGE, 2)?;
    for _ in 0..3 {
        let errors = [large.save(&path), large.fields().first.save(&file)];
        for error in errors {
            let error = same_error(comm, error)?;
            assert!(matches!(error, Error::File { .. }), "{error:?}");
            assert!(error.to_string().contains(text), "{error}");
        }
        let again = Shared::<Table>::load_verified(comm, &path, pshmem::Reading::Once)?;
        assert!(again.view().second.iter().all(|&element| element == 1));
        let again = Shared::<[u64]>::load(comm, &file)?;
        assert_eq!(again.view().len(), SMALL);
        let names = std::fs::read_dir(folder)?.count();
        assert_eq!(names, 2, "half a save is left");
    }
    all_is_well(comm)
}

fn read_only(comm: &Comm, folder: &Path) -> Result<(), Failure> {
    let small = table(comm, SMALL, 1)?;
    let error = same_error(comm, small.save(folder.join("table")))?;
    assert!(error.to_string().contains("Read-only"), "{error}");
    let error = same_error(comm, Checkpoints::new(comm, folder.join("steps"), 1))?;
    assert!(error.to_string().contains("Read-only"), "{error}");
    all_is_well(comm)
}

fn all_is_well(comm: &Comm) -> Result<(), Failure> {
    check_usable(comm)?;
    if comm.rank() == 0 {
        println!("saves: all is well");
    }
    Ok(())
}

fn forever(comm: &Comm, folder: &Path) -> Result<(), Failure> {
    let path = folder.join("table");
    let mut shared = table(comm, SMALL, 0)?;
    // No other job saves the same numbers.
    let first = u64::from(std::process::id()) << 32;
    for number in first.. {
        let mut fields = shared.fields();
        fields.first.fill(number)?;
        fields.second.fill(number)?;
        fields.first.save(folder.join("first.npy"))?;
        shared.save(&path)?;
    }
    Ok(())
}
