//! Makes one file of the logs of many ranks, and reads all of them.
//!
//! Only one process at a time appends to `log.csv`: the one that has renamed it to a name of its own. It renames it back
//! afterwards. While it has another name, others leave their lines for later. A line that was appended but not yet removed from
//! where it came from, when its process was killed, is there twice; readers count it once, because an attempt has one line.

use crate::batch::store::folder::{Content, Folder, Rename};
use crate::batch::store::log::LOG;
use crate::batch::store::log::entry::{LogEntry, titles};
use std::collections::HashSet;
use std::io::{self, Write};

/// Beginning of the names of files with lines that are not in `log.csv` yet.
pub(super) const PREFIX: &str = "log.";
/// Beginning of the name that `log.csv` has while lines are appended.
const MERGING: &str = "merging.";
/// The longest log that is read, in bytes.
const MAX_LEN: usize = 1 << 34;

/// Appends the lines of files to `log.csv`, and removes the files. `key` is one that only this call uses. `false` when another
/// process is at it, so that the lines stay where they are.
pub(in crate::batch::store) fn merge(
    root: &Folder,
    own: &Folder,
    key: &str,
    is_ready: &dyn Fn(&str) -> bool,
) -> io::Result<bool> {
    let mut sources = own.names()?;
    sources.retain(|name| name.starts_with(PREFIX) && is_ready(name));
    if sources.is_empty() {
        return Ok(true);
    }
    let merging = format!("{MERGING}{key}");
    if root.rename_into(LOG, own, &merging)? == Rename::Missing {
        // Either another process has renamed it, or there is none yet.
        if is_being_merged(own)? || !make(root, own, &merging)? {
            return Ok(false);
        }
        if root.rename_into(LOG, own, &merging)? == Rename::Missing {
            return Ok(false);
        }
    }
    let appended = append_all(own, &merging, &sources);
    give_back(root, own, &merging)?;
    appended.map(|()| true)
}

/// Gives `log.csv` its name back.
fn give_back(root: &Folder, own: &Folder, merging: &str) -> io::Result<()> {
    if put(root, own, merging)? {
        return own.remove(merging).map(|_| ());
    }
    // Another process has made a new one meanwhile. The lines are merged into it the next time.
    own.rename(merging, &format!("{PREFIX}{merging}"))
        .map(|_| ())
}

/// Makes a file `log.csv`, unless there is one.
fn put(root: &Folder, own: &Folder, name: &str) -> io::Result<bool> {
    match own.hard_link(name, root, LOG) {
        // Where there are no links, two processes that do this at the same time may lose lines.
        Err(_) if !root.exists(LOG)? => own.rename_into(name, root, LOG).map(|_| true),
        outcome => outcome,
    }
}

/// Gives `log.csv` its name back, which it has lost to a process that has died.
pub(in crate::batch::store) fn recover(
    root: &Folder,
    own: &Folder,
    is_dead: &dyn Fn(&str) -> bool,
) -> io::Result<()> {
    for name in own.names()?.iter().filter(|name| name.starts_with(MERGING)) {
        if is_dead(name) {
            give_back(root, own, name)?;
        }
    }
    Ok(())
}

fn is_being_merged(own: &Folder) -> io::Result<bool> {
    Ok(own.names()?.iter().any(|name| name.starts_with(MERGING)))
}

/// Makes `log.csv`, with titles. `false` when another process has made it first.
fn make(root: &Folder, own: &Folder, spare: &str) -> io::Result<bool> {
    let spare = format!("new.{spare}");
    own.create(&spare, &titles())?;
    let made = put(root, own, &spare);
    own.remove(&spare)?;
    made
}

fn append_all(own: &Folder, merging: &str, sources: &[String]) -> io::Result<()> {
    let mut log = own.open_to_append(merging)?;
    if own.lacks_newline(merging)? {
        // A process was killed while it appended: its line does not spoil the next one.
        log.write_all(b"\n")?;
    }
    for name in sources {
        if let (Content::File(mut lines), _) = own.read_file(name, MAX_LEN)? {
            // A process was killed while it wrote a line: it does not spoil the next one.
            if lines.last().is_some_and(|&last| last != b'\n') {
                lines.push(b'\n');
            }
            log.write_all(&lines)?;
        }
        own.remove(name)?;
    }
    Ok(())
}

