use pshmem::SharedLayout;
use std::num::NonZeroU32;

#[derive(SharedLayout)]
pub struct Halo {
    mass: Option<f64>,
    name: Option<String>,
    members: Option<Vec<u64>>,
    parents: Vec<Option<u32>>,
    host: Option<NonZeroU32>,
}

fn main() {}
