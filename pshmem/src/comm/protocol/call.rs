//! The identity of a collective call: what all ranks must agree on before anything is written, and how messages name it.

use crate::error::clip;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// Bytes of the name of a type that a text shows.
const TYPE: usize = 80;

/// Words of a [`Call`] in a control block.
pub(crate) const CALL_WORDS: usize = 4;

/// The collective calls of the whole crate. One list, because a rank names the calls of other ranks, which it knows as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u64)]
pub(crate) enum Kind {
    Barrier = 1,
    Split,
    RanksPerNode,
    Domains,
    New,
    FromRoot,
    Close,
    Update,
    UpdatePerNode,
    Set,
    Assign,
    Fill,
    Memory,
    Start,
    Lock,
    UpdateParts,
    UpdatePartsBy,
    Gather,
    GatherInOrder,
    ReduceInto,
    Accumulate,
    Resize,
    CopyFrom,
    Swap,
    SwapData,
    Batch,
    NextTask,
    Report,
    Save,
    Load,
    ReadFrom,
    LoadWith,
    Checkpoints,
    Latest,
    Concat,
    Collect,
    MemoryLimit,
    Broadcast,
    AllGather,
    GatherValues,
    AllReduce,
    AllReduceInto,
    ExclusiveScan,
    UpdatePartsWeighted,
    UpdatePartsAlong,
    UpdateRows,
    Counter,
    CounterReset,
    ForEachDynamic,
    Scatter,
}

/// How the argument that all ranks of a call must pass alike is encoded, so that an error can show two that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Argument {
    /// Bytes of any kind.
    Bytes,
    /// A value with its type, as `layout::value_text` encodes it.
    Element,
    /// One `u64`, little-endian.
    Number,
    /// UTF-8.
    Text,
    /// A list of numbers.
    Counts,
    /// The owners of rows.
    Owners,
    /// The key of an object's layout. It shows that two layouts differ, but not how: the layouts themselves are compared then.
    Layout,
    /// A `ValueKey`.
    Values,
}

/// Every kind with the name of its call and its argument.
const KINDS: [(Kind, &str, Argument); 50] = [
    (Kind::Barrier, "barrier", Argument::Bytes),
    (Kind::Split, "split", Argument::Bytes),
    (Kind::RanksPerNode, "with_ranks_per_node", Argument::Number),
    (Kind::Domains, "with_domains", Argument::Text),
    (Kind::New, "new", Argument::Layout),
    (Kind::FromRoot, "from_root", Argument::Layout),
    (Kind::Close, "close", Argument::Bytes),
    (Kind::Update, "update", Argument::Bytes),
    (Kind::UpdatePerNode, "update_per_node", Argument::Bytes),
    (Kind::Set, "set", Argument::Bytes),
    (Kind::Assign, "assign", Argument::Bytes),
    (Kind::Fill, "fill", Argument::Element),
    (Kind::Memory, "memory", Argument::Bytes),
    (Kind::Start, "run", Argument::Bytes),
    (Kind::Lock, "lock", Argument::Bytes),
    (Kind::UpdateParts, "update_parts", Argument::Bytes),
    (Kind::UpdatePartsBy, "update_parts_by", Argument::Counts),
    (Kind::Gather, "gather", Argument::Bytes),
    (Kind::GatherInOrder, "gather_in_order", Argument::Bytes),
    (Kind::ReduceInto, "reduce_into", Argument::Text),
    (Kind::Accumulate, "accumulate", Argument::Text),
    (Kind::Resize, "resize", Argument::Layout),
    (Kind::CopyFrom, "copy_from", Argument::Text),
    (Kind::Swap, "swap", Argument::Text),
    (Kind::SwapData, "swap_data", Argument::Text),
    (Kind::Batch, "Batch::build", Argument::Text),
    (Kind::NextTask, "next_task", Argument::Bytes),
    (Kind::Report, "Batch::report", Argument::Bytes),
    (Kind::Save, "save", Argument::Text),
    (Kind::Load, "load", Argument::Layout),
    (Kind::ReadFrom, "read_from", Argument::Text),
    (Kind::LoadWith, "load_with", Argument::Layout),
    (Kind::Checkpoints, "Checkpoints::new", Argument::Text),
    (Kind::Latest, "Checkpoints::latest", Argument::Text),
    (Kind::Concat, "concat", Argument::Layout),
    (Kind::Collect, "collect", Argument::Layout),
    (Kind::MemoryLimit, "set_memory_limit", Argument::Number),
    (Kind::Broadcast, "broadcast", Argument::Values),
    (Kind::AllGather, "all_gather", Argument::Values),
    (Kind::GatherValues, "Comm::gather", Argument::Values),
    (Kind::AllReduce, "all_reduce", Argument::Values),
    (Kind::AllReduceInto, "all_reduce_into", Argument::Values),
    (Kind::ExclusiveScan, "exclusive_scan", Argument::Values),
    (
        Kind::UpdatePartsWeighted,
        "update_parts_weighted",
        Argument::Text,
    ),
    (Kind::UpdatePartsAlong, "update_parts_along", Argument::Text),
    (Kind::UpdateRows, "update_rows", Argument::Owners),
    (Kind::Counter, "counter", Argument::Number),
    (Kind::CounterReset, "Counter::reset", Argument::Bytes),
    (Kind::ForEachDynamic, "for_each_dynamic", Argument::Text),
    (Kind::Scatter, "scatter", Argument::Text),
];

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        Kind::name_of(self as u64)
    }

    fn name_of(word: u64) -> &'static str {
        Kind::entry(word).map_or("an unknown call", |(_, name, _)| name)
    }

    fn entry(word: u64) -> Option<&'static (Kind, &'static str, Argument)> {
        KINDS.iter().find(|(kind, ..)| *kind as u64 == word)
    }
}

