//! One array of the library, an object or a field of one, and the `ndarray` model that it must be equal to.

use std::marker::PhantomData;
use std::ops::Range;
use std::panic::resume_unwind;

use bytemuck::Zeroable;
use ndarray::{ArrayD, Axis, Slice, Zip};
use pshmem::{Comm, Op, Result};

use super::calls::Calls;
use super::early_exits::DELIBERATE;
use super::layout::{ModelLayout, random_update, rows_of};
use super::rng::{ModelElement, Rng};
use crate::values::number;

/// An array of any type and its model. All ranks make each call with the same arguments.
pub(super) trait AnyArray {
    fn comm(&self) -> &Comm;
    fn shape(&self) -> &[usize];
    fn set(&mut self, root: usize, rng: Rng) -> Result<()>;
    fn set_with(&mut self, root: usize, rng: Rng) -> Result<()>;
    fn assign(&mut self, holder: usize, rng: Rng) -> Result<()>;
    fn fill(&mut self, rng: Rng) -> Result<()>;
    /// The closure also calls `inside`.
    fn update(&mut self, root: usize, rng: Rng, inside: &mut dyn FnMut()) -> Result<()>;
    fn update_per_node(&mut self, rng: Rng) -> Result<()>;
    /// All ranks write their parts, of equal or of given lengths, of equal weight, along any axis, or row by row, and call `inside`
    /// meanwhile.
    fn update_parts(&mut self, rng: Rng, inside: &mut dyn FnMut()) -> Result<()>;
    /// All ranks contribute rows, at offsets or in rank order; the last rows may stay unchanged.
    fn gather(&mut self, rng: Rng) -> Result<()>;
    /// All ranks contribute an array, with or without the old values, in either order.
    fn reduce(&mut self, rng: Rng) -> Result<()>;
    /// All ranks add to any elements, in either order.
    fn scatter(&mut self, rng: Rng) -> Result<()>;
    /// The same with hits that are shared out by a loop, or by a counter inside of the closure.
    fn dynamic_loop(&mut self, rng: Rng) -> Result<()>;

    // The following calls must fail. Only `failing_update`, `failing_parts` and those of `scatter` write, also to the model.
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
    /// All ranks write their parts; then that of `outlier` fails.
    fn failing_parts(&mut self, outlier: usize, rng: Rng, fail: &dyn Fn() -> String) -> Result<()>;
    /// No closure may run in this one and the next three.
    fn parts_with_counts(&mut self, counts: &[usize]) -> Result<()>;
    fn parts_with_weights(&mut self, weights: &[f64]) -> Result<()>;
    fn parts_along(&mut self, axis: usize) -> Result<()>;
    fn rows_of_owners(&mut self, owner: &dyn Fn(usize) -> usize) -> Result<()>;
    /// Every rank gathers one element at the origin.
    fn overlapping_gather(&mut self) -> Result<()>;
    fn gather_out_of_bounds(&mut self, outlier: usize) -> Result<()>;
    fn gather_too_many_rows(&mut self, outlier: usize) -> Result<()>;
    /// The rows of one rank have one element more. Only for arrays of several dimensions.
    fn gather_other_rows(&mut self, outlier: usize) -> Result<()>;
    fn reduce_other_extents(&mut self, outlier: usize, accumulates: bool) -> Result<()>;
    /// One rank wants another order than the others.
    fn reduce_differently(&mut self, outlier: usize) -> Result<()>;
    /// The operation panics on one rank, if it is called there. The array holds arbitrary values afterwards.
    fn panicking_reduce(&mut self, outlier: usize, reproducible: bool) -> Result<()>;
    /// All ranks add; then the closure of `outlier` fails.
    fn failing_scatter(
        &mut self,
        outlier: usize,
        rng: Rng,
        fail: &dyn Fn() -> String,
    ) -> Result<()>;
    /// All ranks add; `outlier` then adds to an element that does not exist.
    fn scatter_out_of_range(&mut self, outlier: usize, rng: Rng) -> Result<()>;
    /// One rank wants another order than the others. No closure may run.
    fn scatter_differently(&mut self, outlier: usize) -> Result<()>;
    /// As `panicking_reduce`.
    fn panicking_scatter(&mut self, outlier: usize, rng: Rng) -> Result<()>;
}

