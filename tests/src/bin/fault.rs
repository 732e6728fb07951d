//! A job with one deliberate fault, for tests of how jobs end: `fault NAME [RANK] [SEED]`.
//!
//! Rank `RANK` (1 by default) commits the fault of that name in [`FAULTS`], the others do meanwhile what its entry says.
//! `SEED` chooses the moment of faults that a timer commits. Ranks that come back from a collective print what they saw.

use pshmem::{Comm, Mutex, Shared};
use std::process::{ExitCode, exit};
use std::thread::{sleep, spawn};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a rank does, and how its part of the job ends.
type Deed = fn(&mut Scene) -> Result<(), String>;

/// A name, what the culprit does, what the others do meanwhile.
const FAULTS: &[(&str, Deed, Deed)] = &[
    ("panic", |s| s.panic(), |s| s.barrier()),
    ("panic-alone", |s| s.panic(), |s| s.compute()),
    (
        "error",
        |s| s.strike(|| Err("a deliberate error".to_owned())),
        |s| s.barrier(),
    ),
    ("return", |s| s.strike(|| Ok(())), |s| s.barrier()),
    ("compute", |s| s.compute(), |s| s.barrier()),
    (
        "update-compute",
        |s| s.update_compute(),
        |s| s.update_compute(),
    ),
    ("update-panic", |s| s.update_panic(), |s| s.update_panic()),
    ("update-error", |s| s.update_error(), |s| s.update_error()),
    ("from_root-panic", |s| s.make_panic(), |s| s.make_panic()),
    ("exit-0", |s| s.strike(|| exit(0)), |s| s.barrier()),
    ("exit-3", |s| s.strike(|| exit(3)), |s| s.barrier()),
    ("kill-barrier", |s| s.kill(), |s| s.barrier()),
    (
        "kill-loop",
        |s| s.write_for(137).and_then(|()| s.kill()),
        |s| s.write_for(u64::MAX),
    ),
    ("kill-update", |s| s.update_kill(), |s| s.update_kill()),
    ("kill-lock", |s| s.lock_kill(), |s| s.lock_kill()),
    ("kill-create", |s| s.kill_later().create(), |s| s.create()),
    ("kill-any", |s| s.kill_later().mix(), |s| s.mix()),
];

/// What a rank has at hand when the fault comes.
struct Scene<'a> {
    comm: &'a Comm,
    table: Shared<[u64]>,
    culprit: usize,
    seed: u64,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let name = words.first().map_or("", String::as_str);
    let number = |word: usize, usual| {
        words
            .get(word)
            .and_then(|n| n.parse().ok())
            .unwrap_or(usual)
    };
    pshmem::run(|comm: &Comm| -> Result<(), String> {
        let Some((_, fault, meanwhile)) = FAULTS.iter().find(|fault| fault.0 == name) else {
            return Err(format!("no fault is called `{name}`"));
        };
        let mut scene = Scene {
            comm,
            table: Shared::new(comm, 1000).map_err(|error| error.to_string())?,
            culprit: number(1, 1) as usize,
            seed: number(2, 1),
        };
        scene.table.fill(1).map_err(|error| error.to_string())?;
        let deed = if comm.rank() == scene.culprit {
            fault
        } else {
            meanwhile
        };
        deed(&mut scene)
    })
}

/// Says that the fault comes now: a run without this line has tested nothing.
fn announce(rank: usize) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    println!("rank {rank} strikes at {:.3}", now.as_secs_f64());
}

/// Ends this process as the kernel does when memory runs out: nothing of it runs any more.
fn die() -> ! {
    // SAFETY: takes any signal, touches no memory, and does not return for this one.
    unsafe { libc::raise(libc::SIGKILL) };
    unreachable!("SIGKILL cannot be survived")
}

