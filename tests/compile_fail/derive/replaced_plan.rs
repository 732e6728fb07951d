// The functions of the field's plan would be those of another layout.
mod fake {
    pub use pshmem::*;

    pub mod __private {
        pub use pshmem::__private::*;

        pub type FieldPlan<L> = pshmem::__private::FieldPlan<<L as Other>::Type>;
        pub trait Other {
            type Type;
        }
        impl Other for Value<u8> {
            type Type = u8;
        }
    }
}

#[derive(pshmem::SharedLayout)]
#[shared(crate = fake)]
pub struct Gas {
    pub name: u8,
}

fn main() {}
