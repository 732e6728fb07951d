//! Writes on one node: `set` and `update` from rank 0.

use crate::settings::size_name;
use crate::timing::{Bench, Column, MEMCPY, OURS, RAW, VEC};
use pshmem::{Result, Shared};
use std::hint::black_box;

pub(crate) fn rows(bench: &Bench<'_>) -> Result<()> {
    let large = bench.settings.large;
    for bytes in [64, 8 << 10, large] {
        set(bench, bytes)?;
    }
    set_from_two_lines(bench)?;
    for bytes in [64, large] {
        update(bench, bytes)?;
    }
    Ok(())
}

/// Raw MPI: a barrier, the root copies, a barrier.
fn set(bench: &Bench<'_>, bytes: usize) -> Result<()> {
    let row = format!("set {}", size_name(bytes));
    if !bench.settings.selects(&row) {
        return Ok(());
    }
    let root = bench.is_root();
    let (data, mut copy) = (on_root(bench, 1, bytes), on_root(bench, 0, bytes));
    let mut shared = Shared::<[u8]>::new(bench.comm, bytes)?;
    let mut window = bench.raw_on_node().map(|raw| (raw, raw.window(data.len())));
    let mut columns = vec![Column::new(OURS, || {
        shared.set(0, 0, root.then_some(&data[..]))
    })];
    if let Some((raw, window)) = &mut window {
        columns.push(Column::new(RAW, || {
            raw.barrier();
            window.mine().copy_from_slice(&data);
            raw.barrier();
            Ok(())
        }));
    }
    columns.push(Column::new(MEMCPY, || {
        black_box(&mut copy[..]).copy_from_slice(black_box(&data));
        Ok(())
    }));
    bench.time(&row, columns)
}

/// Two calls at different source lines, as in most programs: reports of waiting ranks name the line.
fn set_from_two_lines(bench: &Bench<'_>) -> Result<()> {
    let row = "twice: set 64 B, from two lines";
    if !bench.settings.selects(row) {
        return Ok(());
    }
    let data = on_root(bench, 1_u8, 64);
    let data = bench.is_root().then_some(&data[..]);
    let mut one = Shared::<[u8]>::new(bench.comm, 64)?;
    let mut other = Shared::<[u8]>::new(bench.comm, 64)?;
    let columns = vec![Column::new(OURS, || {
        one.set(0, 0, data)?;
        other.set(0, 0, data)
    })];
    bench.time(row, columns)
}

/// Every number is incremented in place.
fn update(bench: &Bench<'_>, bytes: usize) -> Result<()> {
    let row = format!("update {}", size_name(bytes));
    if !bench.settings.selects(&row) {
        return Ok(());
    }
    let mut private = on_root(bench, 0_u64, bytes / 8);
    let mut shared = Shared::<[u64]>::new(bench.comm, bytes / 8)?;
    let mut window = bench
        .raw_on_node()
        .map(|raw| (raw, raw.window(if bench.is_root() { bytes } else { 0 })));
    let mut columns = vec![Column::new(OURS, || {
        shared.update(0, |mut w| increase(&mut w)).map(|_| ())
    })];
    if let Some((raw, window)) = &mut window {
        columns.push(Column::new(RAW, || {
            raw.barrier();
            increase(bytemuck::cast_slice_mut(window.mine()));
            raw.barrier();
            Ok(())
        }));
    }
    columns.push(Column::new(VEC, || {
        increase(black_box(&mut private));
        Ok(())
    }));
    bench.time(&row, columns)
}

fn increase(numbers: &mut [u64]) {
    for number in numbers {
        *number = number.wrapping_add(1);
    }
}

/// `len` elements on rank 0, none on the others.
pub(crate) fn on_root<T: Clone>(bench: &Bench<'_>, value: T, len: usize) -> Vec<T> {
    vec![value; if bench.is_root() { len } else { 0 }]
}
