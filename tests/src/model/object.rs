//! One object of the library, and the model that it must be equal to.

use std::any::Any;

use bytemuck::Zeroable;
use ndarray::{Array1, Array2, Array3, ArrayD, Slice};
use pshmem::{Comm, Result, Shared};

use super::array::{AnyArray, ArrayWithModel};
use super::layout::{ModelLayout, random_update, rows_of};
use super::record::RecordWithModel;
use super::rng::{ModelElement, Rng};
use super::tables::TablesWithModel;

/// An object of any layout and its model. All ranks make each call with the same arguments.
pub(super) trait AnyObject: Any {
    fn comm(&self) -> &Comm;
    /// Calls `act` with one of the arrays of the object, as a handle to the whole object or to a field.
    fn with_array(&mut self, choice: usize, act: &mut dyn FnMut(&mut dyn AnyArray));
    /// Writes some fields at once.
    fn update_whole(&mut self, root: usize, rng: Rng) -> Result<()>;
    /// Changes the extents a little.
    fn resize(&mut self, rng: Rng) -> Result<()>;
    /// A call that must fail, because one rank passes other extents, or another object, than the others.
    fn disagree(&mut self, outlier: usize) -> Result<()>;
    /// Creates another object of the same type on `comm`, with the same extents or others.
    fn partner(&self, comm: &Comm, other_extents: bool, rng: Rng) -> Result<Box<dyn AnyObject>>;
    /// Copies the values of an object that `partner` has created. The model changes if the call succeeds.
    fn copy_from(&mut self, other: &dyn AnyObject) -> Result<()>;
    /// Swaps with an object that `partner` has created. The models change if the call succeeds.
    fn swap(&mut self, other: &mut dyn AnyObject) -> Result<()>;
    fn close(self: Box<Self>) -> Result<()>;
    /// Compares the object with the model.
    fn check(&self);
    /// Saves the model for `restore_model`.
    fn save_model(&mut self);
    fn restore_model(&mut self);
}

/// Calls `act` with one of the arrays of an object.
pub(super) fn on_array<R>(
    object: &mut dyn AnyObject,
    choice: usize,
    act: impl FnOnce(&mut dyn AnyArray) -> R,
) -> R {
    let (mut act, mut result) = (Some(act), None);
    object.with_array(choice, &mut |array| {
        result = act.take().map(|act| act(array));
    });
    result.expect("an object calls it once")
}

/// Creates an object of random layout and extents; by `from_root` or `concat` if a root is given.
pub(super) fn create(comm: &Comm, root: Option<usize>, mut rng: Rng) -> Result<Box<dyn AnyObject>> {
    match rng.below(8) {
        0 => ObjectWithModel::<[u64]>::create(comm, root, rng),
        1 => ObjectWithModel::<Array1<[u8; 3]>>::create(comm, root, rng),
        2 => ObjectWithModel::<Array2<f32>>::create(comm, root, rng),
        3 => ObjectWithModel::<Array3<u64>>::create(comm, root, rng),
        4 | 5 => TablesWithModel::create(comm, root, rng),
        _ => RecordWithModel::create(comm, root, rng),
    }
}

/// An object that is one array, and its model.
struct ObjectWithModel<L: ModelLayout + ?Sized> {
    shared: Shared<L>,
    model: ArrayD<L::Item>,
    saved_model: Option<ArrayD<L::Item>>,
}

impl<L: ModelLayout + ?Sized> ObjectWithModel<L> {
    fn create(comm: &Comm, root: Option<usize>, mut rng: Rng) -> Result<Box<dyn AnyObject>> {
        let extents = rng.extents(L::DIMENSIONS);
        if let Some(root) = root {
            let is_stacked = rng.below(3) == 0;
            let made = if is_stacked {
                Self::concat(comm, &extents, &mut rng)
            } else {
                Self::from_root(comm, root, &extents, &mut rng)
            };
            return Ok(Box::new(made?));
        }
        Ok(Box::new(ObjectWithModel {
            shared: Shared::<L>::new(comm, L::dims_for(&extents))?,
            model: ArrayD::from_elem(&*extents, L::Item::zeroed()),
            saved_model: None,
        }))
    }

