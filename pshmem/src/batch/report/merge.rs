//! Brings together what all ranks have reported: the last attempt at each task counts.

use crate::batch::report::records::{AttemptRecord, AttemptRecords};
use crate::batch::report::rows::{ROW, Row};
#[cfg(test)]
use crate::batch::{report::TaskReport, table::SlotState};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What one rank adds to the report.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RankReport<'a> {
    pub(super) worker: u32,
    pub(super) records: Cow<'a, AttemptRecords>,
    /// On the root: the states of all tasks in the table.
    pub(super) slot_states: Vec<u8>,
}

impl RankReport<'_> {
    pub(super) fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("plain data always encodes")
    }
}

/// The reports of all ranks, on one rank of each node.
#[derive(Debug)]
pub(super) struct MergedReports {
    rows: Vec<Row>,
    errors: BTreeMap<u32, String>,
}

impl MergedReports {
    /// Merges encoded reports, one behind the other, of a batch with so many tasks.
    pub(super) fn of(tasks: usize, mut encoded: &[u8]) -> Self {
        let mut merged = MergedReports {
            rows: vec![Row::UNKNOWN; tasks],
            errors: BTreeMap::new(),
        };
        while !encoded.is_empty() {
            let (report, rest) = postcard::take_from_bytes::<RankReport<'_>>(encoded)
                .expect("what this executable encoded");
            merged.add(report);
            encoded = rest;
        }
        merged
    }

    fn add(&mut self, report: RankReport<'_>) {
        for (row, slot_state) in self.rows.iter_mut().zip(report.slot_states) {
            row.slot_state = u16::from(slot_state);
        }
        let AttemptRecords {
            attempts,
            reasons,
            elsewhere,
        } = report.records.into_owned();
        for (task, attempts) in elsewhere {
            let row = &mut self.rows[task as usize];
            row.attempts = row.attempts.max(attempts);
        }
        let mut reasons = reasons.into_iter().peekable();
        for (index, record) in attempts.into_iter().enumerate() {
            let reason = reasons.next_if(|(of, _)| *of as usize == index);
            let AttemptRecord {
                task,
                attempt,
                seconds,
            } = record;
            let row = &mut self.rows[task as usize];
            // Different ranks may have recorded attempts at one task; the last attempt counts.
            if attempt < row.attempts {
                continue;
            }
            (row.attempts, row.worker, row.seconds) = (attempt, report.worker, seconds);
            match reason {
                Some((_, reason)) => self.errors.insert(task, reason),
                None => self.errors.remove(&task),
            };
        }
    }

    /// How many bytes `write` writes.
    pub(super) fn bytes(&self) -> usize {
        let errors: usize = self.errors.values().map(String::len).sum();
        self.rows.len() * ROW + errors
    }

    /// Writes the rows and the errors to the first bytes.
    pub(super) fn write(self, bytes: &mut [u8]) {
        let (rows, errors) = bytes.split_at_mut(self.rows.len() * ROW);
        let mut end = 0;
        for (task, mut row) in self.rows.into_iter().enumerate() {
            if let Some(error) = self.errors.get(&(task as u32)) {
                errors[end..][..error.len()].copy_from_slice(error.as_bytes());
                end += error.len();
                row.has_error = 1;
            }
            row.error_end = end as u64;
            rows[task * ROW..][..ROW].copy_from_slice(bytemuck::bytes_of(&row));
        }
    }
}

#[cfg(test)]
impl MergedReports {
    /// What gives these reports.
    pub(super) fn of_tasks(tasks: &[TaskReport]) -> Self {
        let row = |task: &TaskReport| Row {
            worker: task
                .worker
                .map_or(Row::UNKNOWN.worker, |worker| worker as u32),
            attempts: task.attempts,
            seconds: task.seconds as f32,
            slot_state: SlotState::from(task.state) as u16,
            ..Row::UNKNOWN
        };
        let error = |task: &TaskReport| Some((task.index as u32, task.error.clone()?));
        MergedReports {
            rows: tasks.iter().map(row).collect(),
            errors: tasks.iter().filter_map(error).collect(),
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        let mut bytes = vec![0; self.bytes()];
        self.write(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::names::TaskNames;
    use crate::batch::report::rows::Rows;
    use crate::batch::table::Claim;
    use crate::batch::task_state::TaskState;
    use std::time::Duration;

    fn encoded(worker: u32, ends: &[(u32, u32, Option<&str>)], slot_states: &[u8]) -> Vec<u8> {
        let mut records = AttemptRecords::default();
        for &(task, attempt, reason) in ends {
            let claim = Claim {
                task,
                attempt,
                cost: 0,
                is_new: false,
            };
            records.add(claim, Duration::from_millis(500), reason);
        }
        RankReport {
            worker,
            records: Cow::Owned(records),
            slot_states: slot_states.to_vec(),
        }
        .encode()
    }

    fn reports(tasks: usize, encoded: &[u8]) -> Vec<TaskReport> {
        let bytes = MergedReports::of(tasks, encoded).into_bytes();
        let rows = Rows::new(tasks, bytes.into(), TaskNames::default());
        rows.iter().map(TaskReport::from).collect()
    }

    #[test]
    fn the_last_attempt_counts_whoever_made_it() {
        let first = encoded(3, &[(0, 1, Some("first")), (1, 70_000, None)], &[]);
        let (done, failed) = (SlotState::Done as u8, SlotState::Failed as u8);
        let second = encoded(
            4,
            &[
                (1, 69_999, Some("late")),
                (0, 2, Some("")),
                (2, 1, Some("\0ü")),
            ],
            &[failed, done, failed, SlotState::Open as u8],
        );
        for all in [
            [&first[..], &second].concat(),
            [&second[..], &first].concat(),
        ] {
            let found = reports(4, &all);
            let of = |task: usize| {
                let TaskReport {
                    state,
                    worker,
                    attempts,
                    error,
                    ..
                } = &found[task];
                (*state, *worker, *attempts, error.as_deref())
            };
            assert_eq!(of(0), (TaskState::Failed, Some(4), 2, Some("")));
            assert_eq!(of(1), (TaskState::Done, Some(3), 70_000, None));
            assert_eq!(of(2), (TaskState::Failed, Some(4), 1, Some("\0ü")));
            assert_eq!(of(3), (TaskState::Open, None, 0, None));
            assert_eq!((found[2].seconds, found[3].seconds), (0.5, 0.0));
        }
    }

    #[test]
    fn a_success_after_a_failure_has_no_error() {
        let encoded = encoded(0, &[(0, 1, Some("no")), (0, 2, None)], &[]);
        assert_eq!(reports(1, &encoded)[0].error, None);
    }
}
