//! Extents that are named once and computed.

use ndarray::{Array1, Array2, Array3};
use pshmem::local::Cluster;
use pshmem::{Columns, Comm, Error, Shared, SharedColumns, SharedLayout};

const HALO: usize = 2;

#[derive(Debug, Clone, PartialEq, SharedLayout)]
#[shared(dims(n))]
pub struct Opacity {
    #[shared(shape = [n])]
    pub table: Vec<f32>,
}

type Row = Array1<f32>;

#[derive(Debug, Clone, Copy, PartialEq, SharedColumns)]
pub struct Particle {
    x: f32,
    id: u32,
}

#[derive(Debug, Clone, PartialEq, SharedLayout)]
pub struct Free {
    pub a: Array2<f32>,
    pub b: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, SharedLayout)]
#[shared(dims(
    /// Cells along x.
    nx,
    ny,
    nz
))]
pub struct Flow {
    #[shared(shape = [nx, ny])]
    pub pressure: Array2<f64>,
    #[shared(shape = [nx + 1, 2 * HALO + ny, 2])]
    pub flux: Array3<f64>,
    #[shared(dims = OpacityDims { n: nz })]
    pub opacity: Opacity,
    #[shared(shape = [(nx - 1) * Self::SIDES])]
    pub sides: Vec<u8>,
    #[shared(layout, shape = [ny * nz])]
    pub row: Row,
    #[shared(shape = [nx])]
    pub particles: Columns<Particle>,
    #[shared(dims = FreeDims { a: [nx, 3], b: usize::MIN + ny })]
    pub free: Free,
    pub step: u64,
}

impl Flow {
    const SIDES: usize = 4;
}

fn flow(nx: usize, ny: usize, nz: usize) -> Flow {
    Flow {
        pressure: Array2::from_elem([nx, ny], 1.0),
        flux: Array3::from_elem([nx + 1, 4 + ny, 2], 2.0),
        opacity: Opacity {
            table: vec![3.0; nz],
        },
        sides: vec![4; (nx - 1) * 4],
        row: Row::from_elem(ny * nz, 5.0),
        particles: vec![Particle { x: 1.0, id: 2 }; nx].into(),
        free: Free {
            a: Array2::from_elem([nx, 3], 1.0),
            b: vec![1; ny],
        },
        step: 6,
    }
}

#[test]
fn extents_follow_from_the_dims() {
    Cluster::new(&[2, 1]).run_ok(|comm| -> pshmem::Result<()> {
        let dims = FlowDims {
            nx: 3,
            ny: 4,
            nz: 5,
        };
        let shared = Shared::<Flow>::new(comm, dims)?;
        let view = shared.view();
        assert_eq!(view.pressure.dim(), (3, 4));
        assert_eq!(view.flux.dim(), (4, 8, 2));
        assert_eq!(view.opacity.table.len(), 5);
        assert_eq!(view.sides.len(), 8);
        assert_eq!(view.row.len(), 20);
        assert_eq!(view.particles.len(), 3);
        assert_eq!(view.free.a.dim(), (3, 3));
        assert_eq!(shared.dims(), dims);
        Ok(())
    });
}

#[test]
fn dims_follow_from_a_value() {
    Cluster::new(&[1, 2]).run_ok(|comm| -> pshmem::Result<()> {
        let shared = Shared::<Flow>::from_root(comm, 1, || flow(3, 4, 5))?;
        assert_eq!(
            shared.dims(),
            FlowDims {
                nx: 3,
                ny: 4,
                nz: 5
            }
        );
        assert_eq!(shared.to_owned(), flow(3, 4, 5));
        Ok(())
    });
}

#[test]
fn a_value_of_another_shape_is_rejected_on_every_rank() {
    type Spoil = fn(&mut Flow);
    let spoil: [(&str, Spoil); 5] = [
        ("sides", |flow| flow.sides.push(1)),
        ("opacity", |flow| flow.opacity.table.clear()),
        ("row", |flow| flow.row = Row::zeros(3)),
        ("flux", |flow| flow.flux = Array3::zeros([4, 8, 3])),
        ("free", |flow| flow.free.a = Array2::zeros([3, 4])),
    ];
    for (name, spoil) in spoil {
        let errors = Cluster::new(&[1, 1]).run(|comm| {
            let make = || {
                let mut flow = flow(3, 4, 5);
                spoil(&mut flow);
                flow
            };
            let error = Shared::<Flow>::from_root(comm, 0, make).unwrap_err();
            // The `Comm` still works.
            Shared::<Flow>::from_root(comm, 0, || flow(2, 2, 2)).unwrap();
            error
        });
        assert_eq!(errors[0], errors[1]);
        // An `opacity` without elements has another `n`, and the first field that disagrees with it is `row`.
        let name = if name == "opacity" { "row" } else { name };
        assert!(
            matches!(&errors[0], Error::Shape { field, .. } if field == name),
            "{name}: {}",
            errors[0]
        );
    }
}

#[test]
fn an_extent_outside_of_usize_is_an_error_that_shows_it() {
    let comm = Comm::solo();
    let error = Shared::<Flow>::new(
        &comm,
        FlowDims {
            nx: 0,
            ny: 4,
            nz: 5,
        },
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "field `sides`: the extent `(nx - 1) * Self::SIDES` is negative or too large for a usize \
         (FlowDims { nx: 0, ny: 4, nz: 5 })"
    );
    let error = Shared::<Flow>::new(
        &comm,
        FlowDims {
            nx: 1,
            ny: usize::MAX,
            nz: 1,
        },
    )
    .unwrap_err();
    assert!(
        matches!(error, Error::TooLarge { .. } | Error::Extent { .. }),
        "{error}"
    );
}