    /// Each rank brings some of the rows.
    fn concat(comm: &Comm, extents: &[usize], rng: &mut Rng) -> Result<Self> {
        let mut counts = rng.partition(extents[0], comm.size());
        counts[0] += extents[0] - counts.iter().sum::<usize>();
        let model = rng.array(extents);
        let start = counts[..comm.rank()].iter().sum();
        let mine = start..start + counts[comm.rank()];
        let (shared, rows) = Shared::<L>::concat(comm, &L::owned(&rows_of(&model, mine.clone())))?;
        assert_eq!(rows, mine);
        Ok(ObjectWithModel {
            shared,
            model,
            saved_model: None,
        })
    }

    fn from_root(comm: &Comm, root: usize, extents: &[usize], rng: &mut Rng) -> Result<Self> {
        let model = rng.array(extents);
        Ok(ObjectWithModel {
            shared: Shared::<L>::from_root(comm, root, || L::owned(&model))?,
            model,
            saved_model: None,
        })
    }
}

impl<L: ModelLayout + ?Sized> AnyObject for ObjectWithModel<L> {
    fn comm(&self) -> &Comm {
        self.shared.comm()
    }

    fn with_array(&mut self, choice: usize, act: &mut dyn FnMut(&mut dyn AnyArray)) {
        let comm = self.shared.comm().clone();
        if choice.is_multiple_of(2) {
            act(&mut ArrayWithModel::<L, _>::new(
                &comm,
                &mut self.shared,
                &mut self.model,
            ));
        } else {
            let mut field = L::field(&mut self.shared);
            act(&mut ArrayWithModel::<L, _>::new(
                &comm,
                &mut field,
                &mut self.model,
            ));
        }
    }

    fn update_whole(&mut self, root: usize, rng: Rng) -> Result<()> {
        random_update(&mut self.model, rng.clone());
        self.shared
            .update(root, |w| L::random_update(w, rng))
            .map(drop)
    }

    fn resize(&mut self, mut rng: Rng) -> Result<()> {
        let next = rng.other_extents(self.model.shape());
        self.model = resized(&self.model, &next);
        self.shared.resize(L::dims_for(&next))
    }

    fn disagree(&mut self, outlier: usize) -> Result<()> {
        let mut extents = self.model.shape().to_vec();
        extents[0] += 1 + usize::from(self.shared.comm().rank() == outlier);
        self.shared.resize(L::dims_for(&extents))
    }

    fn partner(
        &self,
        comm: &Comm,
        other_extents: bool,
        mut rng: Rng,
    ) -> Result<Box<dyn AnyObject>> {
        let mut extents = self.model.shape().to_vec();
        extents[0] += usize::from(other_extents);
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
        L::check(self.shared.view(), &self.model);
    }

    fn save_model(&mut self) {
        self.saved_model = Some(self.model.clone());
    }

    fn restore_model(&mut self) {
        self.model = self.saved_model.take().expect("a model that was saved");
    }
}

/// An array with other extents: what both have in common is kept, the rest is zero.
fn resized<T: ModelElement>(model: &ArrayD<T>, extents: &[usize]) -> ArrayD<T> {
    let mut next = ArrayD::from_elem(extents, T::zeroed());
    let common: Vec<usize> = std::iter::zip(model.shape(), extents)
        .map(|(&one, &other)| one.min(other))
        .collect();
    let kept = |axis: ndarray::AxisDescription| Slice::from(..common[axis.axis.index()]);
    next.slice_each_axis_mut(kept)
        .assign(&model.slice_each_axis(kept));
    next
}

/// What `partner` has created.
pub(super) fn downcast<T: AnyObject>(object: &dyn AnyObject) -> &T {
    let object: &dyn Any = object;
    object.downcast_ref().expect("an object of the same type")
}

/// The same to change it.
pub(super) fn downcast_mut<T: AnyObject>(object: &mut dyn AnyObject) -> &mut T {
    let object: &mut dyn Any = object;
    object.downcast_mut().expect("an object of the same type")
}
