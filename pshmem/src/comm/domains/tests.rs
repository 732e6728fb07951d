//! Made-up machines: folders as `/sys`, and the CPUs on which ranks may run.

use super::fallback::Unplaced;
use super::topology::domain_of;
use super::{Domain, Place, unplaced_ranks};
use crate::comm::Comm;
use crate::comm::cpu_list::CpuList;
use crate::comm::topology::Topology;
use crate::local::Cluster;
use crate::{Error, Result, Shared};
use std::fs;
use std::panic::Location;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder as `/sys`.
struct Machine(TempDir);

fn list(text: &str) -> CpuList {
    CpuList::parse(text).unwrap()
}

impl Machine {
    /// CPUs of NUMA nodes, of sockets and of L3 caches, each by lists.
    fn new(numa: &[(u32, &str)], sockets: &[(i32, &str)], l3: &[&str]) -> Self {
        let machine = Machine(tempfile::tempdir().unwrap());
        for (node, cpus) in numa {
            machine.write(&format!("node/node{node}/cpulist"), cpus);
            machine.write(&format!("node/node{node}/distance"), "10 20");
        }
        machine.write("node/possible", "0-1");
        machine.write("node/nodes/cpulist", "no node");
        for (socket, cpus) in sockets {
            for cpu in list(cpus).iter() {
                let file = format!("cpu/cpu{cpu}/topology/physical_package_id");
                machine.write(&file, &socket.to_string());
            }
        }
        for cpus in l3 {
            for cpu in list(cpus).iter() {
                let own = cpu.to_string();
                let caches = [
                    ("1", "Data", &*own),
                    ("1", "Instruction", &own),
                    ("2", "Unified", &own),
                    ("3", "Unified", cpus),
                ];
                for (index, (level, kind, shared)) in caches.into_iter().enumerate() {
                    let folder = format!("cpu/cpu{cpu}/cache/index{index}");
                    machine.write(&format!("{folder}/level"), level);
                    machine.write(&format!("{folder}/type"), kind);
                    machine.write(&format!("{folder}/shared_cpu_list"), shared);
                }
                machine.write(&format!("cpu/cpu{cpu}/cache/uevent"), "");
            }
        }
        machine
    }

    fn sys(&self) -> &Path {
        self.0.path()
    }

    fn path(&self, file: &str) -> PathBuf {
        self.sys().join("devices/system").join(file)
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{text}\n")).unwrap();
    }

    fn domain_of(&self, domain: Domain, cpus: &str) -> Result<u32, Unplaced> {
        domain_of(self.sys(), domain, &list(cpus))
    }

    /// Asserts that these CPUs are in domains of these numbers.
    fn assert_domains(&self, domain: Domain, expected: &[(&str, u32)]) {
        for &(cpus, number) in expected {
            assert_eq!(
                self.domain_of(domain, cpus),
                Ok(number),
                "{domain:?} of {cpus}"
            );
        }
    }

    /// Asserts that these CPUs are in several domains.
    fn assert_unbound(&self, domain: Domain, cpus: &str, end: &str) {
        let expected = format!("it may run on CPUs {cpus}, and CPUs {end}");
        let found = self.domain_of(domain, cpus);
        assert_eq!(found, Err(Unplaced::Unbound(expected)));
    }

    /// Asserts that the machine does not say in which domain these CPUs are, for a reason that ends so.
    fn assert_unknown(&self, domain: Domain, cpus: &str, end: &str) {
        match self.domain_of(domain, cpus) {
            Err(Unplaced::Unknown(reason)) if reason.ends_with(end) => {}
            other => panic!("`{end}`: {other:?}"),
        }
    }
}

