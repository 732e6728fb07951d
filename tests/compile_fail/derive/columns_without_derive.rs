use pshmem::{Columns, SharedLayout};

#[derive(Clone, Copy)]
pub struct Particle {
    pub x: f64,
}

#[derive(SharedLayout)]
pub struct Halo {
    pub particles: Columns<Particle>,
}

fn main() {}
