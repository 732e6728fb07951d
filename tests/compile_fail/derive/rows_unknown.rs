use pshmem::{Ragged, SharedColumns, SharedLayout};

#[derive(SharedLayout)]
#[shared(dims(n, m), rows = k)]
pub struct Unknown {
    #[shared(shape = [n, m])]
    pub pressure: ndarray::Array2<f64>,
}

#[derive(SharedLayout)]
#[shared(rows = n)]
pub struct Undeclared {
    pub pressure: Vec<f64>,
}

#[derive(SharedLayout)]
#[shared(dims(n, m), rows = m)]
pub struct NotFirst {
    #[shared(shape = [n, m])]
    pub pressure: ndarray::Array2<f64>,
    #[shared(shape = [m + 1])]
    pub levels: Vec<f64>,
}

#[derive(SharedLayout)]
#[shared(dims(n, m), rows = m)]
pub struct NoRows {
    #[shared(dims = pshmem::RaggedDims { rows: n, items: m })]
    pub tracks: Ragged<f64>,
}

#[derive(SharedLayout)]
#[shared(dims(n), rows = n)]
#[shared(rows = n)]
pub struct Twice {
    #[shared(shape = [n])]
    pub pressure: Vec<f64>,
}

#[derive(SharedLayout)]
#[shared(dims(n), rows = [n])]
pub struct List {
    #[shared(shape = [n])]
    pub pressure: Vec<f64>,
}

#[derive(SharedLayout)]
#[shared(dims(n))]
pub struct OnField {
    #[shared(shape = [n], rows = n)]
    pub pressure: Vec<f64>,
}

#[derive(Clone, Copy, SharedColumns)]
#[shared(rows = n)]
pub struct Particle {
    pub mass: f64,
}

fn main() {}
