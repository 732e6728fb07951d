//! Remote atomics of MPI processes: words of every process in one window, changed by one-sided operations.
//!
//! Whether they work is found out once, when the first object could use them: libraries refuse such windows over some networks,
//! and many carry the operations out only while the target is inside MPI (section 12.7.3 allows that). A lock whose home rank
//! computes for minutes would then block its other ranks, so it is not built on them: see [`RmaWindow::open`].
//!
//! All processes stay in one passive epoch for the life of the window (section 12.5.3). An operation is complete at its target
//! after the flush that follows it (section 12.5.4). Operations of one process on one word keep their order (section 12.7.2).

use crate::error::{Error, Result};
use crate::sync::lock;
use crate::transport::mpi::api::{Aint, Comm, Win};
use crate::transport::mpi::mpi_calls::MpiCalls;
use crate::transport::rma::{RESERVED, RemoteAddress, RemoteAtomics, TEST};
use std::ffi::{c_int, c_void};
use std::ptr::{null_mut, read_volatile};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Words of each process: 1 MiB, of which untouched pages cost nothing.
const LEN: usize = 1 << 17;
/// How long the target of the self-test stays outside MPI.
const SLEEP: Duration = Duration::from_millis(20);
/// The same where operations may be slow.
const LONG_SLEEP: Duration = Duration::from_millis(500);
/// Operations of each origin that must complete during the sleep. A service thread would handle as many requests.
const ROUNDS: u64 = 20;
/// The same where slow operations are wanted, too. Not one: a target that is late out of the barrier may still carry it out there.
const FEW_ROUNDS: u64 = 3;

const VARIABLE: &str = "PSHMEM_ONE_SIDED";

/// When to use one-sided operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OneSided {
    Never,
    /// Where the job has several nodes and the operations are as fast as messages.
    Auto,
    /// Wherever the operations progress, however slowly, also inside one node.
    Always,
}

fn one_sided() -> Result<OneSided> {
    let value = std::env::var(VARIABLE).unwrap_or_default();
    match value.as_str() {
        "" | "auto" => Ok(OneSided::Auto),
        "never" => Ok(OneSided::Never),
        "always" => Ok(OneSided::Always),
        _ => Err(Error::InvalidSetting {
            name: VARIABLE.to_owned(),
            value,
            reason: "write auto, never or always".to_owned(),
        }),
    }
}

const UNLOCK: &str = "MPI_Win_unlock_all";
const FREE: &str = "MPI_Win_free";

/// A window over all processes.
#[derive(Debug)]
pub(super) struct RmaWindow {
    calls: MpiCalls,
    handle: Win,
    /// The `LEN` words of this process, valid until the window is freed.
    base: *const u64,
    /// Operands of operations that have not been completed by a flush, with their targets. MPI may still read them.
    operands: Mutex<Vec<(usize, Box<u64>)>>,
    is_open: AtomicBool,
}

// SAFETY: the handle is a name that every thread of the process may use (section 11.6.1), and the pointer is read by the thread that
// tests the window only, before others know it. Where MPI allows no calls of several threads, the thread that ends MPI is that of the
// rank, or the program orders their calls (section 11.6.2).
unsafe impl Send for RmaWindow {}
// SAFETY: as above; what changes is in a mutex or an atomic.
unsafe impl Sync for RmaWindow {}

impl RmaWindow {
    /// Collective over `comm`, and over `other_comm`, which has the same processes. `None` where one-sided operations do not
    /// work, do not progress, or are not wanted.
    pub(super) fn open(
        calls: &MpiCalls,
        comm: Comm,
        other_comm: Comm,
        nodes: &[u32],
    ) -> Result<Option<Self>> {
        let one_sided = one_sided();
        calls.agree(comm, one_sided.as_ref().err().cloned())?;
        let has_many_nodes = nodes.iter().any(|&node| node > 0);
        let rounds = match one_sided? {
            OneSided::Auto if has_many_nodes => ROUNDS,
            OneSided::Auto | OneSided::Never => 0,
            OneSided::Always => FEW_ROUNDS,
        };
        // The environments of the ranks may differ.
        let rounds = calls.allreduce_min(comm, rounds);
        if rounds == 0 {
            return Ok(None);
        }
        let Some(window) = Self::allocate(calls, comm, other_comm) else {
            return Ok(None);
        };
        let works = window.clear().and_then(|()| window.test_operations());
        let works = calls.all_true(comm, works.is_ok_and(|works| works));
        if works && window.progresses(comm, nodes, rounds) {
            return Ok(Some(window));
        }
        window.give_up(other_comm);
        Ok(None)
    }