/// An array and its model.
pub(super) struct ArrayWithModel<'a, L: ModelLayout + ?Sized, H> {
    comm: Comm,
    handle: H,
    model: &'a mut ArrayD<L::Item>,
    layout: PhantomData<fn() -> Box<L>>,
}

impl<'a, L: ModelLayout + ?Sized, H> ArrayWithModel<'a, L, H> {
    pub(super) fn new(comm: &Comm, handle: H, model: &'a mut ArrayD<L::Item>) -> Self {
        ArrayWithModel {
            comm: comm.clone(),
            handle,
            model,
            layout: PhantomData,
        }
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

    fn zeros(extents: &[usize]) -> ArrayD<L::Item> {
        ArrayD::from_elem(extents, L::Item::zeroed())
    }

    /// A block with the same extent in each axis.
    fn cube(extent: usize) -> ArrayD<L::Item> {
        Self::zeros(&vec![extent; L::DIMENSIONS])
    }

    fn is_rank(&self, rank: usize) -> bool {
        self.comm.rank() == rank
    }

    /// Some hits, none if the array has no elements.
    fn hits(&self, rng: &mut Rng) -> Vec<(Vec<usize>, L::Item)> {
        let shape = self.model.shape();
        let hits = match rng.below(8) {
            _ if shape.contains(&0) => 0,
            // More than a round takes.
            0 => 5000,
            _ => rng.below(30),
        };
        let hit = |_| {
            let at = shape.iter().map(|&extent| rng.below(extent)).collect();
            (at, L::Item::from_number(rng.next()))
        };
        (0..hits).map(hit).collect()
    }

    /// Combines hits into the model.
    fn hit_model(&mut self, hits: &[(Vec<usize>, L::Item)]) {
        for (at, value) in hits {
            let element = &mut self.model[&at[..]];
            *element = larger(*element, *value);
        }
    }

    /// The hits of this rank; those of all ranks are combined into the model.
    fn hit_by_all(&mut self, rng: &mut Rng) -> Vec<(Vec<usize>, L::Item)> {
        let all: Vec<_> = (0..self.comm.size()).map(|_| self.hits(rng)).collect();
        for hits in &all {
            self.hit_model(hits);
        }
        all[self.comm.rank()].clone()
    }

    /// What this rank passes to a reduction.
    fn local(&self) -> L::Owned {
        L::owned(&Self::zeros(self.model.shape()))
    }

    /// Random weights of rows, some of them zero.
    fn weights(rows: usize, rng: &mut Rng) -> Vec<f64> {
        (0..rows)
            .map(|_| f64::from((rng.below(9) as u8).saturating_sub(2)))
            .collect()
    }

    /// A random map of rows to ranks: in turn, in blocks, or any.
    fn owners(size: usize, rng: &mut Rng) -> impl Fn(usize) -> usize + use<L, H> {
        let (block, seed) = (1 + rng.below(3), rng.below(1000));
        let is_any = rng.below(3) == 0;
        move |row| {
            if is_any {
                number(seed, row) as usize % size
            } else {
                (row / block + seed) % size
            }
        }
    }

    /// Random numbers of rows for all ranks.
    fn counts(&self, rng: &mut Rng) -> Vec<usize> {
        let total = self.model.shape()[0];
        let mut counts = rng.partition(total, self.comm.size());
        counts[0] += total - counts.iter().sum::<usize>();
        counts
    }
}

impl<L: ModelLayout + ?Sized, H: std::ops::DerefMut<Target: Calls<L>>> AnyArray
    for ArrayWithModel<'_, L, H>
{
    fn comm(&self) -> &Comm {
        &self.comm
    }

    fn shape(&self) -> &[usize] {
        self.model.shape()
    }

    fn set(&mut self, root: usize, rng: Rng) -> Result<()> {
        let (offset, block) = self.write_model(rng);
        let mine = self.is_rank(root);
        self.handle
            .set(root, offset, mine.then(|| L::block(&block)))
    }

    fn set_with(&mut self, root: usize, rng: Rng) -> Result<()> {
        let (offset, block) = self.write_model(rng);
        self.handle.set_with(root, offset, || L::owned(&block))
    }

    fn assign(&mut self, holder: usize, rng: Rng) -> Result<()> {
        let (offset, block) = self.write_model(rng);
        let mine = self.is_rank(holder);
        self.handle.assign(offset, mine.then(|| L::block(&block)))
    }

    fn fill(&mut self, mut rng: Rng) -> Result<()> {
        let value = L::Item::from_number(rng.next());
        self.model.fill(value);
        self.handle.fill(value)
    }

    fn update(&mut self, root: usize, rng: Rng, inside: &mut dyn FnMut()) -> Result<()> {
        random_update(self.model, rng.clone());
        let found = self.handle.update(root, |w| {
            inside();
            L::random_update(w, rng);
        })?;
        assert_eq!(
            found.is_some(),
            self.is_rank(root),
            "only the root has a result"
        );
        Ok(())
    }

    fn update_per_node(&mut self, rng: Rng) -> Result<()> {
        random_update(self.model, rng.clone());
        let found = self.handle.update_per_node(|w| L::random_update(w, rng))?;
        assert_eq!(
            found.is_some(),
            self.comm.node().rank == 0,
            "one rank of each node has a result"
        );
        Ok(())
    }

    fn update_parts(&mut self, mut rng: Rng, inside: &mut dyn FnMut()) -> Result<()> {
        let shape = self.model.shape().to_vec();
        let next = rng.array(&shape);
        let mut axis = 0;
        let mut write = |axis: usize, range: Range<usize>, part: L::Part<'_>| {
            inside();
            L::write(part, axis, range.clone(), &next);
            range.len()
        };
        let len = match rng.below(6) {
            0 => {
                let counts = self.counts(&mut rng);
                self.handle
                    .update_parts_by(&counts, |rows, part| write(0, rows, part))?
            }
            1 => {
                let weights = Self::weights(shape[0], &mut rng);
                self.handle
                    .update_parts_weighted(&weights, |rows, part| write(0, rows, part))?
            }
            2 => {
                axis = rng.below(shape.len());
                self.handle
                    .update_parts_along(Axis(axis), |range, part| write(axis, range, part))?
            }
            3 => {
                let (owner, rank) = (Self::owners(self.comm.size(), &mut rng), self.comm.rank());
                let mut visited = 0;
                self.handle.update_rows(&owner, |row, out| {
                    if visited == 0 {
                        inside();
                    }
                    visited += 1;
                    assert_eq!(owner(row), rank);
                    L::write_row(out, row, &next);
                })?;
                visited
            }
            _ => self
                .handle
                .update_parts(|rows, part| write(0, rows, part))?,
        };
        assert!(len <= shape[axis], "a part of the rows");
        *self.model = next;
        Ok(())
    }

