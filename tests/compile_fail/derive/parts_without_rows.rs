use pshmem::{Comm, Shared, SharedLayout, Strings};

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
    #[shared(dims = StationsDims { n })]
    stations: Stations,
}

#[derive(SharedLayout)]
#[shared(dims(n, bytes), rows = n)]
pub struct Names {
    #[shared(shape = [n, bytes])]
    names: Strings,
}

#[derive(SharedLayout)]
#[shared(dims(n, bytes), rows = n)]
pub struct Cities {
    year: u32,
    #[shared(shape = [n])]
    size: Vec<u64>,
    #[shared(shape = [n, bytes])]
    names: Strings,
}

fn main() {
    let comm = Comm::solo();
    let mut stations = Shared::<Stations>::new(&comm, StationsDims { n: 1 }).unwrap();
    let _ = stations.update_parts(|_, part| part.height[0] = 1.0);
    let mut network = Shared::<Network>::new(&comm, NetworkDims { n: 1 }).unwrap();
    let _ = network.update_parts(|_, part| part.length[0] = 1.0);
    let mut names = Shared::<Names>::new(&comm, NamesDims { n: 1, bytes: 9 }).unwrap();
    let _ = names.update_parts(|_, _| ());
    let mut cities = Shared::<Cities>::new(&comm, CitiesDims { n: 1, bytes: 9 }).unwrap();
    let _ = cities.update_parts(|_, part| part.names.push("Bern"));
    let _ = cities.update_parts(|_, part| part.year = 1990);
    let _ = cities.update_rows(|_| 0, |_, _| ());
    let _ = cities.resize(CitiesDims { n: 2, bytes: 9 });
}
