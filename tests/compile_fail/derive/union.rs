use pshmem::SharedLayout;

#[derive(SharedLayout)]
pub union Bits {
    pub float: f32,
    pub bits: u32,
}

fn main() {}
