//! The task table of a batch: which task is open, claimed or ended, as a few atomic words that every worker changes.
//!
//! - [`table_layout`]: which word holds what · [`slot_state`]: the states of a task
//! - [`task_table`]: claiming tasks and opening them again · [`worker_record`]: how the ranks of a worker end a task
//! - [`client`]: one rank's access to the table, wherever its words are
//! - [`table_backend`]: where they are, and how they are created: in node memory, at a home rank that others reach by one-sided
//!   operations, or at a home rank that handles requests ([`home_table`])

pub(crate) mod client;
mod home_table;
mod slot_state;
mod table_backend;
mod table_layout;
mod task_table;
mod worker_record;

pub(crate) use slot_state::SlotState;
pub(crate) use table_backend::InitialTable;
pub(crate) use table_layout::{MAX_ATTEMPTS, MAX_TASKS, TableLayout};
pub(crate) use task_table::{Claim, ClaimEnd, ClaimOutcome, TaskTable};
pub(crate) use worker_record::{RankEnd, TaskEnd};

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;
