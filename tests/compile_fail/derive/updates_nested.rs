use pshmem::{Comm, Shared, SharedLayout};

#[derive(SharedLayout)]
pub struct Gas {
    pub density: Vec<f64>,
    pub step: u64,
}

fn main() {
    let mut gas = Shared::<Gas>::new(&Comm::solo(), GasDims { density: 3 }).unwrap();
    gas.update(0, |mut w| {
        gas.update(0, |mut inner| *inner.step += 1).unwrap();
        w.density[0] = 1.0;
    })
    .unwrap();
}
