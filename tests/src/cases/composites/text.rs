//! Many strings, and one string.

use pshmem::{Comm, RaggedDims, Shared, SharedLayout, Strings, Text};

use crate::collective::{check_same_text, check_usable, same_error};
use crate::report::Outcome;

/// Strings of all ranks.
pub(crate) fn strings(comm: &Comm) -> Outcome {
    let words = ["", "Genève", "𝄞", "x"];
    let root = comm.size() - 1;
    let shared = Shared::<Strings>::from_root(comm, root, || words.iter().collect())?;
    let view = shared.view();
    assert!(view.iter().eq(words));
    assert!(view.iter().rev().eq(words.into_iter().rev()));
    assert_eq!(
        (&view[1], view.get(4), view.text()),
        ("Genève", None, "Genève𝄞x")
    );
    assert_eq!(shared.to_owned(), Strings::from(words.to_vec()));
    check_same_text(comm, &shared.to_string())?;

    let mut names = Shared::<Strings>::new(comm, RaggedDims { rows: 3, items: 7 })?;
    names.try_update(root, |mut w| {
        w.push("äöü")?;
        w.push("")
    })?;
    let error = same_error(comm, names.try_update(root, |mut w| w.push("ß")))?;
    assert!(error.to_string().contains("8 items are needed"), "{error}");
    assert_eq!(names.view(), Strings::from(vec!["äöü", ""]));
    // Other boundaries in the same bytes.
    names.try_update(0, |mut w| {
        w.clear();
        w.push("ab")?;
        w.push("c")
    })?;
    assert_eq!(names.view(), Strings::from(vec!["ab", "c"]));
    names.try_update(root, |mut w| w.assign(&vec!["€", "ü"].into()))?;
    assert_eq!(names.view(), Strings::from(vec!["€", "ü"]));
    check_usable(comm)
}

#[derive(SharedLayout)]
struct Run {
    title: Text,
    names: Strings,
    step: u64,
}

/// One string of any length, as a whole object and as a field.
pub(crate) fn texts(comm: &Comm) -> Outcome {
    let root = comm.size() - 1;
    let mut title = Shared::<Text>::new(comm, 8)?;
    assert_eq!(title.view(), "");
    for text in ["Zürich", "", "12345678"] {
        title.try_update(root, |mut w| w.set(text))?;
        assert_eq!(title.view(), text);
    }
    same_error(comm, title.try_update(0, |mut w| w.set("123456789")))?;
    assert_eq!(title.view(), "12345678");
    let run = || Run {
        title: "a run".into(),
        names: vec!["one", "two"].into(),
        step: 3,
    };
    let mut shared = Shared::<Run>::from_root(comm, root, run)?;
    shared.try_update(0, |mut w| {
        *w.step += 1;
        w.title.set("run")
    })?;
    let view = shared.view();
    assert_eq!((view.title, &view.names[1], *view.step), ("run", "two", 4));
    let mut fields = shared.fields();
    let names = fields.names.view();
    fields.title.try_update(root, |mut w| w.set(&names[0]))?;
    assert_eq!(String::from(shared.to_owned().title), "one");
    check_same_text(comm, &shared.to_string())
}
