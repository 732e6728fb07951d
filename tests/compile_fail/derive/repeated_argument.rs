use ndarray::Array2;
use pshmem::SharedLayout;

#[derive(SharedLayout)]
#[shared(dims(nx, ny))]
pub struct Flow {
    #[shared(shape = [nx, ny], align = 64)]
    #[shared(align = 128)]
    pub pressure: Array2<f64>,
}

fn main() {}
