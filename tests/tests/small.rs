//! A few cases on the smallest worlds that share memory and send messages, for `cargo xtask miri`.
//!
//! A test binary of its own, because Miri interprets all that it contains. `threads.rs` runs the cases on more worlds.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ndarray::{Array2, Axis, array};
use pshmem::local::Cluster;
use pshmem::{Comm, Error, Map, Op, Ragged, RaggedDims, Shared, SharedLayout, Strings, Text};
use pshmem_tests::cases::{self, Case};
use pshmem_tests::collective::duplicate;
use pshmem_tests::report::{self, Outcome};
use pshmem_tests::watchdog;

/// Runs a case with two ranks on one node, and with two ranks on two nodes.
fn on_two_ranks(case: &Case) {
    for nodes in [&[2][..], &[1, 1]] {
        let cluster = Cluster::new(nodes);
        let what = format!("{} on {nodes:?}", case.name);
        let results = watchdog::guard(&what, || cluster.run(|comm| report::attempt(case, comm)));
        for result in results {
            assert_eq!(result, Ok(report::Verdict::Passed), "{what}");
        }
    }
}

/// One rank creates an object while the other waits in a barrier; then one drops another `Comm` while the other waits.
fn different_calls(comm: &Comm) -> Outcome {
    let [first, second] = [duplicate(comm)?, duplicate(comm)?];
    let found = if comm.rank() == 0 {
        first.barrier()
    } else {
        Shared::<u64>::new(&first, ()).map(drop)
    };
    assert!(matches!(found, Err(Error::Diverged { .. })), "{found:?}");
    let second = Some(second).filter(|_| comm.rank() == 0);
    let found = second.map(|second| second.barrier());
    assert!(!matches!(found, Some(Ok(()))), "{found:?}");
    comm.barrier()?;
    Ok(())
}

/// Both ranks write at the same time: parts, blocks, reductions in both orders.
fn both_ranks_write(comm: &Comm) -> Outcome {
    let mut grid = Shared::<Array2<u32>>::new(comm, [3, 2])?;
    grid.update_parts(|rows, mut part| part.fill(rows.start as u32 + 1))?;
    assert_eq!(grid.view(), array![[1, 1], [2, 2], [2, 2]]);
    let mine = Array2::from_elem([3, 1], comm.rank() as u32);
    grid.gather([0, comm.rank()], &mine)?;
    assert_eq!(grid.view(), array![[0, 1], [0, 1], [0, 1]]);
    let mut line = Shared::<[u32]>::new(comm, 5)?;
    line.reduce_into(Op::sum(), &[1 + comm.rank() as u32; 5])?;
    line.accumulate(
        Op::max().reproducible(),
        &[0, 9, 0, 0, comm.rank() as u32 * 7],
    )?;
    assert_eq!(line.view(), [3, 9, 3, 3, 7]);
    line.resize(2)?;
    let mut other = Shared::<[u32]>::new(comm, 2)?;
    other.fields().swap_data(&mut line.fields())?;
    line.copy_from(&other)?;
    assert_eq!((line.view(), other.view()), (&[3, 9][..], &[3, 9][..]));
    Ok(())
}

/// Rows of several fields.
#[derive(SharedLayout)]
#[shared(dims(n), rows = n)]
struct Rows {
    #[shared(shape = [n, 2])]
    table: Array2<u32>,
    #[shared(shape = [n])]
    list: Vec<u8>,
}

/// Both ranks write elements that lie between those of the other one: columns, and every second row; and rows of several fields.
fn parts_interleave(comm: &Comm) -> Outcome {
    let rank = comm.rank() as u32;
    let mut grid = Shared::<Array2<u32>>::new(comm, [2, 3])?;
    grid.update_parts_along(Axis(1), |columns, mut part| {
        assert_eq!(part.dim(), (2, columns.len()));
        part.fill(rank + 1);
        part.rows_mut().into_iter().for_each(|mut row| row[0] += 10);
    })?;
    assert_eq!(grid.view(), array![[11, 12, 2], [11, 12, 2]]);
    let in_turn = |row: usize| row % 2;
    let mut tall = Shared::<Array2<u32>>::new(comm, [3, 2])?;
    tall.update_rows(in_turn, |row, mut out| out.fill(10 * rank + row as u32))?;
    assert_eq!(tall.view(), array![[0, 0], [11, 11], [2, 2]]);
    let mut line = Shared::<[u32]>::new(comm, 3)?;
    line.update_rows(in_turn, |_, out| *out = rank + 1)?;
    assert_eq!(line.view(), [1, 2, 1]);
    let mut rows = Shared::<Rows>::new(comm, RowsDims { n: 3 })?;
    rows.update_parts_weighted(&[1.0, 1.0, 2.0], |rows, mut part| {
        part.table.fill(rows.start as u32 + 1);
        part.list.fill(rows.end as u8);
    })?;
    assert_eq!(rows.view().table, array![[1, 1], [1, 1], [3, 3]]);
    assert_eq!(rows.view().list, [2, 2, 3]);
    Ok(())
}

