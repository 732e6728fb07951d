use pshmem::{Comm, Shared, SharedLayout};

#[derive(SharedLayout)]
pub struct Opacity {
    pub table: Vec<f32>,
    pub name: String,
}

#[derive(SharedLayout)]
pub struct Gas {
    #[shared(layout)]
    pub opacity: Opacity,
    pub step: u64,
}

// The mistake is reported where it is, and nowhere else.
fn main() {
    let dims = GasDims { opacity: OpacityDims { table: 3 } };
    let mut gas = Shared::<Gas>::new(&Comm::solo(), dims).unwrap();
    gas.update(0, |mut w| w.opacity.table[0] = 1.0).unwrap();
    println!("{}", gas.view().opacity.table[0]);
}
