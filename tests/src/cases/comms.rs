//! `Comm`s derived from others: their ranks and nodes, and their independence.

use pshmem::{Comm, Domain, Shared};

use crate::collective::{check_usable, gather_texts, split, sum};
use crate::report::Outcome;
use crate::shapes::node_of_each_rank;
use crate::values::{assert_slice_eq, number};

/// The sum of what all ranks pass, which shows which ranks are in a `Comm`.
fn sum_of_ranks(comm: &Comm, mine: usize) -> Result<usize, pshmem::Error> {
    Ok(sum(comm, mine as u64)? as usize)
}

/// Nodes are numbered in the order of their lowest ranks, and the ranks of a node in rank order.
pub(crate) fn node_info_is_consistent(comm: &Comm) -> Outcome {
    let texts = gather_texts(
        comm,
        &format!("{:?}", {
            let n = comm.node();
            (n.index, n.count, n.rank, n.size)
        }),
    )?;
    let mut sizes: Vec<usize> = Vec::new();
    let mut infos = Vec::new();
    for text in &texts {
        let numbers = text
            .trim_matches(['(', ')'])
            .split(", ")
            .map(|number| number.parse().expect("a number"));
        let info: Vec<usize> = numbers.collect();
        let [index, _, rank, _] = info[..] else {
            panic!("four numbers")
        };
        if index == sizes.len() {
            sizes.push(0);
        }
        assert!(
            index < sizes.len(),
            "nodes appear in the order of their numbers: {texts:?}"
        );
        assert_eq!(
            rank, sizes[index],
            "ranks of a node are in order: {texts:?}"
        );
        sizes[index] += 1;
        infos.push(info);
    }
    for info in infos {
        assert_eq!(
            (info[1], info[3]),
            (sizes.len(), sizes[info[0]]),
            "{texts:?}"
        );
    }
    assert!(!comm.host().is_empty());
    assert!(format!("{comm:?}").contains(&format!("rank {} of {}", comm.rank(), comm.size())));
    Ok(())
}

/// A grid of ranks with an object per row and one per column, written alternately.
pub(crate) fn rows_and_columns(comm: &Comm) -> Outcome {
    let (size, rank) = (comm.size(), comm.rank());
    let width = size.div_ceil(2);
    let (x, y) = (rank % width, rank / width);
    let row = split(comm, y, x)?;
    let column = split(comm, x, y)?;
    assert_eq!((row.rank(), column.rank()), (x, y));
    assert_eq!(
        sum_of_ranks(&row, rank)?,
        (0..size).filter(|other| other / width == y).sum::<usize>()
    );
    assert_eq!(
        sum_of_ranks(&column, rank)?,
        (0..size).filter(|other| other % width == x).sum::<usize>()
    );
    let mut of_row = Shared::<[u64]>::new(&row, 3)?;
    let mut of_column = Shared::<[u64]>::new(&column, 3)?;
    for round in 0..10 {
        let (a, b) = (round % row.size(), round % column.size());
        of_row.set(a, 1, Some(&[number(y, round)]))?;
        of_column.set(b, 2, Some(&[number(x, round)]))?;
        assert_slice_eq(of_row.view(), &[0, number(y, round), 0]);
        assert_slice_eq(of_column.view(), &[0, 0, number(x, round)]);
    }
    Ok(())
}

/// `node_comm`: each node has its own values.
pub(crate) fn node_comms(comm: &Comm) -> Outcome {
    let node = comm.node();
    let mine = comm.node_comm()?;
    assert_eq!(
        (mine.size(), mine.rank(), mine.node().count),
        (node.size, node.rank, 1)
    );
    let mut list = Shared::<[usize]>::new(&mine, 2)?;
    list.fill(node.index)?;
    assert_slice_eq(list.view(), &[node.index; 2]);
    let leaders = comm.split((node.rank == 0).then_some(0), 0)?;
    assert_eq!(leaders.is_some(), node.rank == 0);
    if let Some(leaders) = leaders {
        assert_eq!(
            (leaders.size(), leaders.rank(), leaders.node().count),
            (node.count, node.index, node.count)
        );
        check_usable(&leaders)?;
    }
    check_usable(&mine)
}

/// Ranks without a color get no `Comm`, and take no part in the calls of the others.
pub(crate) fn without_color(comm: &Comm) -> Outcome {
    assert!(comm.split(None, 0)?.is_none());
    for color in [0, 17, usize::MAX] {
        let odd = comm.rank() % 2 == 1;
        let part = comm.split((!odd).then_some(color), 0)?;
        assert_eq!(part.is_none(), odd);
        if let Some(part) = part {
            assert_eq!(
                (part.size(), part.rank()),
                (comm.size().div_ceil(2), comm.rank() / 2)
            );
            check_usable(&part)?;
        }
    }
    check_usable(comm)
}

