use pshmem::{Comm, Shared, SharedLayout};

#[derive(SharedLayout)]
pub struct Gas {
    pub density: Vec<f64>,
    pub step: u64,
}

fn main() {
    let gas = Shared::<Gas>::new(&Comm::solo(), GasDims { density: 3 }).unwrap();
    let view = gas.view();
    drop(gas);
    println!("{}", view.step);
}