    /// `None` where the library refuses such windows. Collective like `open`.
    fn allocate(calls: &MpiCalls, comm: Comm, other_comm: Comm) -> Option<Self> {
        const CALL: &str = "MPI_Win_allocate";
        let bytes = (LEN * size_of::<u64>()) as Aint;
        let mut base: *mut u64 = null_mut();
        let mut window = Win::unset();
        // SAFETY: collective over a communicator of ours; `base` and `window` are places for the results (section 12.2.2).
        let code = unsafe {
            (calls.mpi().win_allocate)(
                bytes,
                size_of::<u64>() as c_int,
                calls.constants().info_null,
                comm,
                (&raw mut base).cast(),
                &raw mut window,
            )
        };
        // Where some ranks have the window, they cannot free it, which is collective, and MPICH crashes in MPI_Finalize if they do
        // not.
        if !calls.all_or_none_succeeded(other_comm, CALL, calls.check(CALL, code)) {
            return None;
        }
        // SAFETY: a window of ours.
        calls.expect(unsafe { calls.win_return_errors(window) });
        // SAFETY: a window of ours; no process locks it exclusively, which is what the assertion promises (section 12.5.5).
        let code = unsafe { (calls.mpi().win_lock_all)(calls.constants().mode_nocheck, window) };
        calls.must("MPI_Win_lock_all", code);
        Some(RmaWindow {
            calls: calls.clone(),
            handle: window,
            base,
            operands: Mutex::default(),
            is_open: AtomicBool::new(true),
        })
    }

    /// Clears the reserved words of this process.
    fn clear(&self) -> Result<()> {
        // Allocated memory may hold anything. The other words are written by the home rank when an object gets them.
        let first = RemoteAddress {
            rank: self.calls.rank(),
            word: 0,
        };
        self.put(first, &[0; RESERVED])
    }

    /// Tries every kind of operation on a word of this process that no other one uses yet.
    fn test_operations(&self) -> Result<bool> {
        let rank = self.calls.rank();
        let at = RemoteAddress { rank, word: TEST };
        let mut word = [0];
        let found = [self.fetch(at, 5)?, self.swap(at, 5, 8)?];
        self.accumulate(at, 1)?;
        self.flush(rank)?;
        self.get(at, &mut word)?;
        self.put(at, &[0])?;
        Ok(found == [0, 5] && word == [9])
    }

    /// Whether operations progress while their target is outside MPI. The target sleeps there, and reads its word when it wakes,
    /// before it calls MPI again. What the origins have added by then, in `rounds` operations each, did not wait for it.
    fn progresses(&self, comm: Comm, nodes: &[u32], rounds: u64) -> bool {
        let me = self.calls.rank();
        let target = target(nodes);
        let origins = origins(nodes, target);
        let at = RemoteAddress {
            rank: target,
            word: TEST,
        };
        let add = |rounds, n| {
            let rounds = if origins.contains(&me) { rounds } else { 0 };
            (0..rounds).try_for_each(|_| self.fetch(at, n).map(|_| ()))
        };
        // The first operation makes connections, while the target is still awake.
        let mut added = add(1, 0);
        self.calls.barrier(comm);
        let mut seen = None;
        if target == me {
            std::thread::sleep(if rounds == FEW_ROUNDS {
                LONG_SLEEP
            } else {
                SLEEP
            });
            // SAFETY: a word of the window's memory, aligned, valid until it is freed. Others change it through MPI meanwhile; a
            // volatile read returns some value of an aligned word, and a wrong one only means that operations are not used.
            seen = Some(unsafe { read_volatile(self.base.add(TEST)) });
        } else {
            added = added.and_then(|()| add(rounds, 1));
        }
        let expected = origins.len() as u64 * rounds;
        let progressed = added.is_ok() && seen.is_none_or(|seen| seen == expected && seen > 0);
        self.calls.all_true(comm, progressed)
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }

    /// Collective over all processes, none of which uses the window any more.
    pub(super) fn free(&self) {
        self.calls.expect(self.end_epoch());
        self.calls.must(FREE, self.free_unlocked());
    }

