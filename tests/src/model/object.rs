//! One object of the library, and the `ndarray` model that it must be equal to.

use std::ops::Range;
use std::panic::resume_unwind;

use bytemuck::Zeroable;
use ndarray::{Array1, Array2, Array3, ArrayD, Axis, Slice, Zip};
use pshmem::{Comm, Op, Result, Shared};

use super::early_exits::DELIBERATE;
use super::layout::{ModelLayout, random_update, rows_of};
use super::rng::{ModelElement, Rng};

/// An object of any layout and its model. All ranks make each call with the same arguments.
pub(super) trait AnyObject {
    fn comm(&self) -> &Comm;
    fn set(&mut self, root: usize, rng: Rng) -> Result<()>;
    fn set_with(&mut self, root: usize, rng: Rng) -> Result<()>;
    fn assign(&mut self, holder: usize, rng: Rng) -> Result<()>;
    fn fill(&mut self, rng: Rng) -> Result<()>;
    fn update(&mut self, root: usize, rng: Rng, through_field: bool) -> Result<()>;
    fn update_per_node(&mut self, rng: Rng) -> Result<()>;
    /// All ranks write their parts, of equal or of given lengths.
    fn update_parts(&mut self, rng: Rng) -> Result<()>;
    /// All ranks contribute rows, at offsets or in rank order; the last rows may stay unchanged.
    fn gather(&mut self, rng: Rng) -> Result<()>;
    /// All ranks contribute an array, with or without the old values, in either order.
    fn reduce(&mut self, rng: Rng) -> Result<()>;
    /// Changes the extents a little.
    fn resize(&mut self, rng: Rng) -> Result<()>;
    fn close(self: Box<Self>) -> Result<()>;
    /// Compares the object with the model.
    fn check(&self);
    /// Saves the model for `restore_model`.
    fn save_model(&mut self);
    fn restore_model(&mut self);

    // The following calls must fail. Only `failing_update` writes, also to the model.
    /// An empty block, passed by no rank or by several.
    fn assign_from(&mut self, holders: &[usize]) -> Result<()>;
    fn set_out_of_bounds(&mut self, root: usize) -> Result<()>;
    fn set_without_data(&mut self, root: usize) -> Result<()>;
    /// The closure must not run.
    fn update_without_root(&mut self, root: usize) -> Result<()>;
    fn fill_differently(&mut self, outlier: usize) -> Result<()>;
    /// Writes, then fails with the result of `fail`, which may panic. The model is written first, because of a panic.
    fn failing_update(&mut self, root: usize, rng: Rng, fail: &dyn Fn() -> String) -> Result<()>;
    fn failing_per_node(&mut self, fail: &dyn Fn() -> String) -> Result<()>;
    fn panicking_set_with(&mut self, root: usize) -> Result<()>;
}

/// Creates an object of random layout and extents, by `from_root` if a root is given.
pub(super) fn create(comm: &Comm, root: Option<usize>, mut rng: Rng) -> Result<Box<dyn AnyObject>> {
    match rng.below(4) {
        0 => ObjectWithModel::<[u64]>::create(comm, root, rng),
        1 => ObjectWithModel::<Array1<[u8; 3]>>::create(comm, root, rng),
        2 => ObjectWithModel::<Array2<f32>>::create(comm, root, rng),
        _ => ObjectWithModel::<Array3<u64>>::create(comm, root, rng),
    }
}

/// An object and its model.
struct ObjectWithModel<L: ModelLayout + ?Sized> {
    shared: Shared<L>,
    model: ArrayD<L::Item>,
    saved_model: Option<ArrayD<L::Item>>,
}

impl<L: ModelLayout + ?Sized> ObjectWithModel<L> {
    fn create(comm: &Comm, root: Option<usize>, mut rng: Rng) -> Result<Box<dyn AnyObject>> {
        let extents = rng.extents(L::DIMENSIONS);
        let object = if let Some(root) = root {
            let model = rng.array(&extents);
            ObjectWithModel {
                shared: Shared::<L>::from_root(comm, root, || L::owned(&model))?,
                model,
                saved_model: None,
            }
        } else {
            let model = ArrayD::from_elem(&*extents, L::Item::zeroed());
            ObjectWithModel {
                shared: Shared::<L>::new(comm, L::dims_for(&extents))?,
                model,
                saved_model: None,
            }
        };
        Ok(Box::new(object))
    }

