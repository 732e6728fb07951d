//! Files in memory of the processes of one node, and how each of them opens those of the others: through `/proc`, or through a
//! socket where it cannot.

use super::Node;
use super::file_socket::FileSocket;
use crate::layout::placer::PAGE;
use crate::memory::map::{Mapping, MemoryFile};
use crate::transport::MapRequest;
use crate::transport::mpi::mpi_calls::MpiCalls;
use std::io::{self, Read};
use std::time::Duration;

/// How long a rank waits at the start for files of ranks that can probably not send any.
const SHORT: Duration = Duration::from_secs(5);
/// How long a rank waits for a file that another one has made.
const LONG: Duration = Duration::from_secs(60);

/// How this process opens the files of the others.
#[derive(Debug)]
pub(super) enum Files {
    /// Under `/proc` of the process of each rank of the node.
    Proc(Vec<(usize, u32)>),
    Socket(FileSocket),
}

impl Files {
    /// Tries both ways, with a file of each process that all others open. The error says why neither works. Collective over the
    /// processes of `node`.
    pub(super) fn open(calls: &MpiCalls, node: Node<'_>) -> Result<Self, String> {
        // Any process may be the first one of a group, so each is tried with each. The marks tell that a file is the right one:
        // in another container, the same number may be another process.
        let mark = random();
        let probe = mark
            .and_then(|mark| Ok((mark, probe(mark)?)))
            .map_err(|error| format!("memfd_create: {error}"));
        let probe = agree(calls, node, probe)?;
        let marks = calls.allgather(node.comm, probe.0);
        let through_proc = Self::through_proc(calls, node, &probe.1, &marks);
        let why = match through_proc {
            Ok(files) => return Ok(files),
            Err(why) => why,
        };
        Self::through_socket(calls, node, &probe.1, &marks)
            .map_err(|error| format!("{why}; {error}"))
    }

    fn through_proc(
        calls: &MpiCalls,
        node: Node<'_>,
        probe: &MemoryFile,
        marks: &[u64],
    ) -> Result<Self, String> {
        let numbers = calls.allgather(node.comm, probe.number() as u64);
        let processes = calls.allgather(node.comm, u64::from(std::process::id()));
        let open = || {
            check_not_barred(calls, "proc").map_err(|error| error.to_string())?;
            for (index, &rank) in node.ranks.iter().enumerate() {
                let (process, number) = (processes[index] as u32, numbers[index] as i32);
                let found = MemoryFile::of_process(process, number, PAGE);
                found.and_then(|file| has_mark(&file, marks[index])).map_err(|error| {
                    format!("rank {} cannot open /proc/{process}/fd/{number} of rank {rank}: {error}", calls.rank())
                })?;
            }
            let processes = processes.iter().map(|&process| process as u32);
            Ok(Files::Proc(
                node.ranks.iter().copied().zip(processes).collect(),
            ))
        };
        agree(calls, node, open())
    }

    fn through_socket(
        calls: &MpiCalls,
        node: Node<'_>,
        probe: &MemoryFile,
        marks: &[u64],
    ) -> Result<Self, String> {
        let of_socket = |error: io::Error| format!("rank {}: {error} on its socket", calls.rank());
        let socket = random().and_then(|name| Ok((name, random()?)));
        let socket = socket
            .and_then(|(name, secret)| FileSocket::bind(name, secret))
            .map_err(of_socket);
        let mut socket = agree(calls, node, socket)?;
        let names = calls.allgather(node.comm, socket.name());
        let secrets = calls.allgather(node.comm, socket.secret());
        let mates = node.ranks.iter().zip(names.into_iter().zip(secrets));
        socket.set_mates(mates.map(|(&rank, at)| (rank, at)).collect());
        let exchange = || {
            check_not_barred(calls, "socket")?;
            let me = calls.rank();
            let others = || node.ranks.iter().filter(move |&&rank| rank != me);
            for &rank in others() {
                socket.send(rank, me as u64, probe.as_fd(), SHORT)?;
            }
            for &rank in others() {
                let file = socket.receive(rank as u64, SHORT)?;
                let index = node.ranks.iter().position(|&of| of == rank);
                let mark = marks[index.expect("a rank of the node")];
                has_mark(&MemoryFile::checked(file, PAGE)?, mark)?;
            }
            Ok(())
        };
        agree(calls, node, exchange().map_err(of_socket))?;
        Ok(Files::Socket(socket))
    }

