use bytemuck::{Pod, Zeroable};
use pshmem::Record;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Inner {
    value: f32,
}

#[derive(Clone, Copy, Pod, Zeroable, Record)]
#[repr(C)]
struct Line {
    hash: u128,
    inner: [Inner; 4],
}

fn main() {}
