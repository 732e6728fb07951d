//! Objects of derived structs: creation, updates, transfers, fields, views, reports.

use bytemuck::{Pod, Zeroable};
use ndarray::{Array2, array};
use pshmem::local::Cluster;
use pshmem::{Error, Shared, SharedLayout};

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Line {
    frequency: f64,
    strength: f64,
}

/// Opacities by temperature.
#[derive(Debug, Clone, PartialEq, SharedLayout)]
pub struct Opacity {
    /// The table.
    pub table: Vec<f32>,
    /// Where it starts.
    pub first: f64,
}

/// A gas.
#[derive(Debug, Clone, PartialEq, SharedLayout)]
pub struct Gas {
    /// Cells.
    pub density: Array2<f64>,
    /// Spectral lines.
    pub lines: Vec<Line>,
    /// Nested.
    #[shared(layout)]
    pub opacity: Opacity,
    /// Fixed.
    pub coeff: [f64; 16],
    /// Aligned.
    #[shared(align = 4096)]
    pub names: Box<[u8]>,
    /// Time step.
    pub step: u64,
}

fn gas() -> Gas {
    Gas {
        density: array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
        lines: vec![
            Line {
                frequency: 1.0,
                strength: 2.0
            };
            7
        ],
        opacity: Opacity {
            table: vec![0.5; 4],
            first: 10.0,
        },
        coeff: [3.0; 16],
        names: b"hydrogen".to_vec().into_boxed_slice(),
        step: 42,
    }
}

fn dims() -> GasDims {
    GasDims {
        density: [2, 3],
        lines: 7,
        opacity: OpacityDims { table: 4 },
        names: 8,
    }
}

#[test]
fn a_new_struct_is_zeroed() {
    Cluster::new(&[2, 1]).run_ok(|comm| -> pshmem::Result<()> {
        let shared = Shared::<Gas>::new(comm, dims())?;
        let view = shared.view();
        assert_eq!(view.density, Array2::<f64>::zeros([2, 3]));
        assert_eq!(view.lines.len(), 7);
        assert_eq!(view.lines[6].strength, 0.0);
        assert_eq!(view.opacity.table, [0.0; 4]);
        assert_eq!(*view.coeff, [0.0; 16]);
        assert_eq!(*view.step, 0);
        assert_eq!(shared.dims(), dims());
        Ok(())
    });
}

#[test]
fn a_struct_is_transferred_from_its_root_and_copied_back() {
    Cluster::new(&[2, 1, 2]).run_ok(|comm| -> pshmem::Result<()> {
        let shared = Shared::<Gas>::from_root(comm, 2, gas)?;
        assert_eq!(shared.to_owned(), gas());
        assert_eq!(shared.dims(), dims());
        assert_eq!(shared.view().density[[1, 2]], 6.0);
        assert_eq!(shared.view().names, b"hydrogen");
        Ok(())
    });
}

#[test]
fn an_update_changes_the_accessed_fields_on_every_node() {
    Cluster::new(&[2, 1]).run_ok(|comm| -> pshmem::Result<()> {
        let mut shared = Shared::<Gas>::from_root(comm, 0, gas)?;
        let seen = shared.update(1, |mut w| {
            w.density.fill(1.5);
            w.opacity.table[3] = 9.0;
            *w.step += 1;
            w.lines[0].strength
        })?;
        assert_eq!(seen, (comm.rank() == 1).then_some(2.0));
        let mut expected = gas();
        expected.density.fill(1.5);
        expected.opacity.table[3] = 9.0;
        expected.step = 43;
        assert_eq!(shared.to_owned(), expected);
        Ok(())
    });
}

#[test]
fn only_accessed_fields_are_transferred() {
    // Other fields are not transferred: node 1 keeps what only it has written.
    Cluster::new(&[1, 1]).run_ok(|comm| -> pshmem::Result<()> {
        let mut shared = Shared::<Gas>::from_root(comm, 0, gas)?;
        shared.update_per_node(|mut w| {
            w.coeff[0] = comm.rank() as f64;
            w.lines[0].frequency = comm.rank() as f64;
            w.opacity.table[0] = comm.rank() as f32;
        })?;
        shared.update(0, |mut w| {
            w.lines[1].frequency = 8.0;
            assert_eq!(w.coeff[1], 3.0); // Reading is no access for writing.
            *w.opacity.first = 11.0;
        })?;
        let view = shared.view();
        assert_eq!(view.coeff[0], comm.rank() as f64);
        assert_eq!(view.lines[0].frequency, 0.0);
        assert_eq!(view.opacity.table[0], comm.rank() as f32);
        assert_eq!(*view.opacity.first, 11.0);
        Ok(())
    });
}

