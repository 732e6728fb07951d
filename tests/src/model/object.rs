//! The calls on one object of the library and its model, of whatever layout.

use std::any::Any;

use ndarray::{Array1, Array2, Array3};
use pshmem::{Comm, Result};

use super::array::AnyArray;
use super::record::Record;
use super::rng::Rng;
use super::tables::Tables;
use super::with_model::WithModel;

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
        0 => WithModel::<[u64]>::create(comm, root, rng),
        1 => WithModel::<Array1<[u8; 3]>>::create(comm, root, rng),
        2 => WithModel::<Array2<f32>>::create(comm, root, rng),
        3 => WithModel::<Array3<u64>>::create(comm, root, rng),
        4 | 5 => WithModel::<Tables>::create(comm, root, rng),
        _ => WithModel::<Record>::create(comm, root, rng),
    }
}
