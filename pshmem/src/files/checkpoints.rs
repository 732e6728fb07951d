//! [`Checkpoints`]: a folder of saves, one for each step, of which the newest are kept.

use crate::comm::Comm;
use crate::comm::protocol::call::{Call, Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::error::Result;
use crate::files::failure::{Failure, Result as FileResult};
use crate::files::leaf_files::is_one_file;
use crate::files::load::load;
use crate::files::save::save;
use crate::files::{Reading, replace};
use crate::layout::file_layout::{FileLayout, FileLeaves};
use crate::rank_thread::stays_on_rank_thread;
use crate::shared::Shared;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::panic::Location;
use std::path::{Path, PathBuf};

/// Saves of an object at different steps of a computation, in one folder. The newest few are kept.
///
/// Each is written by [`Shared::save`], so one that is there is complete, whenever the job was ended. It can be loaded on any
/// number of ranks and nodes.
///
/// ```
/// use pshmem::{Checkpoints, Comm, Shared};
///
/// let folder = tempfile::tempdir().unwrap();
/// let comm = Comm::solo();
/// let checkpoints = Checkpoints::new(&comm, folder.path(), 2)?;
/// let (mut grid, mut step) = match checkpoints.latest()? {
///     Some(step) => (checkpoints.load::<[f64]>(step)?, step),
///     None => (Shared::<[f64]>::new(&comm, 10)?, 0),
/// };
/// while step < 5 {
///     step += 1;
///     grid.update(0, |mut w| w[0] += 1.0)?;
///     checkpoints.save(&grid, step)?;
/// }
/// assert_eq!(checkpoints.latest()?, Some(5)); // steps 4 and 5 are there
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Checkpoints {
    comm: Comm,
    folder: PathBuf,
    keep: usize,
}

stays_on_rank_thread!([] Checkpoints);

/// How the name of a checkpoint begins.
const PREFIX: &str = "step-";

impl Checkpoints {
    /// Uses the folder `dir`, which is created if it does not exist, and keeps the newest `keep` checkpoints; 0 keeps all.
    ///
    /// The type has an example.
    ///
    /// # Collective
    /// All ranks of `comm` call it, with the same arguments. Two rounds.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if the folder cannot be made; [`Error::Mismatch`](crate::Error::Mismatch) if ranks pass
    /// different arguments; those of [`Comm::barrier`].
    #[track_caller]
    pub fn new<P: AsRef<Path>>(comm: &Comm, dir: P, keep: usize) -> Result<Self> {
        let kind = Kind::Checkpoints;
        let core = &comm.core;
        let _call = core.enter(kind.name(), Location::caller())?;
        let call = Call::new(kind);
        let folder = dir.as_ref();
        let kept = format!(", keep {keep}");
        let argument = [folder.as_os_str().as_bytes(), kept.as_bytes()].concat();
        core.agree_on(call, &argument, Contribution::default())?;
        core.write_long(call.root(0).step(Step::Create), || {
            fs::create_dir_all(folder)
                .map(|()| Vec::new())
                .map_err(|error| {
                    let failure = Failure::system("creating it", folder)(error);
                    failure.error(core, kind.name())
                })
        })?;
        Ok(Checkpoints {
            comm: comm.clone(),
            folder: folder.to_owned(),
            keep,
        })
    }

    /// Saves an object for `step`, and removes the oldest checkpoints that are too many.
    ///
    /// The type has an example.
    ///
    /// # Collective
    /// As [`Shared::save`], with the same step on all ranks.
    ///
    /// # Errors
    /// As [`Shared::save`]. Nothing is removed then.
    #[track_caller]
    pub fn save<L: FileLayout + ?Sized>(&self, shared: &Shared<L>, step: u64) -> Result<()> {
        save(&shared.whole(), Location::caller(), &self.path::<L>(step))?;
        if shared.comm().rank() == 0 {
            self.prune(step);
        }
        Ok(())
    }

    /// The newest step of which there is a checkpoint.
    ///
    /// The type has an example.
    ///
    /// # Collective
    /// All ranks call it. One round; rank 0 lists the folder.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if the folder cannot be listed; those of [`Comm::barrier`].
    #[track_caller]
    pub fn latest(&self) -> Result<Option<u64>> {
        let kind = Kind::Latest;
        let core = &self.comm.core;
        let _call = core.enter(kind.name(), Location::caller())?;
        let latest = core.write_long(Call::new(kind).root(0), || {
            let steps = self
                .steps()
                .map_err(|failure| failure.error(core, kind.name()))?;
            let latest = steps.last_key_value().map(|(&step, _)| step);
            Ok(postcard::to_allocvec(&latest).expect("numbers always encode"))
        })?;
        Ok(postcard::from_bytes(&latest).expect("rank 0 runs the same executable"))
    }

    /// Loads the checkpoint of a step.
    ///
    /// The type has an example.
    ///
    /// # Collective
    /// As [`Shared::load`], with the same step on all ranks.
    ///
    /// # Errors
    /// As [`Shared::load`].
    #[track_caller]
    pub fn load<L: FileLayout + ?Sized>(&self, step: u64) -> Result<Shared<L>> {
        let path = self.path::<L>(step);
        load(&self.comm, Location::caller(), &path, Reading::Once, false)
    }

    /// Steps are written with as many digits as the largest one, so that a listing shows them in order.
    fn path<L: FileLayout + ?Sized>(&self, step: u64) -> PathBuf {
        let suffix = if is_one_file(&FileLeaves::of::<L>()) {
            ".npy"
        } else {
            ""
        };
        self.folder.join(format!("{PREFIX}{step:020}{suffix}"))
    }

    /// The steps of all checkpoints. Each has one name, and a second one where a crash has left a folder aside.
    fn steps(&self) -> FileResult<Steps> {
        let failed = |error| Failure::system("listing it", &self.folder)(error);
        let mut steps = Steps::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let name = name.to_string_lossy();
            if let Some(step) = step_of(&name) {
                steps.entry(step).or_default().push(name.into_owned());
            }
        }
        Ok(steps)
    }

    /// Removes the oldest checkpoints but never that of `newest`, which was just saved: after a return to an older step, there may be
    /// checkpoints of later ones.
    fn prune(&self, newest: u64) {
        // What cannot be removed now will be tried again after the next save.
        let steps = self.steps().unwrap_or_default();
        for name in too_many(steps, newest, self.keep) {
            replace::remove_at_once(&self.folder.join(name), self.comm.core.group.host());
        }
    }
}

