use ndarray::Array2;
use pshmem::SharedLayout;

type Grid = Array2<f64>;

#[derive(SharedLayout)]
#[shared(dims(nx, ny))]
pub struct Flow {
    #[shared(shape = [nx, ny])]
    pub pressure: Array2<f64>,
    #[shared(layout, shape = [nx])]
    pub flux: Grid,
}

fn main() {}
