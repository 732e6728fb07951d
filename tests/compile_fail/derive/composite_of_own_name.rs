use pshmem::SharedLayout;

#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(transparent)]
pub struct Text([u8; 32]);

#[derive(SharedLayout)]
pub struct Ragged<T: pshmem::Element> {
    pub rows: Vec<T>,
}

#[derive(SharedLayout)]
pub struct Gas {
    pub title: Text,
    pub tracks: Ragged<f64>,
}

fn main() {}
