//! One object of the library beside its model.

use std::panic::resume_unwind;

use bytemuck::Zeroable;
use ndarray::{Array1, Array2, Array3, ArrayD, ArrayRef, ArrayViewMut1, Dimension, Slice};
use pshmem::{AsBlock, BlockLayout, Comm, Result, Shared};

use crate::check::{assert_equal, assert_same, number};

/// A source of numbers, equal on all ranks that begin with the same seed.
#[derive(Debug, Clone)]
pub(super) struct Dice {
    seed: usize,
    thrown: usize,
}

impl Dice {
    pub(super) fn new(seed: usize) -> Self {
        Dice { seed, thrown: 0 }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.thrown += 1;
        number(self.seed, self.thrown)
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Extents, mostly small, now and then 0, and once in a while so large that other code runs.
    fn extents(&mut self, dimensions: usize) -> Vec<usize> {
        if self.below(12) == 0 {
            let first = 30_000 + self.below(20_000);
            return (0..dimensions).map(|axis| if axis == 0 { first } else { 3 }).collect();
        }
        (0..dimensions).map(|_| self.below(6)).collect()
    }

    /// Offset and extents of a block inside `shape`.
    fn block(&mut self, shape: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let parts = shape.iter().map(|&extent| {
            let len = self.below(extent + 1);
            (self.below(extent - len + 1), len)
        });
        parts.unzip()
    }

    fn array<T: Item>(&mut self, shape: &[usize]) -> ArrayD<T> {
        ArrayD::from_shape_simple_fn(shape, || T::from_number(self.next()))
    }
}

/// How an update changes an array.
fn change<T: Item, D: Dimension>(array: &mut ArrayRef<T, D>, mut dice: Dice) {
    let len = array.len();
    for _ in 0..if len > 0 { dice.below(4) } else { 0 } {
        let (at, value) = (dice.below(len), T::from_number(dice.next()));
        *array.iter_mut().nth(at).expect("a position inside") = value;
    }
}

/// Element types that random numbers become.
pub(super) trait Item: pshmem::Element + PartialEq + std::fmt::Debug {
    fn from_number(number: u64) -> Self;
}

impl Item for u64 {
    fn from_number(number: u64) -> Self {
        number
    }
}

impl Item for f32 {
    fn from_number(number: u64) -> Self {
        (number % 1_000_000) as u32 as f32 * 0.25
    }
}

impl Item for [u8; 3] {
    fn from_number(number: u64) -> Self {
        let [a, b, c, ..] = number.to_le_bytes();
        [a, b, c]
    }
}

/// An object and its model, whatever the layout. Each call is made by all ranks with the same arguments.
pub(super) trait Held {
    fn comm(&self) -> &Comm;
    fn set(&mut self, root: usize, dice: Dice) -> Result<()>;
    fn set_with(&mut self, root: usize, dice: Dice) -> Result<()>;
    fn assign(&mut self, holder: usize, dice: Dice) -> Result<()>;
    fn fill(&mut self, dice: Dice) -> Result<()>;
    fn update(&mut self, root: usize, dice: Dice, through_field: bool) -> Result<()>;
    fn update_per_node(&mut self, dice: Dice) -> Result<()>;
    fn close(self: Box<Self>) -> Result<()>;
    /// Compares with the model.
    fn check(&self);

