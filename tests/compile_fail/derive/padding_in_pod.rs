use bytemuck::{Pod, Zeroable};
use pshmem::SharedLayout;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Line {
    pub index: u32,
    pub frequency: f64,
}

#[derive(SharedLayout)]
pub struct Gas {
    pub lines: Vec<Line>,
}

fn main() {}
