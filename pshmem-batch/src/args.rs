//! The command line.

use lexopt::prelude::*;
use pshmem::TaskState;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

pub(crate) const HELP: &str = "\
Looks after the state directory DIR of a batch, while jobs work on it or later.

pshmem-batch status DIR [--json] [--all] [--watch [SECONDS]]
    Shows how many tasks are in each state, and those that run or have failed.
      --all       every task
      --json      every task, as JSON
      --watch     again and again, every 2 seconds or SECONDS, until every task is DONE or FAILED and none
                  runs. What is no terminal gets a line with the time and the counts. A directory whose name
                  is a number is written as ./5 after it.
    The exit code is 0 when there are tasks and every one is DONE, 1 when not.

pshmem-batch reopen DIR (--failed | --done | --running)... [NAME...]
    Opens the tasks again that are in these states, or only those named, unless a live process runs them.
    Prints their names. The next job runs them, with all their retries. RUNNING tasks of jobs that have died
    are run again anyway. The exit code is 1 when one that is named was not opened.

pshmem-batch stop DIR
    Makes a file `stop` in DIR: no job begins a task. Tasks that run are finished.

pshmem-batch resume DIR
    Removes the file `stop`, for jobs that start from now on.

pshmem-batch log DIR [--json] [--task NAME] [--failed]
    Shows each attempt that has ended, in the order in which they have begun. RUNNING is one whose process
    has died, OPEN one that was put back.
      --json      as JSON
      --task      only attempts at the task NAME
      --failed    only attempts that have failed, or whose process has died

    --help        this text
    --version     the version

Words after -- are no options. The exit code is 2 when something cannot be read or written, or the command
line is wrong.
";

/// Time between two looks at the directory.
const PERIOD: Duration = Duration::from_secs(2);

/// What is asked for.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Help,
    Version,
    Status {
        dir: PathBuf,
        form: Form,
    },
    Reopen {
        dir: PathBuf,
        states: Vec<TaskState>,
        /// All tasks, if there are none.
        names: Vec<String>,
    },
    Stop {
        dir: PathBuf,
    },
    Resume {
        dir: PathBuf,
    },
    Log {
        dir: PathBuf,
        is_json: bool,
        selection: Selection,
    },
}

/// How a status is shown.
#[derive(Debug, PartialEq)]
pub(crate) enum Form {
    Json,
    Text { all: bool },
    Watch { all: bool, period: Duration },
}

/// The attempts that are shown.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Selection {
    /// Only those at this task.
    pub(crate) task: Option<String>,
    /// Only those that have failed, or whose process has died.
    pub(crate) is_failed: bool,
}

/// The words of the command line that are no options, and the options.
#[derive(Default)]
struct Words {
    command: Option<OsString>,
    dir: Option<PathBuf>,
    names: Vec<String>,
    options: Vec<&'static str>,
    task: Option<String>,
    period: Option<Duration>,
}

/// The options of each command. All others are refused.
const OPTIONS: [(&str, &[&str]); 5] = [
    ("status", &["--json", "--all", "--watch"]),
    ("reopen", &["--failed", "--done", "--running"]),
    ("stop", &[]),
    ("resume", &[]),
    ("log", &["--json", "--task", "--failed"]),
];

impl Command {
    /// Reads the words of the command line. The error names the word that is wrong.
    pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut words = Words::default();
        while let Some(argument) = parser.next()? {
            let option = match argument {
                Short('h') | Long("help") => return Ok(Command::Help),
                Short('V') | Long("version") => return Ok(Command::Version),
                Long("json") => "--json",
                Long("all") => "--all",
                Long("failed") => "--failed",
                Long("done") => "--done",
                Long("running") => "--running",
                Long("watch") => {
                    words.period = Some(period(&mut parser)?);
                    "--watch"
                }
                Long("task") => {
                    words.task = Some(parser.value()?.string()?);
                    "--task"
                }
                Value(word) if words.command.is_none() => {
                    words.command = Some(word);
                    continue;
                }
                Value(word) if words.dir.is_none() => {
                    words.dir = Some(word.into());
                    continue;
                }
                Value(word) if words.command.as_deref() == Some(OsStr::new("reopen")) => {
                    words.names.push(word.string()?);
                    continue;
                }
                other => return Err(other.unexpected()),
            };
            words.options.push(option);
        }
        words.command()
    }
}

/// The number of seconds after `--watch`, if there is one.
fn period(parser: &mut lexopt::Parser) -> Result<Duration, lexopt::Error> {
    let is_number = |word: &OsStr| {
        word.to_str()
            .is_some_and(|word| word.parse::<f64>().is_ok())
    };
    let word = parser.optional_value();
    let word = word.or_else(|| parser.try_raw_args()?.next_if(is_number));
    let Some(word) = word else {
        return Ok(PERIOD);
    };
    let seconds = word.parse::<f64>()?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(period) if (0.1..=86_400.0).contains(&seconds) => Ok(period),
        _ => Err(format!("--watch {seconds}: write seconds from 0.1 to 86400").into()),
    }
}

impl Words {
    fn has(&self, option: &str) -> bool {
        self.options.contains(&option)
    }

