use pshmem::SharedLayout;

#[derive(SharedLayout)]
#[shared(dims(n))]
pub struct Flow {
    #[shared(value, layout)]
    pub a: Text,
    #[shared(shape = [n], value)]
    pub b: Text,
    #[shared(value, dims = TextDims { n: n })]
    pub c: Text,
}

pub struct Text;

fn main() {}
