//! Made-up folders in the place of `/proc/self` and of mounts of cgroups.

use super::hierarchy::cgroups;
use super::*;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const MIB: usize = 1 << 20;

/// What version 1 has where nobody has set a limit.
const V1_NO_LIMIT: &str = "9223372036854771712\n";

/// A machine of 8 GiB, of which 6 are available.
fn machine() -> FreeMemory {
    of_machine("MemTotal:        8388608 kB\nMemFree: 12 kB\nMemAvailable:    6291456 kB\n")
}

/// The files that a process sees.
struct System(TempDir);

impl System {
    /// With the lines of `cgroup` and `mountinfo`, in which `@` stands for the folder of all files.
    fn new(cgroup: &str, mountinfo: &str) -> Self {
        let system = System(tempfile::tempdir().unwrap());
        let mountinfo = mountinfo.replace('@', system.0.path().to_str().unwrap());
        system.write("proc/cgroup", cgroup);
        system.write("proc/mountinfo", &mountinfo);
        system
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A group of version 2 with a limit and a usage in MiB.
    fn v2(&self, folder: &str, max: &str, current: usize) {
        self.write(&format!("{folder}/memory.max"), max);
        self.write(&format!("{folder}/memory.high"), "max\n");
        self.write(&format!("{folder}/memory.current"), &in_bytes(current));
        self.write(&format!("{folder}/memory.stat"), "anon 0\n");
    }

    /// A group of version 1 with a limit and a usage in MiB.
    fn v1(&self, folder: &str, limit: &str, usage: usize) {
        self.write(&format!("{folder}/memory.limit_in_bytes"), limit);
        self.write(&format!("{folder}/memory.usage_in_bytes"), &in_bytes(usage));
        self.write(&format!("{folder}/memory.use_hierarchy"), "1\n");
    }

    fn smallest(&self, needed: usize) -> FreeMemory {
        smallest(machine(), &cgroups(&self.path("proc")), needed)
    }

    /// The place and the free MiB if all must be exact. Places are relative to the folder of all files.
    fn found(&self) -> (String, usize) {
        let found = self.smallest(usize::MAX);
        let folder = format!("{}/", self.0.path().display());
        (found.place.replace(&folder, ""), found.free / MIB)
    }

    /// The folders that are looked at, relative to the folder of all files.
    fn folders(&self) -> Vec<String> {
        let folder = format!("{}/", self.0.path().display());
        let all = cgroups(&self.path("proc"));
        all.iter()
            .map(|cgroup| cgroup.name().replace(&folder, ""))
            .collect()
    }
}

/// As the kernel writes it.
fn in_bytes(mib: usize) -> String {
    format!("{}\n", mib * MIB)
}

const V2_MOUNT: &str = "30 23 0:26 / @/fs rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

#[test]
fn without_cgroups_the_machine_decides() {
    let system = System::new("", "");
    assert_eq!(system.smallest(usize::MAX), machine());
    assert_eq!(system.found(), ("memory".to_owned(), 6144));
    let unknown = of_machine("MemAvailable: many kB\n");
    assert_eq!((unknown.free, unknown.capacity), (usize::MAX, usize::MAX));
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn every_group_above_the_process_limits_it() {
    let system = System::new("0::/job_7/step_0/task_1\n", V2_MOUNT);
    // The root of the hierarchy has no limits.
    system.write("fs/cgroup.procs", "");
    system.v2("fs/job_7", &in_bytes(1000), 900);
    system.v2("fs/job_7/step_0", &in_bytes(800), 500);
    system.v2("fs/job_7/step_0/task_1", "max\n", 400);
    system.v2("fs/job_8", &in_bytes(10), 10);
    let expected = ["step_0/task_1", "step_0", ""].map(|name| format!("fs/job_7/{name}"));
    assert_eq!(
        system.folders(),
        expected.map(|name| name.trim_end_matches('/').to_owned())
    );
    let found = system.smallest(usize::MAX);
    assert_eq!((found.free, found.capacity), (100 * MIB, 1000 * MIB));
    assert_eq!(
        system.found(),
        ("the cgroup fs/job_7 (memory.max)".to_owned(), 100)
    );
    system.v2("fs/job_7/step_0/task_1", &in_bytes(450), 400);
    let expected = "the cgroup fs/job_7/step_0/task_1 (memory.max)";
    assert_eq!(system.found(), (expected.to_owned(), 50));
    // More than is allowed is used, as after a limit has been lowered.
    system.v2("fs/job_7/step_0", &in_bytes(300), 500);
    assert_eq!(system.found().1, 0);
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn the_machine_decides_where_it_has_less_than_the_groups_leave() {
    let system = System::new("0::/job\n", V2_MOUNT);
    system.v2("fs/job", &in_bytes(8000), 100);
    assert_eq!(system.found(), ("memory".to_owned(), 6144));
    system.v2("fs/job", &in_bytes(8000), 2000);
    assert_eq!(system.found().1, 6000);
    // A limit beyond the memory of the machine limits nothing.
    system.v2("fs/job", &in_bytes(8192), 8100);
    assert_eq!(system.found(), ("memory".to_owned(), 6144));
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn memory_high_is_a_limit() {
    let system = System::new("0::/job\n", V2_MOUNT);
    system.v2("fs/job", &in_bytes(1000), 100);
    system.write("fs/job/memory.high", &in_bytes(600));
    let expected = "the cgroup fs/job (memory.high)";
    assert_eq!(system.found(), (expected.to_owned(), 500));
    system.write("fs/job/memory.max", "max\n");
    assert_eq!(system.found(), (expected.to_owned(), 500));
    system.write("fs/job/memory.max", &in_bytes(500));
    let expected = "the cgroup fs/job (memory.max)";
    assert_eq!(system.found(), (expected.to_owned(), 400));
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn files_that_the_kernel_keeps_are_counted_only_where_they_decide() {
    let system = System::new("0::/job\n", V2_MOUNT);
    system.v2("fs/job", &in_bytes(1000), 900);
    let stat = format!(
        "anon 1\nfile 2\ninactive_file {}\nactive_file {}\nworkingset_activate_file 77\n",
        300 * MIB,
        200 * MIB
    );
    system.write("fs/job/memory.stat", &stat);
    assert_eq!(system.smallest(50 * MIB).free, 100 * MIB);
    assert_eq!(system.smallest(100 * MIB).free, 100 * MIB);
    assert_eq!(system.smallest(101 * MIB).free, 500 * MIB);
    assert_eq!(system.smallest(usize::MAX).free, 500 * MIB);
    // More than is used, or no number: the two files are not written at the same moment.
    system.write(
        "fs/job/memory.stat",
        &format!("inactive_file {}\n", usize::MAX),
    );
    assert_eq!(system.found().1, 1000);
    system.write("fs/job/memory.stat", "inactive_file -3\nactive_file\n");
    assert_eq!(system.found().1, 100);
    fs::remove_file(system.path("fs/job/memory.stat")).unwrap();
    assert_eq!(system.found().1, 100);
}

const V1_MOUNTS: &str = "\
    34 31 0:31 / @/cpuset rw,relatime - cgroup cgroup rw,cpuset\n\
    35 31 0:32 / @/memory rw,relatime master:7 - cgroup cgroup rw,hugetlb,memory\n\
    41 31 0:38 / @/unified rw,relatime - cgroup2 cgroup2 rw\n";

#[test]
#[cfg_attr(miri, ignore = "files")]
fn version_1() {
    let cgroup = "4:hugetlb,memory:/slurm/uid_0/job_7\n3:cpuset:/slurm/job_8\n1:name=systemd:/\n";
    let system = System::new(cgroup, V1_MOUNTS);
    system.v1("memory", V1_NO_LIMIT, 3000);
    system.v1("memory/slurm", V1_NO_LIMIT, 2000);
    system.v1("memory/slurm/uid_0", &in_bytes(2000), 1500);
    system.v1("memory/slurm/uid_0/job_7", &in_bytes(1000), 700);
    system.v1("memory/slurm/job_8", &in_bytes(1), 1);
    system.write("cpuset/slurm/job_8/memory.limit_in_bytes", "1");
    assert_eq!(system.folders().len(), 4);
    let expected = "the cgroup memory/slurm/uid_0/job_7 (memory.limit_in_bytes)";
    assert_eq!(system.found(), (expected.to_owned(), 300));
    // Of `memory.stat`, the lines that include the groups below count.
    let stat = format!("inactive_file 1\ntotal_inactive_file {}\n", 400 * MIB);
    system.write("memory/slurm/uid_0/job_7/memory.stat", &stat);
    let expected = "the cgroup memory/slurm/uid_0 (memory.limit_in_bytes)";
    assert_eq!(system.found(), (expected.to_owned(), 500));
    // Old kernels: a group that does not count what is below it does not limit it, and neither do those above.
    system.write("memory/slurm/uid_0/memory.use_hierarchy", "0\n");
    assert_eq!(system.folders(), ["memory/slurm/uid_0/job_7"]);
    system.write("memory/slurm/uid_0/job_7/memory.use_hierarchy", "0\n");
    assert_eq!(system.folders(), ["memory/slurm/uid_0/job_7"]);
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn both_versions_at_the_same_time() {
    let system = System::new("4:memory:/a\n0::/b\n", V1_MOUNTS);
    system.v1("memory/a", &in_bytes(1000), 0);
    system.write("unified/b/cgroup.procs", "");
    assert_eq!(system.folders(), ["memory/a"]);
    // If version 2 has the limits, they count.
    system.v2("unified/b", &in_bytes(10), 0);
    assert_eq!(system.folders(), ["memory/a", "unified/b"]);
    assert_eq!(system.found().1, 10);
}

/// The folders that are looked at, of a process at `path` where the group `root` is mounted. There are groups everywhere.
fn below(path: &str, root: &str) -> Vec<String> {
    let system = System::new(
        &format!("0::{path}\n"),
        &format!("30 23 0:26 {root} @/fs rw - cgroup2 cgroup2 rw\n"),
    );
    for folder in ["fs", "fs/a", "fs/a/b", "fs/a/b/c", "x", "fs/docker/1"] {
        system.v2(folder, "max", 0);
    }
    system.folders()
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn the_root_of_a_mount_need_not_be_that_of_the_hierarchy() {
    assert_eq!(below("/a/b", "/"), ["fs/a/b", "fs/a", "fs"]);
    assert_eq!(below("/", "/"), ["fs"]);
    // A container without a namespace of its own: only its group is mounted.
    assert_eq!(below("/docker/1", "/docker/1"), ["fs"]);
    assert_eq!(
        below("/docker/1/a/b", "/docker/1"),
        ["fs/a/b", "fs/a", "fs"]
    );
    // The names of groups are compared, not the characters.
    assert_eq!(below("/docker/12", "/docker/1"), [] as [&str; 0]);
    // Another part of the hierarchy is mounted.
    assert_eq!(below("/docker/1", "/docker/2"), [] as [&str; 0]);
    assert_eq!(below("/", "/docker/1"), [] as [&str; 0]);
    // The group has been removed, and those above it stay.
    assert_eq!(below("/a/gone (deleted)", "/"), ["fs/a", "fs"]);
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn namespaces_of_cgroups() {
    // A process that has been moved out of the namespace that it sees.
    assert_eq!(below("/../x", "/"), [] as [&str; 0]);
    assert_eq!(below("/..", "/"), [] as [&str; 0]);
    // The mount shows more than the namespace does.
    assert_eq!(below("/../a/b", "/.."), ["fs/a/b", "fs/a", "fs"]);
    assert_eq!(below("/../../a", "/../.."), ["fs/a", "fs"]);
    // Which group below the mount is the process's is not known, but the mounted one limits it.
    assert_eq!(below("/", "/.."), ["fs"]);
    assert_eq!(below("/a/b", "/../.."), ["fs"]);
    assert_eq!(below("/../a", "/../.."), ["fs"]);
    assert_eq!(below("/../../a", "/.."), [] as [&str; 0]);
    // Beside the namespace.
    assert_eq!(below("/a", "/../x"), [] as [&str; 0]);
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn of_several_mounts_the_one_that_shows_most_groups_counts() {
    let mountinfo = "\
        30 23 0:26 /a/b @/part rw - cgroup2 cgroup2 rw\n\
        31 23 0:26 / @/with\\040space\\134\\011 rw - cgroup2 cgroup2 rw\n\
        32 23 0:26 / @/nothing\\040there rw - cgroup2 cgroup2 rw\n";
    let system = System::new("0::/a/b\n", mountinfo);
    system.v2("part", "max", 0);
    system.v2("with space\\\t/a", "max", 0);
    system.v2("with space\\\t/a/b", "max", 0);
    let expected = ["with space\\\\t/a/b", "with space\\\\t/a"];
    assert_eq!(system.folders(), expected);
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn nonsense_is_ignored() {
    let lines = "\n::\n0\n0::\n7\n:memory:\nx:y:z\n\u{0}\n4:memory\n";
    let mounts = "\n-\n1 2 3 / @/fs rw - cgroup2\n1 2 3 / @/fs\n - cgroup cgroup memory\n\
        1 2 3 / @/fs rw - tmpfs tmpfs memory\n1 2 3 \\9 @/fs\\ rw - cgroup2 x y\n";
    let system = System::new(lines, mounts);
    system.v2("fs", &in_bytes(1), 0);
    assert_eq!(system.folders(), [] as [&str; 0]);
    let system = System::new("0::/a\n", V2_MOUNT);
    for limit in [
        "",
        "\n",
        "-1\n",
        "1.5",
        "0x10",
        "max",
        "99999999999999999999999",
        "\u{fffd}",
    ] {
        system.v2("fs/a", limit, 1);
        assert_eq!(system.found().0, "memory", "{limit}");
    }
    // Folders where files are expected.
    fs::remove_file(system.path("fs/a/memory.max")).unwrap();
    fs::create_dir(system.path("fs/a/memory.max")).unwrap();
    assert_eq!(system.found().0, "memory");
    fs::remove_dir(system.path("fs/a/memory.max")).unwrap();
    // Without a usage, the limit itself holds.
    system.v2("fs/a", &in_bytes(30), 1);
    system.write("fs/a/memory.current", "much\n");
    assert_eq!(system.found().1, 30);
    // Nothing that can be read at all.
    fs::remove_dir_all(system.path("fs/a")).unwrap();
    assert_eq!(system.folders(), [] as [&str; 0]);
}

/// Bytes that are no UTF-8, as other mounts and groups may have them, do not hide what is beside them.
#[test]
#[cfg_attr(miri, ignore = "files")]
fn names_are_bytes() {
    let system = System::new("", "");
    let point = system.path("fs");
    let mut mounts = b"9 9 9 / /\xff rw - ext4 \xff rw\n".to_vec();
    let mount = format!("30 23 0:26 / {} rw - cgroup2 cgroup2 rw\n", point.display());
    mounts.extend_from_slice(mount.as_bytes());
    fs::write(system.path("proc/mountinfo"), mounts).unwrap();
    fs::write(
        system.path("proc/cgroup"),
        b"3:name=\xff:/\xff\n0::/a\xff\n",
    )
    .unwrap();
    system.v2("fs", "max", 0);
    let name = std::os::unix::ffi::OsStrExt::from_bytes(b"fs/a\xff".as_slice());
    let group = system.0.path().join::<&std::ffi::OsStr>(name);
    fs::create_dir(&group).unwrap();
    fs::write(group.join("memory.max"), in_bytes(5)).unwrap();
    let found = system.smallest(usize::MAX);
    assert_eq!(found.free, 5 * MIB);
    assert!(
        found.place.contains("fs/a\u{fffd} (memory.max)"),
        "{}",
        found.place
    );
}

/// Whatever limits this process, the test has some memory.
#[test]
#[cfg_attr(miri, ignore = "files")]
fn this_process_has_memory() {
    let found = private(usize::MAX);
    assert!(0 < found.free && found.free <= found.capacity, "{found:?}");
    assert!(private(1).free <= found.capacity);
}
