//! One object of the library beside its model.

use std::ops::Range;
use std::panic::resume_unwind;

use bytemuck::Zeroable;
use ndarray::{Array1, Array2, Array3, ArrayD, Axis, Slice, Zip};
use pshmem::{Comm, Op, Result, Shared};

use super::dice::{Dice, Item};
use super::form::{Form, change, rows_of};

/// An object and its model, whatever the layout. Each call is made by all ranks with the same arguments.
pub(super) trait Held {
    fn comm(&self) -> &Comm;
    fn set(&mut self, root: usize, dice: Dice) -> Result<()>;
    fn set_with(&mut self, root: usize, dice: Dice) -> Result<()>;
    fn assign(&mut self, holder: usize, dice: Dice) -> Result<()>;
    fn fill(&mut self, dice: Dice) -> Result<()>;
    fn update(&mut self, root: usize, dice: Dice, through_field: bool) -> Result<()>;
    fn update_per_node(&mut self, dice: Dice) -> Result<()>;
    /// All ranks write their parts, equal ones or given ones.
    fn update_parts(&mut self, dice: Dice) -> Result<()>;
    /// All ranks contribute rows, at offsets or in order; the last rows may stay.
    fn gather(&mut self, dice: Dice) -> Result<()>;
    /// All ranks contribute an array, into or onto what is there, in either order.
    fn reduce(&mut self, dice: Dice) -> Result<()>;
    /// Other extents, that are not far from those it has.
    fn resize(&mut self, dice: Dice) -> Result<()>;
    fn close(self: Box<Self>) -> Result<()>;
    /// Compares with the model.
    fn check(&self);
    /// Keeps the model as it is, until `restore_model`.
    fn keep_model(&mut self);
    fn restore_model(&mut self);

    // What follows must fail. Only `failing_update` writes, and the model with it.
    /// An empty block, passed by none or several.
    fn assign_by(&mut self, holders: &[usize]) -> Result<()>;
    fn set_past_the_edge(&mut self, root: usize) -> Result<()>;
    fn set_nothing(&mut self, root: usize) -> Result<()>;
    /// A closure that is never to run.
    fn update_by_nobody(&mut self, root: usize) -> Result<()>;
    fn fill_differently(&mut self, odd: usize) -> Result<()>;
    /// Writes, then fails with `fail`, which may panic. The model is written first, so it is right also after a panic.
    fn failing_update(&mut self, root: usize, dice: Dice, fail: &dyn Fn() -> String) -> Result<()>;
    fn failing_per_node(&mut self, fail: &dyn Fn() -> String) -> Result<()>;
    fn panicking_set_with(&mut self, root: usize) -> Result<()>;
}

/// Makes a new object with the extents that `dice` say, by `root` if there is one.
pub(super) fn make(comm: &Comm, root: Option<usize>, mut dice: Dice) -> Result<Box<dyn Held>> {
    match dice.below(4) {
        0 => Pair::<[u64]>::make(comm, root, dice),
        1 => Pair::<Array1<[u8; 3]>>::make(comm, root, dice),
        2 => Pair::<Array2<f32>>::make(comm, root, dice),
        _ => Pair::<Array3<u64>>::make(comm, root, dice),
    }
}

/// An object and its model.
struct Pair<L: Form + ?Sized> {
    shared: Shared<L>,
    model: ArrayD<L::Item>,
    kept: Option<ArrayD<L::Item>>,
}

impl<L: Form + ?Sized> Pair<L> {
    fn make(comm: &Comm, root: Option<usize>, mut dice: Dice) -> Result<Box<dyn Held>> {
        let extents = dice.extents(L::DIMENSIONS);
        let pair = if let Some(root) = root {
            let model = dice.array(&extents);
            Pair {
                shared: Shared::<L>::from_root(comm, root, || L::own(&model))?,
                model,
                kept: None,
            }
        } else {
            let model = ArrayD::from_elem(&*extents, L::Item::zeroed());
            Pair {
                shared: Shared::<L>::new(comm, L::dims_for(&extents))?,
                model,
                kept: None,
            }
        };
        Ok(Box::new(pair))
    }

    /// A random block, written into the model.
    fn part(&mut self, mut dice: Dice) -> (L::Offset, ArrayD<L::Item>) {
        let (offset, extents) = dice.block(self.model.shape());
        let block = dice.array(&extents);
        let range = |axis: usize| Slice::from(offset[axis]..offset[axis] + extents[axis]);
        self.model
            .slice_each_axis_mut(|axis| range(axis.axis.index()))
            .assign(&block);
        (L::offset(&offset), block)
    }

    fn origin() -> L::Offset {
        L::offset(&vec![0; L::DIMENSIONS])
    }

    /// A block with this extent in each axis.
    fn cube(extent: usize) -> ArrayD<L::Item> {
        ArrayD::from_elem(vec![extent; L::DIMENSIONS], L::Item::zeroed())
    }

    fn is_rank(&self, rank: usize) -> bool {
        self.shared.comm().rank() == rank
    }
}

impl<L: Form + ?Sized> Held for Pair<L> {
    fn comm(&self) -> &Comm {
        self.shared.comm()
    }

    fn set(&mut self, root: usize, dice: Dice) -> Result<()> {
        let (offset, block) = self.part(dice);
        let mine = self.is_rank(root);
        self.shared
            .set(root, offset, mine.then(|| L::block(&block)))
    }

    fn set_with(&mut self, root: usize, dice: Dice) -> Result<()> {
        let (offset, block) = self.part(dice);
        self.shared.set_with(root, offset, || L::own(&block))
    }

