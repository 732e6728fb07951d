//! An object whose layout is a derived struct, with nested fields and columns, and its model.

use std::ops::Range;

use ndarray::{Array1, Array2, Array3, ArrayD};
use pshmem::{Columns, Comm, Result, Shared, SharedColumns, SharedLayout};

use super::array::{AnyArray, ArrayWithModel};
use super::layout::{ModelLayout, random_update};
use super::object::AnyObject;
use super::rng::{ModelElement, Rng};
use super::with_model::{Modelled, WithModel};

#[derive(Clone, Debug, PartialEq, SharedColumns)]
struct Particle {
    flags: [u8; 3],
    id: u64,
}

#[derive(SharedLayout)]
struct Inner {
    cube: Array3<u64>,
    step: u64,
}

/// Rows of several fields, which are written in parts of the whole.
#[derive(SharedLayout)]
#[shared(dims(n, m), rows = n)]
struct Strip {
    #[shared(shape = [n, m])]
    table: Array2<f32>,
    width: u64,
    #[shared(shape = [n])]
    points: Columns<Particle>,
    #[shared(shape = [m])]
    header: Vec<u64>,
}

#[derive(SharedLayout)]
pub(super) struct Record {
    grid: Array2<f32>,
    flags: Array1<[u8; 3]>,
    #[shared(layout)]
    inner: Inner,
    particles: Columns<Particle>,
    /// With the extents of `grid`.
    copy: Array2<f32>,
    count: u64,
    /// With the extents of `grid`.
    #[shared(layout)]
    strip: Strip,
}

/// The values of a record.
#[derive(Clone)]
pub(super) struct Model {
    grid: ArrayD<f32>,
    flags: ArrayD<[u8; 3]>,
    cube: ArrayD<u64>,
    step: u64,
    particle_flags: ArrayD<[u8; 3]>,
    particle_ids: ArrayD<u64>,
    copy: ArrayD<f32>,
    count: u64,
    strip_table: ArrayD<f32>,
    strip_points: Vec<Particle>,
    strip_header: ArrayD<u64>,
}

/// The extents of the arrays of a record.
struct Extents {
    grid: Vec<usize>,
    flags: Vec<usize>,
    cube: Vec<usize>,
    particles: Vec<usize>,
}

impl Extents {
    fn dims(&self) -> RecordDims {
        RecordDims {
            grid: <Array2<f32>>::dims_for(&self.grid),
            flags: <Array1<[u8; 3]>>::dims_for(&self.flags),
            inner: InnerDims {
                cube: <Array3<u64>>::dims_for(&self.cube),
            },
            particles: self.particles[0],
            copy: <Array2<f32>>::dims_for(&self.grid),
            strip: StripDims {
                n: self.grid[0],
                m: self.grid[1],
            },
        }
    }
}

fn point(rng: &mut Rng) -> Particle {
    Particle {
        flags: <[u8; 3]>::from_number(rng.next()),
        id: rng.next(),
    }
}

impl Model {
    fn zeros(extents: &Extents) -> Self {
        Model {
            grid: ArrayD::zeros(&*extents.grid),
            flags: ArrayD::from_elem(&*extents.flags, [0; 3]),
            cube: ArrayD::zeros(&*extents.cube),
            step: 0,
            particle_flags: ArrayD::from_elem(&*extents.particles, [0; 3]),
            particle_ids: ArrayD::zeros(&*extents.particles),
            copy: ArrayD::zeros(&*extents.grid),
            count: 0,
            strip_table: ArrayD::zeros(&*extents.grid),
            strip_points: vec![
                Particle {
                    flags: [0; 3],
                    id: 0
                };
                extents.grid[0]
            ],
            strip_header: ArrayD::zeros(&extents.grid[1..]),
        }
    }

    fn new(extents: &Extents, rng: &mut Rng) -> Self {
        Model {
            grid: rng.array(&extents.grid),
            flags: rng.array(&extents.flags),
            cube: rng.array(&extents.cube),
            step: rng.next(),
            particle_flags: rng.array(&extents.particles),
            particle_ids: rng.array(&extents.particles),
            copy: rng.array(&extents.grid),
            count: rng.next(),
            strip_table: rng.array(&extents.grid),
            strip_points: (0..extents.grid[0]).map(|_| point(rng)).collect(),
            strip_header: rng.array(&extents.grid[1..]),
        }
    }

