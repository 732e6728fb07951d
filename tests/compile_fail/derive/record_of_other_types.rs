use pshmem::Record;

#[derive(Clone, Copy, Record)]
#[repr(u8)]
enum Shape {
    Point,
    Circle { radius: f32 },
    Square(f32),
}

#[derive(Clone, Copy, Record)]
#[repr(C)]
union Bits {
    float: f32,
    number: u32,
}

#[derive(Clone, Copy, Record)]
#[repr(C)]
struct Nothing;

#[derive(Clone, Copy, Record)]
#[repr(u8)]
enum Never {}

#[derive(Clone, Copy, Record)]
#[repr(transparent)]
struct Meters<U>(f64, std::marker::PhantomData<U>);

#[derive(Clone, Copy, Record)]
#[repr(C)]
#[shared(dims(n))]
struct Name<'a> {
    text: &'a u8,
}

fn main() {}
