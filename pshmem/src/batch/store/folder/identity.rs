//! Which file a name stands for.

use rustix::fs::Stat;

/// Distinguishes a file from all others that have its name before or after it.
///
/// An inode number alone would not do: file systems reuse that of a removed file, but not together with the time at which the
/// first file was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::batch::store) struct FileIdentity {
    inode: u64,
    written: (i64, i64),
}

impl From<&Stat> for FileIdentity {
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_possible_wrap,
        clippy::useless_conversion,
        reason = "the types of these fields differ between systems"
    )]
    fn from(data: &Stat) -> Self {
        FileIdentity {
            inode: data.st_ino as u64,
            written: (data.st_mtime as i64, data.st_mtime_nsec as i64),
        }
    }
}
