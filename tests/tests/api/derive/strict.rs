//! A module that denies all lints that a strict crate might deny: generated code must not cause a single warning.

#![deny(
    warnings,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    unsafe_code,
    unused
)]
#![deny(
    missing_debug_implementations,
    missing_copy_implementations,
    single_use_lifetimes,
    unused_lifetimes
)]
#![deny(
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    trivial_casts,
    unnameable_types
)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]

use ndarray::Array2;
use pshmem::{
    Columns, Comm, FileLayout, Ragged, RaggedDims, Record, Shared, SharedColumns, SharedLayout,
    Strings, Text,
};

/// A record.
#[derive(Debug, Clone, Copy, PartialEq, SharedColumns)]
struct Particle {
    /// Position.
    x: f64,
    /// Mass.
    mass: f64,
}

/// Nested.
#[derive(Debug, SharedLayout)]
struct Inner {
    /// Values.
    values: Vec<f64>,
}

/// A type private to this module, in a private field of a wider type.
#[derive(Debug, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable, Record)]
#[repr(transparent)]
struct Hidden<T>(T);

/// A record.
#[derive(Debug, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable, Record)]
#[repr(C)]
struct Line {
    /// Frequency.
    frequency: f64,
    strengths: [f32; 2],
}

/// An enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bytemuck::NoUninit, bytemuck::Zeroable, Record)]
#[repr(i8)]
enum Kind {
    /// Zero.
    Land,
    #[deprecated]
    Ice,
    Sea = -1,
}

/// One leaf cannot be saved.
#[derive(Debug, SharedLayout)]
struct Unsaved {
    /// Too wide for numpy.
    hashes: Vec<u128>,
    /// Records.
    lines: Vec<Line>,
}

/// A generic struct.
#[derive(Debug, SharedLayout)]
#[shared(dims(nx, ny))]
struct Flow<T: pshmem::Element> {
    /// Cells.
    #[shared(shape = [nx, ny])]
    cells: Array2<T>,
    /// Nested.
    #[shared(dims = InnerDims { values: nx })]
    inner: Inner,
    /// Particles.
    #[shared(shape = [nx])]
    particles: Columns<Particle>,
    hidden: Hidden<u8>,
    /// Records.
    #[shared(shape = [ny])]
    lines: Vec<Line>,
    kind: Kind,
    /// Never used by this crate.
    step: u64,
}

/// Rows of different lengths.
#[derive(Debug, SharedLayout)]
#[shared(dims(n), rows = n)]
struct Rows<T: pshmem::Element> {
    /// Items.
    #[shared(shape = [n, 2 * n])]
    items: Ragged<T>,
    #[shared(dims = RaggedDims { rows: n, items: 8 })]
    names: Strings,
    /// What they are.
    #[shared(shape = [4])]
    title: Text,
    #[shared(value)]
    hidden: Hidden<T>,
}

/// Compiles only for layouts that can be saved.
const fn can_be_saved<L: FileLayout>() {}

#[test]
fn works() {
    can_be_saved::<Flow<f64>>();
    let shared = Shared::<Flow<f64>>::new(&Comm::solo(), FlowDims { nx: 1, ny: 2 }).unwrap();
    let owned = shared.to_owned();
    assert_eq!((owned.kind, owned.lines.len()), (Kind::Land, 2));
    assert!(Kind::is_valid(&[Kind::Sea as u8]));
    assert!(
        owned
            .lines
            .iter()
            .all(|line| line.frequency < 1.0 && line.strengths.len() == 2)
    );
    let unsaved = Shared::<Unsaved>::new(
        &Comm::solo(),
        UnsavedDims {
            hashes: 1,
            lines: 2,
        },
    )
    .unwrap();
    assert_eq!(
        (unsaved.view().hashes[0], unsaved.view().lines.len()),
        (0, 2)
    );
    assert_eq!(
        (owned.cells.dim(), owned.inner.values.len(), owned.step),
        ((1, 2), 1, 0)
    );
    let rows = Shared::<Rows<u8>>::new(&Comm::solo(), RowsDims { n: 2 })
        .unwrap()
        .to_owned();
    assert!(rows.items.is_empty() && rows.names.is_empty() && rows.title.is_empty());
    assert_eq!(rows.hidden.0, 0);
    assert_eq!(
        (
            owned.particles[0].x.to_bits(),
            owned.particles[0].mass.to_bits(),
            owned.hidden.0
        ),
        (0, 0, 0)
    );
}
