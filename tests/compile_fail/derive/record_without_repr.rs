use pshmem::Record;

#[derive(Clone, Copy, Record)]
struct Line {
    frequency: f64,
}

#[derive(Clone, Copy, Record)]
enum Kind {
    Land,
    Sea,
}

#[derive(Clone, Copy, Record)]
#[repr(C)]
enum Size {
    Small,
    Large,
}

#[derive(Clone, Copy, Record)]
#[repr(u128)]
enum Wide {
    Small,
    Large,
}

fn main() {}
