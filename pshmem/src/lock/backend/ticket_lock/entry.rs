//! What one entry of a ticket lock holds.

/// The most ranks that an entry can tell apart: numbers of ranks have 24 bits.
pub(super) const MAX_RANKS: usize = (1 << NUMBER_BITS) - 1;

const NUMBER_BITS: u32 = 24;
const NUMBER: u64 = (1 << NUMBER_BITS) - 1;
const ABANDONED: u64 = 1 << NUMBER_BITS;
const GRANTED: u64 = 1 << 32;
const POISON_SHIFT: u32 = 33;

/// The sum of the signature of the rank that drew the entry's ticket, and of the grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TicketEntry(pub(super) u64);

impl TicketEntry {
    pub(super) fn signature(rank: usize) -> Self {
        TicketEntry(rank as u64 + 1)
    }

    /// `poisoned` is the rank that panicked with the lock.
    pub(super) fn grant(poisoned: Option<usize>) -> Self {
        let number = poisoned.map_or(0, |rank| rank as u64 + 1);
        TicketEntry(GRANTED | (number << POISON_SHIFT))
    }

    /// The entry to which `other` has been added.
    pub(super) fn plus(self, other: Self) -> Self {
        TicketEntry(self.0 + other.0)
    }

    /// What has to be added to clear it.
    pub(super) fn negative(self) -> u64 {
        self.0.wrapping_neg()
    }

    pub(super) fn abandoned(self) -> Self {
        TicketEntry(self.0 | ABANDONED)
    }

    /// The rank that has drawn the ticket and signed the entry.
    pub(super) fn signer(self) -> Option<usize> {
        ((self.0 & NUMBER) as usize).checked_sub(1)
    }

    pub(super) fn is_granted(self) -> bool {
        self.0 & GRANTED != 0
    }

    pub(super) fn is_abandoned(self) -> bool {
        self.0 & ABANDONED != 0
    }

    /// Whether a rank waits at it.
    pub(super) fn is_waiting(self) -> bool {
        self.signer().is_some() && !self.is_granted() && !self.is_abandoned()
    }

    /// The rank that panicked with the lock.
    pub(super) fn poisoned(self) -> Option<usize> {
        ((self.0 >> POISON_SHIFT) as usize).checked_sub(1)
    }
}
