//! Which launchers have started this process, and how many processes they announce. A pure function of the environment.
//!
//! Variables are inherited: a process may see those of a Slurm step and those of the `mpirun` that runs in it. Launchers of MPI
//! libraries come before managers of resources, whose steps start such launchers. Hosts of a job of several nodes see a Slurm step
//! with one task for each host, by which `mpirun` has started its daemons.

use crate::run::launch::environment::Environment;
use crate::run::launch::library::Family;

/// Whose launcher it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    OpenMpi,
    Mpich,
    IntelMpi,
    Mvapich,
    Pals,
    Flux,
    Jsrun,
    Srun,
    /// Of a manager that speaks PMI, as MPICH's do.
    Pmi,
    /// Of a manager that speaks `PMIx`, as Open MPI's do.
    Pmix,
}

impl Kind {
    /// How messages call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::OpenMpi => "`mpirun` of Open MPI",
            Kind::Mpich => "`mpiexec` of MPICH",
            Kind::IntelMpi => "`mpiexec` of Intel MPI",
            Kind::Mvapich => "`mpirun_rsh` of MVAPICH2",
            Kind::Pals => "`mpiexec` of PALS",
            Kind::Flux => "`flux run`",
            Kind::Jsrun => "`jsrun`",
            Kind::Srun => "`srun`",
            Kind::Pmi => "a launcher that speaks PMI",
            Kind::Pmix => "a launcher that speaks PMIx",
        }
    }
}

/// How a launcher tells MPI libraries about the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    OpenMpi,
    Pmi,
    Pmix,
    /// Not at all: only its own variables are there.
    None,
}

/// What one launcher announces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Launcher {
    pub(crate) kind: Kind,
    protocol: Protocol,
    /// The number of processes, where it says so.
    size: Option<usize>,
    /// The number of this process.
    pub(crate) rank: Option<usize>,
}

impl Launcher {
    /// How many processes there are at least.
    pub(crate) fn announced(&self) -> usize {
        let at_least = self.rank.map_or(1, |rank| rank.saturating_add(1));
        self.size.unwrap_or(1).max(at_least)
    }

    /// Whether it is a step of Slurm.
    #[cfg(feature = "__mpi")]
    pub(super) fn is_srun(&self) -> bool {
        self.kind == Kind::Srun
    }

    /// Whether libraries of this family join its jobs.
    pub(super) fn is_for(&self, family: Family) -> bool {
        match self.protocol {
            Protocol::OpenMpi => family == Family::OpenMpi,
            Protocol::Pmi => family != Family::OpenMpi,
            Protocol::Pmix => true,
            Protocol::None => false,
        }
    }
}

/// All launchers whose variables this process has, the innermost ones first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Launchers(Vec<Launcher>);

impl Launchers {
    pub(crate) fn of(environment: &Environment) -> Self {
        let manager = manager(environment);
        let mut launchers = by_protocol(environment);
        for launcher in &mut launchers {
            let same = |manager: &&Launcher| {
                (manager.size, manager.rank) == (launcher.size, launcher.rank)
            };
            // A manager that tells libraries itself what its own variables say.
            if let Some(manager) = manager.as_ref().filter(same) {
                launcher.kind = manager.kind;
            }
        }
        // A manager of one process may have started anything, also a shell in which the user types.
        let starts_several = |manager: &Launcher| manager.announced() > 1;
        launchers.extend(manager.filter(starts_several));
        Launchers(launchers)
    }

    /// The one that has started this process, or `None` if it was started without any.
    pub(crate) fn innermost(&self) -> Option<&Launcher> {
        self.0.first()
    }

    /// How many processes the innermost one announces at least.
    #[cfg(feature = "__mpi")]
    pub(crate) fn announced(&self) -> usize {
        self.innermost().map_or(1, Launcher::announced)
    }

    /// `process 1 of 2 on vm: `, for messages of a process that does not know its rank yet.
    #[cfg(feature = "__mpi")]
    pub(crate) fn place(&self) -> String {
        let Some(rank) = self.innermost().and_then(|launcher| launcher.rank) else {
            return String::new();
        };
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        format!(
            "process {rank} of {} on {}: ",
            self.announced(),
            host.trim()
        )
    }

