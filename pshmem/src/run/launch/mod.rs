//! Reads from the environment how the program was started: by an MPI launcher, as threads, or alone.
//!
//! - `environment` the variables · `launchers` who has started this process, and how many others · `library` MPI libraries
//! - `lonely` processes that MPI sees alone are refused · `settings` variables that are no settings
//! - `hydra` ends the job of a launcher that does not notice the end of a process
//! - `environments` what real launchers set, for tests

mod environment;
#[cfg(test)]
mod environments;
#[cfg(feature = "__mpi")]
pub(crate) mod hydra;
mod launchers;
mod library;
mod lonely;
mod settings;

use crate::comm::domains::Domain;
use crate::error::{Error, Result};
use environment::Environment;
use launchers::Launcher;
pub(crate) use launchers::Launchers;
#[cfg(feature = "__mpi")]
use library::Family;
use std::env;
use std::time::Duration;

/// What the ranks are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Launch {
    /// Threads: the number of ranks on each node.
    Threads(Vec<usize>),
    /// The processes of an MPI launcher. Who announces them is read before MPI starts, which may change the environment.
    #[cfg(feature = "__mpi")]
    Mpi(Launchers),
}

/// How to start, and what to tell the user before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) launch: Launch,
    /// One line each. Empty on all processes of a job but the first.
    pub(crate) notices: Vec<String>,
}

/// Reads the environment.
pub(crate) fn launch() -> Result<Start> {
    let environment = Environment::of_process();
    decide(&environment, &Launchers::of(&environment)).map_err(Refused::into_error)
}

/// Refuses a process that is one of several for its launcher, but for MPI the only one.
///
/// # Errors
/// What to do, on the first process of the job.
#[cfg(feature = "__mpi")]
pub(crate) fn check_joined(launchers: &Launchers, library: &str) -> Result<()> {
    match launchers.of_lonely_process(Some(Family::of(library))) {
        None => Ok(()),
        Some(launcher) => Err(refuse(launcher, Some(library))),
    }
}

/// The same in a program that has started MPI itself.
#[cfg(feature = "mpi")]
pub(crate) fn check_joined_by_itself(library: &str) -> Result<()> {
    if is_disabled(&Environment::of_process()) {
        return Ok(());
    }
    check_joined(&Launchers::of(&Environment::at_start()), library)
}

/// What to say before a library starts that probably ends this process instead: Open MPI does so in a step of `srun` that it cannot
/// join. On the first process of the job.
#[cfg(feature = "__mpi")]
pub(crate) fn warning_before_start(launchers: &Launchers, library: &str) -> Option<String> {
    let family = Family::of(library);
    let launcher = launchers.innermost().filter(|launcher| {
        launcher.rank.is_none_or(|rank| rank == 0)
            && launcher.is_srun()
            && launcher.announced() > 1
            && family == Family::OpenMpi
            && !launcher.is_for(family)
    })?;
    let what = lonely::what_to_do(launcher, Some(library));
    Some(format!(
        "`srun` has started {} processes in a way in which {library} mostly cannot start. {what}",
        launcher.announced()
    ))
}

/// The error of a process that is alone.
fn refuse(launcher: &Launcher, library: Option<&str>) -> Error {
    wait_for_first(launcher);
    lonely::refusal(launcher, library)
}

