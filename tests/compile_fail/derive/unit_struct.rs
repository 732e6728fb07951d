use pshmem::SharedLayout;

#[derive(SharedLayout)]
pub struct Nothing;

fn main() {}
