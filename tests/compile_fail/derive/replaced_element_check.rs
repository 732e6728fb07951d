// `NonZeroU32` has no zero value, and new memory is zeroed.
mod fake {
    pub use pshmem::*;

    pub mod __private {
        pub use pshmem::__private::*;

        pub fn must_be_element<T>() {}
        pub fn assert_element<T>() {}
    }
}

#[derive(pshmem::SharedLayout)]
#[shared(crate = fake)]
pub struct Gas {
    pub name: std::num::NonZeroU32,
}

#[derive(pshmem::SharedColumns)]
#[shared(crate = fake)]
pub struct Particle {
    pub name: std::num::NonZeroU32,
}

fn main() {}
