//! What ranks that return from `run` tell each other at the end: numbers are added up as soon as all have come.

use crate::sync::lock;
use crate::transport::mpi::connection::SharedConnection;
use crate::transport::mpi::mpi_calls::MpiRequest;
use crate::transport::mpi::{Mpi, lifecycle, shutdown};
use std::time::{Duration, Instant};

/// Sums over all ranks.
///
/// A rank adds its own numbers when all that it sent is complete. Until the sums are there, it receives, and handles requests.
#[derive(Debug)]
pub(crate) struct SumAtEnd<'a> {
    connection: &'a SharedConnection,
    mine: Vec<u64>,
    sums: Vec<u64>,
    request: Option<MpiRequest>,
    is_complete: bool,
}

impl SumAtEnd<'_> {
    /// The sums, or `None` if the deadline passes before all ranks have come. It may be called again then.
    pub(crate) fn wait(&mut self, deadline: Option<Instant>) -> Option<&[u64]> {
        while !self.is_complete {
            self.advance();
            if self.is_complete {
                break;
            }
            if deadline.is_some_and(|deadline| Instant::now() > deadline) {
                return None;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        Some(&self.sums)
    }

    fn advance(&mut self) {
        let mut connection = lock(self.connection);
        connection.receive_and_drop();
        if self.request.is_none() && connection.is_idle() {
            // SAFETY: both vectors stay in place and untouched until the request is complete: `wait` lends the sums only then,
            // and `drop` leaks both otherwise.
            let request = unsafe {
                let (mine, sums) = (self.mine.as_ptr(), self.sums.as_mut_ptr());
                connection.begin_sum(mine, sums, self.mine.len())
            };
            self.request = Some(request);
        }
        let request = self.request.as_ref();
        self.is_complete = request.is_some_and(|request| connection.test_barrier(request));
    }
}

impl Drop for SumAtEnd<'_> {
    fn drop(&mut self) {
        if self.request.is_some() && !self.is_complete {
            // MPI may still use them. The job is about to be ended.
            std::mem::forget(std::mem::take(&mut self.mine));
            std::mem::forget(std::mem::take(&mut self.sums));
        }
    }
}

impl Mpi {
    /// Begins to add up numbers. All ranks call it at their end, with equally many.
    pub(crate) fn sum_at_end(&self, mine: Vec<u64>) -> SumAtEnd<'_> {
        // As in `shutdown`: from now on, this thread handles requests.
        lifecycle::stop_services();
        lock(&self.connection).serve_without_thread();
        SumAtEnd {
            connection: &self.connection,
            sums: vec![0; mine.len()],
            mine,
            request: None,
            is_complete: false,
        }
    }

    /// Ends what needs MPI, after all ranks have come to the end. All ranks call it.
    pub(crate) fn end(&self) {
        shutdown::end(&self.connection);
    }
}
