//! State files: `<root>/<name>/state` holds one word and a newline, as the Python package writes and reads it.

use crate::batch::store::files;
use crate::batch::task_state::TaskState;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The longest word and its newline are much shorter.
const MOST: usize = 64;

/// What a state file was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// One of the words.
    State(TaskState),
    /// There is none.
    Missing,
    /// Something else, which counts as open.
    Strange(String),
}

impl Found {
    /// The state that it stands for. Without a valid one the task is open, as in the Python package.
    pub(super) fn state(&self) -> TaskState {
        match self {
            Found::State(TaskState::Invalid) | Found::Missing | Found::Strange(_) => {
                TaskState::Open
            }
            Found::State(state) => *state,
        }
    }
}

pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join("state")
}

/// What a state file holds.
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
pub(super) fn read(dir: &Path) -> io::Result<Found> {
    files::failpoint();
    let path = path(dir);
    let mut bytes = [0; MOST];
    match File::open(&path).and_then(|mut file| fill(&mut file, &mut bytes)) {
        Ok(len) => Ok(parse(&path, &bytes[..len])),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Found::Missing),
        Err(error) if error.kind() == ErrorKind::IsADirectory => Ok(Found::Strange(format!(
            "{} is a folder; the task counts as OPEN",
            path.display()
        ))),
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

fn parse(path: &Path, bytes: &[u8]) -> Found {
    let text = String::from_utf8_lossy(bytes);
    // The Python package reads the first line and takes blanks off its end.
    let line = text.split('\n').next().unwrap_or_default().trim_end();
    if let Ok(state) = line.parse() {
        return Found::State(state);
    }
    let what = if bytes.is_empty() {
        "is empty".to_owned()
    } else {
        format!("holds {line:?}")
    };
    Found::Strange(format!(
        "{} {what}, which is no state; the task counts as OPEN",
        path.display()
    ))
}

/// Puts a state in the place of what there is, whoever runs the task. `spare` is a name in `dir` that only this call uses.
pub(super) fn write(dir: &Path, spare: &str, state: TaskState) -> io::Result<()> {
    let spare = dir.join(spare);
    files::create(&spare, content(state))?;
    files::rename(&spare, &path(dir)).inspect_err(|_| {
        // The error that is told is the first one.
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
        assert_eq!(read(root.path()).unwrap(), Found::Missing);
        for state in TaskState::ALL {
            write(root.path(), "spare", state).unwrap();
            assert_eq!(read(root.path()).unwrap(), Found::State(state));
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
            assert_eq!(found, Found::State(TaskState::Done), "{text:?}");
        }
        let long = vec![b'x'; MOST];
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
            assert!(matches!(found, Found::Strange(_)), "{bytes:?}");
            assert_eq!(found.state(), TaskState::Open);
        }
        assert_eq!(parse(path, b"INVALID\n").state(), TaskState::Open);
    }

    #[test]
    fn a_folder_in_its_place_is_strange() {
        let root = tempdir().unwrap();
        std::fs::create_dir(path(root.path())).unwrap();
        assert!(matches!(read(root.path()).unwrap(), Found::Strange(_)));
    }
}