    fn command(self) -> Result<Command, lexopt::Error> {
        let commands = OPTIONS.map(|(name, _)| name).join(", ");
        let Some(command) = &self.command else {
            return Err(format!("no command is named: {commands}").into());
        };
        let is_command = |(name, _): &(&str, &[&str])| command == name;
        let Some((command, options)) = OPTIONS.into_iter().find(is_command) else {
            let command = command.display();
            return Err(format!("`{command}` is no command: {commands}").into());
        };
        if let Some(option) = self.options.iter().find(|option| !options.contains(option)) {
            return Err(format!("{option} is no option of {command}").into());
        }
        let Some(dir) = self.dir.clone() else {
            return Err(format!("{command}: no directory is named").into());
        };
        Ok(match command {
            "status" => Command::Status {
                dir,
                form: self.form()?,
            },
            "reopen" => Command::Reopen {
                dir,
                states: self.states()?,
                names: self.names,
            },
            "stop" => Command::Stop { dir },
            "resume" => Command::Resume { dir },
            _ => Command::Log {
                dir,
                is_json: self.has("--json"),
                selection: Selection {
                    is_failed: self.has("--failed"),
                    task: self.task,
                },
            },
        })
    }

    fn form(&self) -> Result<Form, lexopt::Error> {
        let all = self.has("--all");
        match (self.has("--json"), self.period) {
            (true, Some(_)) => Err("--json is printed once: leave --watch out".into()),
            (true, None) => Ok(Form::Json),
            (false, Some(period)) => Ok(Form::Watch { all, period }),
            (false, None) => Ok(Form::Text { all }),
        }
    }

    fn states(&self) -> Result<Vec<TaskState>, lexopt::Error> {
        let states = [
            ("--failed", TaskState::Failed),
            ("--done", TaskState::Done),
            ("--running", TaskState::Running),
        ];
        let asked = states.into_iter().filter(|(option, _)| self.has(option));
        let states: Vec<TaskState> = asked.map(|(_, state)| state).collect();
        if states.is_empty() {
            return Err("reopen: say which tasks: --failed, --done or --running".into());
        }
        Ok(states)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        let parser = lexopt::Parser::from_args(line.split_whitespace());
        Command::parse(parser).map_err(|error| error.to_string())
    }

    fn status(dir: &str, form: Form) -> Command {
        let dir = dir.into();
        Command::Status { dir, form }
    }

    #[test]
    fn options_may_stand_anywhere() {
        let text = |all| Form::Text { all };
        assert_eq!(parse("status a"), Ok(status("a", text(false))));
        assert_eq!(parse("--all status a"), Ok(status("a", text(true))));
        assert_eq!(parse("status a --json --all"), Ok(status("a", Form::Json)));
        assert_eq!(parse("status -- --json"), Ok(status("--json", text(false))));
        assert_eq!(parse("stop a"), Ok(Command::Stop { dir: "a".into() }));
        assert_eq!(parse("resume a"), Ok(Command::Resume { dir: "a".into() }));
        assert_eq!(parse("stop a --help"), Ok(Command::Help));
        assert_eq!(parse("-V"), Ok(Command::Version));
    }

    #[test]
    fn a_number_after_watch_is_its_period() {
        let watch = |dir, all, seconds| {
            let period = Duration::from_secs_f64(seconds);
            status(dir, Form::Watch { all, period })
        };
        assert_eq!(parse("status a --watch"), Ok(watch("a", false, 2.0)));
        assert_eq!(parse("status --watch a --all"), Ok(watch("a", true, 2.0)));
        assert_eq!(parse("status --watch 0.5 a"), Ok(watch("a", false, 0.5)));
        assert_eq!(parse("status a --watch=7"), Ok(watch("a", false, 7.0)));
        assert_eq!(parse("status --watch ./5"), Ok(watch("./5", false, 2.0)));
        assert_eq!(parse("status --watch -- 5"), Ok(watch("5", false, 2.0)));
    }

    #[test]
    fn tasks_are_named_after_the_directory() {
        use TaskState::{Done, Failed, Running};
        let reopen = |states: &[TaskState], names: &[&str]| {
            Ok(Command::Reopen {
                dir: "a".into(),
                states: states.to_vec(),
                names: names.iter().map(|&name| name.to_owned()).collect(),
            })
        };
        assert_eq!(parse("reopen a --failed"), reopen(&[Failed], &[]));
        assert_eq!(
            parse("reopen --running a b --done c"),
            reopen(&[Done, Running], &["b", "c"])
        );
        assert_eq!(
            parse("reopen a --failed -- --done"),
            reopen(&[Failed], &["--done"])
        );
    }

    #[test]
    fn attempts_are_selected() {
        let log = |is_json, task: Option<&str>, is_failed| {
            let task = task.map(str::to_owned);
            let selection = Selection { task, is_failed };
            Ok(Command::Log {
                dir: "a".into(),
                is_json,
                selection,
            })
        };
        assert_eq!(parse("log a"), log(false, None, false));
        assert_eq!(
            parse("log --task b a --json --failed"),
            log(true, Some("b"), true)
        );
    }

    #[test]
    fn mistakes_name_the_word() {
        for (line, part) in [
            ("", "no command"),
            ("state a", "`state` is no command"),
            ("status", "no directory"),
            ("status a b", "\"b\""),
            ("status a --failed", "--failed is no option of status"),
            ("stop a --json", "--json is no option of stop"),
            ("status a --json --watch", "leave --watch out"),
            ("status a --watch 0", "0.1 to 86400"),
            ("status a --watch=-1", "0.1 to 86400"),
            ("status a --watch NaN", "0.1 to 86400"),
            ("status a --watch=x", "x"),
            ("reopen a", "--failed, --done or --running"),
            ("reopen a --open", "--open"),
            ("log a --task", "--task"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
