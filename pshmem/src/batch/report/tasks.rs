//! `TaskReports`: what became of every task, as a slice that is made when it is first read.

use crate::batch::report::TaskReport;
use crate::batch::report::rows::Rows;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// What became of every task, in the order of their numbers: a slice of [`TaskReport`].
///
/// For large batches, each node holds the data once. The slice itself, with a name and an error of its own for each task, is
/// made when a program first asks for an element, on the ranks that do so. [`len`](Self::len), comparing, printing and
/// [`BatchReport`](crate::BatchReport)'s own methods do not make it.
///
/// ```
/// use pshmem::{Batch, Comm};
///
/// let batch = Batch::builder(&Comm::solo(), 3).build()?;
/// let report = batch.run(|task, _| if task.index() == 1 { Err("no input") } else { Ok(()) })?;
/// assert_eq!(report.tasks[1].error.as_deref(), Some("no input"));
/// for task in &report.tasks {
///     println!("{} took {} s", task.name, task.seconds);
/// }
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Clone)]
pub struct TaskReports {
    shared: Arc<Shared>,
}

/// What all clones have in common.
struct Shared {
    rows: Rows,
    /// Made from `rows` when it is first read.
    made: OnceLock<Vec<TaskReport>>,
}

impl TaskReports {
    pub(super) fn new(rows: Rows) -> Self {
        TaskReports {
            shared: Arc::new(Shared {
                rows,
                made: OnceLock::new(),
            }),
        }
    }

    pub(super) fn rows(&self) -> &Rows {
        &self.shared.rows
    }

    /// One after the other, without the slice.
    fn reports(&self) -> impl Iterator<Item = TaskReport> {
        self.rows().iter().map(TaskReport::from)
    }

    /// The number of tasks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a program has read the slice.
    #[cfg(test)]
    fn is_made(&self) -> bool {
        self.shared.made.get().is_some()
    }
}

impl Deref for TaskReports {
    type Target = [TaskReport];

    fn deref(&self) -> &[TaskReport] {
        self.shared.made.get_or_init(|| self.reports().collect())
    }
}

impl<'a> IntoIterator for &'a TaskReports {
    type Item = &'a TaskReport;
    type IntoIter = std::slice::Iter<'a, TaskReport>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for TaskReports {
    type Item = TaskReport;
    type IntoIter = std::vec::IntoIter<TaskReport>;

    fn into_iter(self) -> Self::IntoIter {
        let reports: Vec<TaskReport> = self.reports().collect();
        reports.into_iter()
    }
}

impl PartialEq for TaskReports {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared) || self.reports().eq(other.reports())
    }
}

impl fmt::Debug for TaskReports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.reports()).finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::batch::report::{BatchReport, TaskReport, example, report_of};
    use crate::batch::task_state::TaskState;

    #[test]
    fn the_slice_is_made_when_it_is_read_and_shared_by_clones() {
        let report = example(101);
        let clone = report.clone();
        assert_eq!((report.tasks.len(), report.tasks.is_empty()), (101, false));
        assert_eq!(report.count(TaskState::Failed), 1);
        assert!(report == example(101) && report == clone);
        let texts = [report.to_csv(), report.to_json(), report.to_string()];
        assert!(texts.iter().all(|text| text.contains("t1")));
        assert!(format!("{report:?}").contains("name: \"t100\""));
        assert!(!report.tasks.is_made() && !clone.tasks.is_made());
        assert_eq!(report.tasks[100].name, "t100");
        assert!(clone.tasks.is_made());
    }

    #[test]
    fn every_way_to_read_gives_the_same() {
        let report = example(3);
        let by_ref: Vec<&TaskReport> = (&report.tasks).into_iter().collect();
        assert!(report.tasks.iter().eq(by_ref));
        let owned: Vec<TaskReport> = report.tasks.clone().into_iter().collect();
        assert_eq!(report.tasks[..], owned);
        assert!(example(0).tasks.is_empty() && example(0).tasks.iter().next().is_none());
    }

    #[test]
    fn reports_differ_if_a_task_does() {
        let tasks = example(3).tasks.to_vec();
        let same = report_of(&tasks, 8);
        assert_eq!(same, example(3));
        let changes: [fn(&mut TaskReport); 6] = [
            |task| task.name.push('x'),
            |task| task.state = TaskState::Open,
            |task| task.worker = Some(3),
            |task| task.seconds += 1.0,
            |task| task.attempts += 1,
            |task| task.error = Some(String::new()),
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut other = tasks.clone();
            change(&mut other[2]);
            assert_ne!(report_of(&other, 8), same, "{index}");
        }
        assert_ne!(report_of(&tasks[..2], 8), same);
    }

    #[test]
    fn reports_go_to_other_threads() {
        const fn is_send_and_sync<T: Send + Sync + 'static>() {}
        const { is_send_and_sync::<BatchReport>() };
        let report = example(3);
        let clone = report.clone();
        let name = std::thread::spawn(move || clone.tasks[2].name.clone());
        assert_eq!(name.join().unwrap(), report.tasks[2].name);
    }
}
