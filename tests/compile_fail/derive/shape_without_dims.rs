use ndarray::Array2;
use pshmem::SharedLayout;

#[derive(SharedLayout)]
pub struct Flow {
    #[shared(shape = [8, 8])]
    pub pressure: Array2<f64>,
}

fn main() {}
