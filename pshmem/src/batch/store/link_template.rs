//! A file with the word RUNNING, which one rank links to the state of every task that it begins.
//!
//! A hard link is cheaper than a new file, above all on network file systems, where a new file takes several messages.

use crate::batch::store::folder::{FileIdentity, Folder};
use crate::batch::store::state_file::Recorded;
use crate::batch::task_state::TaskState;
use std::cell::Cell;
use std::io::{self, ErrorKind};

/// A file with the word RUNNING to make hard links of.
#[derive(Debug)]
pub(super) struct LinkTemplate {
    /// Its name in the folder of this library's own files.
    name: String,
    made: Cell<Option<FileIdentity>>,
    /// Links cannot be made here, so files are.
    is_refused: Cell<bool>,
}

impl LinkTemplate {
    /// The file is made when it is first needed.
    pub(super) fn new(name: String) -> Self {
        LinkTemplate {
            name,
            made: Cell::default(),
            is_refused: Cell::new(false),
        }
    }

    /// Makes a file with the word RUNNING, under a name that nobody else uses. `own` is the folder of the template.
    pub(super) fn put(&self, own: &Folder, folder: &Folder, name: &str) -> io::Result<()> {
        if !self.is_refused.get() && self.link(own, folder, name).is_ok() {
            return Ok(());
        }
        // The file system has no hard links, or this file has as many as it may have.
        folder.create(name, &Recorded::new(TaskState::Running).text())?;
        self.is_refused.set(true);
        Ok(())
    }

    fn link(&self, own: &Folder, folder: &Folder, name: &str) -> io::Result<()> {
        let made = match self.made.get() {
            Some(made) => made,
            None => own.create(&self.name, &Recorded::new(TaskState::Running).text())?,
        };
        self.made.set(Some(made));
        if own.hard_link(&self.name, folder, name)? && folder.identity(name)? == Some(made) {
            return Ok(());
        }
        // Somebody has edited a state file in place, which was a link to this file: its text must not spread.
        folder.remove(name)?;
        Err(ErrorKind::InvalidData.into())
    }

    /// Removes the file.
    pub(super) fn remove(&self, own: &Folder) -> io::Result<()> {
        match self.made.take() {
            Some(_) => own.remove(&self.name).map(|_| ()),
            None => Ok(()),
        }
    }
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use std::fs;
    use std::time::Duration;
    use tempfile::tempdir;

    #[test]
    fn what_is_written_by_hand_does_not_spread() {
        let root = tempdir().unwrap();
        let folder = Folder::open(root.path(), Duration::ZERO).unwrap();
        let at = |name: &str| root.path().join(name);
        let link_template = LinkTemplate::new("template".to_owned());
        for name in ["a", "b"] {
            link_template.put(&folder, &folder, name).unwrap();
            assert_eq!(fs::read_to_string(at(name)).unwrap(), "RUNNING\n");
        }
        // The clock of a file system has steps of some milliseconds.
        std::thread::sleep(Duration::from_millis(20));
        fs::write(at("a"), "DONE\n").unwrap();
        link_template.put(&folder, &folder, "c").unwrap();
        assert_eq!(fs::read_to_string(at("c")).unwrap(), "RUNNING\n");
        link_template.remove(&folder).unwrap();
        assert!(!at("template").exists());
    }

    #[test]
    fn where_there_can_be_no_link_there_is_a_file() {
        let root = tempdir().unwrap();
        let folder = Folder::open(root.path(), Duration::ZERO).unwrap();
        let link_template = LinkTemplate::new("template".to_owned());
        link_template.put(&folder, &folder, "a").unwrap();
        assert_eq!(
            fs::read_to_string(root.path().join("a")).unwrap(),
            "RUNNING\n"
        );
    }
}
