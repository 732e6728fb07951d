//! Nonblocking sends that have not been seen to be complete, with the bytes that MPI still reads.

use crate::transport::mpi::api::Comm;
use crate::transport::mpi::incoming;
use crate::transport::mpi::mpi_calls::{MpiCalls, MpiRequest};
use std::collections::VecDeque;

/// The pending sends of one thread.
#[derive(Debug, Default)]
pub(super) struct PendingSends(VecDeque<(MpiRequest, Box<[u8]>)>);

/// When a send is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CompleteWhen {
    /// When MPI no longer needs the bytes.
    Sent,
    /// When the receiver has begun to receive (section 3.4, synchronous mode).
    Received,
}

impl PendingSends {
    /// Starts to send a message. Does not wait for the receiver.
    pub(super) fn send(
        &mut self,
        calls: &MpiCalls,
        (comm, tag): (Comm, i32),
        to: usize,
        message: &[u8],
        complete_when: CompleteWhen,
    ) {
        incoming::parts(tag, message, |tag, bytes| {
            let (start, len) = (bytes.as_ptr(), bytes.len());
            // SAFETY: the bytes are on the heap and kept until the request is complete.
            let request = unsafe {
                match complete_when {
                    CompleteWhen::Sent => calls.isend(comm, start, len, to, tag),
                    CompleteWhen::Received => calls.issend(comm, start, len, to, tag),
                }
            };
            // Most messages are short, and MPI has copied them.
            if complete_when == CompleteWhen::Received || !calls.test(&request) {
                self.0.push_back((request, bytes));
            }
        });
    }

    /// Tests a few of the sends and drops those that are complete.
    pub(super) fn test(&mut self, calls: &MpiCalls) {
        const FEW: usize = 8;
        for _ in 0..self.0.len().min(FEW) {
            if let Some(send) = self.0.pop_front()
                && !calls.test(&send.0)
            {
                self.0.push_back(send);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for PendingSends {
    fn drop(&mut self) {
        // MPI still reads the bytes of these. Cancelling them is no way out: MPI may be sending them at this moment, and then has to
        // complete them (section 3.8.4).
        std::mem::forget(std::mem::take(&mut self.0));
    }
}
