//! Golden tests: compare the generated code of a few structs with the files in `golden/`, so that every change of it is reviewed.
//!
//! `BLESS=1 cargo test -p pshmem-derive golden` rewrites the files. Review the difference before committing it.

use crate::model::Derive;
use crate::{expand, expand_record};
use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeSet;
use std::path::Path;

/// Compares the expansion of `input` with `golden/<name>.rs`.
fn check(name: &str, derive: impl FnOnce(TokenStream) -> TokenStream, input: &str) {
    let tokens = derive(input.parse().expect("the input is Rust"));
    let file = syn::parse2(tokens).expect("the expansion is a list of items");
    let found = format!("{}\n{}", commented(input), prettyplease::unparse(&file));
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(name)
        .with_extension("rs");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, found).expect("the golden file can be written");
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = expected
        .lines()
        .zip(found.lines())
        .position(|(expected, found)| expected != found);
    assert!(
        expected == found,
        "the expansion differs from {} at line {}; if it should, run `BLESS=1 cargo test -p pshmem-derive golden`\n\n{found}",
        path.display(),
        differs.map_or_else(|| "the end".to_owned(), |line| (line + 1).to_string()),
    );
}

/// The input, as comment lines.
fn commented(input: &str) -> String {
    let mut text = String::new();
    for line in input.trim().lines() {
        text += "// ";
        text += line.strip_prefix("        ").unwrap_or(line);
        text += "\n";
    }
    text
}

fn layout(input: TokenStream) -> TokenStream {
    expand(input, Derive::Layout)
}

fn columns(input: TokenStream) -> TokenStream {
    expand(input, Derive::Columns)
}

#[test]
fn every_kind_of_field() {
    check(
        "fields",
        layout,
        "
        /// A gas.
        pub struct Gas {
            /// Cells.
            pub density: Array2<f64>,
            pub(crate) lines: Vec<Line>,
            #[shared(layout)]
            pub opacity: Opacity,
            #[shared(align = 4096)]
            names: Box<[u8]>,
            particles: Columns<Particle>,
            step: u64,
        }",
    );
}

#[test]
fn named_dims() {
    check(
        "dims",
        layout,
        "
        #[shared(dims(nx, ny), crate = sim::shm)]
        struct Flow {
            #[shared(shape = [nx, 2 * (ny + HALO)])]
            pressure: ndarray::Array<f64, ndarray::Ix2>,
            #[shared(dims = OpacityDims { n: ny })]
            opacity: Opacity,
            #[shared(layout, shape = [Self::SIDES])]
            sides: Sides,
        }",
    );
}

#[test]
fn composites() {
    check(
        "composites",
        layout,
        "
        #[shared(dims(n, m), rows = n)]
        pub struct Network<T> {
            #[shared(shape = [n, m])]
            links: Ragged<T>,
            #[shared(dims = RaggedDims { rows: n, items: 8 * n })]
            names: pshmem::Strings,
            #[shared(shape = [n])]
            people: Columns<Person>,
            #[shared(shape = [HEAD])]
            head: Text,
            #[shared(value)]
            title: text::Text,
            own: Text<32>,
        }",
    );
}

#[test]
fn rows_of_one_rank() {
    check(
        "parts",
        layout,
        "
        #[shared(dims(n, m), rows = n)]
        pub struct Gas<T, const N: usize, L> {
            /// Place.
            #[shared(shape = [n, m])]
            pub place: Array2<T>,
            #[shared(shape = [n])]
            energy: Vec<f64>,
            #[shared(shape = [n])]
            people: Columns<Person>,
            #[shared(dims = InnerDims { k: n })]
            inner: Inner<T>,
            #[shared(shape = [n, m])]
            links: Ragged<T>,
            #[shared(shape = [m])]
            steps: Vec<[L; N]>,
        }",
    );
}

#[test]
fn generics() {
    check(
        "generics",
        layout,
        "
        pub struct Table<T: Copy, const N: usize, L = Inner>
        where
            T: Default,
        {
            #[shared(layout)]
            inner: L,
            rows: Vec<[T; N]>,
        }",
    );
}

