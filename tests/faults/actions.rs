//! The actions of a fault: what the faulty rank does, and what the other ranks do meanwhile.

use pshmem::{Comm, Mutex, Shared};
use pshmem_tests::faults::{Kind, NO_ERROR, commit_prefix, observed_prefix};
use std::process::exit;
use std::thread::{sleep, spawn};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a rank does, and the result that it returns from `run`.
type Action = fn(&mut Rank) -> Result<(), String>;

/// What the faulty rank does, and what the others do meanwhile.
fn actions(kind: Kind) -> (Action, Action) {
    match kind {
        Kind::Panic => (|r| r.panic(), |r| r.barrier()),
        Kind::PanicAlone => (|r| r.panic(), |r| r.compute()),
        Kind::Error => (
            |r| r.commit(|| Err("a deliberate error".to_owned())),
            |r| r.barrier(),
        ),
        Kind::Return => (|r| r.commit(|| Ok(())), |r| r.barrier()),
        Kind::Compute => (|r| r.compute(), |r| r.barrier()),
        Kind::UpdateCompute => (|r| r.update_compute(), |r| r.update_compute()),
        Kind::UpdatePanic => (|r| r.update_panic(), |r| r.update_panic()),
        Kind::UpdateError => (|r| r.update_error(), |r| r.update_error()),
        Kind::FromRootPanic => (|r| r.panic_in_from_root(), |r| r.panic_in_from_root()),
        Kind::Exit0 => (|r| r.commit(|| exit(0)), |r| r.barrier()),
        Kind::Exit3 => (|r| r.commit(|| exit(3)), |r| r.barrier()),
        Kind::KillBarrier => (|r| r.kill(), |r| r.barrier()),
        Kind::KillLoop => (
            |r| r.write_rounds(137).and_then(|()| r.kill()),
            |r| r.write_rounds(u64::MAX),
        ),
        Kind::KillUpdate => (|r| r.update_kill(), |r| r.update_kill()),
        Kind::KillLock => (|r| r.lock_kill(), |r| r.lock_kill()),
        Kind::KillCreate => (|r| r.kill_later().create(), |r| r.create()),
        Kind::KillAny => (|r| r.kill_later().mixed_calls(), |r| r.mixed_calls()),
    }
}

/// Runs the part of one rank.
pub(crate) fn run(kind: Kind, comm: &Comm, faulty: usize, seed: u64) -> Result<(), String> {
    let mut rank = Rank {
        comm,
        table: Shared::new(comm, 1000).map_err(text)?,
        faulty,
        seed,
    };
    rank.table.fill(1).map_err(text)?;
    let (fault, meanwhile) = actions(kind);
    let action = if comm.rank() == faulty {
        fault
    } else {
        meanwhile
    };
    action(&mut rank)
}

/// What a rank uses in its actions.
struct Rank<'a> {
    comm: &'a Comm,
    table: Shared<[u64]>,
    /// The rank that commits the fault.
    faulty: usize,
    seed: u64,
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Prints that the fault is committed now: a run without this line has tested nothing.
fn announce(rank: usize) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    println!("{}{:.3}", commit_prefix(rank), now.as_secs_f64());
}

/// Ends this process as the kernel does when memory runs out, without running any more of its code.
fn kill_this_process() -> ! {
    // SAFETY: takes any signal, touches no memory, and does not return for this one.
    unsafe { libc::raise(libc::SIGKILL) };
    unreachable!("SIGKILL cannot be handled")
}

