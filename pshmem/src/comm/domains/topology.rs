//! In which domain of a machine CPUs are, as Linux says in `/sys`.
//!
//! | domain | its number | files |
//! |---|---|---|
//! | [`Domain::Numa`] | that of the NUMA node | `devices/system/node/node*/cpulist` |
//! | [`Domain::Socket`] | that of the package | `devices/system/cpu/cpu*/topology/physical_package_id` |
//! | [`Domain::L3`] | that of the first CPU at the cache | `devices/system/cpu/cpu*/cache/index*` |

use crate::comm::cpu_list::{CpuList, parse_number};
use crate::comm::domains::Domain;
use crate::comm::domains::fallback::Unplaced;
use crate::error::{clip, printable};
use std::fs;
use std::path::{Path, PathBuf};

/// The number of the domain in which all of `cpus` are. `sys` is `/sys`.
pub(super) fn domain_of(sys: &Path, domain: Domain, cpus: &CpuList) -> Result<u32, Unplaced> {
    let system = sys.join("devices/system");
    let nodes = match domain {
        Domain::Numa => numa_nodes(&system).map_err(Unplaced::Unknown)?,
        _ => Vec::new(),
    };
    let of_cpu = |cpu| {
        let found = match domain {
            Domain::Numa => numa_node(&nodes, cpu),
            Domain::Socket => socket(&system, cpu),
            Domain::L3 => l3(&system, cpu),
            Domain::Node => Ok(0),
        };
        found.map_err(Unplaced::Unknown)
    };
    let none = || Unplaced::Unknown("the system lets it run on no CPU".to_owned());
    let first = cpus.first().ok_or_else(none)?;
    let of_first = of_cpu(first)?;
    for cpu in cpus.iter().skip(1) {
        if of_cpu(cpu)? != of_first {
            let list = clip(&cpus.to_string(), 60);
            let noun = domain.noun();
            return Err(Unplaced::Unbound(format!(
                "it may run on CPUs {list}, and CPUs {first} and {cpu} have different {noun}s"
            )));
        }
    }
    Ok(of_first)
}

/// The NUMA nodes that have CPUs. Others are memory only, where no rank runs.
fn numa_nodes(system: &Path) -> Result<Vec<(u32, CpuList)>, String> {
    let mut nodes = Vec::new();
    for (number, path) in numbered(&system.join("node"), "node")? {
        let cpus = read(&path.join("cpulist"), "list of CPUs", CpuList::parse)?;
        if cpus.count() > 0 {
            nodes.push((number, cpus));
        }
    }
    Ok(nodes)
}

fn numa_node(nodes: &[(u32, CpuList)], cpu: u32) -> Result<u32, String> {
    let mut found = nodes.iter().filter(|(_, cpus)| cpus.contains(cpu));
    match (found.next(), found.next()) {
        (Some((number, _)), None) => Ok(*number),
        (Some((one, _)), Some((other, _))) => Err(format!(
            "the system says that CPU {cpu} is in NUMA domains {one} and {other}"
        )),
        (None, _) => Err(format!(
            "the system says of no NUMA domain that it has CPU {cpu}"
        )),
    }
}

fn socket(system: &Path, cpu: u32) -> Result<u32, String> {
    let path = format!("cpu/cpu{cpu}/topology/physical_package_id");
    // -1 where the kernel does not know it.
    read(&system.join(path), "number of a socket", parse_number)
}

fn l3(system: &Path, cpu: u32) -> Result<u32, String> {
    let caches = system.join(format!("cpu/cpu{cpu}/cache"));
    for (_, path) in numbered(&caches, "index")? {
        let level = read(&path.join("level"), "level of a cache", parse_number)?;
        let kind = read(&path.join("type"), "type of a cache", |text| {
            Some(text.to_owned())
        })?;
        if level != 3 || kind == "Instruction" {
            continue;
        }
        let path = path.join("shared_cpu_list");
        let cpus = read(&path, "list of CPUs", CpuList::parse)?;
        let first = cpus.first().filter(|_| cpus.contains(cpu));
        return first.ok_or_else(|| format!("{} does not have CPU {cpu} itself", path.display()));
    }
    Err(format!("{} has no L3 cache", caches.display()))
}

/// The entries of a folder whose name is `prefix` and a number, in the order of these numbers.
fn numbered(folder: &Path, prefix: &str) -> Result<Vec<(u32, PathBuf)>, String> {
    let failed = |error| format!("{} cannot be read: {error}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(prefix));
        if let Some(number) = number.and_then(parse_number) {
            found.push((number, entry.path()));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The content of a file of one line.
fn read<T>(path: &Path, noun: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, String> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let text = text.trim();
    parse(text).ok_or_else(|| {
        let text = clip(&printable(text), 20);
        format!("{} contains `{text}`, which is no {noun}", path.display())
    })
}
