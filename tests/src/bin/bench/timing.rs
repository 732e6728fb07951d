//! Measurement of the columns of a row, alternately.

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
/// The limit of the machine: every rank copies its part into private memory.
pub(crate) const ALL_COPY: &str = "memcpy by all";

/// The duration of a series of calls that is measured at once: long compared with the resolution of the clock and the barriers
/// around it, and short enough that most series are not interrupted.
const SERIES: Duration = Duration::from_micros(500);
/// The largest number of calls in a series.
const MAX_CALLS: u64 = 100_000;

/// One column of a row: a call that all ranks make.
pub(crate) struct Column<'a> {
    name: &'static str,
    call: Box<dyn FnMut() -> Result<()> + 'a>,
    /// The number of calls in a series.
    count: u64,
    seconds_per_call: Vec<f64>,
}

impl<'a> Column<'a> {
    pub(crate) fn new(name: &'static str, call: impl FnMut() -> Result<()> + 'a) -> Self {
        Column {
            name,
            call: Box::new(call),
            count: 1,
            seconds_per_call: Vec::new(),
        }
    }
}

/// What every row uses.
pub(crate) struct Bench<'a> {
    pub(crate) comm: &'a Comm,
    pub(crate) settings: Settings,
    /// MPI without the library, where there is one.
    pub(crate) raw: Option<Raw>,
    /// The object by which `broadcast` works.
    broadcast_value: RefCell<Shared<u64>>,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(comm: &'a Comm, settings: Settings) -> Result<Self> {
        Ok(Bench {
            comm,
            settings,
            raw: Raw::new(),
            broadcast_value: RefCell::new(Shared::new(comm, ())?),
        })
    }

    pub(crate) fn is_root(&self) -> bool {
        self.comm.rank() == 0
    }

    /// Raw MPI, where all ranks share one node.
    pub(crate) fn raw_on_node(&self) -> Option<&Raw> {
        self.raw.as_ref().filter(|_| self.comm.node().count == 1)
    }

    /// Measures the columns, and prints a line for each of them.
    pub(crate) fn time(&self, row: &str, mut columns: Vec<Column<'_>>) -> Result<()> {
        let mut seconds = 0.0;
        for column in &mut columns {
            seconds += self.warm_up(column)?;
        }
        let budget = self.settings.budget.as_secs_f64() * columns.len() as f64;
        let repetitions = self.broadcast((budget / seconds) as u64)? as usize;
        let repetitions =
            repetitions.clamp(self.settings.min_repetitions, self.settings.max_repetitions);
        for _ in 0..repetitions {
            // Another column is the first one in each repetition.
            columns.rotate_left(1);
            for column in &mut columns {
                let elapsed = self.series(column)?;
                column
                    .seconds_per_call
                    .push(elapsed.as_secs_f64() / column.count as f64);
            }
        }
        let rotations = repetitions % columns.len();
        columns.rotate_right(rotations);
        for column in columns {
            let seconds = self.quantile(column.seconds_per_call);
            self.report(row, column.name, seconds, "s");
        }
        Ok(())
    }

    /// Prints one line of the result.
    pub(crate) fn report(&self, row: &str, column: &str, value: f64, unit: &str) {
        if self.is_root() {
            println!("{row}\t{column}\t{value:.4e}\t{unit}");
        }
    }

    /// Sets the number of calls in a series, and returns the seconds that a series takes.
    fn warm_up(&self, column: &mut Column<'_>) -> Result<f64> {
        column.count = 1;
        self.series(column)?;
        loop {
            let elapsed = self.series(column)?;
            let long_enough = self.broadcast(u64::from(elapsed >= SERIES / 2))? == 1;
            if long_enough || column.count >= MAX_CALLS {
                return Ok(elapsed.as_secs_f64());
            }
            let factor = SERIES.as_secs_f64() / elapsed.as_secs_f64();
            let factor = self.broadcast(factor.clamp(2.0, 10.0) as u64)?;
            column.count = (column.count * factor).min(MAX_CALLS);
        }
    }

    /// Makes a series of calls, and returns the time from a barrier before it to a barrier after it.
    fn series(&self, column: &mut Column<'_>) -> Result<Duration> {
        self.comm.barrier()?;
        let start = Instant::now();
        for _ in 0..column.count {
            (column.call)()?;
        }
        self.comm.barrier()?;
        Ok(start.elapsed())
    }

    /// The value that rank 0 passes, on all ranks.
    fn broadcast(&self, value: u64) -> Result<u64> {
        let mut object = self.broadcast_value.borrow_mut();
        object.update(0, |mut w| *w = value)?;
        Ok(*object.view())
    }

    /// The values of all ranks, in rank order.
    pub(crate) fn gather(&self, mine: u64) -> Result<Vec<u64>> {
        let size = self.comm.size();
        let mut table = Shared::<[u64]>::new(self.comm, size)?;
        for rank in 0..size {
            let row = [mine];
            table.set(rank, rank, (rank == self.comm.rank()).then_some(&row[..]))?;
        }
        Ok(table.to_owned())
    }

    /// The quantile of these values that is printed.
    pub(crate) fn quantile(&self, mut numbers: Vec<f64>) -> f64 {
        numbers.sort_by(f64::total_cmp);
        let at = (numbers.len() - 1) as f64 * self.settings.quantile;
        f64::midpoint(numbers[at.floor() as usize], numbers[at.ceil() as usize])
    }
}
