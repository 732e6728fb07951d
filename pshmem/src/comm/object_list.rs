//! The objects of which a rank has handles, on all `Comm`s of its world.

use crate::error::text::{clip, size};
use crate::memory::Segment;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

/// An object of which this rank has a handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveObject {
    pub(crate) type_name: &'static str,
    pub(crate) bytes: usize,
    /// Addresses of the mapping that it has for itself, or none.
    pub(crate) own_mapping: Range<usize>,
}

/// The objects by `Comm` and number.
#[derive(Debug, Default)]
pub(crate) struct ObjectList(RefCell<BTreeMap<(u64, u64), LiveObject>>);

impl ObjectList {
    pub(crate) fn add(&self, comm: u64, number: u64, type_name: &'static str, segment: &Segment) {
        let start = segment.start().addr().get();
        let object = LiveObject {
            type_name,
            bytes: segment.len(),
            own_mapping: start..start + segment.own_mapping(),
        };
        self.0.borrow_mut().insert((comm, number), object);
    }

    pub(crate) fn remove(&self, comm: u64, number: u64) {
        self.0.borrow_mut().remove(&(comm, number));
    }

    /// The type of an object, if this rank has a handle of it.
    pub(crate) fn type_name(&self, comm: u64, number: u64) -> Option<&'static str> {
        let objects = self.0.borrow();
        objects.get(&(comm, number)).map(|object| object.type_name)
    }

    /// Those of a `Comm` with their numbers, oldest first.
    pub(crate) fn of_comm(&self, comm: u64) -> Vec<(u64, LiveObject)> {
        let objects = self.0.borrow();
        let of_comm = objects.range((comm, 0)..=(comm, u64::MAX));
        of_comm
            .map(|(&(_, number), object)| (number, object.clone()))
            .collect()
    }

    /// The largest ones of all `Comm`s, for people: `64.0 MiB [f64] (object 1), 3 others of 1.2 KiB`.
    pub(crate) fn summary(&self) -> String {
        const NAMED: usize = 4;
        let objects = self.0.borrow();
        let mut all: Vec<_> = objects.iter().collect();
        // Equal sizes stay in their order.
        all.sort_by_key(|(_, object)| std::cmp::Reverse(object.bytes));
        let (named, others) = all.split_at(all.len().min(NAMED));
        let mut parts: Vec<String> = named
            .iter()
            .map(|((_, number), object)| {
                let (bytes, name) = (size(object.bytes), clip(object.type_name, 40));
                format!("{bytes} {name} (object {number})")
            })
            .collect();
        if !others.is_empty() {
            let bytes = others.iter().map(|(_, object)| object.bytes).sum();
            parts.push(format!("{} others of {}", others.len(), size(bytes)));
        }
        if parts.is_empty() {
            return "no objects".to_owned();
        }
        parts.join(", ")
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_largest_objects_are_named() {
        let list = ObjectList::default();
        assert_eq!(list.summary(), "no objects");
        let object = |bytes| LiveObject {
            type_name: "[u8]",
            bytes,
            own_mapping: 0..0,
        };
        for (comm, number, bytes) in [
            (1, 1, 100),
            (1, 2, 3 << 20),
            (2, 1, 50),
            (2, 2, 7),
            (3, 1, 5),
        ] {
            list.0.borrow_mut().insert((comm, number), object(bytes));
        }
        let summary = "3.0 MiB [u8] (object 2), 100 B [u8] (object 1), 50 B [u8] (object 1), 7 B [u8] (object 2), 1 others of 5 B";
        assert_eq!(list.summary(), summary);
        let numbers: Vec<u64> = list.of_comm(2).iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 2]);
        list.remove(2, 1);
        assert_eq!(list.of_comm(2).len(), 1);
    }
}
