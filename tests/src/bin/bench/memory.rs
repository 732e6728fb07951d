//! Peak memory: how far a write makes a rank's resident memory grow. No rank needs a temporary of the data's size.

use crate::nodes::in_two;
use crate::race::{Bench, OURS};
use crate::settings::size_name;
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
    if !bench.settings.wants(&row) {
        return Ok(());
    }
    let root = bench.is_root();
    let data = on_root(bench, 1_u8, bench.settings.large);
    let mut shared = Shared::<[u8]>::new(comm, bench.settings.large)?;
    let mut set = || shared.set(0, 0, root.then_some(&data[..]));
    // The first one maps pages of the object that another rank has touched before.
    set()?;
    let before = reset().unwrap_or(u64::MAX);
    bench.comm.barrier()?;
    set()?;
    let growth = resident("VmHWM:").map(|peak| peak.saturating_sub(before));

    let growths = bench.gather(growth.unwrap_or(u64::MAX))?;
    if growths.contains(&u64::MAX) {
        if root {
            eprintln!("{row}: this system does not tell");
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

/// The largest of them.
fn report(bench: &Bench<'_>, row: &str, who: &str, growths: &[u64]) {
    let growth = growths.iter().copied().max().unwrap_or(0);
    bench.report(&format!("{row}, {who}"), OURS, growth as f64, "B");
}

/// Makes the peak start from what is resident now, and returns that.
fn reset() -> Option<u64> {
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    resident("VmRSS:")
}

/// Bytes in a line of the process's status.
fn resident(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
