use pshmem::{Csr, Map, Ragged, SharedLayout, Text};

pub struct Opaque(f64);

#[derive(SharedLayout)]
pub struct Gas {
    pub step: u64,
    pub tracks: Ragged<Opaque>,
    pub titles: Map<u64, Text>,
    pub matrix: Csr<Opaque>,
}

fn main() {}
