use pshmem::{SharedLayout};

#[derive(SharedLayout)]
pub struct Borrowed<'x> {
    pub table: &'x [f64],
    pub step: u64,
}

fn main() {}
