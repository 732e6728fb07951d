use pshmem::{Comm, Shared, SharedLayout};

#[derive(SharedLayout)]
pub struct Gas {
    pub density: Vec<f64>,
    pub step: u64,
}

fn main() {
    let mut gas = Shared::<Gas>::new(&Comm::solo(), GasDims { density: 3 }).unwrap();
    let density = gas.view().density;
    gas.update(0, |mut w| w.density[0] = 1.0).unwrap();
    println!("{}", density[0]);
}
