//! `collect`: objects made of what each rank has found, in which entries of several ranks may belong together.

mod csr;
mod map;
