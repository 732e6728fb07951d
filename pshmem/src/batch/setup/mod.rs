//! From settings to a batch.
//!
//! [`builder`] is the public builder, [`settings`] what it collects and checks, [`worker_sizes`] how ranks are divided into
//! workers, [`build`] the collective construction, [`job_facts`] what all ranks learn about the job,
//! [`open_directory`] the state directory.

mod build;
pub(super) mod builder;
mod job_facts;
mod open_directory;
mod settings;
mod worker_sizes;
