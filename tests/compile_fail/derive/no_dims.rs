use ndarray::Array2;
use pshmem::SharedLayout;

#[derive(SharedLayout)]
#[shared(dims())]
pub struct Flow {
    #[shared(shape = [nx, ny])]
    pub pressure: Array2<f64>,
}

fn main() {}
