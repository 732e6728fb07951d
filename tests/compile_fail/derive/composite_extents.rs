use pshmem::{Ragged, SharedLayout, Strings, Text};

#[derive(SharedLayout)]
#[shared(dims(n, m))]
pub struct Gas {
    #[shared(shape = [n, m])]
    pub density: ndarray::Array2<f64>,
    #[shared(shape = [n])]
    pub tracks: Ragged<f64>,
    pub names: Strings,
    #[shared(shape = [n, m])]
    pub title: Text,
    #[shared(dims = n)]
    pub more: Strings,
}

fn main() {}
