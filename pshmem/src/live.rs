//! What a rank has made and may still have: for the end of the rank, which handles that were leaked do not see.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

/// Values of one thread that may still be alive, without keeping them so.
#[derive(Debug)]
pub(crate) struct Live<T>(RefCell<Vec<Weak<T>>>);

impl<T> Live<T> {
    pub(crate) const fn new() -> Self {
        Live(RefCell::new(Vec::new()))
    }

    pub(crate) fn add(&self, value: &Rc<T>) {
        let mut values = self.0.borrow_mut();
        // Now and then, so that many values cost little each.
        if values.len().is_power_of_two() {
            values.retain(|value| value.strong_count() > 0);
        }
        values.push(Rc::downgrade(value));
    }

    /// Those that are alive; from now on the list is empty.
    pub(crate) fn take(&self) -> Vec<Rc<T>> {
        self.0.take().iter().filter_map(Weak::upgrade).collect()
    }
}