/// The ranks of a new `Comm` are ordered by key, then by old rank.
pub(crate) fn keys_order_ranks(comm: &Comm) -> Outcome {
    let last = comm.size() - 1;
    let reversed = split(comm, 0, usize::MAX - comm.rank())?;
    assert_eq!(reversed.rank(), last - comm.rank());
    let mut seen = Shared::<[usize]>::new(&reversed, 1)?;
    seen.update(0, |mut w| w[0] = comm.rank())?;
    assert_slice_eq(seen.view(), &[last]);
    let same = split(comm, 5, 1)?;
    assert_eq!(same.rank(), comm.rank());
    let rotated = split(&reversed, 0, (comm.rank() + 1) % comm.size())?;
    assert_eq!(rotated.rank(), (comm.rank() + 1) % comm.size());
    check_usable(&rotated)
}

/// `Comm`s of halves of halves, all of them in use.
pub(crate) fn nested_splits(comm: &Comm) -> Outcome {
    let mut levels = vec![comm.clone()];
    let mut objects = Vec::new();
    while levels[levels.len() - 1].size() > 1 {
        let level = &levels[levels.len() - 1];
        let half = split(level, usize::from(2 * level.rank() >= level.size()), 0)?;
        let sum = sum_of_ranks(&half, comm.rank())?;
        objects.push(Shared::<[usize]>::from_root(
            &half,
            half.size() - 1,
            || vec![sum],
        )?);
        levels.push(half);
    }
    // From the smallest to the largest: the order of use does not matter.
    for (level, object) in levels.iter().skip(1).zip(&objects).rev() {
        assert_slice_eq(object.view(), &[sum_of_ranks(level, comm.rank())?]);
    }
    check_usable(comm)
}

/// Hundreds of splits, each with an object: no resource runs out.
pub(crate) fn many_splits(comm: &Comm) -> Outcome {
    for round in 0..200 {
        let part = split(comm, (comm.rank() + round) % 2, round)?;
        let root = round % part.size();
        let object = Shared::<[usize]>::from_root(&part, root, || vec![round, part.size()])?;
        assert_slice_eq(object.view(), &[round, part.size()]);
    }
    check_usable(comm)
}

/// Two `Comm`s of the same ranks, used alternately; a root is a rank of the object's own `Comm`.
pub(crate) fn two_comms_alternate(comm: &Comm) -> Outcome {
    let last = comm.size() - 1;
    let other = split(comm, 0, last - comm.rank())?;
    let mut a = Shared::<[u64]>::new(comm, 2)?;
    let mut b = Shared::<[u64]>::new(&other, 2)?;
    for round in 0..50 {
        let root = round % comm.size();
        a.set(
            root,
            0,
            (comm.rank() == root).then_some(&[number(1, round)]),
        )?;
        b.set(
            root,
            1,
            (comm.rank() == last - root).then_some(&[number(2, round)]),
        )?;
        assert_eq!(
            (a.view()[0], b.view()[1]),
            (number(1, round), number(2, round))
        );
        if round % 7 == 0 {
            other.barrier()?;
            comm.barrier()?;
        }
    }
    Ok(())
}

/// `with_ranks_per_node` divides nodes, also twice.
pub(crate) fn ranks_per_node(comm: &Comm) -> Outcome {
    for n in [1, 2, 3, 1000, usize::MAX] {
        let divided = comm.with_ranks_per_node(n)?;
        assert_eq!((divided.rank(), divided.size()), (comm.rank(), comm.size()));
        let (old, new) = (comm.node(), divided.node());
        assert_eq!(
            (new.rank, new.size),
            (old.rank % n, n.min(old.size - old.rank / n * n))
        );
        check_usable(&divided)?;
        let single = divided.with_ranks_per_node(1)?;
        assert_eq!(
            (single.node().count, single.node().index),
            (comm.size(), comm.rank())
        );
        check_usable(&single)?;
    }
    Ok(())
}

/// The domains of this machine, whatever they are: each node is divided into whole parts.
pub(crate) fn domains_of_the_machine(comm: &Comm) -> Outcome {
    let whole = node_of_each_rank(comm)?;
    for domain in [Domain::Numa, Domain::Socket, Domain::L3, Domain::Node] {
        let divided = comm.with_domains(domain)?;
        assert_eq!((divided.rank(), divided.size()), (comm.rank(), comm.size()));
        let parts = node_of_each_rank(&divided)?;
        for (one, part) in parts.iter().enumerate() {
            let same_part = (0..parts.len()).filter(|&other| parts[other] == *part);
            for other in same_part {
                assert_eq!(
                    whole[one], whole[other],
                    "{domain:?}: {whole:?} became {parts:?}"
                );
            }
        }
        if domain == Domain::Node {
            assert_eq!(parts, whole);
        }
        check_copies(&divided)?;
        node_info_is_consistent(&divided)?;
    }
    Ok(())
}

