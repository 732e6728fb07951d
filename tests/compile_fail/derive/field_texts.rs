use std::borrow::Cow;
use std::ffi::{CString, OsString};
use std::rc::Rc;

use pshmem::{Map, Ragged, SharedLayout};

#[derive(SharedLayout)]
pub struct Run {
    title: Box<str>,
    user: Rc<String>,
    host: Cow<'static, str>,
    file: OsString,
    folder: &'static std::path::Path,
    library: CString,
    axes: [String; 3],
    names: Box<[&'static str]>,
    cells: ndarray::Array2<String>,
    notes: Ragged<String>,
    by_name: Map<String, f64>,
    last: str,
}

fn main() {}
