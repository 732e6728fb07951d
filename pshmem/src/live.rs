//! Lists of what a rank has created and not dropped, leaked handles included, for the end of the rank.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// Weak references to the values of one thread that may still be alive, with the numbers in which they were added.
#[derive(Debug)]
pub(crate) struct Live<T> {
    values: RefCell<Vec<(u64, Weak<T>)>>,
    next: Cell<u64>,
}

/// A moment between two additions to a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LiveMark(u64);

impl LiveMark {
    /// Before the first addition.
    #[cfg(any(feature = "mpi", test))]
    pub(crate) const FIRST: LiveMark = LiveMark(0);
}

impl<T> Live<T> {
    pub(crate) const fn new() -> Self {
        Live {
            values: RefCell::new(Vec::new()),
            next: Cell::new(0),
        }
    }

    pub(crate) fn add(&self, value: &Rc<T>) {
        let number = self.next.get();
        self.next.set(number + 1);
        let mut values = self.values.borrow_mut();
        // Dead references are removed when the length is a power of two, so that each call costs little on average.
        if values.len().is_power_of_two() {
            values.retain(|(_, value)| value.strong_count() > 0);
        }
        values.push((number, Rc::downgrade(value)));
    }

    /// The values that are alive.
    pub(crate) fn all(&self) -> Vec<Rc<T>> {
        let values = self.values.borrow();
        values
            .iter()
            .filter_map(|(_, value)| value.upgrade())
            .collect()
    }

    /// This moment.
    pub(crate) fn mark(&self) -> LiveMark {
        LiveMark(self.next.get())
    }

    /// Removes the values that were added since `mark`, and returns those that are alive.
    pub(crate) fn take_since(&self, mark: LiveMark) -> Vec<Rc<T>> {
        let mut values = self.values.borrow_mut();
        let first = values.partition_point(|(number, _)| *number < mark.0);
        let added = values.split_off(first);
        added
            .iter()
            .filter_map(|(_, value)| value.upgrade())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_came_since_the_mark_is_taken() {
        let live = Live::new();
        let values: Vec<Rc<u32>> = (0..10).map(Rc::new).collect();
        values[..4].iter().for_each(|value| live.add(value));
        let mark = live.mark();
        values[4..].iter().for_each(|value| live.add(value));
        let taken: Vec<u32> = live.take_since(mark).iter().map(|value| **value).collect();
        assert_eq!(taken, [4, 5, 6, 7, 8, 9]);
        assert!(live.take_since(mark).is_empty());
        assert_eq!(live.take_since(LiveMark::FIRST).len(), 4);
    }
}