    fn assign(&mut self, holder: usize, dice: Dice) -> Result<()> {
        let (offset, block) = self.part(dice);
        let mine = self.is_rank(holder);
        self.shared.assign(offset, mine.then(|| L::block(&block)))
    }

    fn fill(&mut self, mut dice: Dice) -> Result<()> {
        let value = L::Item::from_number(dice.next());
        self.model.fill(value);
        self.shared.fill(value)
    }

    fn update(&mut self, root: usize, dice: Dice, through_field: bool) -> Result<()> {
        change(&mut self.model, dice.clone());
        let found = if through_field {
            L::update_field(&mut self.shared, root, dice)?
        } else {
            self.shared.update(root, |w| L::change(w, dice))?
        };
        assert_eq!(
            found.is_some(),
            self.is_rank(root),
            "only the root has a result"
        );
        Ok(())
    }

    fn update_per_node(&mut self, dice: Dice) -> Result<()> {
        change(&mut self.model, dice.clone());
        let found = self.shared.update_per_node(|w| L::change(w, dice))?;
        assert_eq!(
            found.is_some(),
            self.shared.comm().node().rank == 0,
            "one rank of each node has a result"
        );
        Ok(())
    }

    fn update_parts(&mut self, mut dice: Dice) -> Result<()> {
        let shape = self.model.shape().to_vec();
        let next = dice.array(&shape);
        let (size, total) = (self.shared.comm().size(), shape[0]);
        let write = |rows: Range<usize>, part: L::Part<'_>| {
            L::write(part, rows.clone(), &next);
            rows.len()
        };
        let rows = if dice.below(2) == 0 {
            self.shared.update_parts(write)?
        } else {
            let mut counts = dice.cut(total, size);
            counts[0] += total - counts.iter().sum::<usize>();
            self.shared.update_parts_by(&counts, write)?
        };
        assert!(rows <= total, "a part of the rows");
        self.model = next;
        Ok(())
    }

    fn gather(&mut self, mut dice: Dice) -> Result<()> {
        let next = dice.array(self.model.shape());
        let (rank, size) = (self.shared.comm().rank(), self.shared.comm().size());
        let counts = dice.cut(next.shape()[0], size);
        let start = |rank: usize| counts[..rank].iter().sum::<usize>();
        let mine = start(rank)..start(rank + 1);
        let block = L::own(&rows_of(&next, mine.clone()));
        if dice.below(2) == 0 {
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

    fn reduce(&mut self, mut dice: Dice) -> Result<()> {
        // The larger one, byte by byte: the same in any order.
        let larger = |a: L::Item, b: L::Item| {
            let is_less = bytemuck::bytes_of(&a) < bytemuck::bytes_of(&b);
            if is_less { b } else { a }
        };
        let parts: Vec<ArrayD<L::Item>> = (0..self.shared.comm().size())
            .map(|_| dice.array(self.model.shape()))
            .collect();
        let mine = L::own(&parts[self.shared.comm().rank()]);
        let op = if dice.below(2) == 0 {
            Op::new(larger)
        } else {
            Op::new(larger).reproducible()
        };
        let sum = parts.iter().skip(1).fold(parts[0].clone(), |sum, part| {
            Zip::from(&sum).and(part).map_collect(|&a, &b| larger(a, b))
        });
        if dice.below(2) == 0 {
            self.model = sum;
            self.shared.reduce_into(op, &mine)
        } else {
            self.model.zip_mut_with(&sum, |a, &b| *a = larger(*a, b));
            self.shared.accumulate(op, &mine)
        }
    }

    fn resize(&mut self, mut dice: Dice) -> Result<()> {
        let shape = self.model.shape();
        let next: Vec<usize> = shape
            .iter()
            .map(|&n| (n + dice.below(4)).saturating_sub(2))
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

    fn keep_model(&mut self) {
        self.kept = Some(self.model.clone());
    }

    fn restore_model(&mut self) {
        self.model = self.kept.take().expect("a model that was kept");
    }

    fn assign_by(&mut self, holders: &[usize]) -> Result<()> {
        let (block, rank) = (Self::cube(0), self.shared.comm().rank());
        self.shared.assign(
            Self::origin(),
            holders.contains(&rank).then(|| L::block(&block)),
        )
    }

    fn set_past_the_edge(&mut self, root: usize) -> Result<()> {
        let block = Self::cube(1);
        self.shared
            .set(root, L::offset(self.model.shape()), Some(L::block(&block)))
    }

    fn set_nothing(&mut self, root: usize) -> Result<()> {
        let block = Self::cube(0);
        let mine = self.is_rank(root);
        self.shared
            .set(root, Self::origin(), (!mine).then(|| L::block(&block)))
    }

    fn update_by_nobody(&mut self, root: usize) -> Result<()> {
        let found = self.shared.update(root, |_| panic!("the closure ran"))?;
        assert_eq!(found, None, "nobody has a result");
        Ok(())
    }

    fn fill_differently(&mut self, odd: usize) -> Result<()> {
        let value = L::Item::from_number(if self.is_rank(odd) { 4 } else { 8 });
        self.shared.fill(value)
    }

    fn failing_update(&mut self, root: usize, dice: Dice, fail: &dyn Fn() -> String) -> Result<()> {
        change(&mut self.model, dice.clone());
        let result = self.shared.try_update(root, |w| {
            L::change(w, dice);
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
            resume_unwind(Box::new("on purpose"))
        })
    }
}