    /// The same for a window whose operations have failed, also over `other_comm`. The job works without the window.
    fn give_up(&self, other_comm: Comm) {
        // Those that have ended the epoch would wait in MPI_Win_free for those that cannot.
        let ended = self.end_epoch();
        if self.calls.all_or_none_succeeded(other_comm, UNLOCK, ended) {
            self.calls.must(FREE, self.free_unlocked());
        } else {
            // It may refuse to be freed on all ranks alike, and is left to MPI_Finalize then.
            let _ = self.calls.check(FREE, self.free_unlocked());
        }
    }

    /// Ends the epoch of `allocate`, which completes all operations of this process.
    fn end_epoch(&self) -> Result<()> {
        self.is_open.store(false, Ordering::Release);
        // SAFETY: ends the epoch of `allocate` (section 12.5.3). No operation follows (`is_open`).
        let code = unsafe { (self.calls.mpi().win_unlock_all)(self.handle) };
        self.calls.check(UNLOCK, code)?;
        lock(&self.operands).clear();
        Ok(())
    }

    /// Frees the window after its epoch, and returns the code.
    fn free_unlocked(&self) -> c_int {
        let mut window = self.handle;
        // SAFETY: a window of ours, not used again (`is_open`).
        unsafe { (self.calls.mpi().win_free)(&raw mut window) }
    }

    fn flush(&self, rank: usize) -> Result<()> {
        // SAFETY: inside the epoch of `allocate`, because the window is not used once it is freed (`Mpi::window`).
        let code = unsafe { (self.calls.mpi().win_flush)(rank as c_int, self.handle) };
        self.calls.check("MPI_Win_flush", code)?;
        lock(&self.operands).retain(|&(target, _)| target != rank);
        Ok(())
    }

    /// Completes an operation that has returned `code`, and gives back the buffer that it has used.
    fn complete_with<B>(
        &self,
        rank: usize,
        call: &str,
        code: c_int,
        buffer: Box<B>,
    ) -> Result<Box<B>>
    where
        B: ?Sized,
    {
        let result = self.calls.check(call, code).and_then(|()| self.flush(rank));
        match result {
            Ok(()) => Ok(buffer),
            Err(error) => {
                // An operation that was not completed may still use it.
                Box::leak(buffer);
                Err(error)
            }
        }
    }

    fn fetch(&self, at: RemoteAddress, n: u64) -> Result<u64> {
        // The operand and the result.
        let mut buffer = Box::new([n, 0]);
        let [operand, before] = buffer.each_mut().map(|word| (&raw mut *word).cast());
        // SAFETY: one element on either side, which stay on the heap until the operation is complete (`complete_with`); the word is
        // inside the target's part (`checked`); a predefined operation for this type (section 12.3.4).
        let code = unsafe {
            (self.calls.mpi().fetch_and_op)(
                operand,
                before,
                self.calls.constants().uint64_t,
                at.rank as c_int,
                checked(at, 1),
                self.calls.constants().sum,
                self.handle,
            )
        };
        Ok(self.complete_with(at.rank, "MPI_Fetch_and_op", code, buffer)?[1])
    }

    fn swap(&self, at: RemoteAddress, from: u64, to: u64) -> Result<u64> {
        // Both operands and the result.
        let mut buffer = Box::new([to, from, 0]);
        let [to, from, before] = buffer.each_mut().map(|word| (&raw mut *word).cast());
        // SAFETY: as in `fetch` (section 12.3.4).
        let code = unsafe {
            (self.calls.mpi().compare_and_swap)(
                to,
                from,
                before,
                self.calls.constants().uint64_t,
                at.rank as c_int,
                checked(at, 1),
                self.handle,
            )
        };
        Ok(self.complete_with(at.rank, "MPI_Compare_and_swap", code, buffer)?[2])
    }

    fn get(&self, at: RemoteAddress, words: &mut [u64]) -> Result<()> {
        let count = words.len() as c_int;
        let mut buffer: Box<[u64]> = vec![0; words.len()].into();
        let start = buffer.as_mut_ptr().cast::<c_void>();
        // SAFETY: as many elements on either side, inside the target's part (`checked`); the buffer stays on the heap until the
        // operation is complete (`complete_with`).
        let code = unsafe {
            (self.calls.mpi().get)(
                start,
                count,
                self.calls.constants().uint64_t,
                at.rank as c_int,
                checked(at, words.len()),
                count,
                self.calls.constants().uint64_t,
                self.handle,
            )
        };
        words.copy_from_slice(&self.complete_with(at.rank, "MPI_Get", code, buffer)?);
        Ok(())
    }

