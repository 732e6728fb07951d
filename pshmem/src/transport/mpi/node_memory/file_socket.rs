//! A socket through which the processes of a node send each other open files.
//!
//! For processes that do not see each other under `/proc`, such as those of containers that share a network. Its name is in no file
//! system and ends with the process. Everybody on the machine may send to it, so each message bears a secret that only the ranks of
//! the job know.

use crate::stderr::report;
use rustix::cmsg_space;
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, recvmsg, sendmsg_addr,
};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Error, ErrorKind, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

/// Bytes of a message: the secret of its receiver, and the key of the file.
const MESSAGE: usize = 16;

/// The name and the secret of the socket of a rank.
type Address = (u64, u64);

/// The socket of this process.
#[derive(Debug)]
pub(super) struct FileSocket {
    socket: UnixDatagram,
    address: Address,
    mates: HashMap<usize, Address>,
    /// Files that have arrived before they were asked for.
    received: RefCell<HashMap<u64, File>>,
}

impl FileSocket {
    pub(super) fn bind(name: u64, secret: u64) -> io::Result<Self> {
        let address = SocketAddr::from_abstract_name(text(name))?;
        let socket = UnixDatagram::bind_addr(&address)?;
        socket.set_nonblocking(true)?;
        Ok(FileSocket {
            socket,
            address: (name, secret),
            mates: HashMap::new(),
            received: RefCell::default(),
        })
    }

    pub(super) fn name(&self) -> u64 {
        self.address.0
    }

    pub(super) fn secret(&self) -> u64 {
        self.address.1
    }

    /// Sets the addresses of all ranks of the node.
    pub(super) fn set_mates(&mut self, mates: HashMap<usize, Address>) {
        self.mates = mates;
    }

    /// Sends an open file to a rank, under a key that no other file for it has.
    pub(super) fn send(
        &self,
        rank: usize,
        key: u64,
        file: BorrowedFd<'_>,
        patience: Duration,
    ) -> io::Result<()> {
        let (name, secret) = self.mates[&rank];
        let to = SocketAddrUnix::new_abstract_name(text(name).as_bytes())?;
        let message = [secret.to_ne_bytes(), key.to_ne_bytes()].concat();
        let files = [file];
        self.retry(patience, || {
            let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            control.push(SendAncillaryMessage::ScmRights(&files));
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            sendmsg_addr(
                &self.socket,
                &to,
                &[IoSlice::new(&message)],
                &mut control,
                flags,
            )?;
            Ok(())
        })
    }

    /// Waits for the file with a key.
    pub(super) fn receive(&self, key: u64, patience: Duration) -> io::Result<File> {
        self.retry(patience, || {
            let found = self.received.borrow_mut().remove(&key);
            found.ok_or_else(|| ErrorKind::WouldBlock.into())
        })
    }

    /// Repeats what would have to wait, and receives what arrives meanwhile: a rank that only sends could wait for one that only sends.
    fn retry<T>(
        &self,
        patience: Duration,
        mut step: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        let start = Instant::now();
        loop {
            match step() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            if !self.receive_one()? {
                if start.elapsed() > patience {
                    let text = format!("no file for {} s", patience.as_secs());
                    return Err(Error::new(ErrorKind::TimedOut, text));
                }
                std::thread::yield_now();
            }
        }
    }

    /// Receives a message, if one has arrived.
    fn receive_one(&self) -> io::Result<bool> {
        let mut message = [0; MESSAGE + 1];
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let parts = &mut [IoSliceMut::new(&mut message)];
        let received = match recvmsg(&self.socket, parts, &mut control, flags) {
            Ok(received) => received,
            Err(Errno::AGAIN) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        // Files that are not kept are closed here.
        let mut files = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut files) => files.next(),
            _ => None,
        });
        let word = |at: usize| u64::from_ne_bytes(message[at..at + 8].try_into().expect("8 bytes"));
        let is_of_mate = received.bytes == MESSAGE && word(0) == self.secret();
        match files.next() {
            Some(file) if is_of_mate => {
                self.received.borrow_mut().insert(word(8), File::from(file));
            }
            // The kernel drops what this process may not open.
            None if is_of_mate && received.flags.contains(ReturnFlags::CTRUNC) => {
                return Err(Errno::MFILE.into());
            }
            _ => report(
                "a message of a foreign process came to the socket for node memory, and is ignored",
            ),
        }
        Ok(true)
    }
}

/// The name of a socket.
fn text(name: u64) -> String {
    format!("pshmem-{name:016x}")
}

#[cfg(all(test, not(loom), not(miri)))]
mod tests {
    use super::*;
    use std::io::{Read, Seek, Write};
    use std::os::fd::AsFd;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn pair(names: u64) -> [FileSocket; 2] {
        let name = (u64::from(std::process::id()) << 16) | names;
        let mut sockets = [0, 1].map(|index| FileSocket::bind(name + index, index).unwrap());
        let mates: HashMap<usize, Address> = [(0, (name, 0)), (1, (name + 1, 1))].into();
        for socket in &mut sockets {
            socket.set_mates(mates.clone());
        }
        sockets
    }

    fn file(text: &str) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.rewind().unwrap();
        file
    }

    #[test]
    fn files_are_received_by_their_keys() {
        let [one, two] = pair(0);
        for key in [5, 6] {
            let file = file(&format!("file {key}"));
            one.send(1, key, file.as_fd(), PATIENCE).unwrap();
        }
        for key in [6, 5] {
            let mut text = String::new();
            let mut file = two.receive(key, PATIENCE).unwrap();
            file.read_to_string(&mut text).unwrap();
            assert_eq!(text, format!("file {key}"));
        }
    }

    #[test]
    fn two_that_send_more_than_sockets_hold_do_not_wait_for_each_other() {
        let sockets = pair(2);
        std::thread::scope(|scope| {
            for (me, socket) in sockets.into_iter().enumerate() {
                scope.spawn(move || {
                    let file = file("");
                    for key in 0..500 {
                        socket.send(1 - me, key, file.as_fd(), PATIENCE).unwrap();
                    }
                    for key in 0..500 {
                        socket.receive(key, PATIENCE).unwrap();
                    }
                });
            }
        });
    }

    #[test]
    fn what_does_not_come_or_is_foreign_is_an_error_in_time() {
        let [one, two] = pair(4);
        let file = file("");
        // Without a file, with a wrong secret, and with a wrong length.
        let address = SocketAddr::from_abstract_name(text(two.name())).unwrap();
        one.socket.send_to_addr(&[0; MESSAGE], &address).unwrap();
        one.socket.send_to_addr(&[], &address).unwrap();
        let mut liar = pair(6);
        liar[0].set_mates([(1, (two.name(), 99))].into());
        liar[0].send(1, 7, file.as_fd(), PATIENCE).unwrap();
        let error = two.receive(7, Duration::from_millis(10)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        drop(two);
        assert!(one.send(1, 8, file.as_fd(), Duration::ZERO).is_err());
    }
}
