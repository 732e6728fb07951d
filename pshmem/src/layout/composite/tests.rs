//! Tests of composites in a piece of private memory, as segments have it.

use super::{Composite, PlacedComposite, Ragged, RaggedDims, Strings, Text};
use crate::layout::placer::{Leaf, Placer};
use crate::layout::raw::Planned;
use crate::layout::{Base, BaseMut, Flag, Preview, SharedLayout};
use proptest::prelude::*;
use std::ptr::NonNull;

/// A composite in zeroed memory.
struct InMemory<C: SharedLayout> {
    plan: <C as Planned>::Plan,
    leaves: Vec<Leaf>,
    /// Of the whole object; inner ones are before it.
    composite: PlacedComposite,
    flags: Vec<Flag>,
    /// Of words, so that it is aligned.
    memory: Vec<[u64; 8]>,
}

impl<C> InMemory<C>
where
    C: Composite + Preview + SharedLayout,
{
    fn new(dims: &<C as SharedLayout>::Dims) -> Self {
        let mut placer = Placer::new();
        let plan = <C as SharedLayout>::plan(dims, &mut placer).unwrap();
        let mut layout = placer.finish();
        InMemory {
            plan,
            flags: layout.leaves.iter().map(|_| Flag::new(false)).collect(),
            memory: vec![[0; 8]; layout.bytes.div_ceil(64) + 1],
            leaves: layout.leaves,
            composite: layout.composites.pop().unwrap(),
        }
    }

    fn start(&mut self) -> NonNull<u8> {
        // The vector is 8-byte aligned only, which is enough for the elements of these tests.
        NonNull::from(&mut self.memory[..]).cast()
    }

    fn view(&mut self) -> <C as SharedLayout>::View<'_> {
        let base = Base::new(self.start());
        // SAFETY: the memory is laid out by the plan, and is borrowed by the view.
        unsafe { <C as SharedLayout>::view(&self.plan, base) }
    }

    fn update<R>(&mut self, write: impl FnOnce(<C as SharedLayout>::ViewMut<'_>) -> R) -> R {
        let start = self.start();
        let base = BaseMut::new(start, &self.flags);
        // SAFETY: the memory is laid out by the plan, and nothing else refers to it.
        write(unsafe { <C as SharedLayout>::view_mut(&self.plan, base) })
    }

    fn load(&mut self) -> C
    where
        C: SharedLayout<Owned = C>,
    {
        let base = Base::new(self.start());
        // SAFETY: as in `view`.
        unsafe { <C as SharedLayout>::load(&self.plan, base) }
    }

    fn text(&mut self) -> String {
        let mut text = String::new();
        C::preview(self.view(), &mut text).unwrap();
        text
    }

    fn check(&self) -> Result<(), String> {
        let bytes: &[u8] = bytemuck::cast_slice(&self.memory);
        let leaves: Vec<&[u8]> = self
            .leaves
            .iter()
            .map(|leaf| &bytes[leaf.offset..leaf.offset + leaf.bytes])
            .collect();
        self.composite.check(&leaves)
    }

    fn touched(&self) -> Vec<bool> {
        self.flags.iter().map(Flag::get).collect()
    }

    /// Fills a leaf with these bytes, as often as they fit.
    fn fill(&mut self, leaf: usize, with: &[u8]) {
        let leaf = self.leaves[leaf];
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.memory);
        let into = &mut bytes[leaf.offset..leaf.offset + leaf.bytes];
        for (into, &byte) in into.iter_mut().zip(with.iter().cycle()) {
            *into = byte;
        }
    }
}

const DIMS: RaggedDims = RaggedDims { rows: 3, items: 5 };

#[test]
fn zeroed_memory_is_empty() {
    let mut rows = InMemory::<Ragged<u32>>::new(&DIMS);
    assert_eq!(rows.check(), Ok(()));
    assert_eq!((rows.view().len(), rows.view().offsets()), (0, &[0][..]));
    assert_eq!(InMemory::<Strings>::new(&DIMS).view().len(), 0);
    assert_eq!(InMemory::<Text>::new(&7).view(), "");
    let none = RaggedDims { rows: 0, items: 0 };
    assert_eq!(InMemory::<Ragged<[f64; 3]>>::new(&none).text(), "[]");
    assert!(
        Ragged::<u8>::part_dims(&RaggedDims {
            rows: usize::MAX,
            items: 0
        })
        .is_err()
    );
}

#[test]
fn only_what_is_written_is_touched() {
    let mut rows = InMemory::<Ragged<u32>>::new(&DIMS);
    rows.update(|w| assert_eq!((w.len(), w.view().len()), (0, 0)));
    rows.update(|mut w| w.clear());
    rows.update(|mut w| assert!(w.push(&[1; 6]).is_err()));
    assert_eq!(rows.touched(), [false; 3]);
    rows.update(|mut w| w.push(&[])).unwrap();
    assert_eq!(rows.touched(), [true, true, false]);
    rows.flags.iter().for_each(|flag| flag.set(false));
    rows.update(|mut w| w.push(&[1, 2])).unwrap();
    rows.flags.iter().for_each(|flag| flag.set(false));
    rows.update(|mut w| w.row_mut(1)[0] = 9);
    assert_eq!(rows.touched(), [false, false, true]);
    assert_eq!(rows.load(), Ragged::from_rows([vec![], vec![9, 2]]));
    let mut text = InMemory::<Text>::new(&4);
    text.update(|w| assert_eq!(&*w, ""));
    text.update(|mut w| w.clear());
    assert_eq!(text.touched(), [false; 2]);
    text.update(|mut w| w.set("abc")).unwrap();
    text.update(|mut w| w.clear());
    assert_eq!(text.view(), "");
}

