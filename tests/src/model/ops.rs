//! Operations, and strategies that generate sequences of them.

use proptest::prelude::*;

use crate::shapes::Shape;

/// The kind of an operation.
#[allow(missing_docs, reason = "they are named after the calls")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpKind {
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
    Invalid,
    Diverge,
    Leave,
    Exit,
}

/// An operation: its kind, its object or `Comm`, its root, and a seed for everything else.
#[derive(Debug, Clone, Copy)]
pub struct Op {
    /// The call.
    pub kind: OpKind,
    /// The index of the object or `Comm`, modulo their number.
    pub target: usize,
    /// The root, modulo the number of ranks.
    pub root: usize,
    /// For offsets, extents and values.
    pub seed: usize,
}

/// Calls that must succeed. Those that write are more frequent.
const LEGAL: &[OpKind] = {
    use OpKind::{
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

/// The same, with invalid arguments and failing closures.
pub fn with_invalid_calls() -> impl Strategy<Value = Vec<Op>> {
    sequences([LEGAL, &[OpKind::Invalid; 12]].concat())
}

/// The same, with a few ranks that diverge or leave.
pub fn with_divergence() -> impl Strategy<Value = Vec<Op>> {
    sequences(
        [
            LEGAL,
            &[OpKind::Invalid; 6],
            &[OpKind::Diverge; 2],
            &[OpKind::Leave; 2],
        ]
        .concat(),
    )
}

/// The same, with a few ranks that exit before the others.
pub fn anything() -> impl Strategy<Value = Vec<Op>> {
    sequences(
        [
            LEGAL,
            &[OpKind::Invalid; 10],
            &[OpKind::Diverge; 2],
            &[OpKind::Leave; 2],
            &[OpKind::Exit],
        ]
        .concat(),
    )
}

fn sequences(kinds: Vec<OpKind>) -> impl Strategy<Value = Vec<Op>> {
    let small = 0_usize..60;
    let op = (
        prop::sample::select(kinds),
        small.clone(),
        small,
        any::<u16>(),
    )
        .prop_map(|(kind, target, root, seed)| Op {
            kind,
            target,
            root,
            seed: seed.into(),
        });
    prop::collection::vec(op, 1..30)
}
