//! What calls cost on many ranks and nodes: the messages that each rank sends, and all together, as counted with ranks as threads,
//! compared with a model of each call. The counts are the same over MPI.
//!
//! `cargo test -p pshmem-tests --test scaling -- --nocapture` prints them as a table.

use pshmem::local::Cluster;
use pshmem::{Comm, Op, Result, Shared};

/// Nodes, and ranks of each.
const SHAPES: [[usize; 2]; 8] = [
    [1, 4],
    [2, 1],
    [3, 2],
    [8, 1],
    [16, 2],
    [64, 1],
    [64, 4],
    [50, 20],
];

/// Objects that calls use.
struct Objects {
    numbers: Shared<[f64]>,
    bytes: Shared<[u8]>,
}

/// Messages of one call.
#[derive(Debug, PartialEq)]
struct Messages {
    /// Of the rank that sends most.
    most: u64,
    /// Of all ranks.
    all: u64,
}

/// A call and its model.
struct Row {
    name: &'static str,
    call: fn(&Comm, &mut Objects) -> Result<()>,
    /// For so many nodes of so many ranks.
    model: fn(u64, u64) -> Messages,
}

/// The rounded-up logarithm of the number of nodes: the neighbours of the first node in the tree.
fn log2(nodes: u64) -> u64 {
    u64::from(nodes.next_power_of_two().ilog2())
}

/// A round: up two trees of nodes, between their roots, and down.
fn round(nodes: u64) -> Messages {
    Messages {
        most: log2(nodes),
        all: 2 * (nodes - 1),
    }
}

/// So many rounds, and a message from `senders` ranks of each node to every other node.
fn rounds_and_exchange(count: u64, nodes: u64, senders: u64) -> Messages {
    let Messages { most, all } = rounds(count, nodes);
    Messages {
        most: most + nodes - 1,
        all: all + nodes * (nodes - 1) * senders,
    }
}

fn rounds(count: u64, nodes: u64) -> Messages {
    Messages {
        most: count * log2(nodes),
        all: count * round(nodes).all,
    }
}

/// Ranks of a node that send together, so that a message has 16 KiB, if all ranks together have so many bytes.
fn senders(nodes: u64, ranks: u64, bytes: u64) -> u64 {
    let together = (nodes * ranks * (16 << 10)).div_ceil(bytes);
    ranks.div_ceil(together)
}

const ROWS: &[Row] = &[
    Row {
        name: "`barrier`",
        call: |comm, _| comm.barrier(),
        model: |nodes, _| round(nodes),
    },
    Row {
        name: "`all_reduce`, a float",
        call: |comm, _| comm.all_reduce(Op::sum(), 1.0).map(drop),
        model: |nodes, _| round(nodes),
    },
    Row {
        name: "`set` 8 B",
        call: |comm, objects| {
            let value = (comm.rank() == 0).then_some(&[1.0][..]);
            objects.numbers.set(0, 7, value)
        },
        model: |nodes, _| round(nodes),
    },
    Row {
        name: "`set` 64 KiB",
        call: |comm, objects| {
            let value = vec![1; 64 << 10];
            let value = (comm.rank() == 0).then_some(&value[..]);
            objects.bytes.set(0, 0, value)
        },
        model: |nodes, _| Messages {
            // The bytes go down one tree, after their header.
            most: 3 * log2(nodes),
            all: 4 * (nodes - 1),
        },
    },
    Row {
        name: "`update_parts` 1 MiB",
        call: |_, objects| objects.bytes.update_parts(|_, part| part.fill(1)),
        model: |nodes, ranks| rounds_and_exchange(2, nodes, senders(nodes, ranks, 1 << 20)),
    },
    Row {
        name: "`reduce_into` 8 KB",
        call: |_, objects| objects.numbers.reduce_into(Op::sum(), &[1.0; 1000]),
        model: |nodes, _| Messages {
            // To the owner of each part, and from there to all.
            most: 2 * log2(nodes) + 2 * (nodes - 1),
            all: 2 * round(nodes).all + 2 * nodes * (nodes - 1),
        },
    },
    Row {
        name: "`all_gather`, a float",
        call: |comm, _| comm.all_gather(1.0).map(drop),
        model: |nodes, ranks| match nodes * ranks {
            // All numbers fit into a round.
            ..1000 => round(nodes),
            // The lengths of all first, so many in each round.
            all => rounds_and_exchange(3 + all.div_ceil(312), nodes, 1),
        },
    },
    Row {
        name: "create an object of 1 MiB",
        call: |comm, _| Shared::<[u8]>::new(comm, 1 << 20).map(drop),
        model: |nodes, _| rounds(3, nodes),
    },
    Row {
        name: "`split` into two",
        call: |comm, _| {
            let color = usize::from(comm.rank() >= comm.size() / 2);
            comm.split(Some(color), 0).map(drop)
        },
        model: |nodes, ranks| rounds(2 + (nodes * ranks).div_ceil(170), nodes),
    },
];

/// For each call, the messages that each rank sends.
fn counts(comm: &Comm) -> Result<Vec<u64>> {
    let mut objects = Objects {
        numbers: Shared::new(comm, 1000)?,
        bytes: Shared::new(comm, 1 << 20)?,
    };
    // Once before, because the first call of a kind may prepare later ones.
    for row in ROWS {
        (row.call)(comm, &mut objects)?;
    }
    let count = |row: &Row| {
        let before = comm.messages_sent();
        (row.call)(comm, &mut objects)?;
        Ok(comm.messages_sent() - before)
    };
    ROWS.iter().map(count).collect()
}

#[test]
fn calls_send_as_many_messages_as_their_models_say() {
    let mut wrong = Vec::new();
    println!("| call | nodes x ranks | messages of one rank | of all |\n|---|---|---|---|");
    for [nodes, ranks] in SHAPES {
        let cluster = Cluster::new(&vec![ranks; nodes]);
        let of_ranks = cluster.run(|comm| counts(comm).unwrap());
        for (index, row) in ROWS.iter().enumerate() {
            let sent = || of_ranks.iter().map(|counts| counts[index]);
            let found = Messages {
                most: sent().max().unwrap_or(0),
                all: sent().sum(),
            };
            println!(
                "| {} | {nodes} x {ranks} | {} | {} |",
                row.name, found.most, found.all
            );
            let model = (row.model)(nodes as u64, ranks as u64);
            if found != model {
                wrong.push(format!(
                    "{} on {nodes} x {ranks}: {found:?}, not {model:?}",
                    row.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