/// Both ranks take numbers, and add to the elements of both, in both orders.
fn both_ranks_add(comm: &Comm) -> Outcome {
    let numbers = comm.counter(9)?;
    let mut line = Shared::<[u32]>::new(comm, 3)?;
    for op in [Op::sum(), Op::sum().reproducible()] {
        line.try_scatter(op, |add| {
            while let Some(range) = numbers.next(2)? {
                range.for_each(|number| add(number % 3, 1 << number));
            }
            Ok::<(), Error>(())
        })?;
        numbers.reset()?;
    }
    assert_eq!(
        line.view(),
        [2 * 0b100_1001, 2 * 0b1001_0010, 2 * 0b1_0010_0100]
    );
    let mut mine = 0;
    comm.for_each_dynamic(0..5, 2, |range| {
        mine += range.sum::<usize>() as u32;
        Ok::<(), Error>(())
    })?;
    let mut sum = Shared::<[u32]>::new(comm, 1)?;
    sum.scatter(Op::sum(), |add| add(0, mine))?;
    assert_eq!(sum.view(), [10]);
    Ok(())
}

/// What a closure wrote before it panicked is on all nodes.
fn closure_panics(comm: &Comm) -> Outcome {
    let mut list = Shared::<[u64]>::new(comm, 2)?;
    let result = catch_unwind(AssertUnwindSafe(|| {
        list.update(1, |mut w| {
            w[1] = 5;
            resume_unwind(Box::new("a deliberate panic"));
        })
    }));
    match result {
        Err(_) => assert_eq!(comm.rank(), 1),
        Ok(found) => assert!(
            matches!(found, Err(Error::Closure { rank: 1, .. })),
            "{found:?}"
        ),
    }
    list.set(0, 0, Some(&[4]))?;
    assert_eq!(list.view(), [4, 5]);
    Ok(())
}

/// Rows and text that one rank writes.
fn rows_and_text(comm: &Comm) -> Outcome {
    let dims = RaggedDims { rows: 3, items: 4 };
    let mut tracks = Shared::<Ragged<u16>>::new(comm, dims)?;
    tracks.try_update(1, |mut w| {
        w.push(&[1, 2])?;
        w.push(&[3])
    })?;
    tracks.update(0, |mut w| w.row_mut(1)[0] = 4)?;
    assert_eq!(tracks.view(), Ragged::from_rows([vec![1, 2], vec![4]]));
    let title = Shared::<Text>::from_root(comm, 1, || "Zürich".into())?;
    assert_eq!(title.view(), "Zürich");
    Ok(())
}

/// Strings that both ranks bring.
fn stacked_strings(comm: &Comm) -> Outcome {
    let mine: Strings = (0..=comm.rank()).map(|i| format!("ö{i}")).collect();
    let (names, rows) = Shared::<Strings>::concat(comm, &mine)?;
    assert_eq!((&names.view()[2], rows.len()), ("ö1", mine.len()));
    Ok(())
}

/// A map of pairs that both ranks bring.
fn collected_pairs(comm: &Comm) -> Outcome {
    let pairs = ["ö", "x"].into_iter().zip(1..).skip(comm.rank());
    let sums = Shared::<Map<str, u32>>::collect_with(comm, Op::sum(), pairs)?;
    assert_eq!(
        (sums.view().get("ö"), sums.view().get("x")),
        (Some(&1), Some(&4))
    );
    Ok(())
}

/// A case of this file.
fn case(name: &'static str, run: fn(&Comm) -> Outcome) -> Case {
    Case { name, run }
}

macro_rules! tests {
    ($($test:ident: $case:expr;)*) => {$(
        #[test]
        fn $test() {
            on_two_ranks(&$case);
        }
    )*};
}

tests! {
    object_outlives_its_comm: cases::named("create::object_outlives_its_comm");
    quickstart: cases::named("write::quickstart");
    set_from_every_root: cases::named("write::set_from_every_root");
    assign_finds_every_holder: cases::named("write::assign_finds_every_holder");
    update_per_node: cases::named("write::update_per_node");
    calls_mix: cases::named("fields::calls_mix");
    a_closure_panics: case("closure_panics", closure_panics);
    ranks_make_different_calls: case("different_calls", different_calls);
    all_ranks_write: case("both_ranks_write", both_ranks_write);
    parts_of_two_ranks_interleave: case("parts_interleave", parts_interleave);
    all_ranks_add: case("both_ranks_add", both_ranks_add);
    one_rank_writes_rows_and_text: case("rows_and_text", rows_and_text);
    strings_are_stacked: case("stacked_strings", stacked_strings);
    pairs_are_collected: case("collected_pairs", collected_pairs);
}