    /// Writes a random block into the model, and returns it.
    fn write_model(&mut self, mut rng: Rng) -> (L::Offset, ArrayD<L::Item>) {
        let (offset, extents) = rng.block(self.model.shape());
        let block = rng.array(&extents);
        let range = |axis: usize| Slice::from(offset[axis]..offset[axis] + extents[axis]);
        self.model
            .slice_each_axis_mut(|axis| range(axis.axis.index()))
            .assign(&block);
        (L::offset(&offset), block)
    }

    fn origin() -> L::Offset {
        L::offset(&vec![0; L::DIMENSIONS])
    }

    /// A block with the same extent in each axis.
    fn cube(extent: usize) -> ArrayD<L::Item> {
        ArrayD::from_elem(vec![extent; L::DIMENSIONS], L::Item::zeroed())
    }

    fn is_rank(&self, rank: usize) -> bool {
        self.shared.comm().rank() == rank
    }
}

impl<L: ModelLayout + ?Sized> AnyObject for ObjectWithModel<L> {
    fn comm(&self) -> &Comm {
        self.shared.comm()
    }

    fn set(&mut self, root: usize, rng: Rng) -> Result<()> {
        let (offset, block) = self.write_model(rng);
        let mine = self.is_rank(root);
        self.shared
            .set(root, offset, mine.then(|| L::block(&block)))
    }

    fn set_with(&mut self, root: usize, rng: Rng) -> Result<()> {
        let (offset, block) = self.write_model(rng);
        self.shared.set_with(root, offset, || L::owned(&block))
    }

    fn assign(&mut self, holder: usize, rng: Rng) -> Result<()> {
        let (offset, block) = self.write_model(rng);
        let mine = self.is_rank(holder);
        self.shared.assign(offset, mine.then(|| L::block(&block)))
    }

    fn fill(&mut self, mut rng: Rng) -> Result<()> {
        let value = L::Item::from_number(rng.next());
        self.model.fill(value);
        self.shared.fill(value)
    }

    fn update(&mut self, root: usize, rng: Rng, through_field: bool) -> Result<()> {
        random_update(&mut self.model, rng.clone());
        let found = if through_field {
            L::update_field(&mut self.shared, root, rng)?
        } else {
            self.shared.update(root, |w| L::random_update(w, rng))?
        };
        assert_eq!(
            found.is_some(),
            self.is_rank(root),
            "only the root has a result"
        );
        Ok(())
    }

    fn update_per_node(&mut self, rng: Rng) -> Result<()> {
        random_update(&mut self.model, rng.clone());
        let found = self.shared.update_per_node(|w| L::random_update(w, rng))?;
        assert_eq!(
            found.is_some(),
            self.shared.comm().node().rank == 0,
            "one rank of each node has a result"
        );
        Ok(())
    }

