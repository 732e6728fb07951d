use ndarray::Array2;
use pshmem::SharedLayout;

#[derive(SharedLayout)]
#[shared(layout)]
#[shared]
pub struct Flow {
    #[shared(dims(nx))]
    pub pressure: Array2<f64>,
}

fn main() {}
