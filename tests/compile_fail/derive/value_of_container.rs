use pshmem::SharedLayout;

#[derive(SharedLayout)]
pub struct Gas {
    #[shared(value)]
    pub density: Vec<f64>,
    #[shared(value)]
    pub name: &'static str,
}

fn main() {}