    pub(super) fn reason(&self) -> &'static str {
        match self {
            Files::Proc(_) => "all ranks of the node can open it through /proc",
            Files::Socket(_) => "all ranks of the node receive it through sockets",
        }
    }

    /// Makes and maps memory for all processes of the node. Collective over them.
    pub(super) fn map_at_start(
        &self,
        calls: &MpiCalls,
        node: Node<'_>,
        request: &MapRequest,
    ) -> io::Result<Mapping> {
        let is_first = calls.rank() == node.ranks[0];
        let file = is_first.then(|| MemoryFile::new(request.len)).transpose();
        // A number that no open file has stands for a failure.
        let number = match &file {
            Ok(Some(file)) => file.number(),
            _ => -1,
        };
        let number = calls.broadcast(node.comm, 0, &number.to_ne_bytes());
        let number = i32::from_ne_bytes(number.try_into().expect("four bytes were sent"));
        let mapped = match file {
            Ok(Some(file)) => self
                .offer(node.ranks, request.key, &file)
                .and_then(|()| Ok((file.map(request.align)?, Some(file)))),
            Ok(None) if number < 0 => {
                Err(io::Error::other("the first rank of the node has failed"))
            }
            Ok(None) => Ok((self.map_of(node.ranks[0], number, request)?, None)),
            Err(error) => Err(error),
        };
        // The file stays open until all have mapped it.
        calls.all_true(node.comm, mapped.is_ok());
        mapped.map(|(mapping, _)| mapping)
    }

    /// Sends a file to the other ranks of a group, where they cannot open it themselves.
    pub(super) fn offer(&self, group: &[usize], key: u64, file: &MemoryFile) -> io::Result<()> {
        if let Files::Socket(socket) = self {
            for &rank in &group[1..] {
                socket.send(rank, key, file.as_fd(), LONG)?;
            }
        }
        Ok(())
    }

    /// Maps a file that rank `leader` has open under a number, or sends.
    pub(super) fn map_of(
        &self,
        leader: usize,
        number: i32,
        request: &MapRequest,
    ) -> io::Result<Mapping> {
        let file = match self {
            Files::Proc(processes) => {
                let of_leader = processes.iter().find(|(rank, _)| *rank == leader);
                let (_, process) = of_leader.expect("groups are of one node");
                MemoryFile::of_process(*process, number, request.len)
            }
            Files::Socket(socket) => {
                let file = socket.receive(request.key, LONG)?;
                MemoryFile::checked(file, request.len)
            }
        }?;
        file.map(request.align)
    }
}

/// The result of this rank if all ranks of the node have one, or the error of the lowest rank that has none. Collective over them.
fn agree<T>(calls: &MpiCalls, node: Node<'_>, mine: Result<T, String>) -> Result<T, String> {
    let me = node.ranks.iter().position(|&rank| rank == calls.rank());
    let me = me.expect("a rank is on its own node") as u64;
    let nobody = node.ranks.len() as u64;
    let failed = calls.allreduce_min(node.comm, if mine.is_ok() { nobody } else { me });
    if failed == nobody {
        return mine;
    }
    let text = mine.err().unwrap_or_default();
    let text = calls.broadcast(node.comm, failed as usize, text.as_bytes());
    Err(String::from_utf8_lossy(&text).into_owned())
}

/// For tests, ranks with odd numbers fail in the ways that a variable lists.
fn check_not_barred(calls: &MpiCalls, way: &str) -> io::Result<()> {
    if !cfg!(feature = "__delays") || calls.rank().is_multiple_of(2) {
        return Ok(());
    }
    let barred = std::env::var("PSHMEM_TEST_BARRED_MEMORY").unwrap_or_default();
    if barred.split(',').any(|barred| barred == way) {
        return Err(io::Error::other("barred by a test"));
    }
    Ok(())
}

/// A number that nobody can guess. Below the largest one that collective calls compare.
fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes) >> 1)
}

/// A file that begins with a mark.
fn probe(mark: u64) -> io::Result<MemoryFile> {
    let file = MemoryFile::new(PAGE)?;
    file.write_start(&mark.to_ne_bytes())?;
    Ok(file)
}

/// Whether a file begins with a mark, and can be mapped.
fn has_mark(file: &MemoryFile, mark: u64) -> io::Result<()> {
    let mut found = [0; 8];
    file.read_start(&mut found)?;
    if found != mark.to_ne_bytes() {
        return Err(io::Error::other("it is another file"));
    }
    file.map(PAGE).map(drop)
}
