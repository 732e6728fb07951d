//! Peak memory: by how much a write increases the resident memory of a rank. No rank needs a temporary copy of the data.

use crate::nodes::in_two;
use crate::settings::size_name;
use crate::timing::{Bench, OURS};
use crate::write::on_root;
use pshmem::{Comm, Result, Shared};

pub(crate) fn rows(bench: &Bench<'_>) -> Result<()> {
    let name = format!("set {}", size_name(bench.settings.large));
    peak(bench, bench.comm, &name)?;
    if bench.comm.size() > 1 && bench.comm.node().count == 1 {
        let comm = in_two(bench.comm)?;
        peak(bench, &comm, &format!("{name} over 2 nodes"))?;
    }
    Ok(())
}

fn peak(bench: &Bench<'_>, comm: &Comm, name: &str) -> Result<()> {
    let row = format!("peak memory of {name}");
    if !bench.settings.selects(&row) {
        return Ok(());
    }
    let root = bench.is_root();
    let data = on_root(bench, 1_u8, bench.settings.large);
    let mut shared = Shared::<[u8]>::new(comm, bench.settings.large)?;
    let mut set = || shared.set(0, 0, root.then_some(&data[..]));
    // The first call maps pages of the object into the memory of this rank.
    set()?;
    let before = reset().unwrap_or(u64::MAX);
    bench.comm.barrier()?;
    set()?;
    let growth = resident("VmHWM:").map(|peak| peak.saturating_sub(before));

    let growths = bench.gather(growth.unwrap_or(u64::MAX))?;
    if growths.contains(&u64::MAX) {
        if root {
            eprintln!("{row}: this system does not report it");
        }
        return Ok(());
    }
    let processes = bench.gather(u64::from(std::process::id()))?;
    if processes.len() > 1 && processes.iter().all(|id| *id == processes[0]) {
        report(bench, &row, "all ranks", &growths);
        return Ok(());
    }
    report(bench, &row, "root", &growths[..1]);
    if growths.len() > 1 {
        report(bench, &row, "others", &growths[1..]);
    }
    Ok(())
}

/// Prints the largest value.
fn report(bench: &Bench<'_>, row: &str, who: &str, growths: &[u64]) {
    let growth = growths.iter().copied().max().unwrap_or(0);
    bench.report(&format!("{row}, {who}"), OURS, growth as f64, "B");
}

/// Resets the peak to the resident memory, and returns that.
fn reset() -> Option<u64> {
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    resident("VmRSS:")
}

/// The bytes in a line of the status of this process.
fn resident(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
