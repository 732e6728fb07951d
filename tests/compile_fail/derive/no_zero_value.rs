use pshmem::SharedLayout;

#[derive(SharedLayout)]
pub struct Gas {
    pub density: Vec<f64>,
    pub name: std::num::NonZeroU32,
}

fn main() {}