impl Scene<'_> {
    /// Prints what a collective gave this rank.
    fn saw<T>(&self, met: pshmem::Result<T>) -> Result<(), String> {
        let saw = met.map(drop).map_err(|error| error.to_string());
        let what = saw.as_ref().map_or_else(String::as_str, |()| "nothing");
        println!("rank {} saw: {what}", self.comm.rank());
        saw
    }

    fn strike<R>(&self, fault: impl FnOnce() -> R) -> R {
        // Until the others wait.
        sleep(Duration::from_millis(100));
        announce(self.comm.rank());
        fault()
    }

    fn panic(&self) -> Result<(), String> {
        self.strike(|| panic!("a deliberate panic"))
    }

    fn kill(&self) -> Result<(), String> {
        self.strike(|| die())
    }

    /// Kills this process after 20 to 270 ms, whatever it does then.
    fn kill_later(&mut self) -> &mut Self {
        let rank = self.comm.rank();
        let delay = Duration::from_millis(20 + self.seed * 7919 % 251);
        spawn(move || {
            sleep(delay);
            announce(rank);
            die()
        });
        self
    }

    fn barrier(&self) -> Result<(), String> {
        self.saw(self.comm.barrier())
    }

    /// Keeps away from all collectives.
    fn compute(&self) -> Result<(), String> {
        if self.comm.rank() == self.culprit {
            announce(self.culprit);
        }
        sleep(Duration::from_secs(3600));
        Err("nobody has ended this job".to_owned())
    }

    fn update_compute(&mut self) -> Result<(), String> {
        let rank = self.culprit;
        let met = self.table.update(rank, |_| {
            announce(rank);
            sleep(Duration::from_secs(3600));
        });
        self.saw(met)
    }

    fn update_panic(&mut self) -> Result<(), String> {
        let rank = self.culprit;
        let met = self.table.update(rank, |_| {
            announce(rank);
            panic!("a deliberate panic in a closure")
        });
        self.saw(met)
    }

    /// The one fault after which the `Comm` goes on.
    fn update_error(&mut self) -> Result<(), String> {
        let rank = self.culprit;
        let met = self.table.try_update(rank, |_| {
            announce(rank);
            Err::<(), _>("a deliberate error in a closure")
        });
        let saw = self.saw(met);
        self.comm.barrier().map_err(|error| error.to_string())?;
        saw
    }

    fn update_kill(&mut self) -> Result<(), String> {
        let (comm, culprit) = (self.comm, self.culprit);
        let met = self.table.update(culprit, |_| {
            // The others have arrived and wait for the release.
            announce(comm.rank());
            die()
        });
        self.saw(met)
    }

    fn lock_kill(&mut self) -> Result<(), String> {
        let count = Mutex::<u64>::new(self.comm, 0);
        let mut count = count.map_err(|error| error.to_string())?;
        if self.comm.rank() == self.culprit {
            let _guard = count.lock().map_err(|error| error.to_string())?;
            self.comm.barrier().map_err(|error| error.to_string())?;
            self.kill()
        } else {
            self.comm.barrier().map_err(|error| error.to_string())?;
            self.saw(count.lock().map_err(pshmem::Error::from))
        }
    }

    fn make_panic(&self) -> Result<(), String> {
        self.saw(Shared::<[f64]>::from_root(self.comm, self.culprit, || {
            announce(self.culprit);
            panic!("a deliberate panic in a closure")
        }))
    }

    fn write_for(&mut self, rounds: u64) -> Result<(), String> {
        for round in 0..rounds {
            self.write(round)
                .or_else(|error| self.saw::<()>(Err(error)))?;
        }
        Ok(())
    }

    /// A `set` and an `update`, with roots that change.
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
                return self.saw::<()>(Err(error));
            }
        }
    }

    /// All kinds of calls for ever.
    fn mix(&mut self) -> Result<(), String> {
        let mut round = 0;
        loop {
            round += 1;
            if let Err(error) = self.mix_once(round) {
                return self.saw::<()>(Err(error));
            }
        }
    }

    fn mix_once(&mut self, round: u64) -> pshmem::Result<()> {
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
