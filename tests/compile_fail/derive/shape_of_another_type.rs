use ndarray::Array2;
use pshmem::SharedLayout;

const HALO: i32 = 2;

#[derive(SharedLayout)]
#[shared(dims(nx, ny))]
pub struct Flow {
    #[shared(shape = [nx, ny])]
    pub pressure: Array2<f64>,
    #[shared(shape = [nx, HALO])]
    pub flux: Array2<f64>,
}

fn main() {}