    fn gather(&mut self, mut rng: Rng) -> Result<()> {
        let next = rng.array(self.model.shape());
        let (rank, size) = (self.comm.rank(), self.comm.size());
        let counts = rng.partition(next.shape()[0], size);
        let start = |rank: usize| counts[..rank].iter().sum::<usize>();
        let mine = start(rank)..start(rank + 1);
        let block = L::owned(&rows_of(&next, mine.clone()));
        if rng.below(2) == 0 {
            let found = self.handle.gather_in_order(&block)?;
            assert_eq!(found, mine, "the rows of this rank");
        } else {
            let mut at = vec![0; L::DIMENSIONS];
            at[0] = mine.start;
            self.handle.gather(L::offset(&at), &block)?;
        }
        let kept = Slice::from(..start(size));
        self.model
            .slice_axis_mut(Axis(0), kept)
            .assign(&next.slice_axis(Axis(0), kept));
        Ok(())
    }

    fn reduce(&mut self, mut rng: Rng) -> Result<()> {
        let parts: Vec<ArrayD<L::Item>> = (0..self.comm.size())
            .map(|_| rng.array(self.model.shape()))
            .collect();
        let mine = L::owned(&parts[self.comm.rank()]);
        let op = if rng.below(2) == 0 {
            Op::new(larger)
        } else {
            Op::new(larger).reproducible()
        };
        let sum = parts.iter().skip(1).fold(parts[0].clone(), |sum, part| {
            Zip::from(&sum).and(part).map_collect(|&a, &b| larger(a, b))
        });
        if rng.below(2) == 0 {
            *self.model = sum;
            self.handle.reduce_into(op, &mine)
        } else {
            self.model.zip_mut_with(&sum, |a, &b| *a = larger(*a, b));
            self.handle.accumulate(op, &mine)
        }
    }