#[test]
fn the_bytes_sent_are_those_of_the_accessed_fields() {
    let sent = Cluster::new(&[2, 2]).run(|comm| {
        let mut shared = Shared::<Gas>::from_root(comm, 0, gas).unwrap();
        let lines = shared.fields().lines.bytes() as u64;
        let before = comm.bytes_sent();
        shared.update(1, |mut w| *w.step += 1).unwrap();
        let one_number = comm.bytes_sent() - before;
        shared
            .update(1, |mut w| {
                w.lines[0].frequency = 1.0;
                *w.step += 1;
            })
            .unwrap();
        let two_fields = comm.bytes_sent() - before - one_number;
        shared.update(1, |w| w.density[[0, 0]]).unwrap();
        let nothing = comm.bytes_sent() - before - one_number - two_fields;
        (
            one_number,
            two_fields - u64::from(comm.rank() == 1) * lines,
            nothing,
        )
    });
    // Only the writer sends, each field once, to the one other node.
    assert_eq!(sent, [(0, 0, 0), (8, 8, 0), (0, 0, 0), (0, 0, 0)]);
}

#[test]
fn fields_are_disjoint() {
    Cluster::new(&[2, 1]).run_ok(|comm| -> pshmem::Result<()> {
        let mut shared = Shared::from_root(comm, 0, gas)?;
        let mut fields = shared.fields();
        let old = fields.density.view();
        fields.step.update(0, |mut s| *s += old[[0, 0]] as u64)?;
        fields.lines.set(
            2,
            6,
            Some(&[Line {
                frequency: 7.0,
                strength: 7.0,
            }]),
        )?;
        fields.opacity.fields().table.fill(2.5)?;
        fields.opacity.update(1, |mut w| *w.first = old[[1, 0]])?;
        assert_eq!(old[[1, 2]], 6.0);
        assert_eq!(fields.opacity.view().table, [2.5; 4]);
        let view = shared.view();
        assert_eq!(
            (*view.step, view.lines[6].strength, *view.opacity.first),
            (43, 7.0, 4.0)
        );
        Ok(())
    });
}

#[test]
fn views_are_copy() {
    let shared = Shared::<Gas>::from_root(&pshmem::Comm::solo(), 0, gas).unwrap();
    let view = shared.view();
    let other = view;
    std::thread::scope(|scope| {
        scope.spawn(move || assert_eq!(other.lines.len(), 7));
    });
    assert_eq!(view.lines.len(), 7);
}

#[test]
fn ranks_must_agree_on_every_field() {
    let errors = Cluster::new(&[2, 1]).run(|comm| {
        let mut dims = dims();
        dims.opacity.table += usize::from(comm.rank() == 2);
        Shared::<Gas>::new(comm, dims).unwrap_err()
    });
    assert!(
        errors[0].to_string().contains("`opacity.table`: f32 [4]"),
        "{}",
        errors[0]
    );
    assert!(matches!(errors[0], Error::Mismatch { .. }));
    assert_eq!(errors[0], errors[2]);
}

#[test]
fn the_schema_names_all_fields_on_lines_of_their_own() {
    let shared = Shared::<Gas>::new(&pshmem::Comm::solo(), dims()).unwrap();
    let schema = shared.schema();
    let names: Vec<_> = schema
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "density",
            "lines",
            "opacity.table",
            "opacity.first",
            "coeff",
            "names",
            "step"
        ]
    );
    assert!(schema.fields.iter().all(|field| field.offset % 64 == 0));
    assert_eq!(schema.fields[5].offset % 4096, 0);
    assert_eq!(
        shared.bytes(),
        schema.fields.iter().map(|field| field.bytes).sum::<usize>()
    );
}

#[test]
fn everything_prints() {
    let comm = pshmem::Comm::solo();
    let mut shared = Shared::<Gas>::from_root(&comm, 0, gas).unwrap();
    let text = shared.to_string();
    for line in [
        "\nopacity:\n  table: [0.5, 0.5, 0.5, 0.5]\n  first: 10.0\n",
        "\nstep: 42",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(format!("{:?}", shared.view()).starts_with("GasView { density: [[1.0, 2.0, 3.0],"));
    assert!(format!("{:?}", shared.fields()).starts_with("GasFields { density: "));
    let text = shared.update(0, |w| format!("{w:?}")).unwrap().unwrap();
    assert!(text.ends_with("step: 42 }"), "{text}");
    assert_eq!(
        format!("{:?}", shared.dims()),
        "GasDims { density: [2, 3], lines: 7, opacity: OpacityDims { table: 4 }, names: 8 }"
    );
}

#[test]
fn extents_that_overflow_are_an_error_that_names_the_field() {
    let comm = pshmem::Comm::solo();
    let dims = GasDims {
        opacity: OpacityDims { table: usize::MAX },
        ..dims()
    };
    let error = Shared::<Gas>::new(&comm, dims).unwrap_err();
    assert!(error.to_string().contains("`opacity.table`"), "{error}");
    Shared::<Gas>::new(
        &comm,
        GasDims {
            density: [0, 3],
            lines: 0,
            opacity: OpacityDims { table: 0 },
            names: 0,
        },
    )
    .unwrap();
}
