use pshmem::{Comm, Shared, SharedLayout};

#[derive(SharedLayout)]
pub struct Gas {
    pub density: Vec<f64>,
    pub step: u64,
}

fn main() {
    let mut gas = Shared::<Gas>::new(&Comm::solo(), GasDims { density: 3 }).unwrap();
    let mut kept = None;
    gas.update(0, |w| kept = Some(w)).unwrap();
    *kept.unwrap().step = 1;
}