/// The later rounds of a call that has several; the first one needs no step. Ranks in different rounds of one call are a defect of this crate, which the
/// comparison of calls then reports instead of a wrong result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Step {
    /// All ranks receive the argument of rank 0, piece by piece.
    Reference = 1,
    /// They agree on whether theirs is the same.
    Compare,
    /// Every rank passes a small item to all others.
    Gather,
    /// The leaders of all nodes pass their hosts.
    Hosts,
    /// All ranks of a `split` pass their color and key.
    Members,
    /// All ranks of a `with_domains` pass the domain in which they run.
    Domain,
    /// Ranks that are in none pass the reason.
    Reason,
    /// They agree on the number of the new `Comm`.
    CommId,
    /// Node memory is allocated for what all have agreed on.
    Place,
    /// Every node has checked that there is room for a new mapping.
    CheckRoom,
    /// It has mapped and populated it.
    Populate,
    /// The leaders allocate in it.
    Allocate,
    /// They tell their nodes of allocations that did not fit into the outcome.
    MoreAllocations,
    /// Collective test of one-sided operations.
    ProbeRma,
    /// What one rank has set up can be used by all.
    Ready,
    /// The root passes the extents of its value.
    Extents,
    /// The root writes.
    Write,
    /// All ranks have done their part.
    Finish,
    /// Copies of different nodes are compared after the call.
    Copies,
    /// All ranks pass the path of a file or folder.
    Path,
    /// Rank 0 creates files that others write to.
    Create,
    /// It puts them where they are to stand.
    Commit,
    /// Copies of nodes that differ, because an error ended the call early, are made equal.
    Equalise,
    /// All ranks compare the types of what they bring.
    Type,
    /// They compare what must be the same on all of them.
    Common,
    /// They compare what was too long for the first round.
    Argument,
    /// Each node has computed what files do not contain, or what no rank has alone.
    Complete,
    /// Ranks that have failed say why, when all know how far the call has come.
    Failure,
}

/// The part of a collective call that must be the same on all ranks. It is compared word by word, never as a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Call {
    /// The kind in the low half, the step in the high half.
    what: u64,
    /// The object, or 0. Numbers are never reused within a `Comm`.
    pub(crate) object: u64,
    /// First leaf and number of leaves of the field: a struct and its only field are told apart.
    field: u64,
    /// The rank that acts, or `NO_ROOT`.
    root: u64,
}

