//! Ends the job of Hydra, the launcher of MPICH and Intel MPI, from a process on which MPI has not started.
//!
//! That of Intel MPI 2021.18 notices the end of such a process only when all others have ended, and they wait for it in `MPI_Init`. So
//! the process joins the job itself by version 1 of the protocol PMI: words in lines, over a socket that it has inherited.

use std::io::{Read, Write};
use std::os::fd::FromRawFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// The variable with the number of the socket.
const SOCKET: &str = "PMI_FD";

/// Whether MPI has joined the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joined {
    No,
    /// It waits in `MPI_Init`.
    Yes,
}

/// Asks the launcher to end the job. Nothing happens where it is no such launcher.
pub(crate) fn end_job(joined: Joined) {
    // Slurm sets the first one, too, and speaks version 2.
    let is_hydra = std::env::var_os("MPI_LOCALNRANKS").is_some();
    let socket = std::env::var(SOCKET)
        .ok()
        .and_then(|text| text.parse().ok());
    if let Some(socket) = socket.filter(|_| is_hydra) {
        // SAFETY: the launcher has given this process the socket for this protocol. MPI, which would use it, has not started, or does
        // not return, and the process is about to end. Where the number is none of an open socket, the calls below fail.
        let _ = talk(unsafe { UnixStream::from_raw_fd(socket) }, joined);
    }
}

fn talk(mut launcher: UnixStream, joined: Joined) -> std::io::Result<()> {
    if joined == Joined::No {
        launcher.set_read_timeout(Some(Duration::from_secs(1)))?;
        launcher.write_all(b"cmd=init pmi_version=1 pmi_subversion=1\n")?;
        let _ = launcher.read(&mut [0; 256])?;
    }
    launcher.write_all(b"cmd=abort exitcode=1\n")?;
    // The launcher ends this process, too.
    std::thread::sleep(Duration::from_secs(1));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_is_joined_and_then_ended() {
        let (mine, mut launcher) = UnixStream::pair().unwrap();
        let thread = std::thread::spawn(move || talk(mine, Joined::No));
        let mut line = [0; 256];
        let len = launcher.read(&mut line).unwrap();
        assert_eq!(&line[..len], b"cmd=init pmi_version=1 pmi_subversion=1\n");
        launcher.write_all(b"cmd=response_to_init rc=0\n").unwrap();
        let len = launcher.read(&mut line).unwrap();
        assert_eq!(&line[..len], b"cmd=abort exitcode=1\n");
        drop(launcher);
        thread.join().unwrap().unwrap();
    }
}
