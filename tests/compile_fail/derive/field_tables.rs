use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use pshmem::SharedLayout;

#[derive(SharedLayout)]
pub struct Run {
    by_name: HashMap<String, f64>,
    by_tag: BTreeMap<&'static str, [f64; 3]>,
    names: HashMap<u32, String>,
    neighbours: HashMap<u32, Vec<u32>>,
    by_pair: HashMap<(u32, u32), f64>,
    levels: Vec<HashMap<u32, f64>>,
    nested: HashMap<u32, HashMap<u32, f64>>,
    used: HashSet<String>,
    seen: BTreeSet<u64>,
}

fn main() {}
