use ndarray::Array2;
use pshmem::SharedLayout;

#[derive(SharedLayout)]
#[shared(dims(nx, ny))]
pub struct Flow {
    #[shared(shape = [nx, ny + 1])]
    pub pressure: Array2<f64>,
}

fn main() {}
