//! What a program can do whose only dependency is pshmem: the derives, and the crates that pshmem re-exports.
#![cfg(test)]

use pshmem::bytemuck::{NoUninit, Pod, Zeroable};
use pshmem::ndarray::{Array2, array};
use pshmem::num_complex::Complex64;
use pshmem::{Columns, Comm, Map, Record, Result, Shared, SharedColumns, SharedLayout, Strings};

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable, Record)]
#[bytemuck(crate = "pshmem::bytemuck")]
#[repr(C)]
struct Line {
    frequency: f64,
    strength: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, NoUninit, Zeroable, Record)]
#[bytemuck(crate = "pshmem::bytemuck")]
#[repr(u8)]
enum Phase {
    Gas,
    Liquid,
}

#[derive(Clone, Copy, Debug, PartialEq, SharedColumns)]
struct Particle {
    place: [f64; 3],
    mass: f32,
}

#[derive(SharedLayout)]
struct Inner {
    table: Vec<Complex64>,
}

#[derive(SharedLayout)]
#[shared(dims(nx))]
struct Gas {
    #[shared(shape = [nx, 2])]
    density: Array2<f64>,
    #[shared(shape = [nx])]
    lines: Vec<Line>,
    #[shared(dims = InnerDims { table: nx })]
    inner: Inner,
    phase: Phase,
}

#[derive(SharedLayout)]
struct Tables {
    particles: Columns<Particle>,
    names: Strings,
    ids: Map<u64, f64>,
}

#[test]
fn derived_structs_need_no_other_crate() -> Result<()> {
    let mut gas = Shared::<Gas>::new(&Comm::solo(), GasDims { nx: 3 })?;
    gas.update(0, |mut w| {
        w.density[[2, 1]] = 1.5;
        w.lines[0].frequency = 2.5;
        w.inner.table[1] = Complex64::new(0.5, -0.5);
        *w.phase = Phase::Liquid;
    })?;
    let view = gas.view();
    assert_eq!(view.density, array![[0.0, 0.0], [0.0, 0.0], [0.0, 1.5]]);
    let strength = 0.0;
    let line = Line {
        frequency: 2.5,
        strength,
    };
    assert_eq!(view.lines[0], line);
    assert_eq!(view.inner.table[1].im.to_bits(), (-0.5_f64).to_bits());
    assert_eq!(*view.phase, Phase::Liquid);
    Ok(())
}

#[test]
fn tables_need_no_other_crate() -> Result<()> {
    let particle = Particle {
        place: [1.0, 2.0, 3.0],
        mass: 0.5,
    };
    let tables = Shared::<Tables>::from_root(&Comm::solo(), 0, || Tables {
        particles: [particle].into_iter().collect(),
        names: ["Bern", "Basel"].into_iter().collect(),
        ids: [(7, 0.5)].into_iter().collect(),
    })?;
    let view = tables.view();
    assert_eq!(view.particles.get(0), particle);
    assert_eq!((view.names.len(), view.ids.get(&7)), (2, Some(&0.5)));
    assert_eq!(tables.to_owned().names.len(), 2);
    assert_ne!(Phase::Gas, Phase::Liquid);
    Ok(())
}
