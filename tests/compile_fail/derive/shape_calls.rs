use ndarray::Array2;
use pshmem::SharedLayout;

#[derive(SharedLayout)]
#[shared(dims(nx, ny))]
pub struct Flow {
    #[shared(shape = [nx, ny])]
    pub pressure: Array2<f64>,
    #[shared(shape = [nx.pow(2), ny])]
    pub flux: Array2<f64>,
}

fn main() {}
