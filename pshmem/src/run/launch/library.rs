//! What the name of an MPI library tells: whose launcher starts its programs, and by which command.

use crate::run::launch::launchers::Kind;

/// Libraries whose programs are started in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    OpenMpi,
    Mpich,
    IntelMpi,
    Other,
}

impl Family {
    /// Of a library that says this of itself.
    pub(crate) fn of(library: &str) -> Self {
        if library.contains("Open MPI") {
            Family::OpenMpi
        } else if library.contains("Intel(R) MPI") {
            Family::IntelMpi
        } else if library.contains("MPICH") {
            Family::Mpich
        } else {
            Family::Other
        }
    }

    /// Its own launcher.
    pub(crate) fn launcher(self) -> Option<Kind> {
        match self {
            Family::OpenMpi => Some(Kind::OpenMpi),
            Family::Mpich => Some(Kind::Mpich),
            Family::IntelMpi => Some(Kind::IntelMpi),
            Family::Other => None,
        }
    }

    /// The command that starts so many processes, with the library's own launcher.
    pub(crate) fn command(self, processes: usize) -> String {
        let of = |program: &str, library: &str| {
            format!("`{program} -n {processes} PROGRAM` of {library}")
        };
        match self {
            Family::OpenMpi => of("mpirun", "Open MPI"),
            Family::Mpich => of("mpiexec", "MPICH"),
            Family::IntelMpi => of("mpiexec.hydra", "Intel MPI"),
            Family::Other => of("mpiexec", "that library"),
        }
    }

    /// The same by `srun`.
    pub(crate) fn srun(self, processes: usize) -> String {
        match self {
            Family::OpenMpi => format!("`srun --mpi=pmix -n {processes} PROGRAM`"),
            Family::IntelMpi => format!(
                "`srun --mpi=pmi2 -n {processes} PROGRAM` with the path of Slurm's libpmi2.so in I_MPI_PMI_LIBRARY"
            ),
            Family::Mpich | Family::Other => format!("`srun --mpi=pmi2 -n {processes} PROGRAM`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_say_who_they_are() {
        for (text, family) in [
            ("Open MPI v4.1.4", Family::OpenMpi),
            ("MPICH Version:\t4.0.2", Family::Mpich),
            (
                "Intel(R) MPI Library 2021.18 for Linux* OS",
                Family::IntelMpi,
            ),
            (
                "MPI VERSION    : CRAY MPICH version 8.1.28.1",
                Family::Mpich,
            ),
            ("an MPI library without a name", Family::Other),
        ] {
            assert_eq!(Family::of(text), family, "{text}");
        }
    }
}
