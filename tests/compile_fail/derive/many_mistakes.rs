use pshmem::{Comm, Shared, SharedLayout};

#[derive(SharedLayout)]
#[shared(dims(nx, ny), size(3))]
pub struct Flow {
    #[shared(shape = [nx, nz])]
    pub pressure: ndarray::Array2<f64>,
    pub name: String,
    #[shared(layuot)]
    pub opacity: u8,
    pub lines: Vec<std::num::NonZeroU32>,
    #[shared(shape = [1])]
    pub step: u64,
}

// Using the struct and its generated types makes no further message.
fn main() {
    let comm = Comm::solo();
    let mut flow = Shared::<Flow>::new(&comm, FlowDims { nx: 3, ny: 4 }).unwrap();
    flow.update(0, |mut w| *w.step += 1).unwrap();
    let view: FlowView<'_> = flow.view();
    println!("{} {} {}", view.pressure[[0, 0]], view.name, view.step);
    let fields: FlowFields<'_> = flow.fields();
    drop(fields);
    let owned: Flow = flow.to_owned();
    println!("{} {flow}", owned.step);
}
