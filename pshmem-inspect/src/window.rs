//! Reads the data of a file in pieces of a fixed size, forwards.

use crate::saved::NpyFile;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// The size of a piece.
pub(crate) const WINDOW: usize = 1 << 20;

/// A part of a file that is in memory.
pub(crate) struct Window<'a> {
    file: &'a mut File,
    /// Where the data begin in the file.
    data_at: u64,
    /// Bytes of the data.
    bytes: u64,
    /// Where the window begins in the data.
    at: u64,
    buffer: Vec<u8>,
}

impl<'a> Window<'a> {
    /// At the beginning of the data.
    pub(crate) fn new(file: &'a mut NpyFile) -> Self {
        Window {
            data_at: file.header.data_at,
            bytes: file.bytes,
            file: &mut file.file,
            at: 0,
            buffer: Vec::new(),
        }
    }

    /// These bytes of the data, at most [`WINDOW`] of them.
    pub(crate) fn read(&mut self, at: u64, len: usize) -> io::Result<&[u8]> {
        let end = at + len as u64;
        let is_there = at >= self.at && end <= self.at + self.buffer.len() as u64;
        if !is_there {
            self.fill(at)?;
        }
        let start = (at - self.at) as usize;
        let bytes = self.buffer.get(start..start + len);
        // The file has become shorter since its length was asked for.
        bytes.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn fill(&mut self, at: u64) -> io::Result<()> {
        let len = (self.bytes - at).min(WINDOW as u64);
        self.at = at;
        self.buffer.clear();
        self.file.seek(SeekFrom::Start(self.data_at + at))?;
        Read::by_ref(self.file)
            .take(len)
            .read_to_end(&mut self.buffer)?;
        Ok(())
    }
}
