//! Words of a home rank that the ranks of a `Comm` share by one-sided operations.
//!
//! The word before those that an object gets counts the ranks that still use them. The home rank frees words whose count has
//! become zero when it allocates the next ones, so that no rank has to be told.

use crate::comm::rank_state::RankState;
use crate::comm::world::World;
use crate::transport::rma::{RESERVED, RemoteAddress, RemoteAtomics};
use std::rc::Rc;

/// The count of users before the words of an object.
const USERS: usize = 1;

/// The words of one object, as one rank reaches them. Dropping this releases them for this rank.
#[derive(Debug)]
pub(crate) struct HomeWords {
    world: Rc<World>,
    first: RemoteAddress,
}

impl HomeWords {
    /// The words that `home`, a rank of the world, has allocated from `first` on. Each rank of the `Comm` calls it once.
    pub(super) fn new(core: &RankState, home: usize, first: usize) -> Self {
        HomeWords {
            world: core.group.world.clone(),
            first: RemoteAddress {
                rank: home,
                word: first,
            },
        }
    }

    /// The first of them.
    pub(crate) fn first(&self) -> RemoteAddress {
        self.first
    }

    /// The operations on them. `None` after MPI has ended.
    pub(crate) fn atomics(&self) -> Option<&dyn RemoteAtomics> {
        self.world.transport.remote_atomics()
    }
}

impl Drop for HomeWords {
    fn drop(&mut self) {
        if let Some(atomics) = self.atomics() {
            let users = RemoteAddress {
                word: self.first.word - USERS,
                ..self.first
            };
            atomics.add_later(users, 1_u64.wrapping_neg());
        }
    }
}

/// On the home rank: allocates words with these values for all ranks of a `Comm`, which may use them once they know the number
/// of the first one. `None` where there are no one-sided operations or not enough words.
pub(super) fn allocate(core: &RankState, values: &[u64]) -> Option<usize> {
    let world = &core.group.world;
    let atomics = world.transport.remote_atomics()?;
    let rank = world.transport.rank();
    let own = |word| RemoteAddress { rank, word };
    let is_unused = |first| atomics.load(own(first)) == 0;
    let all = RESERVED..atomics.len();
    let first = world
        .words
        .borrow_mut()
        .allocate(all, USERS + values.len(), is_unused)?;
    atomics.write(own(first), &[core.group.topology.size() as u64]);
    atomics.write(own(first + USERS), values);
    Some(first + USERS)
}

/// On the home rank: frees words that the other ranks have not learnt of.
pub(super) fn free(core: &RankState, first: usize) {
    core.group.world.words.borrow_mut().free(first - USERS);
}
