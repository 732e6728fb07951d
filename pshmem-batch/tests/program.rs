//! Runs the program on directories that the library has made: every command, on good directories and on bad ones.

use pshmem::{Batch, Comm, TaskState};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pshmem-batch");

/// A name that would write a line of its own, and clear a terminal.
const WILD: &str = "wild\n\x1b[2J";

/// The tasks of the directories here, sorted. Three are DONE, two FAILED, and `open` is left.
const NAMES: [&str; 6] = ["done 1", "done 2", "failed", "open", "twice", WILD];

/// A directory in which a job has worked.
struct Directory {
    _parent: tempfile::TempDir,
    path: PathBuf,
}

/// What the program has said.
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let said = Said {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        for line in said.stderr.lines() {
            assert!(line.starts_with("pshmem-batch: "), "{line}");
        }
        let is_wild = |c: char| c.is_control() && c != '\n';
        let all = said.stdout.clone() + &said.stderr;
        assert!(!all.contains(is_wild), "{all:?}");
        said
    }
}

impl Said {
    /// What was printed by a command that has ended with this exit code and without a message.
    #[track_caller]
    fn quietly(self, code: i32) -> String {
        assert_eq!((self.code, &*self.stderr), (Some(code), ""));
        self.stdout
    }

    /// The message of a command that could not do what it was asked for.
    #[track_caller]
    fn refused(self) -> String {
        assert_eq!((self.code, &*self.stdout), (Some(2), ""), "{}", self.stderr);
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        self.stderr
    }
}

/// Runs a command on a directory.
fn run_on(dir: &Path, words: &[&str]) -> Said {
    let (command, options) = words.split_first().unwrap();
    let mut program = Command::new(PROGRAM);
    program.arg(command).arg(dir).args(options);
    program.output().unwrap().into()
}

fn job(path: &Path, names: impl IntoIterator<Item = &'static str>) -> Batch {
    let (comm, names) = (Comm::solo(), Vec::from_iter(names));
    let builder = Batch::builder(&comm, names.len()).state_dir(path, names);
    builder.build().unwrap()
}

impl Directory {
    fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("run 7");
        let directory = Directory {
            _parent: parent,
            path,
        };
        let ran = NAMES.into_iter().filter(|name| *name != "open");
        let batch = job(&directory.path, ran);
        while let Some(task) = batch.next_task().unwrap() {
            match task.name() {
                "failed" => task.failed("no ink\n\x1b[31mat all").unwrap(),
                "twice" => task.failed("no paper").unwrap(),
                _ => task.done().unwrap(),
            }
        }
        drop(batch);
        let batch = job(&directory.path, NAMES);
        let task = batch.next_task().unwrap().unwrap();
        batch.stop().unwrap();
        task.put_back().unwrap();
        drop(batch);
        // Of somebody else: neither a task nor in the way.
        fs::create_dir(directory.path.join("plots")).unwrap();
        fs::write(directory.path.join("notes.txt"), "").unwrap();
        directory
    }

    fn run(&self, words: &[&str]) -> Said {
        run_on(&self.path, words)
    }

    fn json(&self, words: &[&str], code: i32) -> Value {
        serde_json::from_str(&self.run(words).quietly(code)).unwrap()
    }

    /// The names of the tasks that the next job runs, which all succeed.
    fn next_job(&self) -> Vec<String> {
        let batch = job(&self.path, NAMES);
        let mut names = Vec::new();
        while let Some(task) = batch.next_task().unwrap() {
            names.push(task.name().to_owned());
            task.done().unwrap();
        }
        names
    }
}

