use pshmem::{Comm, Shared, SharedLayout};

#[derive(SharedLayout)]
pub struct Gas {
    pub density: Vec<f64>,
    pub step: u64,
}

fn main() {
    let mut gas = Shared::<Gas>::new(&Comm::solo(), GasDims { density: 3 }).unwrap();
    let fields = gas.fields();
    gas.close().unwrap();
    println!("{}", fields.step.view());
}
