//! What tells one executable from another: its build id, or a checksum of its contents where it has none.
//!
//! The linker makes the build id from all that it has linked, and the system maps it with the program, so nothing has to be
//! read. A sample of the contents was rejected: two builds may differ by a few bytes anywhere.

use std::ffi::{CStr, OsStr, c_int, c_void};
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The executable, or the shared library, that contains this code. Equal texts stand for equal code.
pub(crate) fn identity() -> io::Result<String> {
    let Loaded { build_id, path } = loaded(identity as *const () as usize);
    match build_id {
        Some(id) => {
            let hex: Vec<String> = id.iter().map(|byte| format!("{byte:02x}")).collect();
            Ok(format!("build id {}", hex.concat()))
        }
        None => checksum(&path),
    }
}

/// A program or library in memory.
struct Loaded {
    build_id: Option<Vec<u8>>,
    path: PathBuf,
}

/// The program or library that has code at `address`.
fn loaded(address: usize) -> Loaded {
    struct Search {
        address: usize,
        found: Option<Loaded>,
    }

    unsafe extern "C" fn visit(
        info: *mut libc::dl_phdr_info,
        _: usize,
        search: *mut c_void,
    ) -> c_int {
        // SAFETY: the loader passes a description that is valid during the call (dl_iterate_phdr(3)).
        let info = unsafe { &*info };
        // SAFETY: the `Search` below, which nothing else uses during the call.
        let search = unsafe { &mut *search.cast::<Search>() };
        let headers = match info.dlpi_phnum {
            0 => &[],
            // SAFETY: that many headers are there, as long as the object is loaded (same manual page).
            n => unsafe { std::slice::from_raw_parts(info.dlpi_phdr, n.into()) },
        };
        let base = info.dlpi_addr as usize;
        let start = |header: &libc::Elf64_Phdr| base.wrapping_add(header.p_vaddr as usize);
        let is_loaded = |at: usize, len: usize| {
            headers.iter().any(|header| {
                let offset = at.wrapping_sub(start(header));
                let room = (header.p_memsz as usize).checked_sub(offset);
                header.p_type == libc::PT_LOAD && room.is_some_and(|room| len <= room)
            })
        };
        if !is_loaded(search.address, 1) {
            return 0;
        }
        let notes = headers
            .iter()
            .filter(|header| header.p_type == libc::PT_NOTE)
            .filter(|header| is_loaded(start(header), header.p_memsz as usize));
        let build_id = notes
            .map(|header| {
                let (start, len) = (start(header), header.p_memsz as usize);
                // SAFETY: inside a part of the object that is mapped, as checked. The loader maps notes readable, and nobody
                // writes to them.
                let notes = unsafe { std::slice::from_raw_parts(start as *const u8, len) };
                (notes, header.p_align as usize)
            })
            .find_map(|(notes, align)| build_id_in(notes, align));
        let name = if info.dlpi_name.is_null() {
            c""
        } else {
            // SAFETY: a C string that is valid as long as the object is loaded.
            unsafe { CStr::from_ptr(info.dlpi_name) }
        };
        // The name of the program itself is empty.
        let path = match name.to_bytes() {
            b"" => PathBuf::from("/proc/self/exe"),
            name => PathBuf::from(OsStr::from_bytes(name)),
        };
        search.found = Some(Loaded { build_id, path });
        1
    }

    let mut search = Search {
        address,
        found: None,
    };
    // SAFETY: the function has the type that is asked for, and gets a pointer to the `Search`, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast()) };
    search.found.unwrap_or_else(|| Loaded {
        build_id: None,
        path: PathBuf::from("/proc/self/exe"),
    })
}

/// The build id in a list of ELF notes: each is three numbers of 32 bits (bytes of the owner's name, bytes of the content, type),
/// the name, and the content, both padded to the alignment of the list.
fn build_id_in(mut notes: &[u8], align: usize) -> Option<Vec<u8>> {
    const HEAD: usize = 12;
    const BUILD_ID: u32 = 3;
    let align = if align == 8 { 8 } else { 4 };
    while notes.len() >= HEAD {
        let number = |index: usize| {
            let bytes = notes[4 * index..4 * index + 4].try_into();
            bytes.map_or(0, u32::from_ne_bytes)
        };
        let name_end = HEAD.checked_add(number(0) as usize)?;
        let start = name_end.checked_next_multiple_of(align)?;
        let end = start.checked_add(number(1) as usize)?;
        let (name, content) = (notes.get(HEAD..name_end)?, notes.get(start..end)?);
        let is_used = content.iter().any(|&byte| byte != 0);
        if name == b"GNU\0" && number(2) == BUILD_ID && is_used {
            return Some(content.to_vec());
        }
        notes = notes.get(end.checked_next_multiple_of(align)?..)?;
    }
    None
}

/// Size and checksum of a file, all of which is read.
fn checksum(path: &Path) -> io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    let mut hasher = DefaultHasher::new();
    let mut len = 0;
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => return Ok(format!("{len} B with checksum {:016x}", hasher.finish())),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        len += read;
        // One byte after the other, because the pieces in which a file is read may differ between ranks.
        buffer[..read]
            .iter()
            .for_each(|&byte| hasher.write_u8(byte));
    }
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;

    fn note(owner: &[u8], kind: u32, content: &[u8], align: usize) -> Vec<u8> {
        let mut note = Vec::new();
        for number in [owner.len() as u32, content.len() as u32, kind] {
            note.extend_from_slice(&number.to_ne_bytes());
        }
        for part in [owner, content] {
            note.extend_from_slice(part);
            note.resize(note.len().next_multiple_of(align), 0);
        }
        note
    }

    #[test]
    fn the_build_id_is_found_among_other_notes() {
        for align in [4, 8] {
            let id = note(b"GNU\0", 3, b"seven b", align);
            let mut notes = note(b"GNU\0", 1, &[0; 16], align);
            notes.extend(note(b"Go\0", 3, b"other owner", align));
            assert_eq!(build_id_in(&notes, align), None);
            notes.extend(&id);
            notes.extend(note(b"GNU\0", 3, b"second", align));
            assert_eq!(build_id_in(&notes, align), Some(b"seven b".to_vec()));
            // Notes that are cut off, or whose lengths are wrong.
            for end in 0..id.len() - 1 {
                assert_eq!(build_id_in(&id[..end], align), None);
            }
        }
        assert_eq!(build_id_in(&[0xff; 40], 4), None);
        assert_eq!(build_id_in(&note(b"GNU\0", 3, &[0; 20], 4), 4), None);
    }

    #[test]
    fn this_program_has_an_identity() {
        let identity = identity().unwrap();
        assert!(identity.starts_with("build id ") || identity.contains("checksum"));
        let none = loaded(1);
        assert!(none.build_id.is_none() && checksum(&none.path).is_ok());
    }

    #[test]
    fn contents_that_differ_in_one_byte_differ() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("program");
        let sum_with = |at: usize| {
            let mut bytes = vec![7; 3_000_000];
            bytes[at] = 8;
            std::fs::write(&path, bytes).unwrap();
            checksum(&path).unwrap()
        };
        // Bytes that no small sample would have contained.
        let sums = [sum_with(5000), sum_with(1_234_567), sum_with(2_990_001)];
        assert!(sums[0] != sums[1] && sums[1] != sums[2] && sums[0] != sums[2]);
        assert_eq!(sum_with(5000), sums[0]);
        assert!(checksum(&dir.path().join("unreadable")).is_err());
    }
}
