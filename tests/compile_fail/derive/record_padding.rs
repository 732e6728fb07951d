use bytemuck::Zeroable;

#[derive(Clone, Copy, Zeroable, pshmem::Record)]
#[repr(C)]
struct Line {
    kind: u8,
    frequency: f64,
}

// SAFETY: none: there are bytes between the two fields.
unsafe impl bytemuck::NoUninit for Line {}

#[derive(Clone, Copy, Zeroable, pshmem::Record)]
#[repr(C)]
struct Plain {
    kind: u8,
    frequency: f64,
}

fn main() {}
