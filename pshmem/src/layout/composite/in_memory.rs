//! A composite in private memory that is laid out as a segment is, for tests.

use super::{Composite, PlacedComposite};
use crate::layout::placer::{Leaf, Placer};
use crate::layout::raw::Planned;
use crate::layout::{Base, BaseMut, Flag, Preview, SharedLayout};
use std::ptr::NonNull;

/// A composite in zeroed memory.
pub(super) struct InMemory<C: SharedLayout> {
    plan: <C as Planned>::Plan,
    pub(super) leaves: Vec<Leaf>,
    /// Of the whole object.
    composite: PlacedComposite,
    flags: Vec<Flag>,
    /// Of words: aligned to 8 bytes, which is enough for the elements of the tests.
    memory: Vec<u64>,
}

impl<C> InMemory<C>
where
    C: Composite + Preview + SharedLayout,
{
    pub(super) fn new(dims: &<C as SharedLayout>::Dims) -> Self {
        let mut placer = Placer::new();
        let plan = <C as SharedLayout>::plan(dims, &mut placer).unwrap();
        let mut layout = placer.finish();
        InMemory {
            plan,
            flags: layout.leaves.iter().map(|_| Flag::new(false)).collect(),
            memory: vec![0; layout.bytes.div_ceil(8)],
            leaves: layout.leaves,
            // Inner ones are before it.
            composite: layout.composites.pop().unwrap(),
        }
    }

    fn start(&mut self) -> NonNull<u8> {
        NonNull::from(&mut self.memory[..]).cast()
    }

    pub(super) fn view(&mut self) -> <C as SharedLayout>::View<'_> {
        let base = Base::new(self.start());
        // SAFETY: the memory is laid out by the plan, and is borrowed by the view.
        unsafe { <C as SharedLayout>::view(&self.plan, base) }
    }

    pub(super) fn view_mut(&mut self) -> <C as SharedLayout>::ViewMut<'_> {
        let start = self.start();
        let base = BaseMut::new(start, &self.flags);
        // SAFETY: the memory is laid out by the plan, and is borrowed mutably by the view.
        unsafe { <C as SharedLayout>::view_mut(&self.plan, base) }
    }

    pub(super) fn update<R>(
        &mut self,
        write: impl FnOnce(<C as SharedLayout>::ViewMut<'_>) -> R,
    ) -> R {
        write(self.view_mut())
    }

    pub(super) fn load(&mut self) -> C
    where
        C: SharedLayout<Owned = C>,
    {
        let base = Base::new(self.start());
        // SAFETY: as in `view`.
        unsafe { <C as SharedLayout>::load(&self.plan, base) }
    }

    pub(super) fn text(&mut self) -> String {
        let mut text = String::new();
        C::preview(self.view(), &mut text).unwrap();
        text
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let bytes: &[u8] = bytemuck::cast_slice(&self.memory);
        let leaves: Vec<&[u8]> = self
            .leaves
            .iter()
            .map(|leaf| &bytes[leaf.offset..leaf.offset + leaf.bytes])
            .collect();
        self.composite.check(&leaves)
    }

    /// Which leaves were written, since the last `forget_writes`.
    pub(super) fn touched(&self) -> Vec<bool> {
        self.flags.iter().map(Flag::get).collect()
    }

    pub(super) fn forget_writes(&self) {
        self.flags.iter().for_each(|flag| flag.set(false));
    }

    /// Which of the leaves, by these names, were written since the last call.
    pub(super) fn written<'n>(&self, names: &[&'n str]) -> Vec<&'n str> {
        assert_eq!(names.len(), self.flags.len(), "a name for each leaf");
        let names = names.iter().zip(&self.flags);
        let written = names.filter(|(_, flag)| flag.replace(false));
        written.map(|(name, _)| *name).collect()
    }

    /// Fills a leaf with these bytes, as often as they fit.
    pub(super) fn fill(&mut self, leaf: usize, with: &[u8]) {
        let leaf = self.leaves[leaf];
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.memory);
        let into = &mut bytes[leaf.offset..leaf.offset + leaf.bytes];
        for (into, &byte) in into.iter_mut().zip(with.iter().cycle()) {
            *into = byte;
        }
    }
}
