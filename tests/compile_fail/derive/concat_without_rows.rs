use pshmem::{Comm, Shared, SharedLayout};

#[derive(SharedLayout)]
#[shared(dims(n))]
pub struct Stations {
    #[shared(shape = [n])]
    height: Vec<f64>,
}

#[derive(SharedLayout)]
#[shared(dims(n), rows = n)]
pub struct Network {
    #[shared(shape = [n])]
    length: Vec<f64>,
    #[shared(dims = StationsDims { n: 3 })]
    stations: Stations,
}

fn main() {
    let stations = Stations { height: vec![1.0] };
    let _ = Shared::<Stations>::concat(&Comm::solo(), &stations);
    let network = Network { length: vec![1.0], stations };
    let _ = Shared::<Network>::concat(&Comm::solo(), &network);
}
