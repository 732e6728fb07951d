//! A file in memory (`memfd_create`) that one process makes and others map.
//!
//! It has no name in any file system, so it is limited by memory only, and is gone when the last process has unmapped it, however
//! that ends. It is sealed against changes of its length: no access to a mapping of it can raise SIGBUS.

use super::Mapping;
use rustix::fs::{MemfdFlags, Mode, SealFlags};
use rustix::process::{Resource, getrlimit};
use std::fs::File;
use std::io::{self, Error, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::FileExt;

/// What may not be done with the file any more.
const SEALS: SealFlags = SealFlags::SHRINK
    .union(SealFlags::GROW)
    .union(SealFlags::SEAL);

/// A sealed file in memory, open in this process.
#[derive(Debug)]
pub(crate) struct MemoryFile {
    /// Has the length `len` and the [`SEALS`].
    file: File,
    len: usize,
}

impl MemoryFile {
    /// A new file of `len` zeros.
    pub(crate) fn new(len: usize) -> io::Result<Self> {
        check_file_size(len)?;
        let file = create()?;
        // Its owner may open it through /proc, nobody else.
        rustix::fs::fchmod(&file, Mode::RUSR | Mode::WUSR)?;
        file.set_len(len as u64)?;
        rustix::fs::fcntl_add_seals(&file, SEALS)?;
        Ok(MemoryFile { file, len })
    }

    /// The file that another process of this machine has open under a number.
    pub(crate) fn of_process(process: u32, number: i32, len: usize) -> io::Result<Self> {
        let path = format!("/proc/{process}/fd/{number}");
        let file = File::options().read(true).write(true).open(path)?;
        Self::checked(file, len)
    }

    /// A file that was received from another process.
    pub(crate) fn checked(file: File, len: usize) -> io::Result<Self> {
        let seals = rustix::fs::fcntl_get_seals(&file)?;
        let found = file.metadata()?.len();
        if !seals.contains(SEALS) || found != len as u64 {
            return Err(Error::new(
                ErrorKind::InvalidData,
                format!("a file of {found} B with the seals {seals:?} in place of one of {len} B"),
            ));
        }
        Ok(MemoryFile { file, len })
    }

    /// The number of the open file in this process.
    pub(crate) fn number(&self) -> i32 {
        self.file.as_raw_fd()
    }

    /// Writes bytes to the start of the file.
    pub(crate) fn write_start(&self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, 0)
    }

    /// Reads bytes from its start.
    pub(crate) fn read_start(&self, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(bytes, 0)
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Maps the file at a multiple of `align`.
    pub(crate) fn map(&self, align: usize) -> io::Result<Mapping> {
        Mapping::map(
            self.len,
            align,
            libc::MAP_SHARED | libc::MAP_NORESERVE,
            self.number(),
        )
    }
}

fn create() -> io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Systems may demand that such files cannot be executed; kernels before 6.3 do not know the flag.
    let created = match rustix::fs::memfd_create(c"pshmem", flags | MemfdFlags::NOEXEC_SEAL) {
        Err(rustix::io::Errno::INVAL) => rustix::fs::memfd_create(c"pshmem", flags),
        created => created,
    };
    Ok(File::from(created?))
}

/// A file longer than the limit of this process would raise SIGXFSZ.
fn check_file_size(len: usize) -> io::Result<()> {
    match getrlimit(Resource::Fsize).current {
        Some(limit) if len as u64 > limit => Err(Error::new(
            ErrorKind::FileTooLarge,
            format!("{len} B are more than the limit of {limit} B for files (`ulimit -f`)"),
        )),
        _ => Ok(()),
    }
}

#[cfg(all(test, not(loom), not(miri)))]
mod tests {
    use super::*;
    use crate::layout::placer::PAGE;
    use std::os::unix::fs::PermissionsExt;

    const LEN: usize = 3 * PAGE;

    #[test]
    fn mappings_of_one_file_are_the_same_bytes() {
        let file = MemoryFile::new(LEN).unwrap();
        let other = MemoryFile::of_process(std::process::id(), file.number(), LEN).unwrap();
        for align in [PAGE, 2 << 20] {
            let [one, two] = [&file, &other].map(|file| file.map(align).unwrap());
            assert!(one.start().addr().get().is_multiple_of(align));
            assert_eq!((one.len(), two.len()), (LEN, LEN));
            assert_ne!(one.start(), two.start());
            let last = LEN - 1;
            assert_eq!(byte(&two, last), 0);
            set(&one, last, 7);
            assert_eq!(byte(&two, last), 7);
            set(&one, last, 0);
        }
    }

    #[test]
    fn mappings_outlive_the_file() {
        let mapping = MemoryFile::new(LEN).unwrap().map(PAGE).unwrap();
        set(&mapping, 5, 1);
        assert_eq!(byte(&mapping, 5), 1);
    }

    /// The address of a byte of a mapping that nobody else uses.
    fn address(mapping: &Mapping, at: usize) -> *mut u8 {
        assert!(at < mapping.len());
        mapping.start().as_ptr().wrapping_add(at)
    }

    fn byte(mapping: &Mapping, at: usize) -> u8 {
        // SAFETY: inside the mapping.
        unsafe { address(mapping, at).read_volatile() }
    }

    fn set(mapping: &Mapping, at: usize, value: u8) {
        // SAFETY: inside the mapping, to which there are no references.
        unsafe { address(mapping, at).write_volatile(value) };
    }

    #[test]
    fn the_length_of_a_file_cannot_change_and_others_may_not_open_it() {
        let file = MemoryFile::new(LEN).unwrap();
        for len in [0, LEN - 1, LEN + 1] {
            let error = file.file.set_len(len as u64).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{len}");
        }
        let mode = file.file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn files_that_are_not_sealed_or_have_another_length_are_refused() {
        let file = MemoryFile::new(LEN).unwrap();
        let me = std::process::id();
        assert!(MemoryFile::of_process(me, file.number(), LEN + PAGE).is_err());
        let unsealed = create().unwrap();
        unsealed.set_len(LEN as u64).unwrap();
        assert!(MemoryFile::checked(unsealed, LEN).is_err());
        let ordinary = tempfile::tempfile().unwrap();
        ordinary.set_len(LEN as u64).unwrap();
        assert!(MemoryFile::checked(ordinary, LEN).is_err());
        assert!(MemoryFile::of_process(me, -1, LEN).is_err());
    }

    #[test]
    fn lengths_that_no_file_has_are_errors() {
        assert!(MemoryFile::new(usize::MAX).is_err());
    }
}