    /// The launcher that announces several processes, where MPI sees only this one. `family` is that of the program's library.
    ///
    /// A library that was started by its own launcher with one process is right, whatever else the environment has inherited.
    pub(crate) fn of_lonely_process(&self, family: Option<Family>) -> Option<&Launcher> {
        let is_right = |launcher: &&Launcher| {
            launcher.announced() == 1 && family.is_some_and(|family| launcher.is_for(family))
        };
        if self.0.iter().any(|launcher| is_right(&launcher)) {
            return None;
        }
        let innermost = self.innermost()?;
        if innermost.protocol == Protocol::None {
            return Some(innermost);
        }
        // Which of several MPI launchers is the inner one is not known.
        self.0
            .iter()
            .filter(|launcher| launcher.protocol != Protocol::None)
            .find(|launcher| launcher.announced() > 1)
    }
}

/// Launchers that tell MPI libraries about the job.
fn by_protocol(environment: &Environment) -> Vec<Launcher> {
    let number = |name| environment.number(name);
    let mut launchers = Vec::new();
    let mut add = |kind, protocol, size: Option<usize>, rank: Option<usize>| {
        if size.is_some() || rank.is_some() {
            launchers.push(Launcher {
                kind,
                protocol,
                size,
                rank,
            });
        }
    };
    let [size, rank] = ["OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"].map(number);
    add(Kind::OpenMpi, Protocol::OpenMpi, size, rank);
    let of_open_mpi = size.is_some();
    let pmi = if environment.has("I_MPI_HYDRA_UUID") {
        Kind::IntelMpi
    } else if environment.has("MPI_LOCALNRANKS") {
        Kind::Mpich
    } else {
        Kind::Pmi
    };
    add(pmi, Protocol::Pmi, number("PMI_SIZE"), number("PMI_RANK"));
    let [size, rank] = ["MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"].map(number);
    add(Kind::Mvapich, Protocol::Pmi, size, rank);
    // Open MPI's launcher sets it, too.
    if !of_open_mpi {
        let of_slurm = environment
            .get("PMIX_NAMESPACE")
            .is_some_and(|name| name.starts_with("slurm."));
        let size = slurm_step(environment).filter(|_| of_slurm);
        let size = size.and_then(|step| step.size);
        add(Kind::Pmix, Protocol::Pmix, size, number("PMIX_RANK"));
    }
    launchers
}

/// The manager of resources whose launcher has started this process, by its own variables.
fn manager(environment: &Environment) -> Option<Launcher> {
    let number = |name| environment.number(name);
    let of = |kind, size: Option<usize>, rank: Option<usize>| {
        rank.map(|rank| Launcher {
            kind,
            protocol: Protocol::None,
            size,
            rank: Some(rank),
        })
    };
    let pals_size = number("PALS_SIZE").or_else(|| number("PMI_SIZE"));
    let [jsm_size, jsm_rank] = ["JSM_NAMESPACE_SIZE", "JSM_NAMESPACE_RANK"].map(number);
    let [flux_size, flux_rank] = ["FLUX_JOB_SIZE", "FLUX_TASK_RANK"].map(number);
    of(Kind::Jsrun, jsm_size, jsm_rank)
        .or_else(|| of(Kind::Pals, pals_size, number("PALS_RANKID")))
        .or_else(|| of(Kind::Flux, flux_size, flux_rank))
        .or_else(|| slurm_step(environment))
}