/// All lines of the log, in the order in which they were appended: those of `log.csv` before the others.
pub(in crate::batch::store) fn read(
    root: &Folder,
    own: Option<&Folder>,
) -> io::Result<Vec<LogEntry>> {
    let mut texts = Vec::new();
    if let (Content::File(text), _) = root.read_file(LOG, MAX_LEN)? {
        texts.push(text);
    }
    if let Some(own) = own {
        let mut names = own.names()?;
        names.retain(|name| name.starts_with(PREFIX) || name.starts_with(MERGING));
        // What was in `log.csv` first.
        names.sort_by_key(|name| (name.starts_with(PREFIX), name.clone()));
        for name in names {
            if let (Content::File(text), _) = own.read_file(&name, MAX_LEN)? {
                texts.push(text);
            }
        }
    }
    let mut entries = Vec::new();
    let mut seen = HashSet::new();
    for text in texts {
        let mut reader = csv::ReaderBuilder::new();
        reader.has_headers(false).flexible(true);
        let mut reader = reader.from_reader(&text[..]);
        // A line that cannot be read is one of titles, one that is being written, or none of ours.
        let records = reader.byte_records().filter_map(Result::ok);
        let lines = records.map(csv::StringRecord::from_byte_record_lossy);
        for entry in lines.filter_map(|record| LogEntry::parse(&record)) {
            if seen.insert((entry.task.clone(), entry.attempt)) {
                entries.push(entry);
            }
        }
    }
    Ok(entries)
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use crate::batch::store::log::append::AttemptLog;
    use crate::batch::store::log::entry::example;
    use std::fs;
    use std::path::Path;
    use std::time::Duration;
    use tempfile::tempdir;

    fn folders(path: &Path) -> (Folder, Folder) {
        fs::create_dir_all(path.join("own")).unwrap();
        let open = |path: &Path| Folder::open(path, Duration::ZERO).unwrap();
        (open(path), open(&path.join("own")))
    }

    #[test]
    fn lines_of_several_ranks_become_one_file_and_none_is_lost_or_repeated() {
        let root = tempdir().unwrap();
        let (folder, own) = folders(root.path());
        let (one, other) = (AttemptLog::default(), AttemptLog::default());
        for attempt in 1..4 {
            one.append(&own, || "a.0".to_owned(), example("x", attempt, "no\nway"))
                .unwrap();
            other
                .append(&own, || "b.0".to_owned(), example("y", attempt, ""))
                .unwrap();
        }
        let found = || read(&folder, Some(&own)).unwrap();
        assert_eq!(found().len(), 6);
        assert!(merge(&folder, &own, "k.1", &|name| name.contains("a.")).unwrap());
        assert_eq!(found().len(), 6);
        let text = fs::read_to_string(root.path().join(LOG)).unwrap();
        assert!(
            text.starts_with("task,attempt,state,host,job,worker,start,seconds,reason\nx,1,"),
            "{text}"
        );
        // Killed before it removed what it had appended, and in the middle of a line.
        fs::copy(
            root.path().join("own/log.b.0"),
            root.path().join("own/log.c.0"),
        )
        .unwrap();
        fs::write(root.path().join("own/log.d.0"), "z,1,FAI").unwrap();
        assert!(merge(&folder, &own, "k.2", &|_| true).unwrap());
        assert_eq!(found().len(), 6);
        assert_eq!(own.names().unwrap(), [""; 0]);
        // Killed while it appended a line to the log itself.
        let amid = fs::read_to_string(root.path().join(LOG)).unwrap() + "z,7,FAI";
        fs::write(root.path().join(LOG), amid).unwrap();
        one.close();
        one.append(&own, || "a.1".to_owned(), example("x", 9, ""))
            .unwrap();
        assert!(merge(&folder, &own, "k.2", &|_| true).unwrap());
        assert_eq!(found().len(), 7);
        // Killed while the log had another name.
        fs::rename(root.path().join(LOG), root.path().join("own/merging.k.3")).unwrap();
        fs::write(
            root.path().join("own/log.e.0"),
            example("z", 1, "").to_csv(),
        )
        .unwrap();
        assert_eq!(found().len(), 8);
        assert!(!merge(&folder, &own, "k.4", &|_| true).unwrap());
        assert!(!root.path().join(LOG).exists());
        recover(&folder, &own, &|name| name.contains("k.")).unwrap();
        assert!(merge(&folder, &own, "k.5", &|_| true).unwrap());
        assert_eq!(found().len(), 8);
        assert_eq!(own.names().unwrap(), [""; 0]);
    }
}