    fn update_parts(&mut self, mut rng: Rng) -> Result<()> {
        let shape = self.model.shape().to_vec();
        let next = rng.array(&shape);
        let (size, total) = (self.shared.comm().size(), shape[0]);
        let write = |rows: Range<usize>, part: L::Part<'_>| {
            L::write(part, rows.clone(), &next);
            rows.len()
        };
        let rows = if rng.below(2) == 0 {
            self.shared.update_parts(write)?
        } else {
            let mut counts = rng.partition(total, size);
            counts[0] += total - counts.iter().sum::<usize>();
            self.shared.update_parts_by(&counts, write)?
        };
        assert!(rows <= total, "a part of the rows");
        self.model = next;
        Ok(())
    }

    fn gather(&mut self, mut rng: Rng) -> Result<()> {
        let next = rng.array(self.model.shape());
        let (rank, size) = (self.shared.comm().rank(), self.shared.comm().size());
        let counts = rng.partition(next.shape()[0], size);
        let start = |rank: usize| counts[..rank].iter().sum::<usize>();
        let mine = start(rank)..start(rank + 1);
        let block = L::owned(&rows_of(&next, mine.clone()));
        if rng.below(2) == 0 {
            let found = self.shared.gather_in_order(&block)?;
            assert_eq!(found, mine, "the rows of this rank");
        } else {
            let mut at = vec![0; L::DIMENSIONS];
            at[0] = mine.start;
            self.shared.gather(L::offset(&at), &block)?;
        }
        let kept = Slice::from(..start(size));
        self.model
            .slice_axis_mut(Axis(0), kept)
            .assign(&next.slice_axis(Axis(0), kept));
        Ok(())
    }

    fn reduce(&mut self, mut rng: Rng) -> Result<()> {
        // The larger element in bytewise comparison: the result is the same in any order.
        let larger = |a: L::Item, b: L::Item| {
            let is_less = bytemuck::bytes_of(&a) < bytemuck::bytes_of(&b);
            if is_less { b } else { a }
        };
        let parts: Vec<ArrayD<L::Item>> = (0..self.shared.comm().size())
            .map(|_| rng.array(self.model.shape()))
            .collect();
        let mine = L::owned(&parts[self.shared.comm().rank()]);
        let op = if rng.below(2) == 0 {
            Op::new(larger)
        } else {
            Op::new(larger).reproducible()
        };
        let sum = parts.iter().skip(1).fold(parts[0].clone(), |sum, part| {
            Zip::from(&sum).and(part).map_collect(|&a, &b| larger(a, b))
        });
        if rng.below(2) == 0 {
            self.model = sum;
            self.shared.reduce_into(op, &mine)
        } else {
            self.model.zip_mut_with(&sum, |a, &b| *a = larger(*a, b));
            self.shared.accumulate(op, &mine)
        }
    }

    fn resize(&mut self, mut rng: Rng) -> Result<()> {
        let shape = self.model.shape();
        let next: Vec<usize> = shape
            .iter()
            .map(|&n| (n + rng.below(4)).saturating_sub(2))
            .collect();
        let common: Vec<usize> = shape.iter().zip(&next).map(|(&a, &b)| a.min(b)).collect();
        let mut model = ArrayD::from_elem(&*next, L::Item::zeroed());
        let kept = |axis: ndarray::AxisDescription| Slice::from(..common[axis.axis.index()]);
        model
            .slice_each_axis_mut(kept)
            .assign(&self.model.slice_each_axis(kept));
        self.model = model;
        self.shared.resize(L::dims_for(&next))
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

    fn assign_from(&mut self, holders: &[usize]) -> Result<()> {
        let (block, rank) = (Self::cube(0), self.shared.comm().rank());
        self.shared.assign(
            Self::origin(),
            holders.contains(&rank).then(|| L::block(&block)),
        )
    }

    fn set_out_of_bounds(&mut self, root: usize) -> Result<()> {
        let block = Self::cube(1);
        self.shared
            .set(root, L::offset(self.model.shape()), Some(L::block(&block)))
    }

    fn set_without_data(&mut self, root: usize) -> Result<()> {
        let block = Self::cube(0);
        let mine = self.is_rank(root);
        self.shared
            .set(root, Self::origin(), (!mine).then(|| L::block(&block)))
    }

    fn update_without_root(&mut self, root: usize) -> Result<()> {
        let found = self.shared.update(root, |_| panic!("the closure ran"))?;
        assert_eq!(found, None, "nobody has a result");
        Ok(())
    }

    fn fill_differently(&mut self, outlier: usize) -> Result<()> {
        let value = L::Item::from_number(if self.is_rank(outlier) { 4 } else { 8 });
        self.shared.fill(value)
    }

    fn failing_update(&mut self, root: usize, rng: Rng, fail: &dyn Fn() -> String) -> Result<()> {
        random_update(&mut self.model, rng.clone());
        let result = self.shared.try_update(root, |w| {
            L::random_update(w, rng);
            Err::<(), _>(fail())
        });
        result.map(drop)
    }

    fn failing_per_node(&mut self, fail: &dyn Fn() -> String) -> Result<()> {
        self.shared
            .try_update_per_node(|_| Err::<(), _>(fail()))
            .map(drop)
    }

    fn panicking_set_with(&mut self, root: usize) -> Result<()> {
        self.shared.set_with(root, Self::origin(), || -> L::Owned {
            resume_unwind(Box::new(DELIBERATE))
        })
    }
}
