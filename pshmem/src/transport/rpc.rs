//! Requests to a home rank: the objects that answer them, the server that finds the object, and the replies.
//!
//! An object whose ranks are on several nodes is kept by one of them, its home rank. The others send requests to that rank's
//! [`Server`], which hands each one to the [`HomeObject`] that it names. The transport decides which thread does this: a
//! service thread of the home rank, the home rank when it makes a call, or (between threads of one process) the requester.
//!
//! The server handles one request at a time. A request gets at most one reply, at once or when a later request causes it.

use crate::transport::Transport;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt::Debug;

/// Which request a reply belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestId {
    /// The rank of the world that sent it.
    pub(crate) rank: usize,
    /// Its number among the requests of that rank about the same object.
    pub(crate) number: u64,
}

/// An object that its home rank keeps for other ranks.
pub(crate) trait HomeObject: Debug + Send + 'static {
    type Request: Serialize + DeserializeOwned;
    type Reply: Serialize + DeserializeOwned;

    /// Whether this kind of request ever gets a reply.
    fn has_reply(request: &Self::Request) -> bool;

    /// Handles a request. Returns the replies that it causes, each with the request that it answers.
    fn handle(&mut self, from: RequestId, request: Self::Request) -> Vec<(RequestId, Self::Reply)>;
}

/// What a request begins with; the request itself follows.
#[derive(Debug, Serialize, Deserialize)]
enum RequestHeader {
    Request {
        object: u64,
        number: u64,
    },
    /// The sender will not use the object again. Nothing follows.
    Release {
        object: u64,
    },
}

/// What a reply begins with.
#[derive(Debug, Serialize, Deserialize)]
enum ReplyHeader {
    /// The reply itself follows.
    Reply(ReplyId),
    /// This rank of the world handles no requests before it ends MPI. Nothing follows.
    HomeLeft { home: usize },
}

/// Which reply it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct ReplyId {
    object: u64,
    number: u64,
}

/// The message that carries a request.
pub(crate) fn encode_request(object: u64, number: u64, request: &impl Serialize) -> Vec<u8> {
    encode(&(RequestHeader::Request { object, number }, request))
}

/// The message by which a rank says that it will not use an object again.
pub(crate) fn encode_release(object: u64) -> Vec<u8> {
    encode(&RequestHeader::Release { object })
}

/// The message by which a rank says that it handles no requests before it ends MPI. It goes where replies go.
#[cfg(any(feature = "__mpi", all(test, not(loom))))]
pub(crate) fn encode_home_left(home: usize) -> Vec<u8> {
    encode(&ReplyHeader::HomeLeft { home })
}

fn encode(message: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(message).expect("messages are plain data and always encode")
}

/// The objects whose home is one rank.
#[derive(Debug, Default)]
pub(crate) struct Server {
    objects: HashMap<u64, Served>,
}

/// An object and the number of ranks that have not released it.
#[derive(Debug)]
struct Served {
    object: Box<dyn AnyObject>,
    users: usize,
}

impl Server {
    /// Adds an object under an id that no other object of this rank has. It is dropped when `users` ranks have released it.
    pub(crate) fn insert(&mut self, id: u64, users: usize, object: impl HomeObject) {
        let object = Box::new(object);
        self.objects.insert(id, Served { object, users });
    }

    /// Drops an object that other ranks have not learnt of.
    pub(crate) fn remove(&mut self, id: u64) {
        self.objects.remove(&id);
    }

    /// Whether there is no object, so that no request can come.
    #[cfg(any(feature = "__mpi", test))]
    pub(crate) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Handles a message of rank `from`. Returns the messages to send, each with the rank that gets it.
    pub(crate) fn handle(&mut self, from: usize, message: &[u8]) -> Vec<(usize, Vec<u8>)> {
        // Only this crate sends requests, so a malformed one is a defect. The home rank must not die of it.
        let Ok((header, body)) = postcard::take_from_bytes::<RequestHeader>(message) else {
            return Vec::new();
        };
        match header {
            RequestHeader::Request { object, number } => {
                let id = RequestId { rank: from, number };
                let served = self.objects.get_mut(&object);
                served.map_or(Vec::new(), |served| served.object.handle(object, id, body))
            }
            RequestHeader::Release { object } => {
                if let Some(served) = self.objects.get_mut(&object) {
                    served.users -= 1;
                    if served.users == 0 {
                        self.objects.remove(&object);
                    }
                }
                Vec::new()
            }
        }
    }
}

/// A [`HomeObject`] of any type, with requests and replies as bytes.
trait AnyObject: Debug + Send {
    fn handle(&mut self, object: u64, from: RequestId, request: &[u8]) -> Vec<(usize, Vec<u8>)>;
}

impl<T: HomeObject> AnyObject for T {
    fn handle(&mut self, object: u64, from: RequestId, request: &[u8]) -> Vec<(usize, Vec<u8>)> {
        let Ok(request) = postcard::from_bytes(request) else {
            return Vec::new();
        };
        let message = |(id, reply): (RequestId, T::Reply)| {
            let number = id.number;
            let header = ReplyHeader::Reply(ReplyId { object, number });
            (id.rank, encode(&(header, reply)))
        };
        let replies = HomeObject::handle(self, from, request);
        replies.into_iter().map(message).collect()
    }
}

/// What home ranks have told one rank, and it has not taken yet.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    arrived: RefCell<Vec<(ReplyId, Vec<u8>)>>,
    /// Ranks of the world that handle no requests before they end MPI.
    left: RefCell<HashSet<usize>>,
}

