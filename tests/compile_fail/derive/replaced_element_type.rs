// The type that is checked is `u32`, but that of the elements is `NonZeroU32`.
mod fake {
    pub use pshmem::*;

    use std::num::NonZeroU32;

    pub type ArrayMut<'a, T, D> = <(T, D) as Other>::Mut<'a>;
    pub trait Other {
        type Mut<'a>;
    }
    impl<T> Other for (T, ndarray::Ix2) {
        type Mut<'a> = pshmem::ArrayMut<'a, NonZeroU32, ndarray::Ix2>;
    }

    pub mod __private {
        pub use pshmem::__private::*;

        pub type ArrayView2<'a, T> = <T as Other>::View<'a>;
        pub trait Other {
            type View<'a>;
        }
        impl<T> Other for T {
            type View<'a> = pshmem::__private::ArrayView2<'a, super::NonZeroU32>;
        }
    }
}

pub trait Other {
    type Type;
}
impl<T> Other for T {
    type Type = std::num::NonZeroU32;
}
pub type Array2<T> = ndarray::Array2<<T as Other>::Type>;

#[derive(pshmem::SharedLayout)]
#[shared(crate = fake)]
pub struct Gas {
    pub name: Array2<u32>,
}

fn main() {}
