//! Implementations of safe traits that say what is not true, or panic: calls on them are errors, and no rank waits for ever.

use pshmem::__private::{StackParts, StackShapes};
use pshmem::local::Cluster;
use pshmem::{AsRows, Error, Result, Shared, SharedLayout, StackLayout, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A value has one place, so it is not the rows of one rank.
struct Row(u64);

impl AsRows<Value<u64>> for Row {
    fn as_rows(&self) -> &u64 {
        &self.0
    }
}

#[test]
fn a_value_that_is_stacked_is_the_same_on_all_ranks() {
    let stacked = Cluster::new(&[2, 1]).run(|comm| {
        let differs = Shared::<Value<u64>>::concat(comm, &Row(comm.rank() as u64)).map(|_| ());
        let (equal, rows) = Shared::<Value<u64>>::concat(comm, &Row(7)).unwrap();
        assert_eq!((*equal.view(), rows), (7, 0..0));
        differs.unwrap_err()
    });
    for error in &stacked {
        assert!(matches!(error, Error::Mismatch { rank: 1, .. }), "{error}");
        assert_eq!(error, &stacked[0]);
    }
}

/// Its rows cannot be copied if one is 13.
#[derive(SharedLayout)]
struct Superstitious {
    rows: Vec<u32>,
    common: Vec<u32>,
}

fn copy(number: u32) -> u32 {
    assert_ne!(number, 13, "13");
    number
}

impl StackLayout for Superstitious {
    type Rows<'r> = &'r Self;

    fn rows_of(owned: &Self) -> &Self {
        owned
    }

    fn parts<'r>(owned: &'r Self, into: &mut StackParts<'r>) -> Result<()> {
        into.column("rows", &owned.rows, |&number| copy(number));
        into.column("common", &owned.common, |&number| copy(number));
        Ok(())
    }

    fn dims_of_stack(shapes: &mut StackShapes<'_>) -> Result<SuperstitiousDims> {
        let ([rows], [common]) = (shapes.take(), shapes.take());
        Ok(SuperstitiousDims { rows, common })
    }
}

impl AsRows<Superstitious> for Superstitious {
    fn as_rows(&self) -> &Self {
        self
    }
}

#[test]
fn a_copy_that_panics_is_an_error_on_the_other_ranks() {
    for unlucky in 0..4 {
        let outcomes = Cluster::new(&[2, 1, 1]).run(|comm| {
            let mut mine = Superstitious {
                rows: vec![1; 70_000],
                common: vec![2],
            };
            if comm.rank() == unlucky {
                mine.rows[69_999] = 13;
            }
            let concat = |mine: &Superstitious| {
                let stacked = Shared::<Superstitious>::concat(comm, mine);
                stacked.map(|(stacked, _)| stacked.view().rows.len())
            };
            let failed = catch_unwind(AssertUnwindSafe(|| concat(&mine)));
            mine.rows[69_999] = 1;
            assert_eq!(concat(&mine), Ok(4 * 70_000));
            failed.ok()
        });
        for (rank, outcome) in outcomes.into_iter().enumerate() {
            let error = outcome.map(Result::unwrap_err);
            match error {
                None => assert_eq!(rank, unlucky),
                Some(Error::Closure { rank: by, .. }) => assert!(rank != unlucky && by == unlucky),
                Some(error) => panic!("{error}"),
            }
        }
    }
}

/// Names the type of its rows wrongly if it is asked to.
#[derive(SharedLayout)]
struct Liar {
    rows: Vec<u32>,
    lies: bool,
}

impl StackLayout for Liar {
    type Rows<'r> = &'r Self;

    fn rows_of(owned: &Self) -> &Self {
        owned
    }

    fn parts<'r>(owned: &'r Self, into: &mut StackParts<'r>) -> Result<()> {
        if owned.lies {
            into.column("rows", &owned.rows, |&number| f64::from(number));
        } else {
            into.column("rows", &owned.rows, |&number| number);
        }
        into.common::<Value<bool>>("lies", &false)
    }

    fn dims_of_stack(shapes: &mut StackShapes<'_>) -> Result<LiarDims> {
        let ([rows], []) = (shapes.take(), shapes.take());
        Ok(LiarDims { rows })
    }
}

impl AsRows<Liar> for Liar {
    fn as_rows(&self) -> &Self {
        self
    }
}

#[test]
fn other_parts_on_another_rank_are_an_error_on_all() {
    let errors = Cluster::new(&[2, 1]).run(|comm| {
        let lies = comm.rank() == 2;
        let concat = |lies: bool| {
            let rows = vec![1, 2];
            Shared::<Liar>::concat(comm, &Liar { rows, lies }).map(|(_, rows)| rows)
        };
        let error = concat(lies).unwrap_err();
        assert!(catch_unwind(AssertUnwindSafe(|| concat(true))).is_err());
        assert_eq!(concat(false).unwrap().len(), 2);
        error
    });
    for error in &errors {
        assert!(matches!(error, Error::Mismatch { rank: 2, .. }), "{error}");
        assert_eq!(error, &errors[0]);
    }
}
