//! Whether other processes of this node use the same library. Processes that use different ones wait for each other in MPI_Init for
//! ever, where nobody can be told.
//!
//! The children of the launcher on this node are ranks of one job, in the order in which they were started. Each rank looks at the
//! one before it and the one after it when it has loaded its library. One of two neighbours looks last, and sees what the other one
//! has loaded. Ranks with different parents, or on different nodes, are not compared here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

/// An error if a neighbour has loaded another MPI library than the one that contains this address.
pub(super) fn check(address: usize) -> Result<(), String> {
    let mine = maps(process::id());
    let Some(library) = library_at(&mine, address) else {
        return Ok(());
    };
    for neighbour in neighbours(&siblings(), process::id()) {
        if has_same_program(neighbour)
            && let Some(other) = another(&maps(neighbour), &mine)
        {
            return Err(format!(
                "is {}, but process {neighbour} of the same launcher has loaded {}: all ranks of a job need the same MPI library",
                library.display(),
                other.display()
            ));
        }
    }
    Ok(())
}

/// The processes that the parent of this one has started, in this order. Empty where the kernel does not list them.
fn siblings() -> Vec<u32> {
    let parent = std::os::unix::process::parent_id();
    let text = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    let text = text.unwrap_or_default();
    text.split_whitespace()
        .filter_map(|id| id.parse().ok())
        .collect()
}

/// Those before and after `me`.
fn neighbours(siblings: &[u32], me: u32) -> Vec<u32> {
    let Some(at) = siblings.iter().position(|id| *id == me) else {
        return Vec::new();
    };
    let before = at.checked_sub(1).map(|before| siblings[before]);
    before
        .into_iter()
        .chain(siblings.get(at + 1).copied())
        .collect()
}

fn has_same_program(id: u32) -> bool {
    let program = |id: &str| fs::read_link(format!("/proc/{id}/exe")).ok();
    let mine = program("self");
    mine.is_some() && program(&id.to_string()) == mine
}

/// What a process has mapped. Empty where we may not read it.
fn maps(id: u32) -> String {
    fs::read_to_string(format!("/proc/{id}/maps")).unwrap_or_default()
}

/// The file that is mapped at an address.
fn library_at(maps: &str, address: usize) -> Option<PathBuf> {
    let contains = |line: &&str| {
        let bound = |text| usize::from_str_radix(text, 16).ok();
        let range = line
            .split(' ')
            .next()
            .and_then(|range| range.split_once('-'));
        range
            .and_then(|(first, end)| Some(bound(first)?..bound(end)?))
            .is_some_and(|range| range.contains(&address))
    };
    file(maps.lines().find(contains)?).map(Path::to_path_buf)
}

/// An MPI library among the files that a neighbour has mapped, and this process has not. A program may be linked with one library,
/// which all its processes map, and load another one.
fn another(neighbour: &str, mine: &str) -> Option<PathBuf> {
    let is_mpi = |file: &&Path| {
        let name = file.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("libmpi"))
    };
    let is_mine = |other: &Path| mine.lines().filter_map(file).any(|file| file == other);
    let mut libraries = neighbour.lines().filter_map(file).filter(is_mpi);
    libraries
        .find(|other| !is_mine(other))
        .map(Path::to_path_buf)
}

/// The file of a line, as in `7f0-7f1 r-xp 00000000 fd:00 1234    /usr/lib/libmpi.so.12`.
fn file(line: &str) -> Option<&Path> {
    let at = line.find('/')?;
    Some(Path::new(&line[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "55d0-55d1 r-xp 00000000 fd:00 11    /home/me/program
7f10-7f20 r--p 00000000 fd:00 12    /opt/mpich 5/lib/libmpi_abi.so.1.0.0
7f20-7f30 r-xp 00010000 fd:00 12    /opt/mpich 5/lib/libmpi_abi.so.1.0.0
7f30-7f40 rw-p 00000000 00:00 0 
7f50-7f60 r-xp 00000000 fd:00 13    /usr/lib/libm.so.6
";

    #[test]
    fn the_library_at_an_address_is_found() {
        let library = Path::new("/opt/mpich 5/lib/libmpi_abi.so.1.0.0");
        assert_eq!(library_at(MAPS, 0x7f2f).as_deref(), Some(library));
        assert_eq!(library_at(MAPS, 0x7f30), None);
        assert_eq!(library_at(MAPS, 0x7f60), None);
    }

    #[test]
    fn another_library_is_noticed() {
        let library = Path::new("/opt/mpich 5/lib/libmpi_abi.so.1.0.0");
        assert_eq!(another(MAPS, MAPS), None);
        let other = MAPS.replace("mpich 5", "impi");
        assert_eq!(another(MAPS, &other).as_deref(), Some(library));
        // One that has not loaded any yet looks itself when it has.
        let before = MAPS.replace("libmpi_abi", "libother");
        assert_eq!(another(&before, MAPS), None);
        // All processes of a program that is linked with a library map it. One of them may load another one, too.
        let linked = format!("{MAPS}8f10-8f20 r-xp 00000000 fd:00 14    /usr/lib/libmpi.so.12\n");
        let linked_before = linked.replace("libmpi_abi", "libother");
        assert_eq!(another(&linked_before, &linked), None);
        assert_eq!(another(&linked, &linked), None);
        assert_eq!(another(&linked, &linked_before).as_deref(), Some(library));
    }

    #[test]
    fn neighbours_are_those_before_and_after() {
        assert_eq!(neighbours(&[3, 5, 7, 9], 5), [3, 7]);
        assert_eq!(neighbours(&[3, 5], 3), [5]);
        assert_eq!(neighbours(&[3, 5], 5), [3]);
        assert!(neighbours(&[3, 5], 4).is_empty());
        assert!(neighbours(&[], 4).is_empty());
    }

    #[test]
    fn this_process_and_its_libraries_are_seen() {
        let mine = library_at(&maps(process::id()), libc::getpid as *const () as usize).unwrap();
        assert!(mine.to_string_lossy().contains("libc"), "{mine:?}");
        assert!(has_same_program(process::id()));
        assert!(!has_same_program(std::os::unix::process::parent_id()));
    }
}