    fn scatter(&mut self, mut rng: Rng) -> Result<()> {
        let mine = self.hit_by_all(&mut rng);
        let added = self.handle.scatter(in_any_order(&mut rng), |add| {
            add_all::<L>(add, &mine);
            mine.len()
        })?;
        assert_eq!(added, mine.len());
        Ok(())
    }

    fn dynamic_loop(&mut self, mut rng: Rng) -> Result<()> {
        let hits = self.hits(&mut rng);
        self.hit_model(&hits);
        let (op, chunk) = (in_any_order(&mut rng), 1 + rng.below(50));
        if rng.below(2) == 0 {
            let mut mine = Vec::new();
            self.comm.for_each_dynamic(0..hits.len(), chunk, |range| {
                mine.extend_from_slice(&hits[range]);
                Ok::<(), String>(())
            })?;
            self.handle.scatter(op, |add| add_all::<L>(add, &mine))
        } else {
            let counter = self.comm.counter(hits.len())?;
            self.handle.scatter(op, |add| {
                while let Some(range) = counter.next(chunk)? {
                    add_all::<L>(add, &hits[range]);
                }
                Ok(())
            })?
        }
    }

    fn assign_from(&mut self, holders: &[usize]) -> Result<()> {
        let (block, rank) = (Self::cube(0), self.comm.rank());
        self.handle.assign(
            Self::origin(),
            holders.contains(&rank).then(|| L::block(&block)),
        )
    }

    fn set_out_of_bounds(&mut self, root: usize) -> Result<()> {
        let block = Self::cube(1);
        self.handle
            .set(root, L::offset(self.model.shape()), Some(L::block(&block)))
    }

    fn set_without_data(&mut self, root: usize) -> Result<()> {
        let block = Self::cube(0);
        let mine = self.is_rank(root);
        self.handle
            .set(root, Self::origin(), (!mine).then(|| L::block(&block)))
    }

    fn update_without_root(&mut self, root: usize) -> Result<()> {
        let found = self.handle.update(root, |_| panic!("the closure ran"))?;
        assert_eq!(found, None, "nobody has a result");
        Ok(())
    }

    fn fill_differently(&mut self, outlier: usize) -> Result<()> {
        let value = L::Item::from_number(if self.is_rank(outlier) { 4 } else { 8 });
        self.handle.fill(value)
    }

    fn failing_update(&mut self, root: usize, rng: Rng, fail: &dyn Fn() -> String) -> Result<()> {
        random_update(self.model, rng.clone());
        let result = self.handle.try_update(root, |w| {
            L::random_update(w, rng);
            Err::<(), _>(fail())
        });
        result.map(drop)
    }

    fn failing_per_node(&mut self, fail: &dyn Fn() -> String) -> Result<()> {
        self.handle
            .try_update_per_node(|_| Err::<(), _>(fail()))
            .map(drop)
    }

