use ndarray::Array2;
use pshmem::SharedLayout;

#[derive(SharedLayout)]
#[shared(crate = "pshmem")]
pub struct Flow {
    pub pressure: Array2<f64>,
}

fn main() {}