    fn put(&self, at: RemoteAddress, words: &[u64]) -> Result<()> {
        let count = words.len() as c_int;
        let mut buffer: Box<[u64]> = words.into();
        let start = buffer.as_mut_ptr().cast::<c_void>();
        // SAFETY: as in `get`; nobody writes the buffer.
        let code = unsafe {
            (self.calls.mpi().put)(
                start,
                count,
                self.calls.constants().uint64_t,
                at.rank as c_int,
                checked(at, words.len()),
                count,
                self.calls.constants().uint64_t,
                self.handle,
            )
        };
        self.complete_with(at.rank, "MPI_Put", code, buffer)
            .map(|_| ())
    }

    fn accumulate(&self, at: RemoteAddress, n: u64) -> Result<()> {
        // MPI may read it from now on, also when the call fails.
        let mut operands = lock(&self.operands);
        operands.push((at.rank, Box::new(n)));
        let operand = &raw const *operands[operands.len() - 1].1;
        // SAFETY: as in `fetch`; the operand is on the heap and kept until a flush.
        let code = unsafe {
            (self.calls.mpi().accumulate)(
                operand.cast(),
                1,
                self.calls.constants().uint64_t,
                at.rank as c_int,
                checked(at, 1),
                1,
                self.calls.constants().uint64_t,
                self.calls.constants().sum,
                self.handle,
            )
        };
        self.calls.check("MPI_Accumulate", code)
    }

    /// Other ranks wait for the effect of an operation, so the job ends when it fails.
    fn must<T>(&self, result: Result<T>) -> T {
        self.calls.expect(result)
    }
}

impl Drop for RmaWindow {
    fn drop(&mut self) {
        // MPI may still read the operands of operations that were not completed.
        std::mem::forget(std::mem::take(&mut *lock(&self.operands)));
    }
}

/// The target of the self-test: the first process of the last node.
fn target(nodes: &[u32]) -> usize {
    let last = nodes.iter().max();
    let is_there = |node: &u32| Some(node) == last;
    nodes.iter().position(is_there).unwrap_or(0)
}

/// The origins of the self-test: a few other processes, one of them on the target's node.
fn origins(nodes: &[u32], target: usize) -> Vec<usize> {
    const FEW: usize = 8;
    let others = (0..nodes.len()).filter(|&rank| rank != target);
    let mut origins: Vec<usize> = others.clone().step_by(nodes.len().div_ceil(FEW)).collect();
    let mut node_ranks = others.filter(|&rank| nodes[rank] == nodes[target]);
    origins.extend(node_ranks.next().filter(|rank| !origins.contains(rank)));
    origins
}

/// The displacement of words of another process.
///
/// # Panics
/// When they are not inside its part of the window.
fn checked(at: RemoteAddress, words: usize) -> Aint {
    let end = at.word.checked_add(words);
    assert!(
        end.is_some_and(|end| end <= LEN),
        "{at:?} is outside the window"
    );
    at.word as Aint
}

impl RemoteAtomics for RmaWindow {
    fn len(&self) -> usize {
        LEN
    }

    fn fetch_add(&self, at: RemoteAddress, n: u64) -> u64 {
        self.must(self.fetch(at, n))
    }

    fn compare_swap(&self, at: RemoteAddress, from: u64, to: u64) -> u64 {
        self.must(self.swap(at, from, to))
    }

    fn add_later(&self, at: RemoteAddress, n: u64) {
        self.must(self.accumulate(at, n));
    }

    fn complete(&self, rank: usize) {
        self.must(self.flush(rank));
    }

    fn read(&self, at: RemoteAddress, words: &mut [u64]) {
        self.must(self.get(at, words));
    }

    fn write(&self, at: RemoteAddress, words: &[u64]) {
        self.must(self.put(at, words));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rank_sleeps_while_a_few_others_add() {
        let nodes: Vec<u32> = (0..20).map(|rank| rank / 4).collect();
        assert_eq!(target(&nodes), 16);
        assert_eq!(origins(&nodes, 16), [0, 3, 6, 9, 12, 15, 19, 17]);
        assert_eq!(origins(&[0, 0, 1, 1], 2), [0, 1, 3]);
        assert_eq!((target(&[0]), origins(&[0], 0)), (0, vec![]));
    }
}
