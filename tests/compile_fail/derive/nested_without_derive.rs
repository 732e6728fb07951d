use pshmem::SharedLayout;

pub struct Opacity {
    pub table: Vec<f32>,
}

#[derive(SharedLayout)]
pub struct Gas {
    pub density: Vec<f64>,
    #[shared(layout)]
    pub name: Opacity,
}

fn main() {}
