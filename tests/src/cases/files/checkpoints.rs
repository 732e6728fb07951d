//! Checkpoints.

use std::fs;

use pshmem::{Checkpoints, Comm, Shared};

use super::{Pair, PairDims};
use crate::collective::{check_usable, same_error};
use crate::report::Outcome;
use crate::temp_dir::TempDir;

/// The newest checkpoints are kept, and load on other ranks than those that saved them.
pub(crate) fn checkpoints(comm: &Comm) -> Outcome {
    let folder = TempDir::shared(comm)?;
    let checkpoints = Checkpoints::new(comm, folder.path(), 2)?;
    assert_eq!(checkpoints.latest()?, None);
    let mut pair = Shared::<Pair>::new(comm, PairDims { n: 4 })?;
    for step in [3, 5, 40, 1000] {
        pair.fields().one.fill(step as f64)?;
        checkpoints.save(&pair, step)?;
        assert_eq!(checkpoints.latest()?, Some(step));
    }
    comm.barrier()?;
    assert_eq!(fs::read_dir(folder.path())?.count(), 2);
    let again = checkpoints.load::<Pair>(40)?;
    assert_eq!(again.view().one[3], 40.0);
    let solo = Comm::solo();
    let alone = Checkpoints::new(&solo, folder.path(), 2)?;
    assert_eq!(alone.load::<Pair>(1000)?.view().one[0], 1000.0);
    same_error(comm, checkpoints.load::<Pair>(3))?;
    // Back to an older step: what was just saved is kept.
    checkpoints.save(&pair, 41)?;
    comm.barrier()?;
    assert!(checkpoints.load::<Pair>(41).is_ok());
    check_usable(comm)
}
