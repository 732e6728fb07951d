//! How much memory reading a header may use.
//!
//! A member of ten characters becomes a structure of a hundred bytes, so a limit of the text alone is none of the memory. A file
//! without rows may therefore be smaller than what its header becomes.

/// As many bytes may be used in any case: enough for 20,000 members of a structured dtype.
pub(crate) const FLOOR: usize = 16 << 20;

/// The bytes that may still be asked for. What is freed is not counted back, so this is a limit of the sum of all allocations.
#[derive(Debug)]
pub(crate) struct Budget {
    left: usize,
}

/// More memory would be needed.
#[derive(Debug)]
pub(crate) struct Exhausted;

impl Budget {
    /// As many bytes as the file has, or [`FLOOR`] if that is more.
    pub(crate) fn of_file(len: u64) -> Self {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        Self::of_bytes(len.max(FLOOR))
    }

    pub(crate) fn of_bytes(left: usize) -> Self {
        Budget { left }
    }

    /// Call it before as many bytes are allocated.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.left = self.left.checked_sub(bytes).ok_or(Exhausted)?;
        Ok(())
    }

    /// `list.push(value)`.
    pub(crate) fn push<T>(&mut self, list: &mut Vec<T>, value: T) -> Result<(), Exhausted> {
        if list.len() == list.capacity() {
            let more = list.len().max(2);
            self.take((list.len() + more).saturating_mul(size_of::<T>()))?;
            list.reserve_exact(more);
        }
        list.push(value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_allocations_are_counted() {
        let mut budget = Budget::of_file(0);
        let mut list = Vec::new();
        let mut pushed = 0_u64;
        while budget.push(&mut list, pushed).is_ok() {
            pushed += 1;
        }
        assert_eq!(list.len() as u64, pushed);
        // 2 + 4 + 8 + .. elements of 8 bytes.
        assert_eq!(pushed, (FLOOR as u64 / 8).next_power_of_two() / 2);
        assert!(budget.take(budget.left).is_ok());
        assert!(budget.take(1).is_err());
    }
}
