//! Tests of `ragged`, `strings` and `text` in private memory.

use super::in_memory::InMemory;
use super::{Composite, Ragged, RaggedDims, Strings, Text};
use crate::layout::{Preview, SharedLayout};
use proptest::prelude::*;

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
    rows.forget_writes();
    rows.update(|mut w| w.push(&[1, 2])).unwrap();
    rows.forget_writes();
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
