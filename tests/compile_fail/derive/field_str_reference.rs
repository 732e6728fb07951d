use pshmem::SharedLayout;

#[derive(SharedLayout)]
pub struct Gas {
    pub density: Vec<f64>,
    pub name: &'static str,
}

fn main() {}
