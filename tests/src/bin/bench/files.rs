//! Files: save and load, compared with as many processes that write or read as many bytes of private memory.
//!
//! In memory (`/dev/shm`) and on a disk, the folder for temporary files.

use crate::settings::size_name;
use crate::timing::{Bench, Column, OURS};
use pshmem::{Result, Shared};
use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// As many processes with a file each, and private memory.
const PLAIN: &str = "plain files";
/// The same with one file, of which each process writes its share.
const PLAIN_ONE: &str = "one plain file";
/// Rank 0 reads the whole file into private memory.
const ROOT: &str = "from_root";
/// Rank 0 reads the whole file into node memory.
const VIEW: &str = "try_update";
/// Each rank reads its share of the file into node memory.
const PARTS: &str = "try_update_parts";
/// Bytes of one write or read.
const PIECE: usize = 4 << 20;

pub(crate) fn rows(bench: &Bench<'_>) -> Result<()> {
    on(bench, "in memory", Path::new("/dev/shm"))?;
    on(bench, "on a disk", &std::env::temp_dir())
}

/// Bytes of a file: four times what others call large, so that no cache of a processor holds it.
pub(crate) fn bytes(bench: &Bench<'_>) -> usize {
    4 * bench.settings.large
}

/// Removes its files when it is dropped on rank 0.
pub(crate) struct Files<'a> {
    bench: &'a Bench<'a>,
    /// What `save` writes.
    pub(crate) ours: PathBuf,
    plain: PathBuf,
    one: PathBuf,
}

impl<'a> Files<'a> {
    pub(crate) fn new(bench: &'a Bench<'a>, folder: &Path) -> Result<Self> {
        let process = bench.gather(u64::from(std::process::id()))?[0];
        let name = |what: &str| folder.join(format!("pshmem-bench-{process}-{what}.npy"));
        Ok(Files {
            bench,
            ours: name("ours"),
            plain: name(&format!("plain-{}", bench.comm.rank())),
            one: name("one"),
        })
    }
}

impl Drop for Files<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.plain);
        if self.bench.is_root() {
            let _ = std::fs::remove_file(&self.ours);
            let _ = std::fs::remove_file(&self.one);
        }
    }
}

fn on(bench: &Bench<'_>, place: &str, folder: &Path) -> Result<()> {
    let bytes = bytes(bench);
    let rows =
        ["save", "read_from", "load"].map(|call| format!("{call} {} {place}", size_name(bytes)));
    if !rows.iter().any(|row| bench.settings.selects(row)) {
        return Ok(());
    }
    let (rank, size) = (bench.comm.rank(), bench.comm.size());
    let files = Files::new(bench, folder)?;
    let mut shared = Shared::<[u8]>::new(bench.comm, bytes)?;
    shared.fill(1)?;
    let mine = vec![1_u8; bytes / size];
    if bench.settings.selects(&rows[0]) {
        let columns = vec![
            Column::new(OURS, || shared.save(&files.ours)),
            Column::new(PLAIN, || {
                write(&create(&files.plain), &mine, 0);
                Ok(())
            }),
            Column::new(PLAIN_ONE, || {
                if bench.is_root() {
                    create(&files.one);
                }
                bench.comm.barrier()?;
                let start = rank * mine.len();
                write(&open(&files.one), &mine, start as u64);
                Ok(())
            }),
        ];
        bench.time(&rows[0], columns)?;
    }
    shared.save(&files.ours)?;
    let counted = || shared.save(&files.ours);
    let written = in_the_job(bench, "wchar:", counted)?;
    bench.report(
        &format!("{}, bytes written / bytes", rows[0]),
        OURS,
        written / bytes as f64,
        "",
    );
    write(&create(&files.plain), &mine, 0);
    drop(mine);
    let into = RefCell::new(vec![0_u8; bytes / size]);
    if bench.settings.selects(&rows[1]) {
        let columns = vec![
            Column::new(OURS, || shared.read_from(&files.ours)),
            Column::new(PLAIN, || {
                read(&files.plain, &mut into.borrow_mut());
                Ok(())
            }),
        ];
        bench.time(&rows[1], columns)?;
    }
    drop(shared);
    drop(into);
    if bench.settings.selects(&rows[2]) {
        let mut columns = vec![Column::new(PLAIN, || {
            read(&files.plain, &mut vec![0; bytes / size]);
            Ok(())
        })];
        for (name, load) in LOADS {
            let files = &files;
            columns.push(Column::new(name, move || load(files, bytes).map(drop)));
        }
        bench.time(&rows[2], columns)?;
        let read = in_the_job(bench, "rchar:", || {
            Shared::<[u8]>::load(bench.comm, &files.ours).map(drop)
        })?;
        bench.report(
            &format!("{}, bytes read / bytes", rows[2]),
            OURS,
            read / bytes as f64,
            "",
        );
    }
    Ok(())
}

