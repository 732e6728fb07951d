//! Messages of one tag as they are sent and received.
//!
//! A receive is posted before a message is asked for: testing it takes less time than probing for messages. So that the posted receive has room for any message, a long one is announced by a
//! short one and follows with a tag of its own.

use crate::transport::mpi::api::Comm;
use crate::transport::mpi::mpi_calls::{MpiCalls, MpiRequest};

/// Bytes of the longest message that is not announced. MPI libraries send so few bytes without waiting for the receiver.
const SHORT: usize = 2047;
/// First byte of a short message: what follows is the message, or the length of the message that is sent with the tag [`long`].
const WHOLE: u8 = 0;
const ANNOUNCEMENT: u8 = 1;

/// The tag of long messages whose announcement has the tag `tag`. No other tag is so large.
fn long(tag: i32) -> i32 {
    tag + 100
}

/// Calls `send` with what is sent for a message, in order: with a tag and bytes. Messages between two ranks do not overtake each
/// other (section 3.5), so the n-th long message belongs to the n-th announcement.
pub(super) fn parts(tag: i32, message: &[u8], mut send: impl FnMut(i32, Box<[u8]>)) {
    if message.len() <= SHORT {
        return send(tag, [&[WHOLE], message].concat().into());
    }
    let len = (message.len() as u64).to_ne_bytes();
    send(tag, [&[ANNOUNCEMENT], &len[..]].concat().into());
    send(long(tag), message.into());
}

/// The messages of one tag that arrive on one communicator.
#[derive(Debug)]
pub(super) struct Incoming {
    comm: Comm,
    tag: i32,
    /// The receive that is posted and its buffer, of `SHORT + 1` bytes. Posted when a message is first asked for.
    posted: Option<(MpiRequest, Box<[u8]>)>,
}

impl Incoming {
    pub(super) fn new(comm: Comm, tag: i32) -> Self {
        Incoming {
            comm,
            tag,
            posted: None,
        }
    }

    /// Takes a message that has arrived, from any rank. Drives progress when there is none.
    pub(super) fn take(&mut self, calls: &MpiCalls) -> Option<(usize, Vec<u8>)> {
        let (request, buffer) = self.posted.get_or_insert_with(|| {
            let mut buffer = vec![0; SHORT + 1].into_boxed_slice();
            (post(calls, self.comm, self.tag, &mut buffer), buffer)
        });
        let (from, len) = calls.test_receive(request)?;
        let (first, rest) = buffer[..len]
            .split_first()
            .expect("every message has a first byte");
        let announced = (*first == ANNOUNCEMENT).then(|| {
            let len = rest.try_into().expect("an announcement is a length");
            u64::from_ne_bytes(len) as usize
        });
        let message = match announced {
            None => rest.to_vec(),
            Some(len) => self.receive_long(calls, from, len),
        };
        let (request, buffer) = self.posted.as_mut()?;
        *request = post(calls, self.comm, self.tag, buffer);
        Some((from, message))
    }

    /// Receives an announced message. Its sender has begun to send it.
    fn receive_long(&self, calls: &MpiCalls, from: usize, len: usize) -> Vec<u8> {
        let mut message = vec![0; len];
        // SAFETY: `message` is used by nobody else until the request is complete: nothing below returns or unwinds earlier.
        let request =
            unsafe { calls.irecv(self.comm, message.as_mut_ptr(), len, from, long(self.tag)) };
        while !calls.test(&request) {
            std::thread::yield_now();
        }
        message
    }

    /// Receives nothing any more. No rank sends.
    pub(super) fn end(&mut self, calls: &MpiCalls) {
        if let Some((request, buffer)) = self.posted.take() {
            calls.cancel(&request);
            drop(buffer);
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // MPI may still write to the buffer.
        std::mem::forget(self.posted.take());
    }
}

fn post(calls: &MpiCalls, comm: Comm, tag: i32, buffer: &mut [u8]) -> MpiRequest {
    // SAFETY: `Incoming` keeps the buffer, and does not touch it before the request is complete or cancelled.
    unsafe { calls.irecv_any(comm, buffer.as_mut_ptr(), buffer.len(), tag) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_posted_receive_has_room_for_all_that_is_sent_with_its_tag() {
        for len in [0, 1, SHORT, SHORT + 1, 100_000] {
            let message = vec![7; len];
            let mut sent = Vec::new();
            parts(2, &message, |tag, bytes| sent.push((tag, bytes)));
            assert!(sent[0].0 == 2 && sent[0].1.len() <= SHORT + 1);
            let bytes = match &sent[..] {
                [(_, whole)] => &whole[1..],
                [_, (tag, bytes)] if *tag == long(2) => bytes,
                _ => panic!("{len} B: {} parts", sent.len()),
            };
            assert_eq!(bytes, message);
        }
    }
}
