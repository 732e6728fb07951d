use ndarray::Array2;

use pshmem::SharedLayout;

type Grid = Array2<f64>;

#[derive(SharedLayout)]
pub struct Gas {
    pub density: Vec<f64>,
    pub name: Grid,
}

fn main() {}