impl Replies {
    /// Takes the reply to request `number` about an object, if it has arrived. Drives progress.
    pub(crate) fn take<R: DeserializeOwned>(
        &self,
        transport: &dyn Transport,
        object: u64,
        number: u64,
    ) -> Option<R> {
        const ENCODED: &str = "a reply that a server encoded";
        let mut arrived = self.arrived.borrow_mut();
        if let Some(message) = transport.poll_reply() {
            match postcard::take_from_bytes(&message).expect(ENCODED) {
                (ReplyHeader::Reply(id), body) => arrived.push((id, body.to_vec())),
                (ReplyHeader::HomeLeft { home }, _) => {
                    self.left.borrow_mut().insert(home);
                }
            }
        }
        let wanted = ReplyId { object, number };
        let index = arrived.iter().position(|(id, _)| *id == wanted)?;
        let (_, body) = arrived.swap_remove(index);
        Some(postcard::from_bytes(&body).expect(ENCODED))
    }

    /// Whether a rank of the world has said that it handles no requests before it ends MPI.
    pub(crate) fn has_left(&self, home: usize) -> bool {
        self.left.borrow().contains(&home)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Replies to the request before with the sum of both.
    #[derive(Debug, Default)]
    struct Sums(Option<(RequestId, u32)>);

    impl HomeObject for Sums {
        type Request = u32;
        type Reply = u32;

        fn has_reply(_: &u32) -> bool {
            true
        }

        fn handle(&mut self, from: RequestId, request: u32) -> Vec<(RequestId, u32)> {
            let before = self.0.replace((from, request));
            let reply = |(id, value)| (id, value + request);
            before.map(reply).into_iter().collect()
        }
    }

    #[test]
    fn a_reply_goes_to_the_rank_whose_request_it_answers() {
        let mut server = Server::default();
        server.insert(7, 2, Sums::default());
        assert!(server.handle(3, &encode_request(7, 40, &5_u32)).is_empty());
        let replies = server.handle(1, &encode_request(7, 41, &6_u32));
        let [(3, message)] = &replies[..] else {
            panic!("{replies:?}");
        };
        let (header, body): (ReplyHeader, _) = postcard::take_from_bytes(message).unwrap();
        let expected = ReplyId {
            object: 7,
            number: 40,
        };
        assert!(matches!(header, ReplyHeader::Reply(id) if id == expected));
        assert_eq!(postcard::from_bytes(body), Ok(11_u32));
    }

    #[test]
    fn an_object_lives_until_all_its_users_have_released_it() {
        let mut server = Server::default();
        server.insert(7, 3, Sums::default());
        for rank in 0..3 {
            assert!(!server.is_empty());
            assert!(server.handle(rank, &encode_release(7)).is_empty());
        }
        assert!(server.is_empty());
        assert!(server.handle(0, &encode_request(7, 10, &1_u32)).is_empty());
        assert!(server.handle(0, &encode_release(7)).is_empty());
    }

    #[test]
    fn an_object_that_was_removed_is_gone() {
        let mut server = Server::default();
        for id in [7, 8] {
            server.insert(id, 1, Sums::default());
        }
        server.remove(7);
        server.handle(0, &encode_request(7, 1, &1_u32));
        server.handle(0, &encode_request(8, 2, &1_u32));
        assert!(server.handle(0, &encode_request(7, 3, &1_u32)).is_empty());
        assert_eq!(server.handle(0, &encode_request(8, 4, &1_u32)).len(), 1);
    }

    #[cfg(not(loom))]
    #[test]
    fn replies_are_taken_by_their_numbers() {
        use crate::transport::threads::{ThreadWorld, Threads};
        use std::sync::{Arc, Mutex};

        let world = ThreadWorld::new(vec![0, 1]);
        let [rank, home] = [0, 1].map(|rank| Threads::new(world.clone(), rank));
        let server = Arc::new(Mutex::new(Server::default()));
        server.lock().unwrap().insert(7, 1, Sums::default());
        assert!(home.start_server(&server), "the requester runs it");
        let replies = Replies::default();
        let take = |number| replies.take::<u32>(&rank, 7, number);
        // Each request answers the one before.
        for (number, request) in [(10, 1_u32), (11, 2), (12, 4)] {
            rank.send_request(1, &encode_request(7, number, &request), true);
        }
        assert_eq!(take(11), None, "its reply is behind that of the first");
        assert_eq!(take(11), Some(6));
        assert_eq!(take(10), Some(3));
        assert_eq!(take(10), None);
        assert_eq!(take(12), None);
    }

    #[cfg(not(loom))]
    #[test]
    fn a_home_rank_says_that_it_has_left() {
        use crate::transport::threads::{ThreadWorld, Threads};

        let world = ThreadWorld::new(vec![0, 1, 2]);
        let rank = Threads::new(world.clone(), 0);
        let replies = Replies::default();
        world.push_reply(0, encode_home_left(2));
        assert!(!replies.has_left(2));
        assert_eq!(replies.take::<u32>(&rank, 7, 1), None);
        assert!(replies.has_left(2) && !replies.has_left(1));
    }

    #[test]
    fn malformed_messages_are_ignored() {
        let mut server = Server::default();
        server.insert(7, 1, Sums::default());
        assert!(server.handle(0, &[9]).is_empty());
        assert!(server.handle(0, &encode_request(7, 1, &())).is_empty());
        assert!(!server.is_empty());
    }
}
