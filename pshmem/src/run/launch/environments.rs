//! What launchers set, for tests: taken from ranks that they have started, without what nothing here reads.
//!
//! Open MPI 4.1.4, MPICH 4.0.2, Intel MPI 2021.18 and Slurm 22.05 were started on one machine, with two processes each, and this is
//! rank 1. PALS, Flux, `jsrun` and MVAPICH2 were not started: theirs are what their documentation and users say.

pub(crate) const OPEN_MPI: &str = "OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_LOCAL_RANK=1 \
    OMPI_UNIVERSE_SIZE=2 PMIX_NAMESPACE=1099235329 PMIX_RANK=1";

pub(crate) const MPICH: &str =
    "HYDI_CONTROL_FD=7 MPI_LOCALNRANKS=2 MPI_LOCALRANKID=1 PMI_FD=8 PMI_RANK=1 PMI_SIZE=2";

pub(crate) const INTEL_MPI: &str = "HYDRA_BSTRAP_LAUNCHER=ssh I_MPI_HYDRA_UUID=e42d0000-787e-4ae3-4561-0600273ba27c \
    I_MPI_ROOT=/opt/impi MPI_LOCALNRANKS=2 MPI_LOCALRANKID=1 PMI_FD=11 PMI_RANK=1 PMI_SIZE=2";

/// `srun --mpi=none -n 2`.
pub(crate) const SRUN_NONE: &str = "SLURM_JOB_ID=1 SLURM_NPROCS=2 SLURM_NTASKS=2 SLURM_PROCID=1 SLURM_STEP_ID=0 \
    SLURM_STEP_NUM_TASKS=2 SLURM_TASK_PID=22681";

pub(crate) const SRUN_PMI2: &str = "PMI_FD=13 PMI_JOBID=2.0 PMI_RANK=1 PMI_SIZE=2 SLURM_JOB_ID=2 SLURM_MPI_TYPE=pmi2 \
    SLURM_NPROCS=2 SLURM_NTASKS=2 SLURM_PROCID=1 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=2";

pub(crate) const SRUN_PMIX: &str = "PMIX_NAMESPACE=slurm.pmix.3.0 PMIX_RANK=1 SLURM_JOB_ID=3 SLURM_MPI_TYPE=pmix \
    SLURM_NPROCS=2 SLURM_NTASKS=2 SLURM_PROCID=1 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=2";

/// `srun -n 1`.
pub(crate) const SRUN_ONE: &str = "SLURM_JOB_ID=4 SLURM_NPROCS=1 SLURM_NTASKS=1 SLURM_PROCID=0 SLURM_STEP_ID=0 \
    SLURM_STEP_NUM_TASKS=1";

/// `srun --pty -n 2`.
pub(crate) const SRUN_PTY: &str = "SLURM_JOB_ID=6 SLURM_NPROCS=2 SLURM_NTASKS=2 SLURM_PROCID=0 SLURM_PTY_PORT=42775 \
    SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=2";

/// A command in the script of `sbatch -n 2`.
pub(crate) const BATCH_SCRIPT: &str =
    "SLURM_JOB_ID=4 SLURM_NPROCS=2 SLURM_NTASKS=2 SLURM_PROCID=0 SLURM_TASK_PID=24872";

/// A command in `salloc -n 2`.
pub(crate) const ALLOCATION: &str = "SLURM_JOB_ID=5 SLURM_NPROCS=2 SLURM_NTASKS=2";

/// A command in the script of `sbatch -n 1`, which a task of `srun -n 2` has called.
pub(crate) const BATCH_INSIDE_STEP: &str = "SLURM_JOB_ID=8 SLURM_NPROCS=1 SLURM_NTASKS=1 SLURM_PROCID=0 SLURM_STEP_ID=0 \
    SLURM_STEP_NUM_TASKS=2";

/// `mpirun -n 2` in the script of `sbatch`: its daemon runs in a step of one task.
pub(crate) const OPEN_MPI_IN_BATCH: &str = "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 PMIX_NAMESPACE=231997441 PMIX_RANK=1 \
    SLURM_JOB_ID=4 SLURM_NPROCS=1 SLURM_NTASKS=1 SLURM_PROCID=0 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=1";

pub(crate) const MPICH_IN_BATCH: &str = "MPI_LOCALNRANKS=2 MPI_LOCALRANKID=1 PMI_FD=6 PMI_RANK=1 PMI_SIZE=2 SLURM_JOB_ID=4 \
    SLURM_NPROCS=1 SLURM_NTASKS=2 SLURM_PROCID=0 SLURM_STEP_ID=1 SLURM_STEP_NUM_TASKS=1";

pub(crate) const FLUX: &str =
    "FLUX_JOB_SIZE=2 FLUX_TASK_RANK=1 FLUX_TASK_LOCAL_ID=1 PMI_FD=9 PMI_RANK=1 PMI_SIZE=2";

pub(crate) const PALS: &str =
    "PALS_RANKID=1 PALS_NODEID=0 PALS_LOCAL_RANKID=1 PMI_RANK=1 PMI_SIZE=2";

pub(crate) const JSRUN: &str = "JSM_NAMESPACE_RANK=1 JSM_NAMESPACE_SIZE=2 OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 \
    PMIX_RANK=1";

pub(crate) const MVAPICH: &str =
    "MV2_COMM_WORLD_RANK=1 MV2_COMM_WORLD_SIZE=2 MV2_COMM_WORLD_LOCAL_RANK=1";
