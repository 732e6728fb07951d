use pshmem::{Ragged, SharedLayout};

pub struct Opaque(f64);

#[derive(SharedLayout)]
pub struct Gas {
    pub step: u64,
    pub tracks: Ragged<Opaque>,
}

fn main() {}
