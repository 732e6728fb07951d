//! `Columns`: records as one array for each of their fields.

use ndarray::Array1;
use pshmem::local::Cluster;
use pshmem::{Columns, Comm, Element, Shared, SharedColumns, SharedLayout};

/// A record with padding, which could not be an element.
#[derive(Clone, Copy, Debug, PartialEq, SharedColumns)]
pub struct Particle {
    /// Position.
    pub x: [f64; 3],
    pub(crate) mass: f32,
    id: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, SharedColumns)]
struct Pair<A, B: Element> {
    a: A,
    b: B,
}

#[derive(Debug, Clone, PartialEq, SharedLayout)]
struct Halo {
    particles: Columns<Particle>,
    pairs: Columns<Pair<u8, f64>>,
    redshift: f64,
    profile: Array1<f32>,
}

fn particle(i: usize) -> Particle {
    Particle {
        x: [i as f64, 1.0, 2.0],
        mass: 0.5,
        id: i as u64,
    }
}

#[test]
fn records_are_one_array_for_each_field() {
    Cluster::new(&[2, 1]).run_ok(|comm| -> pshmem::Result<()> {
        let mut shared =
            Shared::<Columns<Particle>>::from_root(comm, 0, || (0..10).map(particle).collect())?;
        let view = shared.view();
        assert_eq!(view.len(), 10);
        assert!(!view.is_empty());
        assert_eq!(view.mass, [0.5; 10]);
        assert_eq!(view.get(7), particle(7));
        shared.update(1, |mut w| {
            w.set(
                3,
                Particle {
                    mass: 2.0,
                    ..w.get(4)
                },
            );
            w.id[9] = 99;
        })?;
        let mut expected: Vec<_> = (0..10).map(particle).collect();
        expected[3] = Particle {
            mass: 2.0,
            ..particle(4)
        };
        expected[9].id = 99;
        assert_eq!(shared.to_owned(), expected);
        assert_eq!(shared.dims(), 10);
        shared.fields().mass.fill(1.25)?;
        assert_eq!(shared.view().mass, [1.25; 10]);
        assert_eq!(shared.schema().fields.len(), 3);
        Ok(())
    });
}

#[test]
fn columns_can_be_a_field() {
    let owned = || Halo {
        particles: (0..5).map(particle).collect(),
        pairs: vec![Pair { a: 1, b: 2.0 }].into(),
        redshift: 0.25,
        profile: Array1::zeros(3),
    };
    Cluster::new(&[1, 2]).run_ok(|comm| -> pshmem::Result<()> {
        let mut shared = Shared::<Halo>::from_root(comm, 0, owned)?;
        assert_eq!(
            shared.dims(),
            HaloDims {
                particles: 5,
                pairs: 1,
                profile: [3]
            }
        );
        assert_eq!(shared.to_owned(), owned());
        shared.update(2, |mut w| w.pairs.set(0, Pair { a: 7, b: 8.0 }))?;
        assert_eq!(shared.view().pairs.get(0), Pair { a: 7, b: 8.0 });
        let mut fields = shared.fields();
        fields.particles.update(0, |mut w| w.mass[1] = 4.0)?;
        assert_eq!(fields.particles.view().mass[1], 4.0);
        assert!(
            shared
                .to_string()
                .contains("particles:\n  x: [[0.0, 1.0, 2.0], "),
            "{shared}"
        );
        Ok(())
    });
}

#[test]
fn no_records_and_too_many() {
    let comm = Comm::solo();
    let shared = Shared::<Columns<Particle>>::new(&comm, 0).unwrap();
    assert!(shared.view().is_empty());
    let error = Shared::<Columns<Particle>>::new(&comm, usize::MAX / 20).unwrap_err();
    assert!(error.to_string().contains("field `x`"), "{error}");
    let result = std::panic::catch_unwind(|| {
        Shared::<Columns<Particle>>::new(&Comm::solo(), 2)
            .unwrap()
            .view()
            .get(2)
    });
    assert!(result.is_err());
}
