//! From settings to a batch: [`builder`] is the public builder, [`build`] the collective construction.

pub(super) mod build;
pub(super) mod builder;
