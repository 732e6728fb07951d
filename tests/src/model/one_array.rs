//! An object that is one array, and its model.

use bytemuck::Zeroable;
use ndarray::{ArrayD, Slice};
use pshmem::{Comm, Result, Shared};

use super::array::{AnyArray, ArrayWithModel};
use super::layout::{ModelLayout, random_update, rows_of};
use super::rng::{ModelElement, Rng};
use super::with_model::{Modelled, WithModel};

impl<L: ModelLayout + ?Sized> Modelled for L {
    type Model = ArrayD<L::Item>;

    fn create(comm: &Comm, root: Option<usize>, mut rng: Rng) -> Result<WithModel<L>> {
        let extents = rng.extents(L::DIMENSIONS);
        let Some(root) = root else {
            let shared = Shared::<L>::new(comm, L::dims_for(&extents))?;
            let model = ArrayD::from_elem(&*extents, L::Item::zeroed());
            return Ok(WithModel::new(shared, model));
        };
        if rng.below(3) == 0 {
            concat(comm, &extents, &mut rng)
        } else {
            WithModel::from_root(comm, root, rng.array(&extents), L::owned)
        }
    }

    fn with_array(
        object: &mut WithModel<L>,
        choice: usize,
        act: &mut dyn FnMut(&mut dyn AnyArray),
    ) {
        let (shared, model) = (&mut object.shared, &mut object.model);
        let comm = shared.comm().clone();
        if choice.is_multiple_of(2) {
            act(&mut ArrayWithModel::<L, _>::new(&comm, shared, model));
        } else {
            let mut field = L::field(shared);
            act(&mut ArrayWithModel::<L, _>::new(&comm, &mut field, model));
        }
    }

    fn update_whole(object: &mut WithModel<L>, root: usize, rng: Rng) -> Result<()> {
        random_update(&mut object.model, rng.clone());
        object
            .shared
            .update(root, |w| L::random_update(w, rng))
            .map(drop)
    }

    fn resize(object: &mut WithModel<L>, mut rng: Rng) -> Result<()> {
        let next = rng.other_extents(object.model.shape());
        object.model = resized(&object.model, &next);
        object.shared.resize(L::dims_for(&next))
    }

    /// One rank passes other extents than the others.
    fn disagree(object: &mut WithModel<L>, outlier: usize) -> Result<()> {
        let mut extents = object.model.shape().to_vec();
        extents[0] += 1 + usize::from(object.shared.comm().rank() == outlier);
        object.shared.resize(L::dims_for(&extents))
    }

    fn partner(
        object: &WithModel<L>,
        comm: &Comm,
        other_extents: bool,
        mut rng: Rng,
    ) -> Result<WithModel<L>> {
        let mut extents = object.model.shape().to_vec();
        extents[0] += usize::from(other_extents);
        WithModel::from_root(comm, 0, rng.array(&extents), L::owned)
    }

    fn compare(view: L::View<'_>, model: &ArrayD<L::Item>) {
        L::check(view, model);
    }
}

/// Each rank brings some of the rows.
fn concat<L: ModelLayout + ?Sized>(
    comm: &Comm,
    extents: &[usize],
    rng: &mut Rng,
) -> Result<WithModel<L>> {
    let mut counts = rng.partition(extents[0], comm.size());
    counts[0] += extents[0] - counts.iter().sum::<usize>();
    let model = rng.array(extents);
    let start = counts[..comm.rank()].iter().sum();
    let mine = start..start + counts[comm.rank()];
    let (shared, rows) = Shared::<L>::concat(comm, &L::owned(&rows_of(&model, mine.clone())))?;
    assert_eq!(rows, mine);
    Ok(WithModel::new(shared, model))
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