/// Two sockets with two NUMA domains each, of four CPUs.
fn two_sockets() -> Machine {
    Machine::new(
        &[(0, "0-3"), (1, "4-7"), (2, "8-11"), (3, "12-15")],
        &[(0, "0-7"), (1, "8-15")],
        &["0-7", "8-15"],
    )
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn two_sockets_with_two_domains_each() {
    let machine = two_sockets();
    let numa = [("0", 0), ("3", 0), ("4-7", 1), ("9,11", 2), ("12-15", 3)];
    machine.assert_domains(Domain::Numa, &numa);
    machine.assert_domains(Domain::Socket, &[("0-7", 0), ("3-4", 0), ("8-15", 1)]);
    machine.assert_domains(Domain::L3, &[("0-7", 0), ("15", 8)]);
    machine.assert_domains(Domain::Node, &[("0-15", 0)]);
    machine.assert_unbound(Domain::Numa, "3-4", "3 and 4 have different NUMA domains");
    machine.assert_unbound(Domain::Numa, "1,14", "1 and 14 have different NUMA domains");
    machine.assert_unbound(Domain::Socket, "0-15", "0 and 8 have different sockets");
    machine.assert_unbound(Domain::L3, "7-8", "7 and 8 have different L3 caches");
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn hyperthreads_are_numbered_by_block_or_alternately() {
    let sockets = [(0, "0-3,8-11"), (1, "4-7,12-15")];
    let by_block = Machine::new(
        &[(0, "0-3,8-11"), (1, "4-7,12-15")],
        &sockets,
        &["0-3,8-11", "4-7,12-15"],
    );
    for (domain, second) in [(Domain::Numa, 1), (Domain::Socket, 1), (Domain::L3, 4)] {
        by_block.assert_domains(domain, &[("0,8", 0), ("0-3,8-11", 0), ("5,13", second)]);
        assert!(by_block.domain_of(domain, "0,12").is_err());
        assert!(by_block.domain_of(domain, "0-7").is_err());
    }
    let even = "0,2,4,6";
    let odd = "1,3,5,7";
    let alternately = Machine::new(&[(0, even), (1, odd)], &[(0, even), (1, odd)], &[even, odd]);
    for domain in [Domain::Numa, Domain::Socket, Domain::L3] {
        alternately.assert_domains(domain, &[("0,4", 0), (even, 0), ("1,5", 1), (odd, 1)]);
        assert!(alternately.domain_of(domain, "0-1").is_err());
    }
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn l3_caches_of_four_cores() {
    let caches = ["0-3,16-19", "4-7,20-23", "8-11,24-27", "12-15,28-31"];
    let machine = Machine::new(&[(0, "0-31")], &[(0, "0-31")], &caches);
    machine.assert_domains(
        Domain::L3,
        &[("3", 0), ("4-7,20-23", 4), ("24", 8), ("15,31", 12)],
    );
    machine.assert_unbound(Domain::L3, "0-7", "0 and 4 have different L3 caches");
    // Ranks that are not bound, where there is one domain.
    machine.assert_domains(Domain::Numa, &[("0-31", 0)]);
    machine.assert_domains(Domain::Socket, &[("0-31", 0)]);
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn numbers_with_gaps_nodes_without_cpus_and_offline_cpus() {
    // CPUs 2 and 3 are offline: no list has them, and they have no files. Node 1 is memory only.
    let machine = Machine::new(
        &[(0, "0-1"), (1, ""), (8, "4-5")],
        &[(0, "0-1"), (36, "4-5")],
        &["0-1", "4-5"],
    );
    machine.assert_domains(Domain::Numa, &[("0-1", 0), ("4-5", 8)]);
    machine.assert_domains(Domain::Socket, &[("0-1", 0), ("4-5", 36)]);
    machine.assert_domains(Domain::L3, &[("0-1", 0), ("4-5", 4)]);
    machine.assert_unknown(
        Domain::Numa,
        "3",
        "the system says of no NUMA domain that it has CPU 3",
    );
    let missing = "cannot be read: No such file or directory (os error 2)";
    machine.assert_unknown(Domain::Socket, "0-3", missing);
    machine.assert_unknown(Domain::L3, "2", missing);
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn nothing_to_read() {
    let machine = Machine(tempfile::tempdir().unwrap());
    for domain in [Domain::Numa, Domain::Socket, Domain::L3] {
        machine.assert_unknown(
            domain,
            "0",
            "cannot be read: No such file or directory (os error 2)",
        );
        assert!(domain_of(Path::new("/dev/null"), domain, &list("0")).is_err());
    }
    machine.assert_domains(Domain::Node, &[("0", 0)]);
    machine.write("node/online", "0");
    machine.assert_unknown(
        Domain::Numa,
        "0",
        "the system says of no NUMA domain that it has CPU 0",
    );
    let machine = two_sockets();
    for domain in [Domain::Numa, Domain::Socket, Domain::L3, Domain::Node] {
        machine.assert_unknown(domain, "", "the system lets it run on no CPU");
    }
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn files_with_other_contents() {
    for (file, domain, text, end) in [
        (
            "node/node3/cpulist",
            Domain::Numa,
            "all",
            "contains `all`, which is no list of CPUs",
        ),
        (
            "node/node3/cpulist",
            Domain::Numa,
            "15-12",
            "which is no list of CPUs",
        ),
        (
            "node/node3/cpulist",
            Domain::Numa,
            "0",
            "the system says that CPU 0 is in NUMA domains 0 and 3",
        ),
        (
            "node/node0/cpulist",
            Domain::Numa,
            "0-4294967295",
            "CPU 5 is in NUMA domains 0 and 1",
        ),
        (
            "cpu/cpu5/topology/physical_package_id",
            Domain::Socket,
            "-1",
            "contains `-1`, which is no number of a socket",
        ),
        (
            "cpu/cpu5/topology/physical_package_id",
            Domain::Socket,
            "",
            "contains ``, which is no number of a socket",
        ),
        (
            "cpu/cpu5/topology/physical_package_id",
            Domain::Socket,
            "1\u{1b}[2J and more than twenty characters",
            "contains `1\\u{1b}[2J and more …`, which is no number of a socket",
        ),
        (
            "cpu/cpu5/cache/index0/level",
            Domain::L3,
            "one",
            "contains `one`, which is no level of a cache",
        ),
        (
            "cpu/cpu5/cache/index3/level",
            Domain::L3,
            "4",
            "cache has no L3 cache",
        ),
        (
            "cpu/cpu5/cache/index3/type",
            Domain::L3,
            "Instruction",
            "cache has no L3 cache",
        ),
        (
            "cpu/cpu5/cache/index3/shared_cpu_list",
            Domain::L3,
            "0-4",
            "shared_cpu_list does not have CPU 5 itself",
        ),
        (
            "cpu/cpu5/cache/index3/shared_cpu_list",
            Domain::L3,
            "",
            "shared_cpu_list does not have CPU 5 itself",
        ),
    ] {
        let machine = two_sockets();
        machine.write(file, text);
        let cpus = if text == "0" { "0" } else { "5" };
        machine.assert_unknown(domain, cpus, end);
    }
    // Bytes that are no text, and a folder instead of a file.
    let machine = two_sockets();
    fs::write(machine.path("node/node3/cpulist"), [0xff, 0xfe]).unwrap();
    machine.assert_unknown(Domain::Numa, "0", "stream did not contain valid UTF-8");
    let file = machine.path("cpu/cpu5/topology/physical_package_id");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    machine.assert_unknown(Domain::Socket, "5", "Is a directory (os error 21)");
}

/// The same as `with_domains` on a made-up machine, on which this rank may run on `cpus`.
#[track_caller]
fn divide(comm: &Comm, machine: &Machine, domain: Domain, cpus: &str) -> Result<Comm> {
    comm.divide_by_domain(domain, Location::caller(), || {
        machine.domain_of(domain, cpus)
    })
}

/// Asserts that `cluster`, whose ranks may run on `cpus`, is divided into nodes so that each rank is on the node of that number.
fn assert_divided(cluster: &Cluster, domain: Domain, cpus: &[&str], expected: &[usize]) {
    let machine = two_sockets();
    let count = expected.iter().max().unwrap() + 1;
    let addresses = cluster.run_ok(|comm| -> Result<usize> {
        let divided = divide(comm, &machine, domain, cpus[comm.rank()])?;
        assert_eq!((divided.rank(), divided.size()), (comm.rank(), comm.size()));
        assert_eq!(
            (divided.node().index, divided.node().count),
            (expected[comm.rank()], count)
        );
        assert_eq!(divided.memory()?.nodes.len(), count);
        let mut table = Shared::<[usize]>::new(&divided, 1000)?;
        table.set(0, 10, (comm.rank() == 0).then_some(&[7; 20]))?;
        assert!(
            table.view()[..40]
                .iter()
                .all(|&value| [0, 7].contains(&value))
        );
        assert_eq!(table.view().iter().sum::<usize>(), 140);
        table.update_parts(|rows, part| {
            for (row, value) in rows.zip(part) {
                *value += row * row;
            }
        })?;
        let expected = |row| row * row + if (10..30).contains(&row) { 7 } else { 0 };
        assert!(
            table
                .view()
                .iter()
                .enumerate()
                .all(|(row, &value)| value == expected(row))
        );
        let address = table.view().as_ptr() as usize;
        // Until all ranks have looked, so that no address is used twice.
        divided.barrier()?;
        Ok(address)
    });
    for (rank, address) in addresses.iter().enumerate() {
        for (other, other_address) in addresses.iter().enumerate() {
            let share = expected[rank] == expected[other];
            assert_eq!(
                address == other_address,
                share,
                "ranks {rank} and {other}: {addresses:x?}"
            );
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn objects_exist_once_for_each_domain() {
    let one = Cluster::new(&[4]);
    let near_and_far = ["0-1", "2-3", "8", "12"];
    assert_divided(&one, Domain::Numa, &near_and_far, &[0, 0, 1, 2]);
    assert_divided(&one, Domain::Socket, &near_and_far, &[0, 0, 1, 1]);
    assert_divided(&one, Domain::L3, &near_and_far, &[0, 0, 1, 1]);
    assert_divided(&one, Domain::Node, &near_and_far, &[0, 0, 0, 0]);
    // Nodes are numbered by ranks and not by domains, and domains of different nodes are different.
    assert_divided(&one, Domain::Numa, &["12", "0", "13", "1"], &[0, 1, 0, 1]);
    let two = Cluster::new(&[2, 3]);
    let cpus = ["8", "0-3", "1", "0-3", "15"];
    assert_divided(&two, Domain::Socket, &cpus, &[0, 1, 2, 2, 3]);
    let cyclic = Cluster::new(&[2, 2]).cyclic();
    assert_divided(&cyclic, Domain::Numa, &["0", "0", "4", "1"], &[0, 1, 2, 1]);
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn a_node_with_a_rank_in_no_domain_is_not_divided() {
    let two = Cluster::new(&[3, 2]);
    // Rank 1 is not bound.
    assert_divided(
        &two,
        Domain::Numa,
        &["0", "0-15", "12", "0", "12"],
        &[0, 0, 0, 1, 2],
    );
    // CPU 99 is not there, for ranks of both nodes.
    assert_divided(
        &two,
        Domain::Socket,
        &["0", "8", "99", "99", "99"],
        &[0, 0, 0, 1, 1],
    );
    assert_divided(
        &two,
        Domain::Node,
        &["0-15", "", "99", "0", "8"],
        &[0, 0, 0, 1, 1],
    );
    // One rank has one copy, wherever it runs.
    let single = Cluster::new(&[1, 2]);
    assert_divided(&single, Domain::Numa, &["0-15", "0", "8"], &[0, 1, 2]);
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn domains_divide_further() {
    let machine = two_sockets();
    let cpus = ["0", "4", "8", "9"];
    let nodes = Cluster::new(&[4]).run_ok(|comm| -> Result<Vec<usize>> {
        let cpus = cpus[comm.rank()];
        let sockets = divide(comm, &machine, Domain::Socket, cpus)?;
        let numa = divide(&sockets, &machine, Domain::Numa, cpus)?;
        let halves = divide(
            &comm.with_ranks_per_node(3)?,
            &machine,
            Domain::Socket,
            cpus,
        )?;
        let single = sockets.with_ranks_per_node(1)?;
        let whole = divide(&single, &machine, Domain::Node, cpus)?;
        let sockets_again = divide(&numa, &machine, Domain::Socket, cpus)?;
        let all = [sockets, numa, halves, single, whole, sockets_again];
        Ok(all.iter().map(|comm| comm.node().index).collect())
    });
    let expected = [
        [0; 6],
        [0, 1, 0, 1, 1, 1],
        [1, 2, 1, 2, 2, 2],
        [1, 2, 2, 3, 3, 2],
    ];
    assert_eq!(nodes, expected);
}

#[test]
#[cfg_attr(miri, ignore = "files")]
fn ranks_that_pass_different_domains_get_the_same_error() {
    let machine = two_sockets();
    let errors = Cluster::new(&[2, 1]).run_ok(|comm| -> Result<Error> {
        let domain = [Domain::Numa, Domain::Numa, Domain::L3][comm.rank()];
        let error = divide(comm, &machine, domain, "0").unwrap_err();
        divide(comm, &machine, Domain::L3, "0")?.barrier()?;
        Ok(error)
    });
    assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
    let expected = "`with_domains`: rank 2 has Domain::L3, but rank 0 has Domain::Numa; all ranks must pass the same";
    assert_eq!(errors[0].to_string(), expected);
}

#[test]
fn the_lowest_rank_of_each_node_is_named() {
    let topology = Topology::new(0, (0..6).collect(), &[0, 1, 0, 1, 2, 2]);
    let places = [Some(1), None, None, None, Some(0), Some(9)].map(Place);
    assert_eq!(unplaced_ranks(&topology, &places), [1, 2]);
    assert!(unplaced_ranks(&topology, &[Place(Some(3)); 6]).is_empty());
}
