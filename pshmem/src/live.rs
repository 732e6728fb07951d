//! Lists of what a rank has created and not dropped, leaked handles included, for the end of the rank.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

/// Weak references to the values of one thread that may still be alive.
#[derive(Debug)]
pub(crate) struct Live<T>(RefCell<Vec<Weak<T>>>);

impl<T> Live<T> {
    pub(crate) const fn new() -> Self {
        Live(RefCell::new(Vec::new()))
    }

    pub(crate) fn add(&self, value: &Rc<T>) {
        let mut values = self.0.borrow_mut();
        // Dead references are removed when the length is a power of two, so that each call costs little on average.
        if values.len().is_power_of_two() {
            values.retain(|value| value.strong_count() > 0);
        }
        values.push(Rc::downgrade(value));
    }

    /// Empties the list and returns the values that are alive.
    pub(crate) fn take(&self) -> Vec<Rc<T>> {
        self.0.take().iter().filter_map(Weak::upgrade).collect()
    }
}
