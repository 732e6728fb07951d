//! State files: `<root>/<name>/state` holds one word and a newline, in the format of the Python package. A second line, which
//! that package does not read, counts failures and reruns where there are any.

use crate::batch::store::folder::{Content, Folder, Read};
use crate::batch::task_state::TaskState;
use std::fmt::Write as _;
use std::io;

/// The name of a state file.
pub(super) const STATE: &str = "state";

/// Bytes that are read of a state file. What this library writes is shorter.
const MAX_LEN: usize = 128;

/// What a state file tells of its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) state: TaskState,
    /// How often the task has failed since it was first begun, opened again, or rerun.
    pub(crate) failures: u32,
    /// The number of the rerun request that its last attempt belongs to; 0 for none.
    pub(crate) rerun: u32,
}

impl Recorded {
    pub(crate) fn new(state: TaskState) -> Self {
        Recorded {
            state,
            failures: u32::from(state == TaskState::Failed),
            rerun: 0,
        }
    }

    /// The content of a state file.
    pub(super) fn text(self) -> String {
        let mut text = format!("{}\n", self.state);
        // In most files the word says all.
        if self.failures > u32::from(self.state == TaskState::Failed) || self.rerun > 0 {
            let _ = writeln!(text, "failures {} rerun {}", self.failures, self.rerun);
        }
        text
    }
}

/// What was found at the place of a state file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StateFile {
    /// A valid state.
    Valid(Recorded),
    /// There is no file.
    Missing,
    /// Something else, described by this sentence. The task counts as open.
    Unparsable(String),
}

impl StateFile {
    /// The state of the task. Without a valid word it is open, as in the Python package.
    pub(super) fn recorded(&self) -> Recorded {
        match self {
            StateFile::Valid(recorded) if recorded.state != TaskState::Invalid => *recorded,
            _ => Recorded::new(TaskState::Open),
        }
    }

    pub(super) fn state(&self) -> TaskState {
        self.recorded().state
    }
}

/// Reads the state file in the folder of a task.
pub(super) fn read(folder: &Folder, read: Read) -> io::Result<StateFile> {
    let unparsable = |what: &str| {
        StateFile::Unparsable(format!(
            "{} {what}, which is no valid state; the task counts as OPEN",
            folder.join(STATE).display()
        ))
    };
    Ok(match folder.read(STATE, MAX_LEN, read)? {
        Content::Missing => StateFile::Missing,
        Content::File(bytes) => match parse(&bytes) {
            Ok(recorded) => StateFile::Valid(recorded),
            Err(what) => unparsable(&what),
        },
        Content::Other(what) => unparsable(what),
    })
}

/// The state in the bytes of a file, or what else they hold.
fn parse(bytes: &[u8]) -> Result<Recorded, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    // The Python package reads the first line and strips blanks at its end.
    let line = lines.next().unwrap_or_default().trim_end();
    let Ok(state) = line.parse() else {
        return Err(if bytes.is_empty() {
            "is empty".to_owned()
        } else {
            format!("holds {line:?}")
        });
    };
    let mut recorded = Recorded::new(state);
    let words: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    if let ["failures", failures, "rerun", rerun] = words[..] {
        recorded.failures = failures.parse().unwrap_or(recorded.failures);
        recorded.rerun = rerun.parse().unwrap_or_default();
    }
    Ok(recorded)
}

/// Replaces the state, whoever runs the task. `spare` is a name that only this call uses.
pub(super) fn write(folder: &Folder, spare: &str, state: TaskState) -> io::Result<()> {
    folder.create(spare, &Recorded::new(state).text())?;
    folder.rename(spare, STATE).map(|_| ()).inspect_err(|_| {
        // A failure of this removal is not reported: the first error is.
        let _ = folder.remove(spare);
    })
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use std::time::Duration;
    use tempfile::tempdir;

    #[test]
    fn what_is_written_is_read() {
        let root = tempdir().unwrap();
        let folder = Folder::open(root.path(), Duration::ZERO).unwrap();
        let now = || read(&folder, Read::SavesWork).unwrap();
        assert_eq!(now(), StateFile::Missing);
        for state in TaskState::ALL {
            write(&folder, "spare", state).unwrap();
            assert_eq!(now(), StateFile::Valid(Recorded::new(state)));
            let text = std::fs::read_to_string(root.path().join(STATE)).unwrap();
            assert_eq!(text, format!("{state}\n"));
            for (failures, rerun) in [(2, 0), (0, 7), (u32::MAX, u32::MAX)] {
                let recorded = Recorded {
                    state,
                    failures,
                    rerun,
                };
                let text = recorded.text();
                assert!(text.len() < MAX_LEN, "{text}");
                folder.create(STATE, &text).unwrap();
                assert_eq!(now(), StateFile::Valid(recorded));
            }
        }
    }

    #[test]
    fn the_first_line_counts_as_in_the_python_package() {
        for text in ["DONE", "DONE\n", "DONE \t\r\n", "DONE\nand more"] {
            assert_eq!(
                parse(text.as_bytes()),
                Ok(Recorded::new(TaskState::Done)),
                "{text:?}"
            );
        }
        let long = vec![b'x'; MAX_LEN];
        for bytes in [
            b"".as_slice(),
            b"\n",
            b"DO",
            b"done\n",
            b" DONE",
            b"\xff\x00",
            &long,
        ] {
            assert!(parse(bytes).is_err(), "{bytes:?}");
        }
        let invalid = StateFile::Valid(parse(b"INVALID\n").unwrap());
        assert_eq!(invalid.state(), TaskState::Open);
        assert_eq!(StateFile::Missing.state(), TaskState::Open);
    }

    #[test]
    fn what_is_no_file_is_unparsable_and_nobody_waits_for_it() {
        let root = tempdir().unwrap();
        let folder = Folder::open(root.path(), Duration::ZERO).unwrap();
        let path = root.path().join(STATE);
        let is_unparsable = || {
            matches!(
                read(&folder, Read::SavesWork).unwrap(),
                StateFile::Unparsable(_)
            )
        };
        std::fs::create_dir(&path).unwrap();
        assert!(is_unparsable());
        std::fs::remove_dir(&path).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert!(is_unparsable());
        std::fs::remove_file(&path).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        assert!(is_unparsable());
    }
}
