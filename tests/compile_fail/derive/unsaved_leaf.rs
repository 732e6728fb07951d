use bytemuck::{Pod, Zeroable};
use pshmem::{Columns, FileLayout, SharedColumns, SharedLayout};

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Line {
    frequency: f64,
}

#[derive(Clone, Copy, SharedColumns)]
pub struct Key {
    hash: i128,
}

#[derive(SharedLayout)]
pub struct Inner {
    lines: Vec<Line>,
}

#[derive(SharedLayout)]
pub struct Gas {
    step: u128,
    density: Vec<f64>,
    #[shared(layout)]
    inner: Inner,
    keys: Columns<Key>,
}

#[derive(SharedLayout)]
pub struct Table<T: pshmem::Element> {
    rows: Vec<T>,
}

fn can_be_saved<L: FileLayout + ?Sized>() {}

fn generic<T: pshmem::Element>() {
    can_be_saved::<Table<T>>();
}

fn main() {
    can_be_saved::<Gas>();
    can_be_saved::<[Line]>();
    can_be_saved::<u128>();
    generic::<u8>();
}
