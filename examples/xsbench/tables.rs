//! The tables, once per node, built by all ranks together.

use crate::options::{Grid, Options};
use crate::random::Random;
use bytemuck::{Pod, Zeroable};
use ndarray::Array2;
use pshmem::{Comm, Result, Shared, SharedLayout};

/// The seed of the tables.
const SEED: u64 = 42;
/// Random numbers of a point.
const NUMBERS: u64 = 6;
/// Bins of the hash grid.
pub(crate) const BINS: usize = 10_000;

/// What is known of a nuclide at one energy.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Point {
    pub(crate) energy: f64,
    /// Total, elastic, absorption, fission, and neutrons by fission.
    pub(crate) cross_sections: [f64; 5],
}

/// All tables.
#[derive(SharedLayout)]
#[shared(dims(nuclides, points, energies, rows))]
pub(crate) struct Tables {
    /// The points of each nuclide, energies rising.
    #[shared(shape = [nuclides, points])]
    pub(crate) nuclides: Array2<Point>,
    /// The energies of all nuclides, rising; empty unless the grid is unionized.
    #[shared(shape = [energies])]
    pub(crate) energies: Vec<f64>,
    /// For each of these energies, or each bin of the hash grid: the last point of each nuclide that is not above it.
    #[shared(shape = [rows, nuclides])]
    pub(crate) index: Array2<u32>,
}

pub(crate) fn build(comm: &Comm, options: &Options) -> Result<Shared<Tables>> {
    let (nuclides, points) = (options.size.nuclides(), options.points);
    let (energies, rows) = match options.grid {
        Grid::Unionized => (nuclides * points, nuclides * points),
        Grid::Hash => (0, BINS),
        Grid::Nuclide => (0, 0),
    };
    let dims = TablesDims {
        nuclides,
        points,
        energies,
        rows,
    };
    let mut tables = Shared::<Tables>::new(comm, dims)?;
    let mut f = tables.fields();

    // Random points, in an order that does not depend on the ranks: each nuclide has its own place in the sequence.
    f.nuclides.update_parts(|range, mut part| {
        for (nuclide, mut row) in range.zip(part.rows_mut()) {
            let mut random = Random::new(SEED).skip(NUMBERS * (nuclide * points) as u64);
            let mut sorted: Vec<Point> = (0..points).map(|_| point(&mut random)).collect();
            sorted.sort_by(|a, b| a.energy.total_cmp(&b.energy));
            row.iter_mut().zip(sorted).for_each(|(to, from)| *to = from);
        }
    })?;
    let view = f.nuclides.view();
    let all = view
        .to_slice()
        .expect("arrays in node memory are contiguous");
    let of_nuclides = || all.chunks_exact(points);

    if options.grid == Grid::Unionized {
        // Each rank sorts the energies of an interval. They are evenly distributed, so intervals of one length have about as many.
        let bound = |rank: usize| rank as f64 / comm.size() as f64;
        let below =
            |energy: f64| -> usize { of_nuclides().map(|points| count(points, energy)).sum() };
        let bounds: Vec<usize> = (0..=comm.size())
            .map(|rank| {
                if rank == comm.size() {
                    energies
                } else {
                    below(bound(rank))
                }
            })
            .collect();
        let counts: Vec<usize> = bounds.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let (from, to) = (bound(comm.rank()), bound(comm.rank() + 1));
        f.energies.update_parts_by(&counts, |_, part| {
            let of_interval = all
                .iter()
                .map(|point| point.energy)
                .filter(|energy| (from..to).contains(energy));
            part.iter_mut()
                .zip(of_interval)
                .for_each(|(slot, energy)| *slot = energy);
            part.sort_by(f64::total_cmp);
        })?;
    }
    let energies = f.energies.view();

    let energy_of = |row: usize| match options.grid {
        Grid::Unionized => energies[row],
        _ => row as f64 / BINS as f64,
    };
    f.index.update_parts(|range, mut part| {
        let Some(first) = range.clone().next() else {
            return;
        };
        // The place of each nuclide moves on from row to row.
        let start = energy_of(first);
        let mut places: Vec<usize> = of_nuclides()
            .map(|points| last_not_above(points, start))
            .collect();
        for (row, mut entries) in range.zip(part.rows_mut()) {
            let energy = energy_of(row);
            for ((place, entry), points) in places.iter_mut().zip(&mut entries).zip(of_nuclides()) {
                while *place + 2 < points.len() && points[*place + 1].energy <= energy {
                    *place += 1;
                }
                *entry = *place as u32;
            }
        }
    })?;
    Ok(tables)
}

fn point(random: &mut Random) -> Point {
    Point {
        energy: random.next(),
        cross_sections: std::array::from_fn(|_| random.next()),
    }
}

/// Points of a nuclide that are below an energy.
fn count(points: &[Point], energy: f64) -> usize {
    points.partition_point(|point| point.energy < energy)
}

/// The last point of a nuclide that is not above an energy; the first if all are, and the one before the last if none is.
fn last_not_above(points: &[Point], energy: f64) -> usize {
    let not_above = points.partition_point(|point| point.energy <= energy);
    not_above.saturating_sub(1).min(points.len() - 2)
}

/// The tables as plain slices, which the look-ups read.
#[derive(Clone, Copy)]
pub(crate) struct Slices<'a> {
    pub(crate) nuclides: usize,
    pub(crate) points_of_nuclide: usize,
    pub(crate) points: &'a [Point],
    pub(crate) energies: &'a [f64],
    pub(crate) index: &'a [u32],
}

impl<'a> Slices<'a> {
    pub(crate) fn new(view: &TablesView<'a>) -> Self {
        const CONTIGUOUS: &str = "arrays in node memory are contiguous";
        let (nuclides, points_of_nuclide) = view.nuclides.dim();
        Slices {
            nuclides,
            points_of_nuclide,
            points: view.nuclides.to_slice().expect(CONTIGUOUS),
            energies: view.energies,
            index: view.index.to_slice().expect(CONTIGUOUS),
        }
    }

    /// The points of a nuclide.
    pub(crate) fn of_nuclide(&self, nuclide: usize) -> &'a [Point] {
        let start = nuclide * self.points_of_nuclide;
        &self.points[start..start + self.points_of_nuclide]
    }

    /// The entries of all nuclides in a row of the index.
    pub(crate) fn entries(&self, row: usize) -> &'a [u32] {
        &self.index[row * self.nuclides..(row + 1) * self.nuclides]
    }
}
