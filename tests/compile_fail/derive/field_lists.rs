use std::collections::VecDeque;
use std::rc::Rc;

use ndarray::{Array1, Array2};
use pshmem::{Columns, Csr, Map, Ragged, SharedColumns, SharedLayout, Strings};

#[derive(Clone, Copy, SharedColumns)]
pub struct Particle {
    mass: f64,
}

#[derive(SharedLayout)]
pub struct Run {
    shared: Rc<[f64]>,
    queue: VecDeque<f64>,
    boxes: Vec<Box<[f64]>>,
    lines: [Array1<f64>; 2],
    maps: Vec<Array2<f64>>,
    texts: Vec<Vec<String>>,
    groups: Vec<Columns<Particle>>,
    rows: Ragged<Vec<f64>>,
    references: Ragged<&'static f64>,
    levels: Vec<Ragged<f64>>,
    words: Vec<Strings>,
    matrix: Csr<Vec<f64>>,
    matrices: Vec<Csr<f64>>,
    lists: Map<str, Vec<f64>>,
    tables: Vec<Map<str, f64>>,
}

fn main() {}
