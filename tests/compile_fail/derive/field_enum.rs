use bytemuck::{NoUninit, Zeroable};
use pshmem::SharedLayout;

#[derive(Clone, Copy)]
pub enum Phase {
    Gas,
    Liquid,
}

#[derive(Clone, Copy, NoUninit, Zeroable)]
#[repr(u8)]
pub enum Kind {
    Star = 0,
    Dust = 1,
}

#[derive(SharedLayout)]
pub struct Cell {
    phase: Phase,
    kind: Kind,
}

fn main() {}
