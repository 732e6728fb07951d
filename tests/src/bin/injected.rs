//! A short fixed program over all features, whose values are all checked, for runs in which one MPI call fails or comes late.
//!
//! Every rank prints one line for each step: `rank 1 step set: ok`, or with `Err TEXT` or `WRONG TEXT` in place of `ok`. The first step
//! that is not `ok` ends the rank's part, as `?` does in a user's program. `cargo xtask test` runs it beneath
//! `tests/injector/injector.c` and compares the lines of the ranks.

use ndarray::{Array2, s};
use pshmem::{Batch, Comm, Error, Lock, Mutex, Op, Result, RwLock, Shared, TaskState};
use std::process::ExitCode;

/// More than a chunk holds, so that the object gets a mapping of its own, and several pieces when it travels.
const LARGE: usize = 400_000;

/// A name and what it does. What it returns besides an error is what is wrong with the values.
type Step = (&'static str, fn(&mut Scene) -> Result<Option<String>>);

const STEPS: &[Step] = &[
    ("barrier", |s| s.comm.barrier().map(|()| None)),
    ("new", Scene::create),
    ("set", Scene::set),
    ("update", Scene::update),
    ("update_parts", Scene::update_parts),
    ("reduce_into", Scene::reduce_into),
    ("gather", Scene::gather),
    ("fill", Scene::fill),
    ("from_root", Scene::make_from_root),
    ("large", Scene::large),
    ("many", Scene::many),
    ("array", Scene::array),
    ("lock", Scene::lock),
    ("mutex", Scene::mutex),
    ("rwlock", Scene::rwlock),
    ("batch", Scene::batch),
    ("split", Scene::split),
    ("close", Scene::close),
];

/// What the steps share.
struct Scene {
    comm: Comm,
    table: Option<Shared<[u64]>>,
    /// What the table must hold.
    model: Vec<u64>,
}

fn main() -> ExitCode {
    pshmem::run(|comm: &Comm| -> Result<(), String> {
        let mut scene = Scene {
            comm: comm.clone(),
            table: None,
            model: vec![0; 1000],
        };
        for (name, step) in STEPS {
            let (word, end) = match step(&mut scene) {
                Ok(None) => ("ok".to_owned(), Ok(())),
                Ok(Some(wrong)) => (format!("WRONG {wrong}"), Err(wrong)),
                Err(error) => (format!("Err {error}"), Err(error.to_string())),
            };
            println!("rank {} step {name}: {word}", comm.rank());
            end?;
        }
        Ok(())
    })
}

/// `None` when they are equal, else the first difference.
fn compare<T: PartialEq + std::fmt::Debug>(found: &[T], expected: &[T]) -> Option<String> {
    if found.len() != expected.len() {
        let (found, expected) = (found.len(), expected.len());
        return Some(format!("{found} elements, not {expected}"));
    }
    let at = (0..found.len()).find(|&at| found[at] != expected[at])?;
    let (found, expected) = (&found[at], &expected[at]);
    Some(format!("element {at} is {found:?}, not {expected:?}"))
}

impl Scene {
    /// The table after a call on it, compared with the model.
    fn with_table(
        &mut self,
        call: impl FnOnce(&Comm, &mut Shared<[u64]>, &mut Vec<u64>) -> Result<()>,
    ) -> Result<Option<String>> {
        let table = self.table.as_mut().expect("an earlier step has made it");
        call(&self.comm, table, &mut self.model)?;
        Ok(compare(table.view(), &self.model))
    }

    fn create(&mut self) -> Result<Option<String>> {
        self.table = Some(Shared::new(&self.comm, self.model.len())?);
        self.with_table(|_, _, _| Ok(()))
    }

    fn set(&mut self) -> Result<Option<String>> {
        self.with_table(|comm, table, model| {
            for root in 0..comm.size() {
                let block = [7 + root as u64; 20];
                let at = 100 * root + 5;
                table.set(root, at, (comm.rank() == root).then_some(&block[..]))?;
                model[at..at + 20].fill(7 + root as u64);
            }
            Ok(())
        })
    }

    fn update(&mut self) -> Result<Option<String>> {
        self.with_table(|comm, table, model| {
            table.update(comm.size() - 1, |mut all| all[5] += 1)?;
            model[5] += 1;
            table.update_per_node(|mut all| all[6] = 60)?;
            model[6] = 60;
            Ok(())
        })
    }

    fn update_parts(&mut self) -> Result<Option<String>> {
        self.with_table(|_, table, model| {
            table.update_parts(|rows, part| {
                for (row, element) in rows.zip(part) {
                    *element += row as u64;
                }
            })?;
            (0..).zip(model).for_each(|(row, element)| *element += row);
            Ok(())
        })
    }

    fn reduce_into(&mut self) -> Result<Option<String>> {
        self.with_table(|comm, table, model| {
            let mine: Vec<u64> = (0..1000).map(|i| i * (1 + comm.rank() as u64)).collect();
            table.reduce_into(Op::sum(), &mine)?;
            let all = (1..=comm.size() as u64).sum::<u64>();
            *model = (0..1000).map(|i| i * all).collect();
            table.accumulate(Op::max().reproducible(), &vec![5000; 1000])?;
            for element in model {
                *element = 5000.max(*element);
            }
            Ok(())
        })
    }

    fn gather(&mut self) -> Result<Option<String>> {
        self.with_table(|comm, table, model| {
            let mine = [comm.rank() as u64; 30];
            table.gather(comm.rank() * 40, &mine[..])?;
            for rank in 0..comm.size() {
                model[rank * 40..rank * 40 + 30].fill(rank as u64);
            }
            Ok(())
        })
    }

    fn fill(&mut self) -> Result<Option<String>> {
        self.with_table(|_, table, model| {
            table.fill(3)?;
            model.fill(3);
            Ok(())
        })
    }

    fn make_from_root(&mut self) -> Result<Option<String>> {
        let made = Shared::<[u64]>::from_root(&self.comm, 0, || vec![11; 5000])?;
        Ok(compare(made.view(), &vec![11; 5000]))
    }

    fn large(&mut self) -> Result<Option<String>> {
        let mut large = Shared::<[u64]>::new(&self.comm, LARGE)?;
        large.set_with(self.comm.size() - 1, 0, || {
            (0..LARGE as u64).collect::<Vec<_>>()
        })?;
        let expected: Vec<u64> = (0..LARGE as u64).collect();
        let wrong = compare(large.view(), &expected);
        large.close()?;
        Ok(wrong)
    }

    /// More objects than the first chunk holds.
    fn many(&mut self) -> Result<Option<String>> {
        let mut objects = Vec::new();
        for number in 0..12 {
            let mut object = Shared::<[u64]>::new(&self.comm, 25_000)?;
            object.fill(number)?;
            objects.push(object);
        }
        let wrong = (0..).zip(&objects).find_map(|(number, object)| {
            let text = compare(object.view(), &vec![number; 25_000])?;
            Some(format!("object {number}: {text}"))
        });
        Ok(wrong)
    }

    fn array(&mut self) -> Result<Option<String>> {
        let size = self.comm.size();
        let mut array = Shared::<Array2<u64>>::new(&self.comm, [20, 10 * size])?;
        let mine = Array2::from_elem([20, 10], 1 + self.comm.rank() as u64);
        array.gather([0, 10 * self.comm.rank()], &mine)?;
        let wrong = (0..size).find(|&rank| {
            let block = s![.., 10 * rank..10 * (rank + 1)];
            array
                .view()
                .slice(block)
                .iter()
                .any(|&x| x != 1 + rank as u64)
        });
        Ok(wrong.map(|rank| format!("the block of rank {rank}")))
    }

    fn lock(&mut self) -> Result<Option<String>> {
        let mut lock = Lock::builder(&self.comm)
            .root(self.comm.size() - 1)
            .build()?;
        println!("rank {} engine {}", self.comm.rank(), lock.engine());
        for _ in 0..5 {
            drop(lock.lock()?);
        }
        Ok(None)
    }

    fn mutex(&mut self) -> Result<Option<String>> {
        let mut count = Mutex::<[u64]>::from_slice(&self.comm, &[0; 3])?;
        for _ in 0..10 {
            let mut guard = count.lock()?;
            guard.iter_mut().for_each(|element| *element += 1);
        }
        self.comm.barrier()?;
        let expected = [10 * self.comm.size() as u64; 3];
        Ok(compare(&count.lock()?, &expected))
    }

    fn rwlock(&mut self) -> Result<Option<String>> {
        let mut count = RwLock::<u64>::new(&self.comm, 0)?;
        for _ in 0..5 {
            *count.write()? += 1;
        }
        self.comm.barrier()?;
        Ok(compare(&[*count.read()?], &[5 * self.comm.size() as u64]))
    }

    fn batch(&mut self) -> Result<Option<String>> {
        const TASKS: usize = 12;
        let batch = Batch::builder(&self.comm, TASKS).build()?;
        let mut mine = vec![0_u64; TASKS];
        let report = batch.run(|task, worker| {
            mine[task.index()] += worker.size() as u64;
            Ok::<(), Error>(())
        })?;
        let mut times = Shared::<[u64]>::new(&self.comm, TASKS)?;
        times.reduce_into(Op::sum(), &mine)?;
        if report.count(TaskState::Done) != TASKS {
            return Ok(Some(format!("the report is {report}")));
        }
        Ok(compare(times.view(), &[1; TASKS]))
    }

    fn split(&mut self) -> Result<Option<String>> {
        let (me, size) = (self.comm.rank(), self.comm.size());
        // In reverse order, so that leaders and roots are others.
        let turned = self.comm.split(Some(0), size - me)?;
        let turned = turned.expect("every rank has a color");
        let mut ranks = Shared::<[u64]>::new(&turned, size)?;
        ranks.gather(turned.rank(), &[me as u64][..])?;
        let expected: Vec<u64> = (0..size as u64).rev().collect();
        let wrong = compare(ranks.view(), &expected);
        let alone = self.comm.split((me % 2 == 0).then_some(me), 0)?;
        let alone = alone.map_or(0, |alone| alone.size());
        if alone != usize::from(me % 2 == 0) {
            return Ok(Some(format!("{alone} ranks of one color")));
        }
        Ok(wrong)
    }

    fn close(&mut self) -> Result<Option<String>> {
        let table = self.table.take().expect("an earlier step has made it");
        let wrong = compare(table.view(), &self.model);
        table.close()?;
        Ok(wrong)
    }
}
