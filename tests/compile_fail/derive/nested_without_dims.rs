use ndarray::Array2;
use pshmem::SharedLayout;

#[derive(SharedLayout)]
pub struct Opacity {
    pub table: Vec<f32>,
}

#[derive(SharedLayout)]
#[shared(dims(nx, ny))]
pub struct Flow {
    #[shared(shape = [nx, ny])]
    pub pressure: Array2<f64>,
    #[shared(layout)]
    pub opacity: Opacity,
}

fn main() {}
