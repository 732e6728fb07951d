//! The names of the tasks of a batch, once on each node.
//!
//! ```text
//! | end of each name: 0, then one number for each task | names, one behind the other | zeros |
//! ```

use crate::comm::Comm;
use crate::error::Result;
use crate::memory::frozen::FrozenBytes;
use crate::shared::Shared;
use std::panic::Location;

/// Bytes of the end of a name.
const END: usize = size_of::<u64>();

/// The names of the tasks. Clones share them.
#[derive(Debug, Default, Clone)]
pub(crate) struct TaskNames {
    count: usize,
    bytes: FrozenBytes,
}

impl TaskNames {
    /// Names of `count` tasks, as the closure returns them on the root from [`encode`]. A panic in it is one of
    /// [`from_root`](Shared::from_root). Collective, inside a call that was made at `site`.
    pub(super) fn from_root(
        comm: &Comm,
        root: usize,
        site: &'static Location<'static>,
        count: usize,
        encoded: impl FnOnce() -> Vec<u8>,
    ) -> Result<Self> {
        let bytes = Shared::frozen_from_root(comm, root, site, encoded)?;
        Ok(TaskNames { count, bytes })
    }

    /// Names that one rank has for itself.
    #[cfg(test)]
    pub(super) fn of(names: &[&str]) -> Self {
        TaskNames {
            count: names.len(),
            bytes: encode(names.len(), names.iter()).into(),
        }
    }

    /// How many tasks have names: all or none.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The name of a task, if it has one.
    pub(crate) fn get(&self, task: usize) -> Option<&str> {
        if task >= self.count {
            return None;
        }
        let name = &self.bytes[self.start(task)..self.start(task + 1)];
        Some(std::str::from_utf8(name).expect("names are copied as a whole"))
    }

    /// Where the name of a task begins.
    fn start(&self, task: usize) -> usize {
        let end = &self.bytes[task * END..][..END];
        u64::from_ne_bytes(end.try_into().expect("eight bytes")) as usize
    }

    /// All names, in the order of the tasks.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|task| self.get(task))
    }
}

/// The bytes of `count` names.
pub(super) fn encode(count: usize, names: impl Iterator<Item = impl AsRef<str>>) -> Vec<u8> {
    let mut bytes = vec![0; (count + 1) * END];
    let mut task = 0;
    set_end(&mut bytes, task);
    for name in names {
        bytes.extend_from_slice(name.as_ref().as_bytes());
        task += 1;
        set_end(&mut bytes, task);
    }
    assert_eq!(task, count, "one name for each task");
    bytes
}

/// The next name begins where the bytes end now.
fn set_end(bytes: &mut [u8], task: usize) {
    let end = bytes.len() as u64;
    bytes[task * END..][..END].copy_from_slice(&end.to_ne_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_any_characters() {
        let names = ["", "a", "\0", "tü\n\"", "", "/"];
        let found = TaskNames::of(&names);
        assert_eq!(found.len(), names.len());
        assert!(found.iter().eq(names));
        for (task, name) in names.into_iter().enumerate() {
            assert_eq!(found.get(task), Some(name));
        }
        assert_eq!(found.get(names.len()), None);
        assert_eq!(found.get(usize::MAX), None);
    }

    #[test]
    fn a_batch_without_names_has_none() {
        assert_eq!(TaskNames::default().get(0), None);
        assert_eq!(TaskNames::of(&[]).get(0), None);
    }
}
