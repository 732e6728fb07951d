//! Objects far above the caches: how fast they are made, and how fast they are read at random places, beside private memory with
//! huge pages.

use crate::settings::size_name;
use crate::timing::{Bench, Column, OURS, VEC};
use pshmem::{Comm, Result, Shared};
use std::hint::black_box;

/// Bytes of an object that is made.
const MADE: usize = 512 << 20;
/// Bytes of a table that is read.
const READ: usize = 2 << 30;
/// Reads that are measured at once.
const AT_ONCE: usize = 1000;
/// Bytes of a huge page.
const HUGE_PAGE: usize = 2 << 20;

pub(crate) fn rows(bench: &Bench<'_>) -> Result<()> {
    create(bench)?;
    random_reads(bench)
}

/// All ranks populate it together, as they fill parts of a `Vec` each.
fn create(bench: &Bench<'_>) -> Result<()> {
    let row = format!("create and drop {}", size_name(MADE));
    if !bench.settings.selects(&row) {
        return Ok(());
    }
    let share = MADE / 8 / bench.comm.size();
    let columns = vec![
        Column::new(OURS, || Shared::<[u8]>::new(bench.comm, MADE).map(drop)),
        Column::new("memset by all", || {
            black_box(huge_vec(share));
            Ok(())
        }),
    ];
    bench.time(&row, columns)
}

/// On rank 0: of the copy of the node, of a copy of this rank's own domain, and of a private `Vec`.
fn random_reads(bench: &Bench<'_>) -> Result<()> {
    let row = format!("{AT_ONCE} random reads in {}", size_name(READ));
    if !bench.settings.selects(&row) {
        return Ok(());
    }
    let len = READ / 8;
    let make = |comm: &Comm| -> Result<Shared<[u64]>> {
        let mut table = Shared::<[u64]>::new(comm, len)?;
        table.update_parts(|range, part| {
            for (value, index) in part.iter_mut().zip(range) {
                *value = index as u64;
            }
        })?;
        Ok(table)
    };
    let table = make(bench.comm)?;
    let domains = bench.comm.with_ranks_per_node(1)?;
    let of_domain = make(&domains)?;
    let mut private = Vec::new();
    if bench.is_root() {
        private = huge_vec(len);
        private
            .iter_mut()
            .zip(0..)
            .for_each(|(value, index)| *value = index);
    }
    let columns = vec![
        Column::new(OURS, reads(bench.is_root(), table.view())),
        Column::new("copy of a domain", reads(bench.is_root(), of_domain.view())),
        Column::new(VEC, reads(bench.is_root(), &private)),
    ];
    bench.time(&row, columns)
}

/// A call that reads at the next random places on rank 0.
fn reads(root: bool, table: &[u64]) -> impl FnMut() -> Result<()> + '_ {
    let mut state = 1_u64;
    move || {
        if root {
            let mut sum = 0;
            for _ in 0..AT_ONCE {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                // The high bits, scaled to the length.
                let place = (u128::from(state) * table.len() as u128) >> 64;
                sum += table[place as usize];
            }
            black_box(sum);
        }
        Ok(())
    }
}

/// A `Vec` of `len` zeros, with huge pages if the system gives them to a program that asks.
fn huge_vec(len: usize) -> Vec<u64> {
    let mut values: Vec<u64> = Vec::with_capacity(len);
    let start = values.as_mut_ptr().cast::<u8>();
    let skip = start.align_offset(HUGE_PAGE);
    let bytes = (len * 8).saturating_sub(skip) / HUGE_PAGE * HUGE_PAGE;
    // SAFETY: a page-aligned range inside the capacity; the advice changes no bytes.
    unsafe { libc::madvise(start.wrapping_add(skip).cast(), bytes, libc::MADV_HUGEPAGE) };
    values.resize(len, 0);
    values
}
