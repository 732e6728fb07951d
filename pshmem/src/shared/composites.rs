//! What calls of `Shared` do with the leaves of composites, beyond what they do with all leaves.

use crate::comm::transfer::Target;
use crate::layout::composite::PlacedComposite;
use crate::layout::region::Region;
use crate::layout::{Field, Handle, Leaf, SharedLayout};
use std::ops::Range;

impl Handle<'_> {
    /// The bytes in use of each of these leaves: of plain ones, all. Inside a call on the target, while no rank writes them.
    pub(super) fn used_bytes(self, target: &Target<'_>, leaves: &Range<usize>) -> Vec<usize> {
        used(self, leaves, |leaf| bytes_in(target, leaf))
            .into_iter()
            .zip(self.placed(leaves))
            .map(|(used, leaf)| used.map_or(leaf.bytes, |used| used * leaf.element))
            .collect()
    }

    /// Whether the composites are consistent of which something was received.
    pub(super) fn check_received(
        self,
        target: &Target<'_>,
        leaves: &Range<usize>,
        received: &[Region],
    ) -> Result<(), String> {
        for composite in self.composites(leaves) {
            let placed = self.placed(&composite.leaves);
            let is_touched = |leaf: &Leaf| {
                let bytes = leaf.offset..leaf.offset + leaf.bytes;
                received.iter().any(|region| bytes.contains(&region.start))
            };
            if placed.iter().any(is_touched) {
                let bytes: Vec<&[u8]> = placed.iter().map(|leaf| bytes_in(target, leaf)).collect();
                composite
                    .check(&bytes)
                    .map_err(|why| self.named(composite, &why))?;
            }
        }
        Ok(())
    }

    /// Whether the composites can be consistent, if so many elements of each of the `leaves` are in use.
    pub(crate) fn check_lengths(
        self,
        leaves: &Range<usize>,
        used: &[Option<usize>],
    ) -> Result<(), String> {
        for composite in self.composites(leaves) {
            let used = used[composite.among(leaves)].iter();
            let used: Vec<usize> = used.map(|used| used.unwrap_or(0)).collect();
            let checked = composite.check_lengths(&used);
            checked.map_err(|why| self.named(composite, &why))?;
        }
        Ok(())
    }

    /// Computes those leaves of composites that follow from the others, and checks them all. `used` has the elements in use of each of
    /// the `leaves`.
    ///
    /// # Safety
    /// As for [`Target::run_mut`], for all bytes of the leaves, until this returns.
    pub(crate) unsafe fn complete_all(
        self,
        target: &Target<'_>,
        leaves: &Range<usize>,
        used: &[usize],
    ) -> Result<(), String> {
        for composite in self.composites(leaves) {
            let used = &used[composite.among(leaves)];
            // SAFETY: passed on from the caller.
            unsafe { self.complete(target, composite, used) }?;
        }
        Ok(())
    }

    /// # Safety
    /// As for `complete_all`.
    unsafe fn complete(
        self,
        target: &Target<'_>,
        composite: &PlacedComposite,
        used: &[usize],
    ) -> Result<(), String> {
        let mut bytes = Vec::new();
        for leaf in self.placed(&composite.leaves) {
            // SAFETY: passed on from the caller; leaves have no byte in common.
            bytes.push(unsafe { target.run_mut(leaf.offset, leaf.bytes) });
        }
        let completed = composite.complete(used, &mut bytes);
        completed.map_err(|why| self.named(composite, &why))
    }

    /// A message about a composite, with the name of its field.
    fn named(self, composite: &PlacedComposite, why: &str) -> String {
        let leaf = &self.schema().fields[composite.leaves.start].name;
        match leaf.rsplit_once('.') {
            Some((field, _)) => format!("field `{field}`: {why}"),
            None => why.to_owned(),
        }
    }
}

impl<L: SharedLayout + ?Sized> Field<'_, L> {
    /// The elements in use of each leaf of a composite; `None` for plain leaves. Nothing is written while this rank borrows `self`.
    pub(crate) fn used(&self) -> Vec<Option<usize>> {
        used(self.handle(), &self.leaves(), |leaf| {
            self.bytes_of(leaf, 0..leaf.bytes)
        })
    }
}

/// The bytes of a leaf, as for [`Target::bytes`].
fn bytes_in<'t>(target: &'t Target<'_>, leaf: &Leaf) -> &'t [u8] {
    target.bytes(leaf.offset, leaf.bytes)
}

fn used<'b>(
    handle: Handle<'_>,
    leaves: &Range<usize>,
    bytes: impl Fn(&Leaf) -> &'b [u8],
) -> Vec<Option<usize>> {
    let mut all = vec![None; leaves.len()];
    for composite in handle.composites(leaves) {
        let placed = handle.placed(&composite.leaves).iter();
        let parts: Vec<&[u8]> = placed.map(&bytes).collect();
        let lengths = composite.lengths(&parts);
        for (all, length) in all[composite.among(leaves)].iter_mut().zip(lengths) {
            *all = Some(length);
        }
    }
    all
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::local::Cluster;
    use crate::{Comm, RaggedDims, Shared, Strings};

    #[test]
    fn what_is_received_is_checked_if_it_belongs_to_a_composite() {
        let words = || Strings::from(vec!["one", "two"]);
        let mut shared = Shared::<Strings>::from_root(&Comm::solo(), 0, words).unwrap();
        let field = shared.whole_mut();
        let (handle, leaves) = (field.handle(), field.leaves());
        let [used, offsets, bytes] = handle.placed(&leaves) else {
            panic!("three leaves")
        };
        // SAFETY: nothing else refers to the object.
        let target = unsafe { handle.target(&leaves) };
        let received = |leaf: &Leaf| [Region::run(leaf.offset, leaf.bytes)];
        let check = |regions: &[Region]| handle.check_received(&target, &leaves, regions);
        assert_eq!(check(&received(bytes)), Ok(()));
        // SAFETY: as above.
        unsafe { target.write(bytes.offset + 4, &[0xff]) };
        let error = Err("string 1 is not valid UTF-8".to_owned());
        for leaf in [used, offsets, bytes] {
            assert_eq!(check(&received(leaf)), error);
        }
        assert_eq!(check(&[]), Ok(()));
        // SAFETY: as above.
        unsafe { target.write(bytes.offset + 4, b"w") };
        assert_eq!(check(&received(bytes)), Ok(()));
    }

    #[test]
    fn offsets_are_sent_with_what_they_belong_to() {
        let read = Cluster::new(&[1, 1]).run(|comm| {
            let dims = RaggedDims { rows: 3, items: 2 };
            let mut words = Shared::<Strings>::new(comm, dims).unwrap();
            let node = comm.node().index;
            let written = words.update_per_node(|mut w| {
                let mine = if node == 0 {
                    &["a", "b"][..]
                } else {
                    &["\u{e9}"]
                };
                mine.iter().try_for_each(|word| w.push(word)).unwrap();
            });
            written.unwrap();
            words.update(0, |mut w| w.push("").unwrap()).unwrap();
            words.to_owned()
        });
        for words in read {
            assert_eq!(words, Strings::from(vec!["a", "b", ""]));
        }
    }
}
