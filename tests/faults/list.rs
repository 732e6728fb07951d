//! The faults that the program `fault` commits, and what its output must contain.
//!
//! Plain data without dependencies, because two crates include this file: `pshmem-tests`, whose program commits the faults and
//! whose tests run them with ranks as threads, and `xtask`, which runs them under each MPI library.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each of the two crates uses a part of this file, as a module of its own visibility"
)]

/// What the ranks without a fault observe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// `Error::RankFailed` with this text.
    RankFailed(&'static str),
    /// `Error::Diverged`.
    Diverged,
    /// `Error::Closure` with this text.
    Closure(&'static str),
    /// Nothing: they are ended while they wait.
    Ended,
}

/// A fault after which the job must end.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Which one it is. The program `fault` has a match over all kinds.
    pub kind: Kind,
    /// Its name on the command line.
    pub name: &'static str,
    /// What happens on the faulty rank, and where the others are.
    pub place: &'static str,
    /// What the other ranks observe.
    pub others: Observed,
    /// What the output must contain; `{rank}` stands for the faulty rank.
    pub output: &'static [&'static str],
    /// The faulty rank of a run with three ranks on two nodes, where there is such a run.
    pub rank_on_nodes: Option<usize>,
    /// How the names of files begin that may be left in `/dev/shm` where node memory is windows. Else nothing may be left.
    pub windows_may_leave: &'static [&'static str],
}

/// A misuse of the library, which reports it. It is run with ranks as threads; under MPI, only `two-reasons` is.
#[derive(Clone, Copy, Debug)]
pub struct Misuse {
    /// Which one it is. The program `fault` has a match over all kinds.
    pub kind: MisuseKind,
    /// Its name on the command line.
    pub name: &'static str,
    /// What the program does.
    pub what: &'static str,
}

/// Declares the kinds, and the list with one entry for each of them.
macro_rules! list {
    ($entry:ident, $kind:ident, $list:ident: $($variant:ident { $($field:tt)* })*) => {
        /// The kinds of the list's entries.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $kind {
            $(#[allow(missing_docs, reason = "the entry of the list describes it")] $variant),*
        }

        /// The list.
        pub const $list: &[$entry] = &[$($entry { kind: $kind::$variant, $($field)* }),*];
    };
}

/// What the report of a panic contains after rank and host.
pub const PANIC: &str = "failed: panicked at tests/faults/actions.rs:";
/// What is printed when the time for a call that waits is over.
pub const HANG_ABORT: &str = "pshmem: PSHMEM_HANG_ABORT is over, ending the job";
/// What is printed about a rank that calls `exit`.
pub const EXIT: &str = "exits inside `run`; ending the job";

/// Files behind windows of Open MPI and MPICH: these remove them a moment after they have made them, unless a rank is killed then.
const WINDOW: &[&str] = &["osc_sm.", "mpich_shar_tmp"];

