use pshmem::{Ragged, SharedLayout, Text};

#[derive(SharedLayout)]
#[shared(dims(n, m), rows = n)]
pub struct Cells {
    #[shared(shape = [n, m])]
    pub pressure: ndarray::Array2<f64>,
    #[shared(shape = [m, n])]
    pub flux: ndarray::Array2<f64>,
    #[shared(shape = [n + 1])]
    pub edges: Vec<f64>,
    #[shared(shape = [n, 4 * n])]
    pub tracks: Ragged<f64>,
    #[shared(shape = [m, n])]
    pub lines: Ragged<f64>,
    #[shared(shape = [n])]
    pub title: Text,
}

fn main() {}
