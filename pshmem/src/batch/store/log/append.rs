//! The part of the log that one rank writes.

use crate::batch::store::folder::Folder;
use crate::batch::store::log::entry::{LogEntry, writable};
use crate::batch::store::log::merge::PREFIX;
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};

/// Bytes of lines that are kept while they cannot be written.
const MAX_PENDING: usize = 1 << 20;

/// The file to which one rank appends.
#[derive(Debug, Default)]
pub(in crate::batch::store) struct AttemptLog {
    file: RefCell<Option<File>>,
    /// Lines that could not be written yet.
    pending: RefCell<String>,
}

impl AttemptLog {
    /// Appends a line in one call. Lines that cannot be written are kept for the next time. `key` returns the rest of the name
    /// for a new file.
    pub(in crate::batch::store) fn append(
        &self,
        own: &Folder,
        key: impl FnOnce() -> String,
        mut entry: LogEntry,
    ) -> io::Result<()> {
        entry.start = writable(entry.start);
        let mut pending = self.pending.borrow_mut();
        if pending.len() < MAX_PENDING {
            pending.push_str(&entry.to_csv());
        }
        let mut file = self.file.borrow_mut();
        // Removed by another job, which has taken this process for dead: what is written there would be lost.
        let kept = file
            .take()
            .filter(|opened| rustix::fs::fstat(opened).is_ok_and(|data| data.st_nlink > 0));
        let mut opened = match kept {
            Some(opened) => opened,
            None => own.open_to_append(&format!("{PREFIX}{}", key()))?,
        };
        opened.write_all(pending.as_bytes())?;
        pending.clear();
        *file = Some(opened);
        Ok(())
    }

    /// Ends the file: the next line begins another one.
    pub(in crate::batch::store) fn close(&self) {
        self.file.take();
    }
}