/// The step of `srun` in which this process runs.
fn slurm_step(environment: &Environment) -> Option<Launcher> {
    /// Steps from here on are no steps of tasks: the batch script, an interactive shell, what other programs have brought.
    const SPECIAL: usize = 0xffff_fff0;
    let step = environment.number("SLURM_STEP_ID")?;
    let size = environment.number("SLURM_STEP_NUM_TASKS")?;
    // `srun` sets both to the same number. `sbatch` inherits the second one, where it is called inside a step.
    let is_inherited = environment
        .number("SLURM_NTASKS")
        .is_some_and(|tasks| tasks != size);
    // In `srun --pty` a user types, with a terminal for the first task only.
    let is_terminal = environment.has("SLURM_PTY_PORT");
    let is_of_tasks = step < SPECIAL && !is_inherited && !is_terminal;
    is_of_tasks.then(|| Launcher {
        kind: Kind::Srun,
        protocol: Protocol::None,
        size: Some(size),
        rank: environment.number("SLURM_PROCID"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::launch::environments::*;

    fn lonely(environment: &str, family: Option<Family>) -> Option<(Kind, usize)> {
        let launchers = Launchers::of(&Environment::of(environment));
        let launcher = launchers.of_lonely_process(family)?;
        Some((launcher.kind, launcher.announced()))
    }

    const FAMILIES: [Option<Family>; 5] = [
        None,
        Some(Family::OpenMpi),
        Some(Family::Mpich),
        Some(Family::IntelMpi),
        Some(Family::Other),
    ];

    /// One rank of each real launcher: whichever library the program has, if MPI sees one process, the other ranks are missed.
    #[test]
    fn ranks_of_every_launcher_are_lonely() {
        for (environment, kind) in [
            (OPEN_MPI, Kind::OpenMpi),
            (MPICH, Kind::Mpich),
            (INTEL_MPI, Kind::IntelMpi),
            (SRUN_NONE, Kind::Srun),
            (SRUN_PMI2, Kind::Srun),
            (SRUN_PMIX, Kind::Srun),
            (FLUX, Kind::Flux),
            (PALS, Kind::Pals),
            (JSRUN, Kind::Jsrun),
            (MVAPICH, Kind::Mvapich),
            (OPEN_MPI_IN_BATCH, Kind::OpenMpi),
            (MPICH_IN_BATCH, Kind::Mpich),
        ] {
            for family in FAMILIES {
                assert_eq!(
                    lonely(environment, family),
                    Some((kind, 2)),
                    "{environment}"
                );
            }
        }
    }

    #[test]
    fn a_single_process_stays_alone() {
        for environment in [
            "",
            BATCH_SCRIPT,
            ALLOCATION,
            SRUN_PTY,
            SRUN_ONE,
            BATCH_INSIDE_STEP,
            "SLURM_STEP_ID=4294967290 SLURM_STEP_NUM_TASKS=2 SLURM_NTASKS=2 SLURM_PROCID=0",
            "OMPI_COMM_WORLD_SIZE=1 OMPI_COMM_WORLD_RANK=0 PMIX_RANK=0",
            "PMI_SIZE=1 PMI_RANK=0 MPI_LOCALNRANKS=1",
            "PMIX_RANK=0",
            "PMI_SIZE=many",
        ] {
            for family in FAMILIES {
                assert_eq!(lonely(environment, family), None, "{environment}");
            }
        }
    }

    #[test]
    fn the_launcher_of_the_library_is_believed() {
        // `mpirun -n 1` inside ranks that something else has started.
        let one = "OMPI_COMM_WORLD_SIZE=1 OMPI_COMM_WORLD_RANK=0 PMIX_RANK=0 ";
        for outer in [SRUN_NONE, SRUN_PMI2, MPICH] {
            let environment = format!("{outer} {one}");
            assert_eq!(lonely(&environment, Some(Family::OpenMpi)), None, "{outer}");
        }
        let in_hydra = format!("{MPICH} {one}");
        let of_hydra = Some((Kind::Mpich, 2));
        assert_eq!(lonely(&in_hydra, Some(Family::Mpich)), of_hydra);
        // Whichever launcher is the inner one, a program without MPI is one of several.
        assert_eq!(lonely(&in_hydra, None), of_hydra);
        // In a step of two tasks, each runs `mpirun -n 1`, and it does not matter for which library.
        assert_eq!(lonely(&format!("{SRUN_NONE} {one}"), None), None);
    }

    #[test]
    fn a_rank_announces_those_before_it() {
        assert_eq!(lonely("PMIX_RANK=3", None), Some((Kind::Pmix, 4)));
        let huge = format!("PMI_RANK={}", usize::MAX);
        assert_eq!(lonely(&huge, None), Some((Kind::Pmi, usize::MAX)));
    }
}
