use std::rc::Rc;

use pshmem::SharedLayout;

#[derive(SharedLayout)]
pub struct Gas {
    pub density: Vec<f64>,
    pub name: Rc<Vec<f64>>,
}

fn main() {}