#[test]
fn the_status_tells_what_is_left() {
    let directory = Directory::new();
    let text = directory.run(&["status"]).quietly(1);
    let lines: Vec<&str> = text.lines().collect();
    let (first, shown) = lines.split_first().unwrap();
    assert!(first.starts_with("6 tasks in "), "{text}");
    assert!(first.ends_with("run 7: 3 DONE, 2 FAILED, 1 OPEN"), "{text}");
    let expected = [
        "FAILED   failed           attempt 1  no ink; \\u{1b}[31mat all",
        "FAILED   twice            attempt 1  no paper",
    ];
    assert_eq!(shown, expected);
    let text = directory.run(&["status", "--all"]).quietly(1);
    assert_eq!(text.lines().count(), 7, "{text}");
    assert!(
        text.contains("\nDONE     wild\\n\\u{1b}[2J  attempt 1\n"),
        "{text}"
    );

    let json = directory.json(&["status", "--json"], 1);
    assert_eq!((&json["DONE"], &json["FAILED"]), (&3.into(), &2.into()));
    assert_eq!((&json["OPEN"], &json["stop"]), (&1.into(), &false.into()));
    let tasks = json["tasks"].as_array().unwrap();
    let names: Vec<&str> = tasks
        .iter()
        .map(|task| task["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, NAMES);
    assert_eq!(tasks[2]["reason"], "no ink\n\x1b[31mat all");

    fs::write(directory.path.join("open/state"), "DO\x1bNE").unwrap();
    let text = directory.run(&["status"]).quietly(1);
    assert!(text.contains("which is no valid state"), "{text}");
    let json = directory.json(&["status", "--json"], 1);
    assert_eq!(json["unparsable"].as_array().unwrap().len(), 1);
}

#[test]
fn the_exit_code_tells_whether_all_is_done() {
    let directory = Directory::new();
    directory.run(&["reopen", "--failed"]).quietly(0);
    assert_eq!(directory.next_job().len(), 3);
    let text = directory.run(&["status"]).quietly(0);
    assert!(
        text.ends_with(": 6 DONE\n") && text.lines().count() == 1,
        "{text}"
    );
    directory.json(&["status", "--json"], 0);
    // Where no job has begun, nothing is done.
    let empty = tempfile::tempdir().unwrap();
    run_on(empty.path(), &["status"]).quietly(1);
}

#[test]
fn tasks_that_are_opened_again_are_run_again() {
    let directory = Directory::new();
    assert_eq!(directory.next_job(), ["open"]);
    let opened = directory.run(&["reopen", "--failed"]).quietly(0);
    assert_eq!(opened, "failed\ntwice\n");
    assert_eq!(directory.next_job(), ["failed", "twice"]);
    let nothing = directory.run(&["reopen", "--failed", "--running"]);
    assert_eq!((nothing.code, &*nothing.stdout), (Some(0), ""));
    assert!(nothing.stderr.contains("no task"), "{}", nothing.stderr);
    assert_eq!(directory.next_job(), [""; 0]);
    // All that are DONE, and of these only some.
    let opened = directory
        .run(&["reopen", "--done", WILD, "twice"])
        .quietly(0);
    assert_eq!(opened, "twice\nwild\\n\\u{1b}[2J\n");
    let again = directory.run(&["reopen", "--done", "twice", "done 1"]);
    assert_eq!((again.code, &*again.stdout), (Some(1), "done 1\n"));
    assert!(
        again.stderr.contains("twice: was not opened"),
        "{}",
        again.stderr
    );
    assert_eq!(directory.next_job(), ["done 1", "twice", WILD]);
    // A name that no task has: nothing is opened.
    let message = directory
        .run(&["reopen", "--done", "done 1", "\x1bx"])
        .refused();
    assert!(message.contains("no such task"), "{message}");
    assert_eq!(directory.next_job(), [""; 0]);
    let opened = directory.run(&["reopen", "--done"]).quietly(0);
    assert_eq!(opened.lines().count(), 6);
    assert_eq!(directory.next_job(), NAMES);
}

#[test]
fn what_runs_is_shown_and_left_alone() {
    let directory = Directory::new();
    let batch = job(&directory.path, NAMES);
    let task = batch.next_task().unwrap().unwrap();
    assert_eq!(task.name(), "open");
    let text = directory.run(&["status"]).quietly(1);
    let holder = format!("process {}, last heartbeat", std::process::id());
    assert!(text.contains("RUNNING  open"), "{text}");
    assert!(text.contains(&holder), "{text}");
    let json = directory.json(&["status", "--json"], 1);
    assert_eq!(json["tasks"][3]["holder"]["is_alive"], true);
    let running = directory.run(&["reopen", "--running", "open"]);
    assert_eq!((running.code, &*running.stdout), (Some(1), ""));
    task.done().unwrap();
    assert_eq!(
        Batch::status(&directory.path)
            .unwrap()
            .count(TaskState::Done),
        4
    );
}

#[test]
fn a_stop_lasts_until_it_is_taken_back() {
    let directory = Directory::new();
    let stop = directory.path.join("stop");
    assert!(
        directory
            .run(&["stop"])
            .quietly(0)
            .contains("no job begins a task")
    );
    assert!(stop.is_file());
    assert!(
        directory
            .run(&["status"])
            .quietly(1)
            .contains("no task is begun")
    );
    assert_eq!(directory.json(&["status", "--json"], 1)["stop"], true);
    assert_eq!(directory.next_job(), [""; 0]);
    directory.run(&["stop"]).quietly(0);
    let text = directory.run(&["resume"]).quietly(0);
    assert!(text.contains("begin tasks") && !stop.exists(), "{text}");
    assert_eq!(directory.next_job(), ["open"]);
    let text = directory.run(&["resume"]).quietly(0);
    assert!(text.contains("there is no file stop"), "{text}");
    // Of a link, only the link is removed.
    let notes = directory.path.join("notes.txt");
    std::os::unix::fs::symlink(&notes, &stop).unwrap();
    directory.run(&["resume"]).quietly(0);
    assert!(notes.exists() && fs::symlink_metadata(&stop).is_err());
    fs::create_dir(&stop).unwrap();
    assert!(directory.run(&["resume"]).refused().contains("stop failed"));
    assert!(stop.is_dir());
}

#[test]
fn the_log_has_every_attempt() {
    let directory = Directory::new();
    directory.run(&["reopen", "--failed", "twice"]).quietly(0);
    assert_eq!(directory.next_job(), ["open", "twice"]);
    // As a job writes it that has taken a task over.
    let log = directory.path.join("log.csv");
    let lost = "done 1,7,RUNNING,node1,job 7,,2999-01-01T00:00:00Z,0.000,process 12 has died\n";
    fs::write(&log, fs::read_to_string(&log).unwrap() + lost).unwrap();

    let text = directory.run(&["log"]).quietly(0);
    let lines: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split("  ").collect())
        .collect();
    let column = |title: &str| text.lines().next().unwrap().find(title).unwrap();
    let states: Vec<&str> = text
        .lines()
        .map(|line| line[column("state")..].split(' ').next().unwrap())
        .collect();
    assert_eq!(lines.len(), 10, "{text}");
    assert_eq!(
        states.iter().filter(|state| **state == "DONE").count(),
        5,
        "{text}"
    );
    assert_eq!(states.last(), Some(&"RUNNING"), "{text}");
    assert!(text.contains("\nwild\\n\\u{1b}[2J "), "{text}");
    assert!(text.contains("  no ink; \\u{1b}[31mat all\n"), "{text}");

    let json = directory.json(&["log", "--json"], 0);
    let entries = json.as_array().unwrap();
    assert_eq!(entries.len(), 9);
    assert!(entries.iter().any(|entry| entry["task"] == WILD));
    assert!(entries[8]["worker"].is_null() && entries[0]["worker"] == 0);

    let twice = directory.json(&["log", "--json", "--task", "twice"], 0);
    let of_twice = |entry: usize| (&twice[entry]["attempt"], &twice[entry]["state"]);
    assert_eq!(of_twice(0), (&1.into(), &"FAILED".into()));
    assert_eq!(of_twice(1), (&2.into(), &"DONE".into()));
    assert_eq!(twice.as_array().unwrap().len(), 2);
    let failed = directory.run(&["log", "--failed"]).quietly(0);
    assert_eq!(failed.lines().count(), 4, "{failed}");
    let both = directory.json(&["log", "--failed", "--task=twice", "--json"], 0);
    assert_eq!(both.as_array().unwrap().len(), 1);
    assert_eq!(
        directory.json(&["log", "--json", "--task", "x"], 0),
        Value::Array(Vec::new())
    );
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(run_on(empty.path(), &["log"]).quietly(0).lines().count(), 1);
}

#[test]
fn a_batch_is_watched_until_it_ends() {
    let directory = Directory::new();
    let mut program = Command::new(PROGRAM);
    program
        .args(["status", "--watch", "0.1"])
        .arg(&directory.path);
    let mut program = program.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let mut next = || lines.next().map(Result::unwrap);
    let first = next().unwrap();
    assert!(
        first.ends_with("Z  3 DONE, 0 RUNNING, 2 FAILED, 1 OPEN"),
        "{first}"
    );
    assert_eq!(next().map(|line| line.len()), Some(first.len()));
    // It sees that a task runs, and ends when none does.
    let batch = job(&directory.path, NAMES);
    let task = batch.next_task().unwrap().unwrap();
    while !next()
        .unwrap()
        .ends_with("3 DONE, 1 RUNNING, 2 FAILED, 0 OPEN")
    {}
    task.done().unwrap();
    let mut last = next().unwrap();
    while let Some(line) = next() {
        last = line;
    }
    assert!(
        last.ends_with("4 DONE, 0 RUNNING, 2 FAILED, 0 OPEN"),
        "{last}"
    );
    assert_eq!(program.wait().unwrap().code(), Some(1));
}

#[test]
fn a_terminal_is_drawn_again() {
    let directory = Directory::new();
    assert_eq!(directory.next_job(), ["open"]);
    // `script` runs its command on a terminal.
    let command = format!("'{PROGRAM}' status --watch '{}'", directory.path.display());
    let mut script = Command::new("script");
    script
        .args(["-qec", &command, "/dev/null"])
        .stdin(Stdio::null());
    let Ok(output) = script.output() else {
        eprintln!("there is no program `script`");
        return;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\x1b[2J\x1b[H"), "{text:?}");
    assert!(
        text.contains(", every 2s") && text.contains("FAILED   twice"),
        "{text:?}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_is_no_directory_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    let commands: [&[&str]; 6] = [
        &["status"],
        &["status", "--watch"],
        &["reopen", "--failed"],
        &["stop"],
        &["resume"],
        &["log"],
    ];
    for words in commands {
        let missing = parent.path().join("mis\nsing");
        let message = run_on(&missing, words).refused();
        assert!(
            message.contains("mis\\nsing") && message.contains("No such file"),
            "{message}"
        );
        let message = run_on(&file, words).refused().to_lowercase();
        assert!(
            message.contains("/file") && message.contains("directory"),
            "{message}"
        );
    }
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
}

#[test]
fn a_directory_that_cannot_be_written_can_be_read() {
    let directory = Directory::new();
    // Permissions do not bind root, so it is mounted for reading only, in a namespace of the program.
    let script = "mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\" && exec \"$@\"";
    let read_only = |words: &[&str]| {
        let mut command = Command::new("unshare");
        command
            .args(["-rm", "sh", "-c", script])
            .arg(&directory.path);
        command.args(words).output()
    };
    let may_mount = read_only(&["true"]).is_ok_and(|output| output.status.success());
    if !may_mount {
        eprintln!("this machine permits no mounts");
        return;
    }
    let run = |words: &[&str]| {
        let dir = directory.path.to_str().unwrap();
        let words = [&[PROGRAM, words[0], dir], &words[1..]].concat();
        Said::from(read_only(&words).unwrap())
    };
    assert_eq!(run(&["status"]).quietly(1).lines().count(), 3);
    assert_eq!(run(&["log"]).quietly(0).lines().count(), 7);
    fs::write(directory.path.join("stop"), "").unwrap();
    assert!(run(&["resume"]).refused().contains("Read-only"));
    fs::remove_file(directory.path.join("stop")).unwrap();
    assert!(run(&["stop"]).refused().contains("Read-only"));
    let message = run(&["reopen", "--failed"]).refused();
    assert!(message.contains("/failed failed: Read-only"), "{message}");
    directory.run(&["reopen", "--failed"]).quietly(0);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let directory = Directory::new();
    for (words, code) in [
        (&["status", "--all"][..], 1),
        (&["status", "--watch"], 1),
        (&["log", "--json"], 0),
        (&["reopen", "--failed"], 0),
    ] {
        let mut program = Command::new(PROGRAM);
        program.args(words).arg(&directory.path);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = program.stdout(writer).stderr(Stdio::piped()).output();
        Said::from(output.unwrap()).quietly(code);
    }
    // A disk that is full is one.
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut program = Command::new(PROGRAM);
    program.arg("log").arg(&directory.path).stdout(full);
    let message = Said::from(program.stderr(Stdio::piped()).output().unwrap()).refused();
    assert!(message.contains("cannot write"), "{message}");
}

#[test]
fn help_version_and_mistakes() {
    let run = |words: &[&str]| Said::from(Command::new(PROGRAM).args(words).output().unwrap());
    assert!(run(&["--help"]).quietly(0).contains("pshmem-batch reopen"));
    let version = concat!("pshmem-batch ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(run(&["-V"]).quietly(0), version);
    assert!(run(&[]).refused().contains("no command"));
    assert!(run(&["status"]).refused().contains("no directory"));
    assert!(
        run(&["stat\x1bus", "."])
            .refused()
            .contains("is no command")
    );
    assert!(run(&["reopen", "."]).refused().contains("say which tasks"));
    // A name is no option after `--`.
    assert!(
        run(&["status", "--", "--all"])
            .refused()
            .contains("--all failed")
    );
}
