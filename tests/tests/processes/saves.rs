//! Saves that fail, that are killed, and that others make at the same time: what stands at the path is always one whole save.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pshmem::{Comm, Reading, Shared, SharedLayout};
use pshmem_tests::temp_dir::TempDir;
use pshmem_tests::watchdog;

#[derive(SharedLayout)]
struct Table {
    first: Vec<u64>,
    second: Vec<u64>,
}

fn saves(scenario: &str, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_saves"));
    command.arg(scenario).arg(folder);
    command.env("PSHMEM_LOCAL", "2+1");
    command
}

#[test]
fn a_limit_on_files_is_an_error_and_no_signal() {
    let folder = TempDir::new().unwrap();
    let program = saves("limited", folder.path());
    let mut command = Command::new("sh");
    // Blocks of 512 or of 1024 bytes: both are between the two tables.
    command.args(["-c", "ulimit -f 4096; exec \"$0\" \"$@\""]);
    command.arg(program.get_program()).args(program.get_args());
    command.env("PSHMEM_LOCAL", "2+1");
    let (output, _) = watchdog::run(&mut command, Duration::from_secs(200));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("all is well"),
        "{output:?}"
    );
}

fn start(folder: &Path) -> Child {
    let mut command = saves("forever", folder);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// All elements of both fields.
fn number_at(path: &Path) -> u64 {
    let comm = Comm::solo();
    let table = Shared::<Table>::load_verified(&comm, path, Reading::Once).unwrap();
    let view = table.view();
    let number = view.first[0];
    let mut elements = view.first.iter().chain(view.second);
    assert!(
        elements.all(|&element| element == number),
        "half of two saves"
    );
    number
}

fn end(mut child: Child) {
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), None, "it was killed: {output:?}");
}

#[test]
fn a_killed_save_leaves_the_old_one_or_the_new_one() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("table");
    let inode = || fs::metadata(&path).map(|data| data.ino()).ok();
    let mut numbers = BTreeSet::new();
    for round in 0..20 {
        let before = inode();
        let child = start(folder.path());
        // The first save of this job, and then any moment of a later one: each takes a few milliseconds.
        while inode() == before {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(round));
        end(child);
        numbers.insert(number_at(&path));
        let first = Shared::<[u64]>::load(&Comm::solo(), folder.path().join("first.npy")).unwrap();
        let view = first.view();
        assert!(view.iter().all(|&element| element == view[0]));
    }
    assert_eq!(numbers.len(), 20, "each job has saved numbers of its own");
    // What killed jobs have left is removed by later saves.
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert!(left <= 4, "{left} files");
}

#[test]
fn of_saves_at_the_same_time_one_stands_whole() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("table");
    let children = [start(folder.path()), start(folder.path())];
    while !path.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    for _ in 0..50 {
        // It may be replaced while it is read, which is found. Whatever is read is whole.
        let loaded = Shared::<Table>::load(&Comm::solo(), &path);
        if let Ok(table) = loaded {
            let view = table.view();
            let mut elements = view.first.iter().chain(view.second);
            assert!(elements.all(|&element| element == view.first[0]));
        }
    }
    children.into_iter().for_each(end);
    number_at(&path);
}
