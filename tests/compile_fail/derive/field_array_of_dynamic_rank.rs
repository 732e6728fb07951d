use ndarray::{Array, IxDyn};

use pshmem::SharedLayout;

#[derive(SharedLayout)]
pub struct Gas {
    pub density: Vec<f64>,
    pub name: Array<f64, IxDyn>,
}

fn main() {}
