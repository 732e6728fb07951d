//! A few cases on the smallest worlds that share memory and pass messages: little enough for Miri to interpret.
//!
//! `cargo xtask miri` is what these are for; the same cases run on more worlds in `threads.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ndarray::{Array2, array};
use pshmem::local::Cluster;
use pshmem::{Comm, Error, Op, Shared};
use pshmem_tests::cases::{Case, create, fields, write};
use pshmem_tests::report::{self, Outcome};
use pshmem_tests::watchdog;

/// Two ranks on one node, or on two.
fn on_two(case: Case) {
    for nodes in [&[2][..], &[1, 1]] {
        let cluster = Cluster::new(nodes);
        let what = format!("{} on {nodes:?}", case.name);
        let ends = watchdog::guard(&what, || cluster.run(|comm| report::attempt(&case, comm)));
        for end in ends {
            assert_eq!(end, Ok(()), "{what}");
        }
    }
}

/// One rank makes an object while the other waits at a barrier; then one lets go of another `Comm`.
fn different_calls(comm: &Comm) -> Outcome {
    let [first, second] = [comm.split(Some(0), 0)?, comm.split(Some(0), 0)?];
    let first = first.expect("a rank with a color gets a Comm");
    let found = if comm.rank() == 0 {
        first.barrier()
    } else {
        Shared::<u64>::new(&first, ()).map(drop)
    };
    assert!(matches!(found, Err(Error::Diverged { .. })), "{found:?}");
    let second = second.filter(|_| comm.rank() == 0);
    let found = second.map(|second| second.barrier());
    assert!(!matches!(found, Some(Ok(()))), "{found:?}");
    comm.barrier()?;
    Ok(())
}

/// Both ranks write at the same time: parts, blocks, sums in both orders.
fn both_write(comm: &Comm) -> Outcome {
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

/// What a closure has written before it panics is on all nodes.
fn panicking_closure(comm: &Comm) -> Outcome {
    let mut list = Shared::<[u64]>::new(comm, 2)?;
    let ended = catch_unwind(AssertUnwindSafe(|| {
        list.update(1, |mut w| {
            w[1] = 5;
            resume_unwind(Box::new("on purpose"));
        })
    }));
    match ended {
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

macro_rules! small {
    ($($module:ident::$case:ident)*) => {$(
        mod $case {
            use super::*;

            #[test]
            fn on_two() {
                super::on_two(Case { name: stringify!($case), run: $module::$case });
            }
        }
    )*};
}

small! {
    create::lives_without_its_comm
    write::quickstart
    write::set_from_every_root
    write::assign_finds_every_holder
    write::update_per_node
    fields::calls_mix
    self::panicking_closure
    self::different_calls
    self::both_write
}