/// Ranks in made-up domains, also in none: objects exist once for each domain of each node whose ranks are all in one.
pub(crate) fn made_up_domains(comm: &Comm) -> Outcome {
    let size = comm.size();
    let whole = node_of_each_rank(comm)?;
    let last = size - 1;
    let of_rank: [&dyn Fn(usize) -> Option<u32>; 4] = [
        &|rank| Some((rank % 2) as u32),
        &|rank| Some(u32::MAX - (rank / 2) as u32),
        &|rank| Some((size - rank) as u32),
        &|rank| (rank != last).then_some(rank as u32),
    ];
    for domain_of in of_rank {
        let place = domain_of(comm.rank()).ok_or_else(|| "it was made up".to_owned());
        let divided = comm.with_made_up_domains(Domain::Numa, place)?;
        let is_bound = |node| {
            let mut ranks = (0..size).filter(|&rank| whole[rank] == node);
            ranks.all(|rank| domain_of(rank).is_some())
        };
        let part = |rank: usize| {
            let domain = domain_of(rank).filter(|_| is_bound(whole[rank]));
            (whole[rank], domain)
        };
        let mut parts = Vec::new();
        for rank in 0..size {
            if !parts.contains(&part(rank)) {
                parts.push(part(rank));
            }
        }
        let index = |rank| parts.iter().position(|other| *other == part(rank));
        let expected: Vec<usize> = (0..size).filter_map(index).collect();
        assert_eq!(node_of_each_rank(&divided)?, expected, "{whole:?}");
        assert_eq!(divided.memory()?.nodes.len(), parts.len());
        check_copies(&divided)?;
        node_info_is_consistent(&divided)?;
    }
    check_usable(comm)
}

/// Checks that ranks of all nodes of `comm` read what one or all of them have written.
fn check_copies(comm: &Comm) -> Outcome {
    let mut table = Shared::<[u64]>::new(comm, 3000)?;
    let mut expected = vec![0; 3000];
    for root in 0..comm.size() {
        let block = [number(1, root), number(2, root)];
        table.set(root, 100 * root, (comm.rank() == root).then_some(&block))?;
        expected[100 * root..][..2].copy_from_slice(&block);
        assert_slice_eq(table.view(), &expected);
    }
    table.update_parts(|rows, part| {
        for (row, value) in rows.zip(part) {
            *value ^= number(3, row);
        }
    })?;
    for (row, value) in expected.iter_mut().enumerate() {
        *value ^= number(3, row);
    }
    assert_slice_eq(table.view(), &expected);
    check_usable(comm)
}

/// Calls on a `Comm` of one rank wait for nobody, so they are allowed inside the closures of collective calls.
pub(crate) fn solo_inside_closures(comm: &Comm) -> Outcome {
    let solo = Comm::solo();
    let mut own = Shared::<[u64]>::new(&solo, 2)?;
    let mut list = Shared::<[u64]>::new(comm, 2)?;
    let mine = own.set(0, 1, Some(&[4]));
    mine?;
    let inner = list.update(0, |mut w| -> Result<(), pshmem::Error> {
        own.update(0, |mut o| o[0] = 3)?;
        let nested = Shared::<[u64]>::from_root(&solo, 0, || vec![own.view()[0]])?;
        solo.barrier()?;
        assert!(solo.split(Some(0), 0)?.is_some());
        w[0] = nested.view()[0];
        w[1] = own.view()[1];
        Ok(())
    })?;
    inner.transpose()?;
    assert_slice_eq(list.view(), &[3, 4]);
    Ok(())
}

/// A clone is the same `Comm`: each rank may use either.
pub(crate) fn clones_share_state(comm: &Comm) -> Outcome {
    let first = split(comm, 0, 0)?;
    let second = first.clone();
    let mut list = Shared::<[u64]>::new(
        if comm.rank().is_multiple_of(2) {
            &first
        } else {
            &second
        },
        1,
    )?;
    drop(first);
    list.fill(6)?;
    second.barrier()?;
    assert_slice_eq(list.view(), &[6]);
    check_usable(&second)
}

/// The control words of a child lie in the memory of its parent, whose handles may be dropped first.
pub(crate) fn children_outlive_parents(comm: &Comm) -> Outcome {
    let mut keep = Vec::new();
    for round in 0..5 {
        let parent = split(comm, 0, round)?;
        let object = Shared::<[u64]>::from_root(&parent, 0, || vec![number(round, 0); 100])?;
        let child = split(&parent, comm.rank() % 2, 0)?;
        let grandchild = split(&child, 0, 0)?;
        drop(parent);
        drop(child);
        keep.push((grandchild, object));
    }
    for (round, (grandchild, object)) in keep.iter().enumerate() {
        check_usable(grandchild)?;
        assert_slice_eq(object.view(), &[number(round, 0); 100]);
    }
    Ok(())
}

/// Barriers without other calls between them.
pub(crate) fn many_barriers(comm: &Comm) -> Outcome {
    for _ in 0..200 {
        comm.barrier()?;
    }
    Ok(())
}
