use bytemuck::{NoUninit, Pod, Zeroable};
use pshmem::{Element, Record};

#[derive(Clone, Copy, Zeroable, Record)]
#[repr(C)]
struct Pair<T> {
    first: T,
    second: T,
}

// SAFETY: two values of one type without padding.
unsafe impl<T: Pod> NoUninit for Pair<T> {}

fn item<T: Record>() {}

fn generic<T: Element>() {
    item::<Pair<T>>();
}

fn main() {
    item::<Pair<u128>>();
    generic::<u8>();
}