#[test]
fn columns_of_records() {
    check(
        "columns",
        columns,
        "
        pub struct Particle {
            /// Place.
            pub x: [f64; 3],
            mass: f32,
        }",
    );
}

#[test]
fn records() {
    check(
        "record",
        expand_record,
        "
        #[shared(crate = sim::shm)]
        #[repr(C)]
        pub struct Line<T: Copy> {
            r#type: u32,
            strength: [T; 2],
        }",
    );
    check(
        "record_transparent",
        expand_record,
        "
        #[repr(transparent)]
        struct Kelvin(f64);",
    );
    check(
        "record_enum",
        expand_record,
        "
        #[repr(i16)]
        enum Kind {
            Land,
            Sea = -3,
        }",
    );
}

#[test]
fn mistakes() {
    check(
        "mistakes",
        layout,
        "
        #[shared(dims(n))]
        pub struct Flow<'x> {
            name: &'x str,
            #[shared(shape = [n])]
            list: Vec<f64>,
        }",
    );
}

/// Names of `pshmem::__private` that the compiler forces to be those of the real crate; the module `layout::derived` of pshmem
/// says how.
const FORCED: &[&str] = &[
    "Base",
    "BaseMut",
    "Dtype",
    "FieldPlan",
    "Handle",
    "Item",
    "NestedPlan",
    "Placer",
    "Planned",
    "RowField",
    "RowLeaves",
    "StructField",
    "Vec",
];

/// Types in the generated types, without numbers. A different type is a compile error.
const FIELD_TYPES: &[&str] = &["ArrayView", "ArrayViewMut", "Ix", "Value"];

/// Safe items that print.
const PRINTING: &[&str] = &[
    "PreviewOf",
    "WithoutPreview",
    "WithPreview",
    "DebugOf",
    "WithDebug",
    "WithoutDebug",
    "debug_struct",
    "preview_field",
];

/// Safe items that describe what can be saved. pshmem compares what they say with the plan.
const SAVING: &[&str] = &["FileColumns", "FileField", "FileLeaves", "LeafShapes"];

/// Safe items that describe rows that are stacked. pshmem compares what they say with the plan.
const STACKING: &[&str] = &["StackField", "StackParts", "StackShapes"];

/// With `#[shared(crate = path)]`, a module of the user's may contain other items under these names. A new name must be in one of
/// the lists, with the reason why the generated `unsafe` code is sound all the same.
#[test]
fn every_private_name_is_forced_or_harmless() {
    let mut names = BTreeSet::new();
    for name in [
        "columns",
        "composites",
        "dims",
        "fields",
        "generics",
        "parts",
        "record",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/{name}.rs"));
        let code = std::fs::read_to_string(path).expect("the golden file can be read");
        private_names(code.parse().expect("the golden file is Rust"), &mut names);
    }
    for name in &names {
        let unnumbered = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let mut lists = [FORCED, FIELD_TYPES, PRINTING, SAVING, STACKING].iter();
        assert!(
            lists.any(|list| list.contains(&unnumbered)),
            "`__private::{name}` is in no list"
        );
    }
    for name in ["FieldPlan", "WithDebug"] {
        assert!(names.contains(name), "not found in {names:?}: {name}");
    }
}

/// Collects the names that follow `__private::`, also those in braces.
fn private_names(tokens: TokenStream, names: &mut BTreeSet<String>) {
    let mut after_private = false;
    for token in tokens {
        let is_name = match &token {
            TokenTree::Punct(_) => continue,
            TokenTree::Ident(ident) => std::mem::replace(&mut after_private, ident == "__private"),
            TokenTree::Group(_) | TokenTree::Literal(_) => std::mem::take(&mut after_private),
        };
        match token {
            TokenTree::Ident(ident) if is_name => _ = names.insert(ident.to_string()),
            TokenTree::Group(group) if is_name => {
                for token in group.stream() {
                    if let TokenTree::Ident(ident) = token
                        && ident != "as"
                        && ident != "_"
                    {
                        names.insert(ident.to_string());
                    }
                }
            }
            TokenTree::Group(group) => private_names(group.stream(), names),
            _ => {}
        }
    }
}