/// A way to make an object of so many bytes from the file that `save` has written.
type Load = fn(&Files<'_>, usize) -> Result<Shared<[u8]>>;

pub(crate) const LOADS: [(&str, Load); 4] = [
    (OURS, load),
    (VIEW, into_view),
    (PARTS, into_parts),
    (ROOT, from_root),
];

fn load(files: &Files<'_>, _: usize) -> Result<Shared<[u8]>> {
    Shared::load(files.bench.comm, &files.ours)
}

fn into_view(files: &Files<'_>, bytes: usize) -> Result<Shared<[u8]>> {
    let mut shared = Shared::<[u8]>::new(files.bench.comm, bytes)?;
    shared.try_update(0, |mut view| read_values(&files.ours, bytes, 0, &mut view))?;
    Ok(shared)
}

fn into_parts(files: &Files<'_>, bytes: usize) -> Result<Shared<[u8]>> {
    let mut shared = Shared::<[u8]>::new(files.bench.comm, bytes)?;
    shared.try_update_parts(|rows, part| read_values(&files.ours, bytes, rows.start, part))?;
    Ok(shared)
}

fn from_root(files: &Files<'_>, bytes: usize) -> Result<Shared<[u8]>> {
    Shared::try_from_root(files.bench.comm, 0, || {
        let mut values = vec![0; bytes];
        read_values(&files.ours, bytes, 0, &mut values).map(|()| values)
    })
}

/// Reads values, which are the last bytes of a file, from one of them on.
fn read_values(path: &Path, bytes: usize, start: usize, into: &mut [u8]) -> std::io::Result<()> {
    let file = File::open(path)?;
    let header = file.metadata()?.len() - bytes as u64;
    file.read_exact_at(into, header + start as u64)
}

/// Empty, whatever was there.
fn create(path: &Path) -> File {
    File::create(path).expect("a new file")
}

fn open(path: &Path) -> File {
    let opened = OpenOptions::new().write(true).open(path);
    opened.expect("the file that rank 0 has created")
}

/// On the disk when it returns, as `save` leaves its file.
fn write(file: &File, bytes: &[u8], start: u64) {
    for (number, piece) in bytes.chunks(PIECE).enumerate() {
        let at = start + (number * PIECE) as u64;
        file.write_all_at(black_box(piece), at)
            .expect("room for the file");
    }
    file.sync_all().expect("a disk that takes it");
}

fn read(path: &Path, into: &mut [u8]) {
    let file = OpenOptions::new().read(true).open(path).expect("the file");
    for (number, piece) in into.chunks_mut(PIECE).enumerate() {
        let at = (number * PIECE) as u64;
        file.read_exact_at(piece, at).expect("a whole file");
    }
    black_box(into);
}

/// By how much a counter of `/proc/self/io` grows in a call, in all processes together.
fn in_the_job(bench: &Bench<'_>, counter: &str, call: impl FnOnce() -> Result<()>) -> Result<f64> {
    bench.comm.barrier()?;
    let before = counted(counter);
    call()?;
    let all = bench.gather(counted(counter) - before)?;
    let mut processes = bench.gather(u64::from(std::process::id()))?;
    processes.dedup();
    // Ranks that are threads of one process share its counters.
    let all = if processes.len() == all.len() {
        &all[..]
    } else {
        &all[..1]
    };
    Ok(all.iter().sum::<u64>() as f64)
}

fn counted(counter: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(counter));
    line.and_then(|number| number.trim().parse().ok())
        .unwrap_or(0)
}
