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
    /// Several fields of a struct.
    UpdateWhole,
    UpdatePerNode,
    UpdateParts,
    Gather,
    Reduce,
    /// All ranks add to any elements.
    Scatter,
    /// The same, with hits that are shared out.
    DynamicLoop,
    Resize,
    CopyFrom,
    Swap,
    Split,
    NodeComm,
    RanksPerNode,
    Domains,
    Barrier,
    Broadcast,
    AllGather,
    /// `Comm::gather`.
    GatherValues,
    AllReduce,
    AllReduceInto,
    ExclusiveScan,
    Drop,
    Close,
    DropComm,
    /// A `Comm` and what is on it is dropped inside the closure of a call on another one.
    DropInside,
    NewLock,
    UseLock,
    PoisonLock,
    DropLock,
    Batch,
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
        AllGather, AllReduce, AllReduceInto, Assign, Barrier, Batch, Broadcast, Close, CopyFrom,
        Domains, Drop, DropComm, DropInside, DropLock, DynamicLoop, ExclusiveScan, Fill, FromRoot,
        Gather, GatherValues, New, NewLock, NodeComm, PoisonLock, RanksPerNode, Reduce, Resize,
        Scatter, Set, SetWith, Split, Swap, Update, UpdateParts, UpdatePerNode, UpdateWhole,
        UseLock,
    };
    &[
        New,
        New,
        New,
        FromRoot,
        FromRoot,
        FromRoot,
        Set,
        Set,
        SetWith,
        Assign,
        Assign,
        Fill,
        Update,
        Update,
        UpdateWhole,
        UpdateWhole,
        UpdatePerNode,
        UpdateParts,
        UpdateParts,
        Gather,
        Reduce,
        Reduce,
        Scatter,
        Scatter,
        DynamicLoop,
        Resize,
        CopyFrom,
        Swap,
        Split,
        NodeComm,
        RanksPerNode,
        Domains,
        Barrier,
        Broadcast,
        Broadcast,
        AllGather,
        GatherValues,
        AllReduce,
        AllReduceInto,
        ExclusiveScan,
        Drop,
        Drop,
        Close,
        DropComm,
        DropInside,
        NewLock,
        NewLock,
        UseLock,
        UseLock,
        UseLock,
        PoisonLock,
        DropLock,
        Batch,
        Batch,
    ]
};

/// One to three nodes with one to three ranks each, most of them with messages that are late.
pub fn shapes() -> impl Strategy<Value = Shape> {
    // Every rank is a thread that costs time, and few problems need three ranks on each of three nodes.
    let ranks = prop_oneof![3 => Just(1_usize), 3 => Just(2), 1 => Just(3)];
    let nodes = prop::collection::vec(ranks, 1..=3);
    let delays = prop::option::weighted(0.7, 0_u64..1000);
    (nodes, any::<bool>(), delays).prop_map(|(nodes, cyclic, delays)| Shape {
        nodes,
        cyclic,
        delays,
    })
}

/// Sequences of legal calls; the same with invalid arguments and failing closures; with ranks that diverge or leave; and with
/// ranks that exit before the others.
pub fn sequences() -> impl Strategy<Value = Vec<Op>> {
    use OpKind::{Diverge, Exit, Invalid, Leave};
    let of = |more: &[&[OpKind]]| of_kinds([&[LEGAL], more].concat().concat());
    prop_oneof![
        2 => of(&[]),
        3 => of(&[&[Invalid; 16]]),
        3 => of(&[&[Invalid; 8], &[Diverge; 3], &[Leave; 3]]),
        4 => of(&[&[Invalid; 10], &[Diverge; 2], &[Leave; 2], &[Exit]]),
    ]
}

fn of_kinds(kinds: Vec<OpKind>) -> impl Strategy<Value = Vec<Op>> {
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
    prop::collection::vec(op, 1..22)
}
