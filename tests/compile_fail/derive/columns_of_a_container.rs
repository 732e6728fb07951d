use pshmem::SharedColumns;

#[derive(Clone, SharedColumns)]
pub struct Particle {
    pub x: f64,
    pub neighbours: Vec<u32>,
    pub name: String,
    #[shared(layout)]
    pub other: u8,
}

fn main() {}
