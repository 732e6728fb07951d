use ndarray::Array2;
use pshmem::SharedLayout;

#[derive(SharedLayout)]
pub struct Flow {
    #[shared(align = 100)]
    pub pressure: Array2<f64>,
    #[shared(align = 8192)]
    pub flux: Array2<f64>,
}

fn main() {}
