//! Receivers of `tracing` events that panic.
//!
//! A test program of its own: a place of the code that another thread reaches first, while one receiver is set for one thread only,
//! emits no events from then on.
#![cfg(feature = "tracing")]

use pshmem::{Batch, Comm, TaskState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Receives events, and panics when a task has ended.
struct Panics;

impl Subscriber for Panics {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let is_end = event
            .metadata()
            .file()
            .is_some_and(|file| file.ends_with("end.rs"));
        assert!(!is_end, "a deliberate panic");
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn a_receiver_of_events_that_panics_finds_the_claim_ended() {
    tracing::subscriber::with_default(Panics, || {
        let batch = Batch::builder(&Comm::solo(), 3).retries(1).build().unwrap();
        let next = || batch.next_task().unwrap().expect("a task is open");
        let done = next();
        assert!(catch_unwind(AssertUnwindSafe(|| done.done())).is_err());
        assert_eq!(batch.state(0), Ok(TaskState::Done));
        let failed = next();
        assert!(catch_unwind(AssertUnwindSafe(|| failed.failed("no input"))).is_err());
        let put_back = next();
        assert!(catch_unwind(AssertUnwindSafe(|| put_back.put_back())).is_err());
        // Both are handed out again.
        for _ in 0..2 {
            let again = next();
            assert!([1, 2].contains(&again.index()));
            assert!(catch_unwind(AssertUnwindSafe(|| again.done())).is_err());
        }
        let states = [1, 2].map(|task| batch.state(task));
        assert_eq!(states, [Ok(TaskState::Done), Ok(TaskState::Done)]);
    });
}
