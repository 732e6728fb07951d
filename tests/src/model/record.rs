//! An object whose layout is a derived struct, with nested fields and columns, and its model.

use ndarray::{Array1, Array2, Array3, ArrayD};
use pshmem::{Columns, Comm, Result, Shared, SharedColumns, SharedLayout};

use super::array::{AnyArray, ArrayWithModel};
use super::layout::{ModelLayout, random_update};
use super::object::{AnyObject, downcast, downcast_mut};
use super::rng::{ModelElement, Rng};

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

#[derive(SharedLayout)]
struct Record {
    grid: Array2<f32>,
    flags: Array1<[u8; 3]>,
    #[shared(layout)]
    inner: Inner,
    particles: Columns<Particle>,
    /// With the extents of `grid`.
    copy: Array2<f32>,
    count: u64,
}

/// The values of a record.
#[derive(Clone)]
struct Model {
    grid: ArrayD<f32>,
    flags: ArrayD<[u8; 3]>,
    cube: ArrayD<u64>,
    step: u64,
    particle_flags: ArrayD<[u8; 3]>,
    particle_ids: ArrayD<u64>,
    copy: ArrayD<f32>,
    count: u64,
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
        }
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
        }
    }
}

/// A record and its model.
pub(super) struct RecordWithModel {
    shared: Shared<Record>,
    model: Model,
    saved_model: Option<Model>,
}

impl RecordWithModel {
    pub(super) fn create(
        comm: &Comm,
        root: Option<usize>,
        mut rng: Rng,
    ) -> Result<Box<dyn AnyObject>> {
        let extents = Extents {
            grid: rng.extents(2),
            flags: rng.extents(1),
            cube: rng.extents(3),
            particles: rng.extents(1),
        };
        if let Some(root) = root {
            return Ok(Box::new(Self::from_root(comm, root, &extents, &mut rng)?));
        }
        Ok(Box::new(RecordWithModel {
            shared: Shared::<Record>::new(comm, extents.dims())?,
            model: Model::zeros(&extents),
            saved_model: None,
        }))
    }

    fn from_root(comm: &Comm, root: usize, extents: &Extents, rng: &mut Rng) -> Result<Self> {
        let model = Model::new(extents, rng);
        Ok(RecordWithModel {
            shared: Shared::<Record>::from_root(comm, root, || model.owned())?,
            model,
            saved_model: None,
        })
    }
}

impl AnyObject for RecordWithModel {
    fn comm(&self) -> &Comm {
        self.shared.comm()
    }

    fn with_array(&mut self, choice: usize, act: &mut dyn FnMut(&mut dyn AnyArray)) {
        let comm = self.shared.comm().clone();
        let (mut fields, model) = (self.shared.fields(), &mut self.model);
        macro_rules! array {
            ($layout:ty, $field:expr, $model:ident) => {
                act(&mut ArrayWithModel::<$layout, _>::new(
                    &comm,
                    &mut $field,
                    &mut model.$model,
                ))
            };
        }
        match choice % 6 {
            0 => array!(Array2<f32>, fields.grid, grid),
            1 => array!(Array1<[u8; 3]>, fields.flags, flags),
            2 => array!(Array3<u64>, fields.inner.fields().cube, cube),
            3 => array!([[u8; 3]], fields.particles.fields().flags, particle_flags),
            4 => array!([u64], fields.particles.fields().id, particle_ids),
            _ => array!(Array2<f32>, fields.copy, copy),
        }
    }

    fn update_whole(&mut self, root: usize, mut rng: Rng) -> Result<()> {
        let model = &mut self.model;
        match rng.below(5) {
            0 => {
                model.count = rng.next();
                let mut fields = self.shared.fields();
                let count = model.count;
                fields.count.update(root, |mut w| *w = count).map(drop)
            }
            1 => {
                let mut fields = self.shared.fields();
                std::mem::swap(&mut model.grid, &mut model.copy);
                fields.grid.swap_data(&mut fields.copy)
            }
            2 => {
                let mut fields = self.shared.fields();
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
                    self.shared.update_per_node(update).map(drop)
                } else {
                    self.shared.update(root, update).map(drop)
                }
            }
        }
    }

    fn resize(&mut self, mut rng: Rng) -> Result<()> {
        // A struct has no rows to keep: a new object takes its place.
        let now = self.model.extents();
        let next = Extents {
            grid: rng.other_extents(&now.grid),
            flags: rng.other_extents(&now.flags),
            cube: rng.other_extents(&now.cube),
            particles: rng.other_extents(&now.particles),
        };
        let comm = self.shared.comm().clone();
        let root = rng.below(comm.size());
        let mut other = Self::from_root(&comm, root, &next, &mut rng)?;
        self.swap(&mut other)
    }

    fn disagree(&mut self, outlier: usize) -> Result<()> {
        let comm = self.shared.comm().clone();
        let dims = self.shared.dims();
        let mut others = [
            Shared::<Record>::new(&comm, dims)?,
            Shared::<Record>::new(&comm, dims)?,
        ];
        self.shared
            .swap(&mut others[usize::from(comm.rank() == outlier)])
    }

    fn partner(
        &self,
        comm: &Comm,
        other_extents: bool,
        mut rng: Rng,
    ) -> Result<Box<dyn AnyObject>> {
        let mut extents = self.model.extents();
        extents.particles[0] += usize::from(other_extents);
        Ok(Box::new(Self::from_root(comm, 0, &extents, &mut rng)?))
    }

    fn copy_from(&mut self, other: &dyn AnyObject) -> Result<()> {
        let other: &Self = downcast(other);
        self.shared.copy_from(&other.shared)?;
        self.model.clone_from(&other.model);
        Ok(())
    }

    fn swap(&mut self, other: &mut dyn AnyObject) -> Result<()> {
        let other: &mut Self = downcast_mut(other);
        self.shared.swap(&mut other.shared)?;
        std::mem::swap(&mut self.model, &mut other.model);
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.shared.close()
    }

    fn check(&self) {
        let (view, model) = (self.shared.view(), &self.model);
        <Array2<f32>>::check(view.grid, &model.grid);
        <Array1<[u8; 3]>>::check(view.flags, &model.flags);
        <Array3<u64>>::check(view.inner.cube, &model.cube);
        <[[u8; 3]]>::check(view.particles.flags, &model.particle_flags);
        <[u64]>::check(view.particles.id, &model.particle_ids);
        <Array2<f32>>::check(view.copy, &model.copy);
        assert_eq!(
            (*view.inner.step, *view.count),
            (model.step, model.count),
            "single values"
        );
    }

    fn save_model(&mut self) {
        self.saved_model = Some(self.model.clone());
    }

    fn restore_model(&mut self) {
        self.model = self.saved_model.take().expect("a model that was saved");
    }
}
