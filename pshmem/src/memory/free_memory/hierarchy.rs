//! The cgroups that limit the memory of a process: its own and those above it, in the hierarchies of both versions, as far as
//! they are mounted where the process can see them.
//!
//! `/proc/self/cgroup` has the paths of the process's groups inside their hierarchies. `/proc/self/mountinfo` says where
//! hierarchies are mounted, and which group is the root of each mount: in a container that is often not the root of the hierarchy.
//! In a cgroup namespace, both count from the root of the namespace; groups above that are `/..`, `/../..`, and so on.

use super::cgroup::{Cgroup, Version};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// The groups that limit a process, of which this is the folder in `/proc`. Those of one hierarchy begin with the process's own.
pub(super) fn cgroups(process: &Path) -> Vec<Cgroup> {
    let read = |file: &str| std::fs::read(process.join(file)).unwrap_or_default();
    let (paths, mounts) = (read("cgroup"), read("mountinfo"));
    let mounts: Vec<Mount> = lines(&mounts).filter_map(Mount::parse).collect();
    lines(&paths)
        .filter_map(path_of_line)
        .flat_map(|(version, path)| {
            let mounts = mounts.iter().filter(|mount| mount.version == version);
            // The same hierarchy may be mounted several times: a mount with a higher root shows more groups.
            let seen = mounts.map(|mount| mount.cgroups(path));
            seen.max_by_key(Vec::len).unwrap_or_default()
        })
        .collect()
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b'\n')
}

/// The path in a line `number:controllers:path` of `/proc/self/cgroup`, if the hierarchy may limit memory. Version 2 has the
/// number 0 and lists no controllers.
fn path_of_line(line: &[u8]) -> Option<(Version, &Path)> {
    let mut parts = line.splitn(3, |&byte| byte == b':');
    let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
    let version = if number == b"0" && controllers.is_empty() {
        Version::V2
    } else if has_memory(controllers) {
        Version::V1
    } else {
        return None;
    };
    Some((version, Path::new(OsStr::from_bytes(path))))
}

/// Whether a list with commas has the memory controller.
fn has_memory(list: &[u8]) -> bool {
    list.split(|&byte| byte == b',')
        .any(|name| name == b"memory")
}

/// A mount of a hierarchy that may limit memory.
#[derive(Debug)]
struct Mount {
    version: Version,
    /// The group that is seen at the mount point.
    root: PathBuf,
    point: PathBuf,
}

impl Mount {
    /// A line `ID PARENT DEVICE ROOT POINT OPTIONS [FIELD...] - TYPE SOURCE OPTIONS`, of which version 1 lists its controllers in the
    /// last options.
    fn parse(line: &[u8]) -> Option<Self> {
        let mut parts = line.split(|&byte| byte == b' ');
        let (root, point) = (parts.nth(3)?, parts.next()?);
        parts.find(|&part| part == b"-")?;
        let version = match (parts.next()?, parts.nth(1)?) {
            (b"cgroup2", _) => Version::V2,
            (b"cgroup", options) if has_memory(options) => Version::V1,
            _ => return None,
        };
        let [root, point] = [root, point].map(unescaped);
        Some(Mount {
            version,
            root,
            point,
        })
    }

    /// The groups on the way from the one at `path` up to the root of the mount, as far as they limit that one.
    fn cgroups(&self, path: &Path) -> Vec<Cgroup> {
        let Some(below) = self.below(path) else {
            return Vec::new();
        };
        let mut cgroups = Vec::new();
        for (level, path) in below.ancestors().enumerate() {
            // Without a slash at the end, for messages.
            let folder = self.point.join(path).components().collect();
            let cgroup = Cgroup::open(folder, self.version);
            if level > 0 && cgroup.as_ref().is_some_and(|g| !g.limits_those_below()) {
                break;
            }
            cgroups.extend(cgroup);
        }
        cgroups
    }

    /// Where the group at `path` is below the mount point; empty for the mount point itself. `None` if the group is not below it.
    fn below<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        let is_up = |part: &Component<'_>| matches!(part, Component::ParentDir);
        let ups = |path: &Path| path.components().filter(is_up).count();
        if let Ok(below) = path.strip_prefix(&self.root) {
            return (ups(below) == 0).then_some(below);
        }
        // Such as `/../..` for `/x`: the root of the mount is above the group. The names between are not known here.
        let only_up = self.root.components().skip(1).all(|part| is_up(&part));
        (only_up && ups(path) < ups(&self.root)).then_some(Path::new(""))
    }
}

/// A path of `mountinfo`, in which some characters are written as `\` and three octal digits.
fn unescaped(text: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| first == b'\\');
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    PathBuf::from(OsStr::from_bytes(&bytes))
}
