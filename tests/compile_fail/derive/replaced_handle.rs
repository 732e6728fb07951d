// The handle would read the bytes of a `Vec<u8>` as `bool`s.
mod fake {
    pub use pshmem::*;

    pub type Field<'a, L> = <L as Other>::Field<'a>;
    pub trait Other {
        type Field<'a>;
    }
    impl<L> Other for L {
        type Field<'a> = pshmem::Field<'a, Vec<bool>>;
    }
}

#[derive(pshmem::SharedLayout)]
#[shared(crate = fake)]
pub struct Gas {
    pub name: Vec<u8>,
}

fn main() {}