/// The names of what is there for each step.
type Steps = BTreeMap<u64, Vec<String>>;

/// The names of the oldest steps, without which `keep` are left, `newest` among them. 0 keeps all.
fn too_many(mut steps: Steps, newest: u64, keep: usize) -> Vec<String> {
    let Some(others) = keep.checked_sub(1) else {
        return Vec::new();
    };
    steps.remove(&newest);
    let oldest = steps.len().saturating_sub(others);
    steps.into_values().take(oldest).flatten().collect()
}

/// The step of a checkpoint of this name.
fn step_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?;
    // A folder that a crash has left aside counts: `load` puts it back.
    let digits = digits.strip_suffix(".old").unwrap_or(digits);
    let digits = digits.strip_suffix(".npy").unwrap_or(digits);
    let is_step = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_step.then(|| digits.parse().ok()).flatten()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_steps_go_with_all_their_names() {
        let steps = |numbers: &[u64]| {
            let names = |&step: &u64| (step, vec![step.to_string()]);
            numbers.iter().map(names).collect::<Steps>()
        };
        assert_eq!(too_many(steps(&[1, 2, 3]), 3, 2), ["1"]);
        assert_eq!(too_many(steps(&[1, 2, 3]), 3, 1), ["1", "2"]);
        assert_eq!(
            too_many(steps(&[1, 2, 30]), 2, 2),
            ["1"],
            "a return to step 2"
        );
        assert!(too_many(steps(&[1, 2]), 2, 2).is_empty());
        assert!(too_many(steps(&[1, 2, 3]), 3, 0).is_empty());
        // A folder that is aside is no step of its own: step 1 is kept, and not the older one without it.
        let mut aside = steps(&[1, 2]);
        aside.entry(1).or_default().push("1.old".to_owned());
        assert!(too_many(aside.clone(), 2, 2).is_empty());
        assert_eq!(too_many(aside, 2, 1), ["1", "1.old"]);
    }

    #[test]
    fn names_of_checkpoints_are_told_from_others() {
        let of = |step: u64, suffix: &str| step_of(&format!("{PREFIX}{step:020}{suffix}"));
        assert_eq!(of(7, ""), Some(7));
        assert_eq!(of(u64::MAX, ".npy"), Some(u64::MAX));
        assert_eq!(of(7, ".old"), Some(7));
        assert_eq!(of(7, ".partial"), None);
        assert_eq!(step_of("step-7"), None);
        assert_eq!(step_of("step-99999999999999999999"), None);
    }
}
