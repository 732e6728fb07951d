//! The end of connections: all ranks of a world wait for each other, and what is still sent to a rank that waits is received.
//!
//! A rank that has nothing more to do still answers requests about objects that it keeps, until no rank can send any. MPI_Finalize
//! is collective over all processes, so a rank may wait for the others inside it; see [`end_all`].

use crate::sync::lock;
use crate::transport::mpi::connection::{self, SharedConnection};
use crate::transport::mpi::lifecycle;
use crate::transport::mpi::mpi_calls::MpiRequest;
use std::time::Duration;

/// The sleep of a rank that waits and has nothing to receive.
const SLEEP: Duration = Duration::from_micros(200);

/// Ends the connection of a rank that returns from `run`, when all ranks of the world have come.
pub(super) fn end(connection: &SharedConnection) {
    end_together(std::slice::from_ref(connection));
    connection::take(connection);
}

/// Ends all connections that are left. Called at the beginning of MPI_Finalize.
pub(super) fn end_all() {
    // Different ranks may be in different worlds. One that waited for the ranks of one world only would keep those of its other
    // worlds waiting.
    end_together(&connection::take_all());
}

fn end_together(connections: &[SharedConnection]) {
    // Other threads must have made their last call of MPI before MPI_Finalize (section 11.6.2). MPICH takes no locks inside it.
    lifecycle::stop_services();
    for connection in connections {
        lock(connection).serve_without_thread();
    }
    await_all(connections);
    // No rank uses a window any more. Ranks free those of several worlds in the order in which they have made them.
    for connection in connections {
        lock(connection).free_window();
    }
    // Replies that this rank has sent since it entered the barrier are complete before the first rank ends MPI.
    await_all(connections);
    for connection in connections {
        lock(connection).set_ended();
    }
}

/// Waits until all ranks have come to this point in each of the worlds.
///
/// A rank enters the barrier of a world when all that it has sent there is complete, and receives until the barrier is, so that
/// MPI_Finalize finds no message that was not received.
fn await_all(connections: &[SharedConnection]) {
    let mut barriers: Vec<Option<MpiRequest>> = connections.iter().map(|_| None).collect();
    loop {
        let (mut is_over, mut has_received) = (true, false);
        for (connection, barrier) in connections.iter().zip(&mut barriers) {
            let mut connection = lock(connection);
            has_received |= connection.receive_and_drop();
            if barrier.is_none() && connection.is_idle() {
                *barrier = Some(connection.enter_barrier());
            }
            let entered = barrier.as_ref();
            is_over &= entered.is_some_and(|barrier| connection.test_barrier(barrier));
        }
        if is_over {
            return;
        }
        if !has_received {
            std::thread::sleep(SLEEP);
        }
    }
}