list! { Fault, Kind, FAULTS:
    Panic {
        name: "panic",
        place: "in user code, others in a barrier",
        others: Observed::RankFailed("panicked at tests/faults/actions.rs:"),
        output: &[PANIC, ": a deliberate panic\n"],
        rank_on_nodes: Some(2),
        windows_may_leave: &[],
    }
    PanicAlone {
        name: "panic-alone",
        place: "in user code, others too",
        others: Observed::Ended,
        output: &[PANIC, "pshmem: some ranks still run 5 s after another one failed"],
        rank_on_nodes: None,
        windows_may_leave: &[],
    }
    Error {
        name: "error",
        place: "`Err` from the closure of `run`, others in a barrier",
        others: Observed::RankFailed("a deliberate error"),
        output: &["failed: a deliberate error\n"],
        rank_on_nodes: Some(2),
        windows_may_leave: &[],
    }
    Return {
        name: "return",
        place: "from `run`, others in a barrier",
        others: Observed::Diverged,
        output: &[],
        rank_on_nodes: Some(0),
        windows_may_leave: &[],
    }
    Compute {
        name: "compute",
        place: "in user code for ever, others in a barrier",
        others: Observed::Ended,
        output: &["\n  rank {rank} is missing (last call: ", " and is in the program\n", HANG_ABORT],
        rank_on_nodes: None,
        windows_may_leave: &[],
    }
    UpdateCompute {
        name: "update-compute",
        place: "in a closure of `update` for ever",
        others: Observed::Ended,
        output: &["called `update` of object 1", "and runs its closure\n", HANG_ABORT],
        rank_on_nodes: None,
        windows_may_leave: &[],
    }
    UpdatePanic {
        name: "update-panic",
        place: "in a closure of `update`",
        others: Observed::Closure("panicked: a deliberate panic in a closure"),
        output: &[PANIC, ": a deliberate panic in a closure\n"],
        rank_on_nodes: Some(0),
        windows_may_leave: &[],
    }
    UpdateError {
        name: "update-error",
        place: "`Err` from a closure of `try_update`",
        others: Observed::Closure("a deliberate error in a closure"),
        output: &["rank {rank} observed: the closure on rank {rank} failed: a deliberate error in a closure\n"],
        rank_on_nodes: None,
        windows_may_leave: &[],
    }
    FromRootPanic {
        name: "from_root-panic",
        place: "in a closure of `from_root`",
        others: Observed::Closure("panicked: a deliberate panic in a closure"),
        output: &[PANIC, ": a deliberate panic in a closure\n"],
        rank_on_nodes: None,
        windows_may_leave: &[],
    }
    Exit0 {
        name: "exit-0",
        place: "`exit(0)`, others in a barrier",
        others: Observed::Ended,
        output: &[EXIT],
        rank_on_nodes: Some(1),
        windows_may_leave: &[],
    }
    Exit3 {
        name: "exit-3",
        place: "`exit(3)`, others in a barrier",
        others: Observed::Ended,
        output: &[EXIT],
        rank_on_nodes: None,
        windows_may_leave: &[],
    }
    KillBarrier {
        name: "kill-barrier",
        place: "SIGKILL, others in a barrier",
        others: Observed::Ended,
        output: &[],
        rank_on_nodes: None,
        windows_may_leave: &[],
    }
    KillLoop {
        name: "kill-loop",
        place: "SIGKILL after 137 rounds of `set` and `update`",
        others: Observed::Ended,
        output: &[],
        rank_on_nodes: None,
        windows_may_leave: &[],
    }
    KillUpdate {
        name: "kill-update",
        place: "SIGKILL in a closure of `update`",
        others: Observed::Ended,
        output: &[],
        rank_on_nodes: Some(2),
        windows_may_leave: &[],
    }
    KillLock {
        name: "kill-lock",
        place: "SIGKILL with a `Mutex`, others wait for it",
        others: Observed::Ended,
        output: &[],
        rank_on_nodes: Some(1),
        windows_may_leave: &[],
    }
    KillCreate {
        name: "kill-create",
        place: "SIGKILL while large objects are created",
        others: Observed::Ended,
        output: &[],
        rank_on_nodes: None,
        windows_may_leave: WINDOW,
    }
    KillAny {
        name: "kill-any",
        place: "SIGKILL at some moment of mixed calls",
        others: Observed::Ended,
        output: &[],
        rank_on_nodes: Some(1),
        windows_may_leave: WINDOW,
    }
}

list! { Misuse, MisuseKind, MISUSES:
    StrayWrite { name: "stray-write", what: "a closure writes to a field that it has not accessed" }
    DataRace { name: "data-race", what: "a thread writes to an object outside of all calls" }
    Deadlock { name: "deadlock", what: "two ranks wait for each other on two `Comm`s" }
    Forgotten { name: "forgotten", what: "one rank returns before a call that the others make" }
    HeldLock { name: "held-lock", what: "a rank holds a lock for ever" }
    LockInBarrier { name: "lock-in-barrier", what: "a rank holds a lock in a barrier, and another one waits for the lock" }
    LockRing { name: "lock-ring", what: "each rank holds a lock and waits for that of the next rank" }
    ReadersInBarrier { name: "readers-in-barrier", what: "readers hold a lock in a barrier, and a writer waits for the lock" }
    LockLimits { name: "lock-limits", what: "each rank holds a lock and waits for that of the next rank, but not for ever" }
    SlowLocks { name: "slow-locks", what: "no misuse: locks and calls on several `Comm`s with delays" }
    ExitInCluster { name: "exit-in-cluster", what: "a rank of a `Cluster` calls `exit(0)`" }
    ManyThreads { name: "many-threads", what: "a `Cluster` of more threads than the process may have" }
    LeakedGuard { name: "leaked-guard", what: "a rank returns with a lock whose guard it has leaked" }
    Unbound { name: "unbound", what: "ranks 1 and 2 may run in several memory domains, by which nodes are to be divided" }
    TwoReasons { name: "two-reasons", what: "rank 1 fails for one reason, and all others for another one" }
}

/// How the line begins that a faulty rank prints when it commits the fault; the seconds since 1970 follow.
#[must_use]
pub fn commit_prefix(rank: usize) -> String {
    format!("rank {rank} commits the fault at ")
}

/// How the line begins that a rank prints after a collective call; the error follows, or [`NO_ERROR`].
#[must_use]
pub fn observed_prefix(rank: usize) -> String {
    format!("rank {rank} observed: ")
}

/// What a rank prints after a call that succeeded.
pub const NO_ERROR: &str = "no error";