    // What follows must fail. Only `failing_update` writes, and the model with it.
    /// An empty block, passed by none or several.
    fn assign_by(&mut self, holders: &[usize]) -> Result<()>;
    fn set_past_the_edge(&mut self, root: usize) -> Result<()>;
    fn set_nothing(&mut self, root: usize) -> Result<()>;
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

/// How the layouts turn what a model has into what they take.
trait Form: BlockLayout<Item: Item, Owned: AsBlock<Self>> {
    const DIMENSIONS: usize;
    fn dims_for(extents: &[usize]) -> Self::Dims;
    fn offset(at: &[usize]) -> Self::Offset;
    fn block(model: &ArrayD<Self::Item>) -> Self::Block<'_>;
    fn own(model: &ArrayD<Self::Item>) -> Self::Owned;
    fn check(view: Self::View<'_>, model: &ArrayD<Self::Item>);
    fn change(view: Self::ViewMut<'_>, dice: Dice);
    fn update_field(shared: &mut Shared<Self>, root: usize, dice: Dice) -> Result<Option<()>>;
}

impl Form for [u64] {
    const DIMENSIONS: usize = 1;

    fn dims_for(extents: &[usize]) -> usize {
        extents[0]
    }

    fn offset(at: &[usize]) -> usize {
        at[0]
    }

    fn block(model: &ArrayD<u64>) -> &[u64] {
        model.as_slice().expect("a model is in row-major order")
    }

    fn own(model: &ArrayD<u64>) -> Vec<u64> {
        model.iter().copied().collect()
    }

    fn check(view: &[u64], model: &ArrayD<u64>) {
        assert_equal(view, Self::block(model));
    }

    fn change(mut view: Self::ViewMut<'_>, dice: Dice) {
        change(&mut ArrayViewMut1::from(&mut *view), dice);
    }

    fn update_field(shared: &mut Shared<Self>, root: usize, dice: Dice) -> Result<Option<()>> {
        shared.fields().update(root, |w| Self::change(w, dice))
    }
}

macro_rules! array_form {
    ($($n:literal: $layout:ty, $t:ty;)*) => {$(
        impl Form for $layout {
            const DIMENSIONS: usize = $n;

            fn dims_for(extents: &[usize]) -> [usize; $n] {
                extents.try_into().expect("as many extents as dimensions")
            }

            fn offset(at: &[usize]) -> [usize; $n] {
                at.try_into().expect("as many numbers as dimensions")
            }

            fn block(model: &ArrayD<$t>) -> Self::Block<'_> {
                model.view().into_dimensionality().expect("as many dimensions")
            }

            fn own(model: &ArrayD<$t>) -> Self {
                Self::block(model).to_owned()
            }

            fn check(view: Self::View<'_>, model: &ArrayD<$t>) {
                assert_same(view.into_dyn(), model.view());
            }

            fn change(mut view: Self::ViewMut<'_>, dice: Dice) {
                change(&mut *view, dice);
            }

            fn update_field(shared: &mut Shared<Self>, root: usize, dice: Dice) -> Result<Option<()>> {
                shared.fields().update(root, |w| Self::change(w, dice))
            }
        }
    )*};
}

array_form! {
    1: Array1<[u8; 3]>, [u8; 3];
    2: Array2<f32>, f32;
    3: Array3<u64>, u64;
}

/// An object and its model.
struct Pair<L: Form + ?Sized> {
    shared: Shared<L>,
    model: ArrayD<L::Item>,
}

impl<L: Form + ?Sized> Pair<L> {
    fn make(comm: &Comm, root: Option<usize>, mut dice: Dice) -> Result<Box<dyn Held>> {
        let extents = dice.extents(L::DIMENSIONS);
        let pair = if let Some(root) = root {
            let model = dice.array(&extents);
            Pair { shared: Shared::<L>::from_root(comm, root, || L::own(&model))?, model }
        } else {
            let model = ArrayD::from_elem(&*extents, L::Item::zeroed());
            Pair { shared: Shared::<L>::new(comm, L::dims_for(&extents))?, model }
        };
        Ok(Box::new(pair))
    }

    /// A random block, written into the model.
    fn part(&mut self, mut dice: Dice) -> (L::Offset, ArrayD<L::Item>) {
        let (offset, extents) = dice.block(self.model.shape());
        let block = dice.array(&extents);
        let range = |axis: usize| Slice::from(offset[axis]..offset[axis] + extents[axis]);
        self.model.slice_each_axis_mut(|axis| range(axis.axis.index())).assign(&block);
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
        self.shared.set(root, offset, mine.then(|| L::block(&block)))
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
        assert_eq!(found.is_some(), self.is_rank(root), "only the root has a result");
        Ok(())
    }

    fn update_per_node(&mut self, dice: Dice) -> Result<()> {
        change(&mut self.model, dice.clone());
        let found = self.shared.update_per_node(|w| L::change(w, dice))?;
        assert_eq!(found.is_some(), self.shared.comm().node().rank == 0, "one rank of each node has a result");
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.shared.close()
    }

    fn check(&self) {
        L::check(self.shared.view(), &self.model);
    }

    fn assign_by(&mut self, holders: &[usize]) -> Result<()> {
        let (block, rank) = (Self::cube(0), self.shared.comm().rank());
        self.shared.assign(Self::origin(), holders.contains(&rank).then(|| L::block(&block)))
    }

    fn set_past_the_edge(&mut self, root: usize) -> Result<()> {
        let block = Self::cube(1);
        self.shared.set(root, L::offset(self.model.shape()), Some(L::block(&block)))
    }

    fn set_nothing(&mut self, root: usize) -> Result<()> {
        let block = Self::cube(0);
        let mine = self.is_rank(root);
        self.shared.set(root, Self::origin(), (!mine).then(|| L::block(&block)))
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
        self.shared.try_update_per_node(|_| Err::<(), _>(fail())).map(drop)
    }

    fn panicking_set_with(&mut self, root: usize) -> Result<()> {
        self.shared.set_with(root, Self::origin(), || -> L::Owned { resume_unwind(Box::new("on purpose")) })
    }
}