impl Rank<'_> {
    /// Prints the result of a collective call.
    fn observe<T>(&self, result: pshmem::Result<T>) -> Result<(), String> {
        let result = result.map(drop).map_err(text);
        let what = result.as_ref().map_or_else(String::as_str, |()| NO_ERROR);
        println!("{}{what}", observed_prefix(self.comm.rank()));
        result
    }

    fn commit<R>(&self, fault: impl FnOnce() -> R) -> R {
        // By then the others wait.
        sleep(Duration::from_millis(100));
        announce(self.comm.rank());
        fault()
    }

    fn panic(&self) -> Result<(), String> {
        self.commit(|| panic!("a deliberate panic"))
    }

    fn kill(&self) -> Result<(), String> {
        self.commit(|| kill_this_process())
    }

    /// Kills this process after 20 to 270 ms, whatever it does at that time.
    fn kill_later(&mut self) -> &mut Self {
        let rank = self.comm.rank();
        let delay = Duration::from_millis(20 + self.seed * 7919 % 251);
        spawn(move || {
            sleep(delay);
            announce(rank);
            kill_this_process()
        });
        self
    }

    fn barrier(&self) -> Result<(), String> {
        self.observe(self.comm.barrier())
    }

    /// Makes no collective call.
    fn compute(&self) -> Result<(), String> {
        if self.comm.rank() == self.faulty {
            announce(self.faulty);
        }
        sleep(Duration::from_secs(3600));
        Err("no one has ended this job".to_owned())
    }

    fn update_compute(&mut self) -> Result<(), String> {
        let rank = self.faulty;
        let result = self.table.update(rank, |_| {
            announce(rank);
            sleep(Duration::from_secs(3600));
        });
        self.observe(result)
    }

    fn update_panic(&mut self) -> Result<(), String> {
        let rank = self.faulty;
        let result = self.table.update(rank, |_| {
            announce(rank);
            panic!("a deliberate panic in a closure")
        });
        self.observe(result)
    }

    /// The only fault after which the `Comm` still works.
    fn update_error(&mut self) -> Result<(), String> {
        let rank = self.faulty;
        let result = self.table.try_update(rank, |_| {
            announce(rank);
            Err::<(), _>("a deliberate error in a closure")
        });
        let observed = self.observe(result);
        self.comm.barrier().map_err(text)?;
        observed
    }

    fn update_kill(&mut self) -> Result<(), String> {
        let (comm, faulty) = (self.comm, self.faulty);
        let result = self.table.update(faulty, |_| {
            // The others have arrived, and wait for the end of the closure.
            announce(comm.rank());
            kill_this_process()
        });
        self.observe(result)
    }

    fn lock_kill(&mut self) -> Result<(), String> {
        let count = Mutex::<u64>::new(self.comm, 0);
        let mut count = count.map_err(text)?;
        if self.comm.rank() == self.faulty {
            let _guard = count.lock().map_err(text)?;
            self.comm.barrier().map_err(text)?;
            self.kill()
        } else {
            self.comm.barrier().map_err(text)?;
            self.observe(count.lock().map_err(pshmem::Error::from))
        }
    }

    fn panic_in_from_root(&self) -> Result<(), String> {
        self.observe(Shared::<[f64]>::from_root(self.comm, self.faulty, || {
            announce(self.faulty);
            panic!("a deliberate panic in a closure")
        }))
    }

    fn write_rounds(&mut self, rounds: u64) -> Result<(), String> {
        for round in 0..rounds {
            self.write(round)
                .or_else(|error| self.observe::<()>(Err(error)))?;
        }
        Ok(())
    }

    /// A `set` and an `update`; the roots depend on the round.
    fn write(&mut self, round: u64) -> pshmem::Result<()> {
        let (me, root) = (self.comm.rank(), round as usize % self.comm.size());
        let block = [round; 10];
        self.table
            .set(root, 20, (me == root).then_some(&block[..]))?;
        self.table
            .update(self.comm.size() - 1 - root, |mut all| all[0] += round)?;
        Ok(())
    }

    /// Large objects, one after the other.
    fn create(&self) -> Result<(), String> {
        loop {
            if let Err(error) = Shared::<[u8]>::new(self.comm, 16 << 20) {
                return self.observe::<()>(Err(error));
            }
        }
    }

    /// Calls of all kinds, for ever.
    fn mixed_calls(&mut self) -> Result<(), String> {
        let mut round = 0;
        loop {
            round += 1;
            if let Err(error) = self.calls_of_a_round(round) {
                return self.observe::<()>(Err(error));
            }
        }
    }

    fn calls_of_a_round(&mut self, round: u64) -> pshmem::Result<()> {
        let (comm, root) = (self.comm, round as usize % self.comm.size());
        self.write(round)?;
        self.table.fill(round)?;
        self.table.update_per_node(|mut all| all[1] = round)?;
        let other = Shared::<[u64]>::from_root(comm, root, || vec![round; 5000])?;
        comm.barrier()?;
        other.close()?;
        Shared::<[u64]>::new(comm, 50_000)?;
        comm.split(Some(0), comm.rank())?;
        Ok(())
    }
}
