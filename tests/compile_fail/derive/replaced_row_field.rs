// The part of the nested field, which has no rows, would be all of it on every rank.
mod fake {
    pub use pshmem::*;

    pub mod __private {
        pub use pshmem::__private::*;

        pub unsafe trait RowField<'f, const INDEX: usize> {
            type Part<'a>;
            fn row_leaves(&self, _: &mut RowLeaves) {}
        }
        unsafe impl<L: pshmem::SharedLayout, const INDEX: usize> RowField<'_, INDEX> for L {
            type Part<'a> = L::ViewMut<'a>;
        }
    }
}

#[derive(pshmem::SharedLayout)]
#[shared(dims(n))]
pub struct Inner {
    #[shared(shape = [n])]
    pub values: Vec<f64>,
}

#[derive(pshmem::SharedLayout)]
#[shared(crate = fake, dims(n), rows = n)]
pub struct Gas {
    #[shared(dims = InnerDims { n })]
    pub inner: Inner,
}

fn main() {}
