//! Peak memory of each rank: what it holds at the worst moment of a call, beside the object. No rank needs a temporary copy of the
//! data, except the root of `from_root`, whose value is one.
//!
//! The peak is the growth of the resident memory up to its highest point in the call (`VmHWM`, set back before), less the pages of
//! the object that the call maps into this rank for the first time: the growth of `RssShmem`, or the object itself where it is
//! private memory. Growth of `RssAnon` alone would do without this difference, but the system keeps no peak of it, and samples can
//! miss one.

use crate::files::{self, Files};
use crate::nodes::in_two;
use crate::scatter::{self, PRIVATE};
use crate::settings::size_name;
use crate::timing::{Bench, OURS};
use crate::write::on_root;
use pshmem::{Comm, Op, Result, Shared};

pub(crate) fn rows(bench: &Bench<'_>) -> Result<()> {
    writes(bench, bench.comm, "")?;
    if bench.comm.size() > 1 && bench.comm.node().count == 1 {
        writes(bench, &in_two(bench.comm)?, " over 2 nodes")?;
    }
    hits(bench)?;
    from_files(bench)
}

/// A sparse map, to which all ranks add.
fn hits(bench: &Bench<'_>) -> Result<()> {
    let bytes = scatter::bytes(bench);
    let row = row("scatter", bytes, "");
    if !bench.settings.selects(&row) {
        return Ok(());
    }
    let elements = bytes / 8;
    let hits = || (0..elements).step_by(100);
    let mut map = Shared::<[f64]>::new(bench.comm, elements)?;
    map.fill(0.0)?;
    // All pages of the map, once: a rank maps those that it adds to.
    let seen: f64 = map.view().iter().sum();
    assert!(seen.abs() < 1.0, "the map is empty");
    let mut scatter = || map.scatter(Op::sum(), |add| hits().for_each(|at| add(at, 1.0)));
    peak(bench, &row, OURS, 0, &mut scatter)?;
    let mut private = || {
        let mut private = vec![0.0; elements];
        hits().for_each(|at| private[at] += 1.0);
        map.accumulate(Op::sum(), &private)
    };
    peak(bench, &row, PRIVATE, 0, &mut private)
}

/// Calls on an object whose pages all ranks have mapped.
fn writes(bench: &Bench<'_>, comm: &Comm, on: &str) -> Result<()> {
    let bytes = bench.settings.large;
    let rows = ["set", "update_parts"].map(|call| row(call, bytes, on));
    if !rows.iter().any(|row| bench.settings.selects(row)) {
        return Ok(());
    }
    let root = bench.is_root();
    let data = on_root(bench, 1_u8, bytes);
    let mut shared = Shared::<[u8]>::new(comm, bytes)?;
    let mut set = || shared.set(0, 0, root.then_some(&data[..]));
    peak(bench, &rows[0], OURS, 0, &mut set)?;
    let mut parts = || shared.update_parts(|_, part| part.fill(1));
    peak(bench, &rows[1], OURS, 0, &mut parts)
}

/// Objects that are made from a file, saved to it, and read from it.
fn from_files(bench: &Bench<'_>) -> Result<()> {
    let bytes = files::bytes(bench);
    let rows = ["load", "save", "read_from"].map(|call| row(call, bytes, ""));
    if !rows.iter().any(|row| bench.settings.selects(row)) {
        return Ok(());
    }
    let files = Files::new(bench, &std::env::temp_dir())?;
    let mut shared = Shared::<[u8]>::new(bench.comm, bytes)?;
    shared.fill(1)?;
    shared.save(&files.ours)?;
    peak(bench, &rows[1], OURS, 0, || shared.save(&files.ours))?;
    peak(bench, &rows[2], OURS, 0, || shared.read_from(&files.ours))?;
    drop(shared);
    for (column, load) in files::LOADS {
        peak(bench, &rows[0], column, bytes, || load(&files, bytes))?;
    }
    Ok(())
}

fn row(call: &str, bytes: usize, on: &str) -> String {
    format!("peak memory of {call} {}{on}", size_name(bytes))
}

/// Measures the second of two calls: the first one maps what stays. A call makes objects of `made` bytes.
fn peak<R>(
    bench: &Bench<'_>,
    row: &str,
    column: &str,
    made: usize,
    mut call: impl FnMut() -> Result<R>,
) -> Result<()> {
    if !bench.settings.selects(row) {
        return Ok(());
    }
    drop(call()?);
    bench.comm.barrier()?;
    let processes = bench.gather(u64::from(std::process::id()))?;
    let are_threads = processes.len() > 1 && processes.iter().all(|id| *id == processes[0]);
    let node = bench.comm.node();
    let private = match (are_threads, node.size) {
        (true, _) => made * node.count,
        (false, 1) => made,
        (false, _) => 0,
    };
    let before = Resident::reset();
    bench.comm.barrier()?;
    let made = call()?;
    let beside = before.and_then(|before| before.growth(private as u64));
    drop(made);

    let all = bench.gather(beside.unwrap_or(u64::MAX))?;
    if all.contains(&u64::MAX) {
        if bench.is_root() {
            eprintln!("{row}: this system does not report it");
        }
    } else if are_threads {
        let largest = all.into_iter().max().unwrap_or(0);
        bench.report(&format!("{row}, all ranks"), column, largest as f64, "B");
    } else {
        for (rank, beside) in all.into_iter().enumerate() {
            bench.report(&format!("{row}, rank {rank}"), column, beside as f64, "B");
        }
    }
    Ok(())
}

/// Resident memory of this process, and how much of it is shared memory.
struct Resident {
    all: u64,
    shared: u64,
}

impl Resident {
    /// That of now, which also becomes the peak.
    fn reset() -> Option<Self> {
        std::fs::write("/proc/self/clear_refs", "5").ok()?;
        Some(Resident {
            all: resident("VmRSS:")?,
            shared: resident("RssShmem:")?,
        })
    }

    /// By how much the peak is above this, without pages of objects: shared ones, and so many private bytes.
    fn growth(&self, private: u64) -> Option<u64> {
        let growth = resident("VmHWM:")?.saturating_sub(self.all);
        let shared = resident("RssShmem:")?.saturating_sub(self.shared);
        Some(growth.saturating_sub(shared + private))
    }
}

/// The bytes in a line of the status of this process.
fn resident(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
