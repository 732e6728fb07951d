use pshmem::{Comm, Shared, SharedLayout};

#[derive(SharedLayout)]
pub struct Gas {
    pub density: Vec<f64>,
    pub step: u64,
}

fn main() {
    let gas = Shared::<Gas>::new(&Comm::solo(), GasDims { density: 3 }).unwrap();
    gas.view().density[0] = 1.0;
}
