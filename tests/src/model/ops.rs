//! What a sequence is made of, and how to generate one.

use proptest::prelude::*;

/// A cluster of threads.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Ranks on each node.
    pub nodes: Vec<usize>,
    /// Whether ranks are dealt round-robin.
    pub cyclic: bool,
}

/// What to do.
#[allow(missing_docs, reason = "they are named after the calls")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    New,
    FromRoot,
    Set,
    SetWith,
    Assign,
    Fill,
    Update,
    UpdateThroughField,
    UpdatePerNode,
    UpdateParts,
    Gather,
    Reduce,
    Resize,
    Split,
    NodeComm,
    RanksPerNode,
    Barrier,
    Drop,
    Close,
    DropComm,
    Bad,
    Diverge,
    Leave,
    End,
}

/// An operation: what, on which of the existing things, with which root, and a number from which everything else follows.
#[derive(Debug, Clone, Copy)]
pub struct Op {
    /// The call.
    pub what: What,
    /// The object or `Comm`, modulo their number.
    pub target: usize,
    /// The root, modulo the number of ranks.
    pub root: usize,
    /// For offsets, extents and values.
    pub seed: usize,
}

/// Calls that must go well. Those that write come more often.
const LEGAL: &[What] = {
    use What::{
        Assign, Barrier, Close, Drop, DropComm, Fill, FromRoot, Gather, New, NodeComm,
        RanksPerNode, Reduce, Resize, Set, SetWith, Split, Update, UpdateParts, UpdatePerNode,
        UpdateThroughField,
    };
    &[
        New,
        New,
        FromRoot,
        FromRoot,
        Set,
        Set,
        Set,
        SetWith,
        Assign,
        Assign,
        Fill,
        Update,
        Update,
        Update,
        UpdateThroughField,
        UpdatePerNode,
        UpdateParts,
        UpdateParts,
        Gather,
        Reduce,
        Reduce,
        Resize,
        Split,
        NodeComm,
        RanksPerNode,
        Barrier,
        Drop,
        Drop,
        Close,
        DropComm,
    ]
};

/// One to three nodes with one to three ranks each.
pub fn shapes() -> impl Strategy<Value = Shape> {
    (prop::collection::vec(1_usize..=3, 1..=3), any::<bool>())
        .prop_map(|(nodes, cyclic)| Shape { nodes, cyclic })
}

/// Sequences of legal calls.
pub fn legal() -> impl Strategy<Value = Vec<Op>> {
    sequences(LEGAL.to_vec())
}

/// Legal calls with bad arguments and failing closures among them.
pub fn with_bad_arguments() -> impl Strategy<Value = Vec<Op>> {
    sequences([LEGAL, &[What::Bad; 12]].concat())
}

/// The same, and now and then ranks that diverge or leave.
pub fn with_divergence() -> impl Strategy<Value = Vec<Op>> {
    sequences(
        [
            LEGAL,
            &[What::Bad; 6],
            &[What::Diverge; 2],
            &[What::Leave; 2],
        ]
        .concat(),
    )
}

/// All of it, and now and then a rank that ends before the others.
pub fn anything() -> impl Strategy<Value = Vec<Op>> {
    sequences(
        [
            LEGAL,
            &[What::Bad; 10],
            &[What::Diverge; 2],
            &[What::Leave; 2],
            &[What::End],
        ]
        .concat(),
    )
}

fn sequences(of: Vec<What>) -> impl Strategy<Value = Vec<Op>> {
    let small = 0_usize..60;
    let op = (prop::sample::select(of), small.clone(), small, any::<u16>()).prop_map(
        |(what, target, root, seed)| Op {
            what,
            target,
            root,
            seed: seed.into(),
        },
    );
    prop::collection::vec(op, 1..30)
}
