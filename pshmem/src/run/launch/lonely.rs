//! The refusal of a process that is one of several for its launcher, but alone for MPI: each would run the whole job.

use crate::error::Error;
use crate::run::launch::launchers::{Kind, Launcher};
use crate::run::launch::library::Family;

/// The library of the program, or `None` if it was built without MPI.
type Library<'a> = Option<&'a str>;

/// The error of a process that is alone. Only the first process of the job says what to do, because all have the same to say.
pub(crate) fn refusal(launcher: &Launcher, library: Library<'_>) -> Error {
    let processes = launcher.announced();
    let name = launcher.kind.name();
    let problem = match library {
        None => format!(
            "{name} has started {processes} processes, but the program was built without MPI and would run as that many separate jobs"
        ),
        Some(library) => format!(
            "{name} has started {processes} processes, but MPI sees only one: the program uses {library}, which has not joined the \
             job of that launcher, and would run as {processes} separate jobs"
        ),
    };
    let reason = match launcher.rank.filter(|rank| *rank > 0) {
        Some(rank) => format!("process {rank}: {problem}; process 0 says what to do"),
        None => format!("{problem}. {}", what_to_do(launcher, library)),
    };
    Error::Start { reason }
}

/// The command that fits, and other ways.
pub(super) fn what_to_do(launcher: &Launcher, library: Library<'_>) -> String {
    const SEPARATE: &str = "or set MPI_DISABLE=1 if separate jobs are wanted";
    let Some(library) = library else {
        return format!(
            "Build it with `--features mpi`, or start it without the launcher (PSHMEM_LOCAL=4 runs ranks as threads), {SEPARATE}"
        );
    };
    let family = Family::of(library);
    let processes = launcher.announced();
    let own = family.command(processes);
    let start = match launcher.kind {
        Kind::Srun => format!("Start it by {}, or by {own}", family.srun(processes)),
        kind if Some(kind) == family.launcher() => {
            format!(
                "Start it by {own}, from the installation whose library it uses: `ldd PROGRAM` shows which"
            )
        }
        _ => format!("Start it by {own}"),
    };
    let choose = if cfg!(feature = "mpi-abi") {
        "name the library of this launcher in PSHMEM_MPI_LIBRARY"
    } else {
        "build it for the library of this launcher, whose compiler wrapper MPICC names"
    };
    format!("{start}; or {choose}; {SEPARATE}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::launch::environment::Environment;
    use crate::run::launch::environments::*;
    use crate::run::launch::launchers::Launchers;

    /// The text on process 0 of a launcher with this environment.
    fn text(environment: &str, library: Option<&str>) -> String {
        let environment = environment
            .replace("RANK=1", "RANK=0")
            .replace("PROCID=1", "PROCID=0");
        let launchers = Launchers::of(&Environment::of(&environment));
        let launcher = launchers
            .of_lonely_process(library.map(Family::of))
            .unwrap();
        refusal(launcher, library).to_string()
    }

    const OPEN_MPI_LIBRARY: Option<&str> = Some("Open MPI v4.1.4");
    const MPICH_LIBRARY: Option<&str> = Some("MPICH Version: 4.0.2");
    const INTEL_LIBRARY: Option<&str> = Some("Intel(R) MPI Library 2021.18 for Linux* OS");

    #[test]
    fn launcher_library_and_command_are_named() {
        for (environment, library, parts) in [
            (
                MPICH,
                OPEN_MPI_LIBRARY,
                [
                    "`mpiexec` of MPICH has started 2",
                    "uses Open MPI v4.1.4",
                    "`mpirun -n 2 PROGRAM` of Open MPI",
                ],
            ),
            (
                OPEN_MPI,
                MPICH_LIBRARY,
                [
                    "`mpirun` of Open MPI has started 2",
                    "uses MPICH Version: 4.0.2",
                    "`mpiexec -n 2 PROGRAM` of MPICH",
                ],
            ),
            (
                OPEN_MPI,
                INTEL_LIBRARY,
                [
                    "`mpirun` of Open MPI has started 2",
                    "uses Intel(R) MPI",
                    "`mpiexec.hydra -n 2 PROGRAM` of Intel MPI",
                ],
            ),
            (
                SRUN_NONE,
                OPEN_MPI_LIBRARY,
                [
                    "`srun` has started 2",
                    "`srun --mpi=pmix -n 2 PROGRAM`",
                    "`mpirun -n 2 PROGRAM`",
                ],
            ),
            (
                SRUN_PMIX,
                MPICH_LIBRARY,
                [
                    "`srun` has started 2",
                    "`srun --mpi=pmi2 -n 2 PROGRAM`",
                    "`mpiexec -n 2 PROGRAM`",
                ],
            ),
            (
                SRUN_NONE,
                INTEL_LIBRARY,
                ["`srun` has started 2", "--mpi=pmi2", "I_MPI_PMI_LIBRARY"],
            ),
            (
                OPEN_MPI,
                OPEN_MPI_LIBRARY,
                [
                    "`mpirun` of Open MPI has started 2",
                    "from the installation whose library it uses",
                    "ldd",
                ],
            ),
            (
                SRUN_NONE,
                None,
                [
                    "`srun` has started 2",
                    "built without MPI",
                    "`--features mpi`",
                ],
            ),
        ] {
            let text = text(environment, library);
            for part in parts.into_iter().chain([" separate jobs", "MPI_DISABLE=1"]) {
                assert!(text.contains(part), "{part} not in {text}");
            }
        }
    }

    #[test]
    fn one_process_says_what_to_do() {
        let launchers = Launchers::of(&Environment::of(MPICH));
        let launcher = launchers.of_lonely_process(None).unwrap();
        let text = refusal(launcher, None).to_string();
        assert!(
            text.starts_with("process 1: `mpiexec` of MPICH has started 2"),
            "{text}"
        );
        assert!(text.ends_with("; process 0 says what to do"), "{text}");
    }
}
