//! The file behind the RUNNING states of one rank: they are names of one file, because making a file is what costs a file
//! system most, and a network file system several messages.

use crate::batch::store::files::{self, Identity};
use crate::batch::store::state_file;
use crate::batch::task_state::TaskState;
use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// A file with the word RUNNING that gets more names.
#[derive(Debug)]
pub(super) struct LinkTemplate {
    path: PathBuf,
    made: Cell<Option<Identity>>,
    /// A file system or a task's folder that cannot have it.
    is_refused: Cell<bool>,
}

impl LinkTemplate {
    /// To be made at `path` when it is first needed.
    pub(super) fn new(path: PathBuf) -> Self {
        LinkTemplate {
            path,
            made: Cell::default(),
            is_refused: Cell::new(false),
        }
    }

    /// Makes a file with the word RUNNING at `to`, a name that nobody else uses.
    pub(super) fn put(&self, to: &Path) -> io::Result<()> {
        if !self.is_refused.get() && self.link(to).is_ok() {
            return Ok(());
        }
        // Where a link cannot be made, or not this one, a file can.
        files::create(to, state_file::content(TaskState::Running))?;
        self.is_refused.set(true);
        Ok(())
    }

    fn link(&self, to: &Path) -> io::Result<()> {
        let made = match self.made.get() {
            Some(made) => made,
            None => files::create(&self.path, state_file::content(TaskState::Running))?,
        };
        self.made.set(Some(made));
        match files::hard_link(&self.path, to) {
            // A call that was repeated because the reply to the first one was lost: nobody else uses the name.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            outcome => outcome?,
        }
        if Identity::at(to)? == made {
            return Ok(());
        }
        // Somebody has written into a state file by hand, which was this very file: it is not to spread.
        files::remove(to)?;
        Err(ErrorKind::InvalidData.into())
    }
}

impl Drop for LinkTemplate {
    fn drop(&mut self) {
        if self.made.get().is_some() {
            // Where this fails, it is removed with what processes that are gone have left.
            let _ = files::remove(&self.path);
        }
    }
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::tempdir;

    #[test]
    fn what_is_written_by_hand_does_not_spread() {
        let root = tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        let link_template = LinkTemplate::new(at("link_template"));
        for name in ["a", "b"] {
            link_template.put(&at(name)).unwrap();
            assert_eq!(fs::read_to_string(at(name)).unwrap(), "RUNNING\n");
        }
        // The clock of a file system has steps of some milliseconds.
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(at("a"), "DONE\n").unwrap();
        link_template.put(&at("c")).unwrap();
        assert_eq!(fs::read_to_string(at("c")).unwrap(), "RUNNING\n");
        drop(link_template);
        assert!(!at("link_template").exists());
    }

    #[test]
    fn where_there_can_be_no_link_there_is_a_file() {
        let root = tempdir().unwrap();
        let link_template = LinkTemplate::new(root.path().join("missing/link_template"));
        let to = root.path().join("a");
        link_template.put(&to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "RUNNING\n");
        assert!(link_template.put(&root.path().join("missing/a")).is_err());
    }
}
