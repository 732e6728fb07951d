use pshmem::SharedLayout;

#[derive(SharedLayout)]
pub struct Pair(pub Vec<f64>, pub u64);

fn main() {}