const NO_ROOT: u64 = u64::MAX;

impl Call {
    pub(crate) fn new(kind: Kind) -> Self {
        Call {
            what: kind as u64,
            object: 0,
            field: 0,
            root: NO_ROOT,
        }
    }

    pub(crate) fn on(self, object: u64, leaves: &std::ops::Range<usize>) -> Self {
        Call {
            object,
            field: ((leaves.start as u64) << 32) | leaves.len() as u64,
            ..self
        }
    }

    pub(crate) fn root(self, root: usize) -> Self {
        Call {
            root: root as u64,
            ..self
        }
    }

    /// The same call in another round.
    pub(crate) fn step(self, step: Step) -> Self {
        Call {
            what: self.kind_word() | ((step as u64) << 32),
            ..self
        }
    }

    pub(crate) fn is_step(self, step: Step) -> bool {
        self.what >> 32 == step as u64
    }

    pub(crate) fn words(self) -> [u64; CALL_WORDS] {
        [self.what, self.object, self.field, self.root]
    }

    pub(crate) fn from_words([what, object, field, root]: [u64; CALL_WORDS]) -> Self {
        Call {
            what,
            object,
            field,
            root,
        }
    }

    fn kind_word(self) -> u64 {
        self.what & 0xffff_ffff
    }

    pub(crate) fn name(self) -> &'static str {
        Kind::name_of(self.kind_word())
    }

    /// How the argument of this call is encoded.
    pub(crate) fn argument(self) -> Argument {
        match Kind::entry(self.kind_word()) {
            // A checksum, whatever the call is.
            _ if self.is_step(Step::Copies) => Argument::Bytes,
            _ if self.is_step(Step::Path)
                || self.is_step(Step::Type)
                || self.is_step(Step::Common) =>
            {
                Argument::Text
            }
            Some(&(.., argument)) => argument,
            None => Argument::Bytes,
        }
    }

    pub(crate) fn root_rank(self) -> usize {
        self.root as usize
    }

    /// `set` of object 3 ([f64]) with root 0. The type is that of the object, where it is known.
    pub(crate) fn text(self, type_name: Option<&str>) -> String {
        let mut text = format!("`{}`", self.name());
        if self.object != 0 {
            let _ = write!(text, " of object {}", self.object);
            if let Some(name) = type_name {
                let _ = write!(text, " ({})", clip(name, TYPE));
            }
            if self.field >> 32 != 0 {
                let _ = write!(text, " (leaf {})", self.field >> 32);
            }
        }
        if self.root != NO_ROOT {
            let _ = write!(text, " with root {}", self.root);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_restored_from_its_words_and_reads_well() {
        let call = Call::new(Kind::Set)
            .on(3, &(2..3))
            .root(1)
            .step(Step::Write);
        assert_eq!(Call::from_words(call.words()), call);
        assert_eq!(call.text(None), "`set` of object 3 (leaf 2) with root 1");
        let text = "`set` of object 3 ([f64]) (leaf 2) with root 1";
        assert_eq!(call.text(Some("[f64]")), text);
        assert_eq!(Call::new(Kind::Barrier).text(None), "`barrier`");
    }

    #[test]
    fn a_struct_and_its_only_field_are_told_apart_from_neighbours() {
        let one = Call::new(Kind::Update).on(1, &(0..1));
        assert_ne!(one, Call::new(Kind::Update).on(1, &(0..2)));
        assert_ne!(one, Call::new(Kind::Update).on(1, &(1..2)));
    }

    #[test]
    fn steps_replace_each_other_and_keep_the_kind() {
        let step = Call::new(Kind::Split)
            .step(Step::Members)
            .step(Step::CommId);
        assert!(step.is_step(Step::CommId) && !step.is_step(Step::Members));
        assert_eq!(step.name(), "split");
    }
}