/// Processes that cannot talk to each other mostly fail alike. Some launchers end all of them when the first one ends, which has
/// printed its report by then.
fn wait_for_first(launcher: &Launcher) {
    if launcher.rank.is_some_and(|rank| rank > 0) {
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// The same for a process that fails before MPI has started.
#[cfg(feature = "__mpi")]
pub(crate) fn leave_to_first(launchers: &Launchers) {
    if let Some(launcher) = launchers.innermost() {
        wait_for_first(launcher);
    }
}

/// Why a program does not start.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    /// It has no MPI, and this launcher announces other processes.
    #[cfg(not(feature = "__mpi"))]
    Lonely(Launcher),
    Invalid(Error),
}

impl Refused {
    fn into_error(self) -> Error {
        match self {
            #[cfg(not(feature = "__mpi"))]
            Refused::Lonely(launcher) => refuse(&launcher, None),
            Refused::Invalid(error) => error,
        }
    }
}

/// `MPI_DISABLE`, which other programs that use MPI read, too.
fn is_disabled(environment: &Environment) -> bool {
    environment
        .get("MPI_DISABLE")
        .is_some_and(|value| !matches!(value, "" | "0"))
}

fn decide(environment: &Environment, launchers: &Launchers) -> Result<Start, Refused> {
    let launcher = launchers.innermost();
    let is_first = launcher.is_none_or(|launcher| launcher.rank.is_none_or(|rank| rank == 0));
    let mut notices: Vec<String> = settings::unknown(environment).into_iter().collect();
    let launch = match launcher {
        Some(_) if is_disabled(environment) => {
            notices.push("MPI_DISABLE is set: each process of this job runs alone".to_owned());
            threads(environment)?
        }
        #[cfg(feature = "__mpi")]
        Some(launcher) => {
            if environment.has("PSHMEM_LOCAL") {
                let name = launcher.kind.name();
                notices.push(format!(
                    "PSHMEM_LOCAL is ignored: the ranks are the processes that {name} has started"
                ));
            }
            Launch::Mpi(launchers.clone())
        }
        #[cfg(not(feature = "__mpi"))]
        Some(_) => match launchers.of_lonely_process(None) {
            Some(lonely) => return Err(Refused::Lonely(lonely.clone())),
            None => threads(environment)?,
        },
        None => threads(environment)?,
    };
    if !is_first {
        notices.clear();
    }
    Ok(Start { launch, notices })
}

/// Threads as `PSHMEM_LOCAL` says, or one rank.
fn threads(environment: &Environment) -> Result<Launch, Refused> {
    let nodes = environment
        .get("PSHMEM_LOCAL")
        .map_or(Ok(vec![1]), parse_nodes);
    nodes.map(Launch::Threads).map_err(Refused::Invalid)
}

/// `4` or `2+3+1`.
fn parse_nodes(value: &str) -> Result<Vec<usize>> {
    let nodes: Option<Vec<usize>> = value
        .split('+')
        .map(|ranks| ranks.trim().parse().ok().filter(|&n| n > 0))
        .collect();
    nodes.ok_or_else(|| Error::InvalidSetting {
        name: "PSHMEM_LOCAL".to_owned(),
        value: value.to_owned(),
        reason: "write the number of ranks, as in 4, or of ranks on each node, as in 2+3+1"
            .to_owned(),
    })
}

/// How the nodes of the world are divided.
#[derive(Debug)]
pub(crate) struct Division {
    /// `PSHMEM_DOMAIN`.
    pub(crate) domain: Option<Domain>,
    /// `PSHMEM_RANKS_PER_NODE`.
    pub(crate) ranks_per_node: Option<usize>,
}

/// Reads from the environment how the nodes of the world are divided.
pub(crate) fn division() -> Result<Division> {
    Ok(Division {
        domain: setting(
            "PSHMEM_DOMAIN",
            Domain::of_name,
            "write numa, socket, l3 or node",
        )?,
        ranks_per_node: setting(
            "PSHMEM_RANKS_PER_NODE",
            |value| value.parse().ok().filter(|&n| n > 0),
            "write a number of ranks, 1 or more",
        )?,
    })
}

/// The value of a variable, if it is set. `reason` says what to write.
fn setting<T>(
    name: &str,
    parse: impl FnOnce(&str) -> Option<T>,
    reason: &str,
) -> Result<Option<T>> {
    let Ok(value) = env::var(name) else {
        return Ok(None);
    };
    match parse(value.trim()) {
        Some(parsed) => Ok(Some(parsed)),
        None => Err(Error::InvalidSetting {
            name: name.to_owned(),
            value,
            reason: reason.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::environments::*;
    use super::*;

    fn with(text: &str) -> Result<Start, Refused> {
        let environment = Environment::of(text);
        decide(&environment, &Launchers::of(&environment))
    }

    fn quiet(launch: Launch) -> Start {
        let notices = Vec::new();
        Start { launch, notices }
    }

    #[test]
    fn without_a_launcher_ranks_are_threads() {
        for other in [
            "",
            BATCH_SCRIPT,
            ALLOCATION,
            SRUN_PTY,
            SRUN_ONE,
            BATCH_INSIDE_STEP,
        ] {
            assert_eq!(with(other), Ok(quiet(Launch::Threads(vec![1]))), "{other}");
            let four = with(&format!("PSHMEM_LOCAL=4 {other}"));
            assert_eq!(four, Ok(quiet(Launch::Threads(vec![4]))), "{other}");
        }
        let nodes = with("PSHMEM_LOCAL=2+3+1");
        assert_eq!(nodes, Ok(quiet(Launch::Threads(vec![2, 3, 1]))));
        for wrong in ["", "0", "2+", "-1", "two", "2+0"] {
            let result = with(&format!("PSHMEM_LOCAL={wrong}"));
            let Err(Refused::Invalid(Error::InvalidSetting { .. })) = result else {
                panic!("{wrong}: {result:?}");
            };
        }
    }

    #[test]
    fn mpi_can_be_kept_off() {
        for launcher in [OPEN_MPI, MPICH, SRUN_NONE] {
            let disabled = with(&format!("{launcher} MPI_DISABLE=1"));
            assert_eq!(disabled, Ok(quiet(Launch::Threads(vec![1]))));
        }
        let first = with("PMI_SIZE=2 PMI_RANK=0 MPI_DISABLE=1").unwrap();
        assert!(first.notices[0].contains("each process of this job runs alone"));
        assert_eq!(first.notices.len(), 1);
    }

    #[test]
    #[cfg(not(feature = "__mpi"))]
    fn a_launcher_of_several_processes_needs_the_feature() {
        for launcher in [
            OPEN_MPI, MPICH, INTEL_MPI, SRUN_NONE, SRUN_PMI2, SRUN_PMIX, FLUX, PALS, JSRUN,
        ] {
            let result = with(&format!("{launcher} PSHMEM_LOCAL=4"));
            assert!(matches!(result, Err(Refused::Lonely(_))), "{launcher}");
        }
        let one = with("PMI_SIZE=1 PMI_RANK=0");
        assert_eq!(one, Ok(quiet(Launch::Threads(vec![1]))));
    }

    #[cfg(feature = "__mpi")]
    fn mpi(environment: &str) -> Start {
        quiet(Launch::Mpi(Launchers::of(&Environment::of(environment))))
    }

    #[test]
    #[cfg(feature = "__mpi")]
    fn a_launcher_means_mpi() {
        for launcher in [
            OPEN_MPI, MPICH, INTEL_MPI, SRUN_NONE, SRUN_PMI2, SRUN_PMIX, FLUX, PALS, JSRUN,
        ] {
            assert_eq!(with(launcher), Ok(mpi(launcher)), "{launcher}");
        }
        let one = "PMI_SIZE=1 PMI_RANK=0";
        assert_eq!(with(one), Ok(mpi(one)));
    }

    #[test]
    #[cfg(feature = "__mpi")]
    fn there_is_a_warning_before_open_mpi_starts_in_a_step_that_it_cannot_join() {
        const OPEN_MPI_LIBRARY: &str = "Open MPI v4.1.4";
        let warning = |environment: &str, library: &str| {
            let first = environment
                .replace("RANK=1", "RANK=0")
                .replace("PROCID=1", "PROCID=0");
            warning_before_start(&Launchers::of(&Environment::of(&first)), library)
        };
        for environment in [SRUN_NONE, SRUN_PMI2] {
            let text = warning(environment, OPEN_MPI_LIBRARY).unwrap();
            assert!(
                text.starts_with(
                    "`srun` has started 2 processes in a way in which Open MPI v4.1.4 "
                ),
                "{text}"
            );
            assert!(
                text.contains("Start it by `srun --mpi=pmix -n 2 PROGRAM`"),
                "{text}"
            );
            assert_eq!(warning(environment, "MPICH Version: 4.0.2"), None);
        }
        for environment in [SRUN_PMIX, SRUN_ONE, OPEN_MPI, MPICH, OPEN_MPI_IN_BATCH] {
            assert_eq!(
                warning(environment, OPEN_MPI_LIBRARY),
                None,
                "{environment}"
            );
        }
        let second = Launchers::of(&Environment::of(SRUN_NONE));
        assert_eq!(warning_before_start(&second, OPEN_MPI_LIBRARY), None);
    }

    #[test]
    #[cfg(feature = "__mpi")]
    fn settings_that_do_nothing_are_named_once() {
        let notices = |text: &str| with(text).unwrap().notices;
        let first = "PMI_SIZE=2 PMI_RANK=0 MPI_LOCALNRANKS=2";
        let found = notices(&format!("{first} PSHMEM_LOCAL=4 PSHMEM_LOCALE=1"));
        assert_eq!(found.len(), 2);
        assert!(found[0].contains("ignored: PSHMEM_LOCALE; "), "{found:?}");
        let expected = "PSHMEM_LOCAL is ignored: the ranks are the processes that `mpiexec` of MPICH has started";
        assert_eq!(found[1], expected);
        assert!(notices(&format!("{MPICH} PSHMEM_LOCAL=4 PSHMEM_LOCALE=1")).is_empty());
    }
}
