// The description of the fields is another type.
mod fake {
    pub use pshmem::*;

    pub mod __private {
        pub use pshmem::__private::*;

        pub struct StructField {
            pub name: String,
            pub offset: usize,
            pub item: Item,
        }
    }
}

#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable, pshmem::Record)]
#[shared(crate = fake)]
#[repr(C)]
pub struct Line {
    pub frequency: f64,
}

fn main() {}
