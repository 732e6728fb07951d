use pshmem::{Comm, Shared, SharedLayout};

#[derive(SharedLayout)]
pub struct Gas {
    pub density: Vec<f64>,
    pub step: u64,
}

fn main() {
    let mut gas = Shared::<Gas>::new(&Comm::solo(), GasDims { density: 3 }).unwrap();
    let mut fields = gas.fields();
    let step = fields.step.view();
    fields.step.update(0, |mut s| *s += 1).unwrap();
    println!("{step}");
}
