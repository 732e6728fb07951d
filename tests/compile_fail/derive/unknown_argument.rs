use ndarray::Array2;
use pshmem::SharedLayout;

#[derive(SharedLayout)]
#[shared(dim(nx, ny))]
pub struct Flow {
    #[shared(shap = [nx, ny])]
    pub pressure: Array2<f64>,
}

fn main() {}
