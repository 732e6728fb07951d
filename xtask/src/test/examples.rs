//! The examples as tests: `quickstart` prints what its comments promise; `earth`, `heat`, `skymap`, `pagerank` and `xsbench` give the same
//! answers with ranks as threads and under every MPI library, with any number of ranks.

use super::Context;
use super::commands::clean;
use super::example_output::{self as output, Earth};
use super::schedule::{Load, Step};
use super::suites::{self, program};
use crate::cargo;
use crate::mpi::{Kind, Mpi};
use crate::report::Row;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The hard limit of one run.
const LIMIT: Duration = Duration::from_secs(90);

/// Runs the examples with ranks as threads. They have been built with the tests, for `mpi` or without MPI.
pub(super) fn on_threads<'a>(context: &'a Context, mpi: Option<&Mpi>) -> Vec<Step<'a>> {
    let example = |name: &str, nodes: &str| {
        let name = format!("examples/{name}");
        let mut command = Command::new(match mpi {
            Some(mpi) => program(mpi, &name),
            None => cargo::target_of(cargo::DEV).join(name),
        });
        command.env("PSHMEM_LOCAL", nodes);
        command
    };
    let mut bands = example("earth", "1+2");
    bands
        .args(["--bands", "6", "--dir"])
        .arg(empty_folder("earth-bands"));
    let on = |ranks| Run {
        context,
        library: "threads",
        ranks,
    };
    [
        on("4").quickstart(example("quickstart", "4"), 4),
        on("4").lock(example("lock", "2+2")),
        on("2+1").heat(example("heat", "2+1")),
        on("1+2+1, continued").continued_heat(&example("heat", "1+2+1")),
        on("2+1").skymap(example("skymap", "2+1")),
        on("1+2").pagerank(example("pagerank", "1+2")),
        on("1+2").xsbench(example("xsbench", "1+2"), "history"),
        on("4").batch(example("batch", "2+2")),
        on("3").earth(example("earth", "3")),
        on("2+1").earth(example("earth", "2+1")),
        on("1+2, bands").earth(bands),
    ]
    .into_iter()
    .map(|work| Step::new(Load::CORE, work))
    .collect()
}

/// Runs the examples under `mpi`, for which they have been built.
pub(super) fn under<'a>(context: &'a Context, mpi: &Mpi) -> Vec<Step<'a>> {
    let example = |name: &str, ranks| mpi.launch(ranks, &program(mpi, &format!("examples/{name}")));
    let on = |ranks| Run {
        context,
        library: mpi.name,
        ranks,
    };
    let mut runs = vec![
        (4, on("4").quickstart(example("quickstart", 4), 4)),
        (4, on("4").lock(example("lock", 4))),
        (2, on("2").heat(example("heat", 2))),
        (2, on("2").skymap(example("skymap", 2))),
        (2, on("2").pagerank(example("pagerank", 2))),
        (2, on("2").xsbench(example("xsbench", 2), "event")),
        (4, on("4").batch(example("batch", 4))),
        (1, on("1").earth(example("earth", 1))),
        (4, on("4").earth(example("earth", 4))),
    ];
    if mpi.kind == Kind::Mpich {
        runs.push((2, on("2").quickstart(example("quickstart", 2), 2)));
    }
    let step = |(ranks, work)| suites::step(mpi, ranks, work);
    runs.into_iter().map(step).collect()
}

/// A folder in which no earlier run has left anything.
fn empty_folder(name: &str) -> PathBuf {
    let folder = cargo::log_of(name).with_extension("d");
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

/// The work of a step.
type Work<'a> = Box<dyn FnOnce() -> Row + Send + 'a>;

/// Where an example runs.
struct Run<'a> {
    context: &'a Context,
    library: &'static str,
    ranks: &'static str,
}

impl<'a> Run<'a> {
    fn quickstart(self, command: Command, ranks: usize) -> Work<'a> {
        self.work("quickstart", command, move |text| {
            output::quickstart(text, ranks)
        })
    }

    fn lock(self, command: Command) -> Work<'a> {
        self.work("lock", command, output::lock)
    }

    /// Few steps: each is a collective call.
    fn heat(self, mut command: Command) -> Work<'a> {
        command.arg("100");
        self.work("heat", command, output::heat)
    }

    /// A run on other ranks is killed at some moment after its first checkpoint, and this one continues.
    fn continued_heat(self, command: &Command) -> Work<'a> {
        const KILL: &str = "PSHMEM_LOCAL=2+1 \"$0\" 1000000 \"$1\" & first=$!
            until [ -e \"$1/step-00000000000000000050\" ]; do sleep 0.01; done
            kill -9 $first; wait $first; exec \"$0\" 200 \"$1\"";
        let mut shell = Command::new("sh");
        shell.args(["-c", KILL]).arg(command.get_program());
        shell.arg(empty_folder(&self.row("heat").title()));
        for (name, value) in command.get_envs() {
            shell.envs(value.map(|value| (name, value)));
        }
        self.work("heat", shell, output::continued_heat)
    }

    fn skymap(self, command: Command) -> Work<'a> {
        self.work("skymap", command, output::skymap)
    }

    fn pagerank(self, mut command: Command) -> Work<'a> {
        command.arg(output::PAGES);
        self.work("pagerank", command, output::pagerank)
    }

    fn xsbench(self, mut command: Command, mode: &'static str) -> Work<'a> {
        let (count, _) = output::xsbench_counts(mode);
        command.args(["small", "hash", mode, count]);
        self.work("xsbench", command, move |text| output::xsbench(text, mode))
    }

    fn batch(self, mut command: Command) -> Work<'a> {
        command
            .arg(empty_folder(&self.row("batch").title()))
            .arg("20");
        self.work("batch", command, output::batch)
    }

    /// The picture is compared with that of the other runs.
    fn earth(self, mut command: Command) -> Work<'a> {
        let map = cargo::log_of(&self.row("earth").title()).with_extension("png");
        // One from an earlier run must not pass for this one's.
        let _ = std::fs::remove_file(&map);
        command.args(output::EARTH_ARGS).arg("--map").arg(&map);
        let context = self.context;
        self.work("earth", command, move |text| {
            context.same_earth(Earth::read(text, &map)?)
        })
    }

    fn row(&self, example: &str) -> Row {
        Row::under(&format!("example {example}"), self.library, self.ranks)
    }

    fn work(
        self,
        example: &str,
        command: Command,
        check: impl FnOnce(&str) -> Result<(), String> + Send + 'a,
    ) -> Work<'a> {
        let row = self.row(example);
        let verbose = self.context.options.verbose;
        Box::new(move || clean(row, command, LIMIT, verbose, check))
    }
}

impl Context {
    /// Compares with the first run of `earth`, or keeps the result if this is the first.
    fn same_earth(&self, earth: Earth) -> Result<(), String> {
        let mut first = self.earth.lock().map_err(|why| why.to_string())?;
        if let Some(first) = &*first {
            return earth.same_as(first);
        }
        *first = Some(earth);
        Ok(())
    }
}
