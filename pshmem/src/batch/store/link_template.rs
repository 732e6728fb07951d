//! A file with the word RUNNING, which one rank links to the state of every task that it begins.
//!
//! A hard link is cheaper than a new file, above all on network file systems, where a new file takes several messages.

use crate::batch::store::files::{self, FileIdentity};
use crate::batch::store::state_file;
use crate::batch::task_state::TaskState;
use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// A file with the word RUNNING to make hard links of.
#[derive(Debug)]
pub(super) struct LinkTemplate {
    path: PathBuf,
    made: Cell<Option<FileIdentity>>,
    /// Links cannot be made here, so files are.
    is_refused: Cell<bool>,
}

impl LinkTemplate {
    /// The file is made at `path` when it is first needed.
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
        // The file system has no hard links, or this file has as many as it may have.
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
            // The call was repeated because the reply to the first one was lost: nobody else uses the name.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            outcome => outcome?,
        }
        if FileIdentity::at(to)? == made {
            return Ok(());
        }
        // Somebody has edited a state file in place, which was a link to this file: its text must not spread.
        files::remove(to)?;
        Err(ErrorKind::InvalidData.into())
    }
}

impl Drop for LinkTemplate {
    fn drop(&mut self) {
        if self.made.get().is_some() {
            // If this fails, a later job removes it with the files of dead processes.
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
