//! What a rank calls: the part that all ranks must agree on, and how messages name it.

use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// Words of a [`Call`] in a control block.
pub(crate) const CALL_WORDS: usize = 4;

/// The collective calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u64)]
pub(crate) enum Kind {
    Barrier = 1,
    Split,
    RanksPerNode,
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
    Batch,
    NextTask,
    Report,
}

/// Every kind with the name of its call.
const NAMES: [(Kind, &str); 26] = [
    (Kind::Barrier, "barrier"),
    (Kind::Split, "split"),
    (Kind::RanksPerNode, "with_ranks_per_node"),
    (Kind::New, "new"),
    (Kind::FromRoot, "from_root"),
    (Kind::Close, "close"),
    (Kind::Update, "update"),
    (Kind::UpdatePerNode, "update_per_node"),
    (Kind::Set, "set"),
    (Kind::Assign, "assign"),
    (Kind::Fill, "fill"),
    (Kind::Memory, "memory"),
    (Kind::Start, "run"),
    (Kind::Lock, "lock"),
    (Kind::UpdateParts, "update_parts"),
    (Kind::UpdatePartsBy, "update_parts_by"),
    (Kind::Gather, "gather"),
    (Kind::GatherInOrder, "gather_in_order"),
    (Kind::ReduceInto, "reduce_into"),
    (Kind::Accumulate, "accumulate"),
    (Kind::Resize, "resize"),
    (Kind::CopyFrom, "copy_from"),
    (Kind::Swap, "swap"),
    (Kind::Batch, "Batch::build"),
    (Kind::NextTask, "next_task"),
    (Kind::Report, "Batch::report"),
];

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        Kind::name_of(self as u64)
    }

    fn name_of(word: u64) -> &'static str {
        NAMES
            .iter()
            .find(|(kind, _)| *kind as u64 == word)
            .map_or("an unknown call", |(_, name)| name)
    }
}

/// The part of a collective call that must be the same on all ranks. It is compared word by word, never as a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Call {
    /// Kind in the low half, the step of a call that meets several times in the high half.
    what: u64,
    /// The object, or 0. Numbers are never reused within a `Comm`.
    pub(crate) object: u64,
    /// First leaf and number of leaves of the field: a struct and its only field are told apart.
    field: u64,
    /// The rank that acts, or `NO_ROOT`.
    root: u64,
}

const NO_ROOT: u64 = u64::MAX;

/// In `what`: not the call itself but the check after it.
const CHECK: u64 = 1 << 63;

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

    /// The same call at its `step`-th meeting; only a defect of this crate makes ranks differ in it.
    pub(crate) fn step(self, step: u64) -> Self {
        Call {
            what: (self.what & 0xffff_ffff) | (step << 32),
            ..self
        }
    }

    /// The comparison of copies after this call.
    pub(crate) fn check(self) -> Self {
        Call {
            what: self.what | CHECK,
            ..self
        }
    }

    pub(crate) fn is_check(self) -> bool {
        self.what & CHECK != 0
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

    pub(crate) fn name(self) -> &'static str {
        Kind::name_of(self.what & 0xffff_ffff)
    }

    pub(crate) fn is(self, kind: Kind) -> bool {
        self.what & 0xffff_ffff == kind as u64
    }

    pub(crate) fn root_rank(self) -> usize {
        self.root as usize
    }

    /// `set` of object 3 with root 0.
    pub(crate) fn text(self) -> String {
        let mut text = format!("`{}`", self.name());
        if self.object != 0 {
            let _ = write!(text, " of object {}", self.object);
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
    fn a_call_survives_the_journey_and_reads_well() {
        let call = Call::new(Kind::Set).on(3, &(2..3)).root(1).step(1);
        assert_eq!(Call::from_words(call.words()), call);
        assert_eq!(call.text(), "`set` of object 3 (leaf 2) with root 1");
        assert_eq!(Call::new(Kind::Barrier).text(), "`barrier`");
    }

    #[test]
    fn a_struct_and_its_only_field_are_told_apart_from_neighbours() {
        let one = Call::new(Kind::Update).on(1, &(0..1));
        assert_ne!(one, Call::new(Kind::Update).on(1, &(0..2)));
        assert_ne!(one, Call::new(Kind::Update).on(1, &(1..2)));
    }
}
