//! The task table of a batch: which task is open, claimed or ended, as a few atomic words that every worker changes.
//!
//! - [`table_layout`]: which word holds what · [`slot_state`]: the states of a task
//! - [`words`]: the atomic operations that the protocol needs
//! - [`task_table`]: claiming tasks and opening them again · [`worker_record`]: how the ranks of a worker end a task
//! - [`client`]: one rank's access to the table, wherever its words are: in memory of the node ([`words`]), at a home rank by
//!   one-sided operations ([`rma_words`]), or at a home rank by requests ([`home_table`])

pub(crate) mod client;
pub(crate) mod home_table;
mod rma_words;
mod slot_state;
mod table_layout;
mod task_table;
mod words;
mod worker_record;

pub(crate) use slot_state::SlotState;
pub(crate) use table_layout::{MAX_TASKS, TableLayout};
pub(crate) use task_table::{Claim, TaskTable};
pub(crate) use words::TableWords;
pub(crate) use worker_record::TaskEnd;

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;
