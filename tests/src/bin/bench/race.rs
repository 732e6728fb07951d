//! Columns of one row, timed in turns.

use crate::raw::Raw;
use crate::settings::Settings;
use pshmem::{Comm, Result, Shared};
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// The names of the columns.
pub(crate) const OURS: &str = "pshmem";
pub(crate) const RAW: &str = "raw MPI";
pub(crate) const MEMCPY: &str = "memcpy";
pub(crate) const VEC: &str = "Vec";
/// What the machine can do: all ranks copy, each its part, into private memory.
pub(crate) const ALL_COPY: &str = "memcpy by all";

/// Calls are timed in batches of this length: long enough for the clock and for the barriers around them, short enough that
/// most batches are not interrupted.
const BATCH: Duration = Duration::from_micros(500);
const LARGEST_BATCH: u64 = 100_000;

/// What a row compares: a call that all ranks make.
pub(crate) struct Contender<'a> {
    column: &'static str,
    call: Box<dyn FnMut() -> Result<()> + 'a>,
    /// Calls in a batch.
    count: u64,
    seconds_per_call: Vec<f64>,
}

impl<'a> Contender<'a> {
    pub(crate) fn new(column: &'static str, call: impl FnMut() -> Result<()> + 'a) -> Self {
        Contender {
            column,
            call: Box::new(call),
            count: 1,
            seconds_per_call: Vec::new(),
        }
    }
}

/// One rank's part in the bench.
pub(crate) struct Bench<'a> {
    pub(crate) comm: &'a Comm,
    pub(crate) settings: Settings,
    /// MPI without the library, where there is one.
    pub(crate) raw: Option<Raw>,
    /// How rank 0 tells the others what it has decided.
    decision: RefCell<Shared<u64>>,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(comm: &'a Comm, settings: Settings) -> Result<Self> {
        Ok(Bench {
            comm,
            settings,
            raw: Raw::new(),
            decision: RefCell::new(Shared::new(comm, ())?),
        })
    }

    pub(crate) fn is_root(&self) -> bool {
        self.comm.rank() == 0
    }

    /// Raw MPI for rows whose ranks share one node.
    pub(crate) fn raw_on_node(&self) -> Option<&Raw> {
        self.raw.as_ref().filter(|_| self.comm.node().count == 1)
    }

    /// Times the contenders and prints a line for each.
    pub(crate) fn race(&self, row: &str, mut contenders: Vec<Contender<'_>>) -> Result<()> {
        let mut seconds = 0.0;
        for contender in &mut contenders {
            seconds += self.warm_up(contender)?;
        }
        let budget = self.settings.budget.as_secs_f64() * contenders.len() as f64;
        let repetitions = self.decide((budget / seconds) as u64)? as usize;
        let repetitions = repetitions.clamp(self.settings.least, self.settings.most);
        for _ in 0..repetitions {
            // Another one comes first each time.
            contenders.rotate_left(1);
            for contender in &mut contenders {
                let elapsed = self.batch(contender)?;
                contender
                    .seconds_per_call
                    .push(elapsed.as_secs_f64() / contender.count as f64);
            }
        }
        let turns = repetitions % contenders.len();
        contenders.rotate_right(turns);
        for contender in contenders {
            let seconds = self.quantile(contender.seconds_per_call);
            self.report(row, contender.column, seconds, "s");
        }
        Ok(())
    }

    /// One line of the result.
    pub(crate) fn report(&self, row: &str, column: &str, value: f64, unit: &str) {
        if self.is_root() {
            println!("{row}\t{column}\t{value:.4e}\t{unit}");
        }
    }

    /// Finds the number of calls in a batch; returns the seconds that a batch takes.
    fn warm_up(&self, contender: &mut Contender<'_>) -> Result<f64> {
        contender.count = 1;
        self.batch(contender)?;
        loop {
            let elapsed = self.batch(contender)?;
            let long_enough = self.decide(u64::from(elapsed >= BATCH / 2))? == 1;
            if long_enough || contender.count >= LARGEST_BATCH {
                return Ok(elapsed.as_secs_f64());
            }
            let factor = BATCH.as_secs_f64() / elapsed.as_secs_f64();
            let factor = self.decide(factor.clamp(2.0, 10.0) as u64)?;
            contender.count = (contender.count * factor).min(LARGEST_BATCH);
        }
    }

    /// Time from the moment when all ranks are here until all have made their calls.
    fn batch(&self, contender: &mut Contender<'_>) -> Result<Duration> {
        self.comm.barrier()?;
        let start = Instant::now();
        for _ in 0..contender.count {
            (contender.call)()?;
        }
        self.comm.barrier()?;
        Ok(start.elapsed())
    }

    /// What rank 0 passed, on all ranks.
    fn decide(&self, value: u64) -> Result<u64> {
        let mut decision = self.decision.borrow_mut();
        decision.update(0, |mut w| *w = value)?;
        Ok(*decision.view())
    }

    /// What every rank passed, in their order.
    pub(crate) fn gather(&self, mine: u64) -> Result<Vec<u64>> {
        let size = self.comm.size();
        let mut table = Shared::<[u64]>::new(self.comm, size)?;
        for rank in 0..size {
            let row = [mine];
            table.set(rank, rank, (rank == self.comm.rank()).then_some(&row[..]))?;
        }
        Ok(table.to_owned())
    }

    /// The one of them that counts.
    pub(crate) fn quantile(&self, mut numbers: Vec<f64>) -> f64 {
        numbers.sort_by(f64::total_cmp);
        let at = (numbers.len() - 1) as f64 * self.settings.quantile;
        f64::midpoint(numbers[at.floor() as usize], numbers[at.ceil() as usize])
    }
}
