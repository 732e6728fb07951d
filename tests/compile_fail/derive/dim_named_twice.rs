use ndarray::Array2;
use pshmem::SharedLayout;

#[derive(SharedLayout)]
#[shared(dims(nx, ny, nx))]
pub struct Flow {
    #[shared(shape = [nx, ny])]
    pub pressure: Array2<f64>,
}

fn main() {}