    fn extents(&self) -> Extents {
        Extents {
            grid: self.grid.shape().to_vec(),
            flags: self.flags.shape().to_vec(),
            cube: self.cube.shape().to_vec(),
            particles: self.particle_ids.shape().to_vec(),
        }
    }

    fn owned(&self) -> Record {
        let columns = std::iter::zip(&self.particle_flags, &self.particle_ids);
        Record {
            grid: <Array2<f32>>::owned(&self.grid),
            flags: <Array1<[u8; 3]>>::owned(&self.flags),
            inner: Inner {
                cube: <Array3<u64>>::owned(&self.cube),
                step: self.step,
            },
            particles: columns
                .map(|(&flags, &id)| Particle { flags, id })
                .collect(),
            copy: <Array2<f32>>::owned(&self.copy),
            count: self.count,
            strip: Strip {
                table: <Array2<f32>>::owned(&self.strip_table),
                width: 7,
                points: self.strip_points.clone().into(),
                header: self.strip_header.iter().copied().collect(),
            },
        }
    }
}

impl Modelled for Record {
    type Model = Model;

    fn create(comm: &Comm, root: Option<usize>, mut rng: Rng) -> Result<WithModel<Self>> {
        let extents = Extents {
            grid: rng.extents(2),
            flags: rng.extents(1),
            cube: rng.extents(3),
            particles: rng.extents(1),
        };
        if let Some(root) = root {
            return from_root(comm, root, &extents, &mut rng);
        }
        let shared = Shared::<Record>::new(comm, extents.dims())?;
        Ok(WithModel::new(shared, Model::zeros(&extents)))
    }

    fn with_array(
        object: &mut WithModel<Self>,
        choice: usize,
        act: &mut dyn FnMut(&mut dyn AnyArray),
    ) {
        let comm = object.shared.comm().clone();
        let (mut fields, model) = (object.shared.fields(), &mut object.model);
        macro_rules! array {
            ($layout:ty, $field:expr, $model:ident) => {
                act(&mut ArrayWithModel::<$layout, _>::new(
                    &comm,
                    &mut $field,
                    &mut model.$model,
                ))
            };
        }
        match choice % 7 {
            0 => array!(Array2<f32>, fields.grid, grid),
            1 => array!(Array1<[u8; 3]>, fields.flags, flags),
            2 => array!(Array3<u64>, fields.inner.fields().cube, cube),
            3 => array!([[u8; 3]], fields.particles.fields().flags, particle_flags),
            4 => array!([u64], fields.particles.fields().id, particle_ids),
            5 => array!(Array2<f32>, fields.strip.fields().table, strip_table),
            _ => array!(Array2<f32>, fields.copy, copy),
        }
    }

