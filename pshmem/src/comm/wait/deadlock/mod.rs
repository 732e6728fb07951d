//! Deadlocks of ranks on several nodes: a rank that has waited for a while asks those that it waits for what they wait for.
//!
//! The wait table shows all waits of a node, but not who holds a lock that another rank keeps, nor who is missing on another node.
//! So a rank that waits also answers questions of other ranks. Ranks that compute answer nothing, and are in no deadlock.
//!
//! A search follows the chain of waits. The first question goes to the rank that seems to be missing, or to hold the lock:
//!
//! - A rank *blocks* a wait if it has not arrived at the call that the other waits in, or holds the lock. It knows that by itself
//!   (`obligations`). Its answer also says in which wait it is, and whom to ask next. The chain has become one rank longer.
//! - A rank that waits in the same call blocks nothing. It only knows better who is missing: on its node, or in its part of the
//!   tree of nodes.
//! - Any other answer, or none, ends the search. The next one begins after a pause, which doubles each time.
//!
//! If the chain comes to a rank that it contains, that is a circle. Then all its ranks are asked twice more, and the lowest one, which
//! comes last, is told to report it: so it is reported once, whoever has found it. Each wait of a rank has a number, which must be
//! the same in all three answers.
//!
//! # Why a circle is a deadlock
//!
//! A rank that gives the same number in the first and the third round has been in that wait all the time between, so it has neither
//! arrived anywhere nor acquired a lock. What it blocks in the third answer, it has blocked since the first one. At the end of the
//! second round, every rank of the circle therefore waits for something that the next one blocks, and can act only after its
//! own wait. For a call and for a writer of a lock that is all. A reader waits for other readers only if a writer is before it in
//! the queue; it asks the home rank for that before each answer, so that its second answer lies between two of the rank that holds
//! the lock.
//!
//! Waits that end by themselves, because they have a time limit, are not answered for. A wait may also end with an error, because a
//! rank outside of the circle fails or leaves. So a deadlock is reported and not made an error.
//!
//! - `message` questions and answers · `search` the steps of one search, without messages · `detection` one wait's part in searches

mod detection;
mod message;
mod search;
#[cfg(all(test, not(loom)))]
mod tests;

pub(super) use detection::{Detection, NextRank};

/// The box of questions and answers in the mailbox. No `Comm` has this id.
const BOX: u64 = 0;
