//! State files: `<root>/<name>/state` holds one word and a newline, in the format of the Python package.

use crate::batch::store::files;
use crate::batch::task_state::TaskState;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Bytes that are read of a state file. The longest word and its newline are much shorter.
const MAX_LEN: usize = 64;

/// What was found at the place of a state file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StateFile {
    /// A valid state.
    Valid(TaskState),
    /// There is no file.
    Missing,
    /// Something else, described by this sentence. The task counts as open.
    Unparsable(String),
}

impl StateFile {
    /// The state of the task. Without a valid word it is open, as in the Python package.
    pub(super) fn state(&self) -> TaskState {
        match self {
            StateFile::Valid(TaskState::Invalid)
            | StateFile::Missing
            | StateFile::Unparsable(_) => TaskState::Open,
            StateFile::Valid(state) => *state,
        }
    }
}

pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join("state")
}

/// The content of a state file.
pub(super) fn content(state: TaskState) -> &'static str {
    match state {
        TaskState::Invalid => "INVALID\n",
        TaskState::Open => "OPEN\n",
        TaskState::Running => "RUNNING\n",
        TaskState::Done => "DONE\n",
        TaskState::Failed => "FAILED\n",
    }
}

/// Reads the state file of the task in `dir`.
pub(super) fn read(dir: &Path) -> io::Result<StateFile> {
    files::failpoint();
    let path = path(dir);
    let mut bytes = [0; MAX_LEN];
    match File::open(&path).and_then(|mut file| fill(&mut file, &mut bytes)) {
        Ok(len) => Ok(parse(&path, &bytes[..len])),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(StateFile::Missing),
        Err(error) if error.kind() == ErrorKind::IsADirectory => Ok(StateFile::Unparsable(
            format!("{} is a folder; the task counts as OPEN", path.display()),
        )),
        Err(error) => Err(error),
    }
}

fn fill(file: &mut File, bytes: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < bytes.len() {
        match file.read(&mut bytes[len..]) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

fn parse(path: &Path, bytes: &[u8]) -> StateFile {
    let text = String::from_utf8_lossy(bytes);
    // The Python package reads the first line and strips blanks at its end.
    let line = text.split('\n').next().unwrap_or_default().trim_end();
    if let Ok(state) = line.parse() {
        return StateFile::Valid(state);
    }
    let what = if bytes.is_empty() {
        "is empty".to_owned()
    } else {
        format!("holds {line:?}")
    };
    StateFile::Unparsable(format!(
        "{} {what}, which is no valid state; the task counts as OPEN",
        path.display()
    ))
}

/// Replaces the state, whoever runs the task. `spare` is a name in `dir` that only this call uses.
pub(super) fn write(dir: &Path, spare: &str, state: TaskState) -> io::Result<()> {
    let spare = dir.join(spare);
    files::create(&spare, content(state))?;
    files::rename(&spare, &path(dir)).inspect_err(|_| {
        // A failure of this removal is not reported: the first error is.
        let _ = std::fs::remove_file(&spare);
    })
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn what_is_written_is_read() {
        let root = tempdir().unwrap();
        assert_eq!(read(root.path()).unwrap(), StateFile::Missing);
        for state in TaskState::ALL {
            write(root.path(), "spare", state).unwrap();
            assert_eq!(read(root.path()).unwrap(), StateFile::Valid(state));
            let text = std::fs::read_to_string(path(root.path())).unwrap();
            assert_eq!(text, format!("{state}\n"));
            assert_eq!(text, content(state));
        }
    }

    #[test]
    fn the_first_line_counts_as_in_the_python_package() {
        let path = Path::new("state");
        for text in ["DONE", "DONE\n", "DONE \t\r\n", "DONE\nand more"] {
            let found = parse(path, text.as_bytes());
            assert_eq!(found, StateFile::Valid(TaskState::Done), "{text:?}");
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
            let found = parse(path, bytes);
            assert!(matches!(found, StateFile::Unparsable(_)), "{bytes:?}");
            assert_eq!(found.state(), TaskState::Open);
        }
        assert_eq!(parse(path, b"INVALID\n").state(), TaskState::Open);
    }

    #[test]
    fn a_folder_in_its_place_is_unparsable() {
        let root = tempdir().unwrap();
        std::fs::create_dir(path(root.path())).unwrap();
        assert!(matches!(
            read(root.path()).unwrap(),
            StateFile::Unparsable(_)
        ));
    }
}
