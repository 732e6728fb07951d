use ndarray::ArrayD;

use pshmem::SharedLayout;

#[derive(SharedLayout)]
pub struct Gas {
    pub density: Vec<f64>,
    pub name: ArrayD<f64>,
}

fn main() {}
