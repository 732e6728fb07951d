//! The types of `mpi.rs` in a program that was built without MPI: they have no values.

/// No value.
pub(crate) enum Raw {}

/// No value.
pub(crate) enum Window {}

/// No value.
pub(crate) enum Leaders {}

impl Raw {
    pub(crate) fn new() -> Option<Self> {
        None
    }

    pub(crate) fn barrier(&self) {
        match *self {}
    }

    pub(crate) fn sum(&self, _: &[f64], _: &mut [f64]) {
        match *self {}
    }

    pub(crate) fn broadcast(&self, _: usize, _: &mut [u8]) {
        match *self {}
    }

    pub(crate) fn all_gather(&self, _: &[u8], _: &mut [u8]) {
        match *self {}
    }

    pub(crate) fn exclusive_sum(&self, _: f64) -> f64 {
        match *self {}
    }

    pub(crate) fn split(&self) {
        match *self {}
    }

    pub(crate) fn window(&self, _: usize) -> Window {
        match *self {}
    }

    pub(crate) fn window_over_nodes(&self) -> Option<Window> {
        match *self {}
    }

    pub(crate) fn leaders(&self, _: bool) -> Leaders {
        match *self {}
    }
}

impl Window {
    pub(crate) fn mine(&mut self) -> &mut [u8] {
        match *self {}
    }

    pub(crate) fn lock_and_unlock(&self) {
        match *self {}
    }
}

impl Leaders {
    pub(crate) fn broadcast(&self, _: &mut [u64]) {
        match *self {}
    }

    pub(crate) fn gather(&self, _: &[u64], _: &[usize], _: &mut [u64]) {
        match *self {}
    }
}