#[test]
fn rows_are_indexed_and_compared_like_vectors() {
    let mut rows = InMemory::<Ragged<u32>>::new(&DIMS);
    rows.update(|mut w| {
        w.push(&[1, 2]).unwrap();
        w[0][1] = 3;
        assert_eq!(&w[0], [1, 3]);
    });
    let mut owned = Ragged::default();
    owned.extend([vec![1, 2]]);
    assert!(owned != rows.view() && rows.view() != owned);
    owned[0][1] = 3;
    assert!(owned == rows.view() && rows.view() == owned);
    assert_eq!(
        (owned.offsets(), owned.as_slice()),
        (&[0, 2][..], &[1, 3][..])
    );
    owned.as_mut_slice().fill(0);
    assert!(owned.iter().eq([&[0, 0]]) && owned.rows().eq(&owned));
    assert!(std::panic::catch_unwind(move || owned[1][0] = 1).is_err());
    let mut words = InMemory::<Strings>::new(&DIMS);
    words.update(|mut w| {
        w.push("ab").unwrap();
        assert_eq!(&w[0], "ab");
    });
    assert!(Strings::from(["ab"]) == words.view() && words.view() != Strings::from(["a", "b"]));
    let text = Text::from("ab");
    assert!(text == "ab" && *"ab" == text && "a" != text && text != *"b");
}

#[test]
fn what_is_behind_the_content_is_not_seen() {
    let mut words = InMemory::<Strings>::new(&DIMS);
    words.update(|mut w| w.push("€ü")).unwrap();
    words
        .update(|mut w| {
            w.clear();
            // The second byte of a character is behind it now.
            w.push("ab")
        })
        .unwrap();
    assert_eq!(words.check(), Ok(()));
    assert_eq!(words.text(), r#"["ab"]"#);
    let mut text = InMemory::<Text>::new(&4);
    text.update(|mut w| w.set("𝄞")).unwrap();
    text.update(|mut w| w.set("x")).unwrap();
    assert_eq!(text.check(), Ok(()));
    assert_eq!(text.view(), "x");
}

#[test]
fn long_lists_and_texts_are_shortened() {
    let mut rows = InMemory::<Ragged<u8>>::new(&RaggedDims {
        rows: 20,
        items: 20,
    });
    rows.update(|mut w| (0..20).try_for_each(|i| w.push(&[i])))
        .unwrap();
    assert_eq!(
        rows.text(),
        "[[0], [1], [2], [3], .., [16], [17], [18], [19]]"
    );
    let mut text = InMemory::<Text>::new(&200);
    text.update(|mut w| w.set(&"ü".repeat(100))).unwrap();
    assert_eq!(text.text(), format!("\"{}\"..", "ü".repeat(60)));
}

/// Whatever the bytes are: the check does not panic, and what it accepts can be read.
fn check_any<C>(dims: &<C as SharedLayout>::Dims, fill: &[(usize, Vec<u8>)])
where
    C: Composite + Preview + SharedLayout,
{
    let mut memory = InMemory::<C>::new(dims);
    for (leaf, bytes) in fill {
        let leaf = leaf % memory.leaves.len();
        memory.fill(leaf, bytes);
    }
    if memory.check().is_ok() {
        memory.text();
    }
}

/// Bytes of small numbers, which are accepted now and then, and of any.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let small = prop::collection::vec(0_u64..6, 1..5);
    prop_oneof![
        small.prop_map(|numbers| numbers.iter().flat_map(|n| n.to_le_bytes()).collect()),
        prop::collection::vec(any::<u8>(), 1..20),
        "[aü€]{1,4}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 20 } else { 2000 }))]
    #[test]
    fn any_bytes_are_checked(fill in prop::collection::vec((0_usize..9, bytes()), 1..5)) {
        check_any::<Ragged<u16>>(&DIMS, &fill);
        check_any::<Strings>(&DIMS, &fill);
        check_any::<Text>(&6, &fill);
    }

    #[test]
    fn sequences_of_calls_are_those_of_a_model(calls in prop::collection::vec((0_u8..6, "[aü€]{0,3}"), 0..20)) {
        let mut words = InMemory::<Strings>::new(&RaggedDims { rows: 4, items: 12 });
        let mut model: Vec<String> = Vec::new();
        for (call, word) in calls {
            if call == 0 {
                words.update(|mut w| w.clear());
                model.clear();
            } else {
                let bytes: usize = model.iter().map(String::len).sum();
                let fits = model.len() < 4 && bytes + word.len() <= 12;
                prop_assert_eq!(words.update(|mut w| w.push(&word)).is_ok(), fits);
                if fits {
                    model.push(word);
                }
            }
            prop_assert_eq!(words.check(), Ok(()));
            prop_assert!(words.view().iter().eq(&model));
            prop_assert_eq!(words.load(), model.iter().collect::<Strings>());
        }
    }
}
