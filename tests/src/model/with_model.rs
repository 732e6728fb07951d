//! An object of any layout and its model: what is the same for all layouts.

use std::any::Any;

use pshmem::{Comm, Result, Shared, SharedLayout};

use super::array::AnyArray;
use super::object::AnyObject;
use super::rng::Rng;

/// An object and the model that it must be equal to.
pub(super) struct WithModel<L: Modelled + ?Sized> {
    pub(super) shared: Shared<L>,
    pub(super) model: L::Model,
    saved_model: Option<L::Model>,
}

impl<L: Modelled + ?Sized> WithModel<L> {
    pub(super) fn new(shared: Shared<L>, model: L::Model) -> Self {
        WithModel {
            shared,
            model,
            saved_model: None,
        }
    }

    pub(super) fn from_root(
        comm: &Comm,
        root: usize,
        model: L::Model,
        owned: impl FnOnce(&L::Model) -> L::Owned,
    ) -> Result<Self> {
        let shared = Shared::from_root(comm, root, || owned(&model))?;
        Ok(Self::new(shared, model))
    }

    /// Creates an object of random extents; by `from_root` or `concat` if a root is given.
    pub(super) fn create(comm: &Comm, root: Option<usize>, rng: Rng) -> Result<Box<dyn AnyObject>> {
        Ok(Box::new(L::create(comm, root, rng)?))
    }
}

/// A layout with a model: what each has of its own. See [`AnyObject`] for the calls.
pub(super) trait Modelled: SharedLayout + 'static {
    /// The values, and what else an object has that changes with them.
    type Model: Clone + 'static;

    fn create(comm: &Comm, root: Option<usize>, rng: Rng) -> Result<WithModel<Self>>;
    fn with_array(
        object: &mut WithModel<Self>,
        choice: usize,
        act: &mut dyn FnMut(&mut dyn AnyArray),
    );
    fn update_whole(object: &mut WithModel<Self>, root: usize, rng: Rng) -> Result<()>;
    fn resize(object: &mut WithModel<Self>, rng: Rng) -> Result<()>;

    /// One rank swaps with another object than the others.
    fn disagree(object: &mut WithModel<Self>, outlier: usize) -> Result<()> {
        let comm = object.shared.comm().clone();
        let dims = object.shared.dims();
        let mut others = [
            Shared::<Self>::new(&comm, dims)?,
            Shared::<Self>::new(&comm, dims)?,
        ];
        object
            .shared
            .swap(&mut others[usize::from(comm.rank() == outlier)])
    }

    fn partner(
        object: &WithModel<Self>,
        comm: &Comm,
        other_extents: bool,
        rng: Rng,
    ) -> Result<WithModel<Self>>;
    fn compare(view: Self::View<'_>, model: &Self::Model);
}

impl<L: Modelled + ?Sized> AnyObject for WithModel<L> {
    fn comm(&self) -> &Comm {
        self.shared.comm()
    }

    fn with_array(&mut self, choice: usize, act: &mut dyn FnMut(&mut dyn AnyArray)) {
        L::with_array(self, choice, act);
    }

    fn update_whole(&mut self, root: usize, rng: Rng) -> Result<()> {
        L::update_whole(self, root, rng)
    }

    fn resize(&mut self, rng: Rng) -> Result<()> {
        L::resize(self, rng)
    }

    fn disagree(&mut self, outlier: usize) -> Result<()> {
        L::disagree(self, outlier)
    }

    fn partner(&self, comm: &Comm, other_extents: bool, rng: Rng) -> Result<Box<dyn AnyObject>> {
        Ok(Box::new(L::partner(self, comm, other_extents, rng)?))
    }

    fn copy_from(&mut self, other: &dyn AnyObject) -> Result<()> {
        let other: &dyn Any = other;
        let other: &Self = other.downcast_ref().expect(SAME_TYPE);
        self.shared.copy_from(&other.shared)?;
        self.model.clone_from(&other.model);
        Ok(())
    }

    fn swap(&mut self, other: &mut dyn AnyObject) -> Result<()> {
        let other: &mut dyn Any = other;
        let other: &mut Self = other.downcast_mut().expect(SAME_TYPE);
        self.shared.swap(&mut other.shared)?;
        std::mem::swap(&mut self.model, &mut other.model);
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.shared.close()
    }

    fn check(&self) {
        L::compare(self.shared.view(), &self.model);
    }

    fn save_model(&mut self) {
        self.saved_model = Some(self.model.clone());
    }

    fn restore_model(&mut self) {
        self.model = self.saved_model.take().expect("a model that was saved");
    }
}

/// What `partner` has created.
const SAME_TYPE: &str = "an object of the same type";
