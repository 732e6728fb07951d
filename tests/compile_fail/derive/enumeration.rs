use pshmem::SharedLayout;

#[derive(SharedLayout)]
pub enum Phase {
    Gas,
    Liquid,
}

fn main() {}
