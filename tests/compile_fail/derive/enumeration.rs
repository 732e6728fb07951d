use pshmem::SharedLayout;

#[derive(SharedLayout)]
pub enum Phase {
    Gas,
    Liquid,
}

#[derive(SharedLayout)]
pub enum Shape {
    Point,
    Sphere { radius: f64 },
}

fn main() {}