    fn panicking_set_with(&mut self, root: usize) -> Result<()> {
        self.handle.set_with(root, Self::origin(), || -> L::Owned {
            resume_unwind(Box::new(DELIBERATE))
        })
    }

    fn failing_parts(
        &mut self,
        outlier: usize,
        mut rng: Rng,
        fail: &dyn Fn() -> String,
    ) -> Result<()> {
        *self.model = rng.array(self.model.shape());
        let (next, fails) = (self.model.clone(), self.is_rank(outlier));
        let write = |axis: usize, range: Range<usize>, part: L::Part<'_>| {
            L::write(part, axis, range, &next);
            if fails { Err(fail()) } else { Ok(()) }
        };
        match rng.below(6) {
            0 => {
                let counts = self.counts(&mut rng);
                self.handle
                    .try_update_parts_by(&counts, |rows, part| write(0, rows, part))
            }
            1 => {
                let weights = Self::weights(next.shape()[0], &mut rng);
                self.handle
                    .try_update_parts_weighted(&weights, |rows, part| write(0, rows, part))
            }
            2 => {
                let axis = rng.below(next.ndim());
                self.handle
                    .try_update_parts_along(Axis(axis), |range, part| write(axis, range, part))
            }
            3 if next.shape()[0] > 0 => {
                // The outlier has a row to fail at: the last one.
                let last = next.shape()[0] - 1;
                let others = Self::owners(self.comm.size(), &mut rng);
                let owner = |row| if row == last { outlier } else { others(row) };
                self.handle.try_update_rows(owner, |row, out| {
                    L::write_row(out, row, &next);
                    if fails && row == last {
                        Err(fail())
                    } else {
                        Ok(())
                    }
                })
            }
            _ => self
                .handle
                .try_update_parts(|rows, part| write(0, rows, part)),
        }
    }

    fn parts_with_counts(&mut self, counts: &[usize]) -> Result<()> {
        self.handle
            .update_parts_by(counts, |_, _| panic!("a closure ran"))
    }

    fn parts_with_weights(&mut self, weights: &[f64]) -> Result<()> {
        self.handle
            .update_parts_weighted(weights, |_, _| panic!("a closure ran"))
    }

    fn parts_along(&mut self, axis: usize) -> Result<()> {
        self.handle
            .update_parts_along(Axis(axis), |_, _| panic!("a closure ran"))
    }

    fn rows_of_owners(&mut self, owner: &dyn Fn(usize) -> usize) -> Result<()> {
        self.handle
            .update_rows(owner, |_, _| panic!("a closure ran"))
    }

    fn overlapping_gather(&mut self) -> Result<()> {
        let block = L::owned(&Self::cube(1));
        self.handle.gather(Self::origin(), &block)
    }

    fn gather_out_of_bounds(&mut self, outlier: usize) -> Result<()> {
        if self.is_rank(outlier) {
            let at = L::offset(self.model.shape());
            self.handle.gather(at, &L::owned(&Self::cube(1)))
        } else {
            let nothing = L::owned(&Self::cube(0));
            self.handle.gather(Self::origin(), &nothing)
        }
    }

    fn gather_too_many_rows(&mut self, outlier: usize) -> Result<()> {
        let mut extents = self.model.shape().to_vec();
        extents[0] = if self.is_rank(outlier) {
            extents[0] + 1
        } else {
            0
        };
        let rows = L::owned(&Self::zeros(&extents));
        self.handle.gather_in_order(&rows).map(drop)
    }

    fn gather_other_rows(&mut self, outlier: usize) -> Result<()> {
        let mut extents = self.model.shape().to_vec();
        extents[0] = 0;
        extents[1] += usize::from(self.is_rank(outlier));
        let rows = L::owned(&Self::zeros(&extents));
        self.handle.gather_in_order(&rows).map(drop)
    }

    fn reduce_other_extents(&mut self, outlier: usize, accumulates: bool) -> Result<()> {
        let mut extents = self.model.shape().to_vec();
        extents[0] += usize::from(self.is_rank(outlier));
        let (op, local) = (Op::new(larger), L::owned(&Self::zeros(&extents)));
        if accumulates {
            self.handle.accumulate(op, &local)
        } else {
            self.handle.reduce_into(op, &local)
        }
    }

    fn reduce_differently(&mut self, outlier: usize) -> Result<()> {
        let op = if self.is_rank(outlier) {
            Op::new(larger).reproducible()
        } else {
            Op::new(larger)
        };
        let local = self.local();
        self.handle.reduce_into(op, &local)
    }

    fn panicking_reduce(&mut self, outlier: usize, reproducible: bool) -> Result<()> {
        let panics = self.is_rank(outlier);
        let op = Op::new(move |a, b| {
            if panics {
                resume_unwind(Box::new(DELIBERATE));
            }
            larger(a, b)
        });
        let op = if reproducible { op.reproducible() } else { op };
        let local = self.local();
        self.handle.accumulate(op, &local)
    }

    fn failing_scatter(
        &mut self,
        outlier: usize,
        mut rng: Rng,
        fail: &dyn Fn() -> String,
    ) -> Result<()> {
        let (mine, fails) = (self.hit_by_all(&mut rng), self.is_rank(outlier));
        self.handle.try_scatter(in_any_order(&mut rng), |add| {
            add_all::<L>(add, &mine);
            if fails { Err(fail()) } else { Ok(()) }
        })
    }

    fn scatter_out_of_range(&mut self, outlier: usize, mut rng: Rng) -> Result<()> {
        let (mine, fails) = (self.hit_by_all(&mut rng), self.is_rank(outlier));
        let mut outside = vec![0; L::DIMENSIONS];
        let axis = rng.below(L::DIMENSIONS);
        outside[axis] = self.model.shape()[axis] + rng.below(3);
        self.handle.scatter(in_any_order(&mut rng), |add| {
            add_all::<L>(add, &mine);
            if fails {
                add(L::offset(&outside), L::Item::zeroed());
                // Hits after that one do not count.
                for (at, _) in &mine {
                    add(L::offset(at), L::Item::from_number(u64::MAX));
                }
            }
        })
    }

    fn scatter_differently(&mut self, outlier: usize) -> Result<()> {
        let op = if self.is_rank(outlier) {
            Op::new(larger).reproducible()
        } else {
            Op::new(larger)
        };
        self.handle.scatter(op, |_| panic!("a closure ran"))
    }

    fn panicking_scatter(&mut self, outlier: usize, mut rng: Rng) -> Result<()> {
        let mine = self.hits(&mut rng);
        let panics = self.is_rank(outlier);
        let op = Op::new(move |a, b| {
            if panics {
                resume_unwind(Box::new(DELIBERATE));
            }
            larger(a, b)
        });
        let op = if rng.below(2) == 0 {
            op.reproducible()
        } else {
            op
        };
        self.handle.scatter(op, |add| add_all::<L>(add, &mine))
    }
}

/// An operation that gives the same result in any order, in one of the orders of `scatter`.
fn in_any_order<T: ModelElement>(rng: &mut Rng) -> Op<'static, T> {
    let op = Op::new(larger);
    if rng.below(2) == 0 {
        op.reproducible()
    } else {
        op
    }
}

fn add_all<L: ModelLayout + ?Sized>(
    add: &mut dyn FnMut(L::Offset, L::Item),
    hits: &[(Vec<usize>, L::Item)],
) {
    for (at, value) in hits {
        add(L::offset(at), *value);
    }
}

/// The larger element in bytewise comparison: a reduction by it has the same result in any order.
fn larger<T: ModelElement>(a: T, b: T) -> T {
    let is_less = bytemuck::bytes_of(&a) < bytemuck::bytes_of(&b);
    if is_less { b } else { a }
}