    fn update_whole(object: &mut WithModel<Self>, root: usize, mut rng: Rng) -> Result<()> {
        let model = &mut object.model;
        match rng.below(7) {
            3 | 4 => update_strip(object, &mut rng),
            0 => {
                model.count = rng.next();
                let mut fields = object.shared.fields();
                let count = model.count;
                fields.count.update(root, |mut w| *w = count).map(drop)
            }
            1 => {
                let mut fields = object.shared.fields();
                std::mem::swap(&mut model.grid, &mut model.copy);
                fields.grid.swap_data(&mut fields.copy)
            }
            2 => {
                let mut fields = object.shared.fields();
                model.copy.clone_from(&model.grid);
                fields.copy.copy_from(&fields.grid)
            }
            _ => {
                let touched = rng.below(64);
                let is_touched = |field: usize| touched >> field & 1 == 1;
                let particle = Particle {
                    flags: <[u8; 3]>::from_number(rng.next()),
                    id: rng.next(),
                };
                let at = rng.below(model.particle_ids.len().max(1));
                let has_particle = is_touched(3) && !model.particle_ids.is_empty();
                if is_touched(0) {
                    random_update(&mut model.grid, rng.clone());
                }
                if is_touched(1) {
                    random_update(&mut model.flags, rng.clone());
                }
                if is_touched(2) {
                    random_update(&mut model.cube, rng.clone());
                }
                if has_particle {
                    model.particle_flags[at] = particle.flags;
                    model.particle_ids[at] = particle.id;
                }
                if is_touched(4) {
                    model.step = model.step.wrapping_add(1);
                }
                if is_touched(5) {
                    model.count = rng.clone().next();
                }
                let update = |mut w: RecordViewMut<'_>| {
                    if is_touched(0) {
                        <Array2<f32>>::random_update(w.grid, rng.clone());
                    }
                    if is_touched(1) {
                        <Array1<[u8; 3]>>::random_update(w.flags, rng.clone());
                    }
                    if is_touched(2) {
                        <Array3<u64>>::random_update(w.inner.cube, rng.clone());
                    }
                    if has_particle {
                        w.particles.set(at, particle);
                    }
                    if is_touched(4) {
                        *w.inner.step = w.inner.step.wrapping_add(1);
                    }
                    if is_touched(5) {
                        *w.count = rng.clone().next();
                    }
                };
                if touched.is_multiple_of(3) {
                    object.shared.update_per_node(update).map(drop)
                } else {
                    object.shared.update(root, update).map(drop)
                }
            }
        }
    }

    fn resize(object: &mut WithModel<Self>, mut rng: Rng) -> Result<()> {
        // A struct has no rows to keep: a new object takes its place.
        let now = object.model.extents();
        let next = Extents {
            grid: rng.other_extents(&now.grid),
            flags: rng.other_extents(&now.flags),
            cube: rng.other_extents(&now.cube),
            particles: rng.other_extents(&now.particles),
        };
        let comm = object.shared.comm().clone();
        let root = rng.below(comm.size());
        let mut other = from_root(&comm, root, &next, &mut rng)?;
        object.swap(&mut other)
    }

    fn partner(
        object: &WithModel<Self>,
        comm: &Comm,
        other_extents: bool,
        mut rng: Rng,
    ) -> Result<WithModel<Self>> {
        let mut extents = object.model.extents();
        extents.particles[0] += usize::from(other_extents);
        from_root(comm, 0, &extents, &mut rng)
    }

    fn compare(view: Self::View<'_>, model: &Model) {
        <Array2<f32>>::check(view.grid, &model.grid);
        <Array1<[u8; 3]>>::check(view.flags, &model.flags);
        <Array3<u64>>::check(view.inner.cube, &model.cube);
        <[[u8; 3]]>::check(view.particles.flags, &model.particle_flags);
        <[u64]>::check(view.particles.id, &model.particle_ids);
        <Array2<f32>>::check(view.copy, &model.copy);
        <Array2<f32>>::check(view.strip.table, &model.strip_table);
        let points = (0..model.strip_points.len()).map(|i| view.strip.points.get(i));
        assert!(points.eq(model.strip_points.iter().cloned()), "points");
        let header = model.strip_header.iter();
        assert!(view.strip.header.iter().eq(header), "the header");
        assert_eq!(
            (*view.inner.step, *view.count),
            (model.step, model.count),
            "single values"
        );
    }
}

/// All ranks write the rows of all fields of the strip.
fn update_strip(object: &mut WithModel<Record>, rng: &mut Rng) -> Result<()> {
    let size = object.shared.comm().size();
    let model = &mut object.model;
    let (table, points) = (
        rng.array(model.strip_table.shape()),
        model.strip_points.iter().map(|_| point(rng)),
    );
    let points: Vec<Particle> = points.collect();
    (model.strip_table, model.strip_points) = (table.clone(), points.clone());
    let rows = points.len();
    let write = |range: Range<usize>, mut part: StripPart<'_>| {
        <Array2<f32>>::write(part.table, 0, range.clone(), &table);
        for (at, row) in range.enumerate() {
            part.points.set(at, points[row].clone());
        }
    };
    let mut fields = object.shared.fields();
    match rng.below(3) {
        0 => fields.strip.update_parts(write),
        1 => {
            let mut counts = rng.partition(rows, size);
            counts[size - 1] += rows - counts.iter().sum::<usize>();
            fields.strip.update_parts_by(&counts, write)
        }
        _ => {
            let weights: Vec<f64> = (0..rows).map(|_| f64::from(rng.below(5) as u8)).collect();
            fields.strip.update_parts_weighted(&weights, write)
        }
    }
}

fn from_root(
    comm: &Comm,
    root: usize,
    extents: &Extents,
    rng: &mut Rng,
) -> Result<WithModel<Record>> {
    WithModel::from_root(comm, root, Model::new(extents, rng), Model::owned)
}
