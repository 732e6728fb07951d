//! How a failure on one rank becomes the failure of a case, without keeping the other ranks waiting.
//!
//! A case that fails on one rank returns or unwinds there. That drops the handles of this rank, so that the library returns
//! an error on the ranks that wait for it, and they fail, too. Then all ranks exchange their results.

use std::any::Any;
use std::fmt::{Debug, Display, Formatter};
use std::panic::{AssertUnwindSafe, catch_unwind};

use pshmem::{Comm, Error};

use crate::cases::Case;
use crate::collective::{duplicate, gather_texts};

/// Why a case failed on one rank.
pub struct Failure(String);

/// What a case returns.
pub type Outcome = Result<(), Failure>;

// No `Display` for `Failure`: it would make this conversion overlap with `From<T> for T`.
impl<T: Display> From<T> for Failure {
    fn from(text: T) -> Self {
        Failure(text.to_string())
    }
}

impl Debug for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Runs a case on this rank; a panic becomes an error.
///
/// # Errors
/// When the case failed, with the reason.
pub fn attempt(case: &Case, comm: &Comm) -> Result<(), String> {
    // Nothing that the case has borrowed is used after its panic.
    match catch_unwind(AssertUnwindSafe(|| (case.run)(comm))) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Failure(text))) => Err(text),
        Err(payload) => Err(panic_message(payload.as_ref())),
    }
}

/// The message of a panic.
#[must_use]
pub fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message")
        .to_owned()
}

/// What precedes the text of a rank that has failed.
const FAILED: &str = "failed: ";

/// Runs a case with all ranks of `comm`, on a new `Comm`. All ranks get the results of all.
///
/// # Errors
/// Only when `comm` itself does not work any more.
pub fn run(case: &Case, comm: &Comm) -> Result<Result<(), String>, Error> {
    let own = duplicate(comm)?;
    let result = attempt(case, &own);
    drop(own);
    // With a prefix, because a failure may have an empty text.
    let text = result.err().map(|text| format!("{FAILED}{text}"));
    let texts = gather_texts(comm, &text.unwrap_or_default())?;
    let results: Vec<_> = texts
        .iter()
        .map(|text| {
            text.strip_prefix(FAILED)
                .map_or(Ok(()), |text| Err(text.to_owned()))
        })
        .collect();
    Ok(summary(&results))
}

/// One result for those of all ranks, in rank order.
///
/// # Errors
/// When a rank has failed.
pub fn summary(results: &[Result<(), String>]) -> Result<(), String> {
    let lines: Vec<String> = results
        .iter()
        .enumerate()
        .filter_map(|(rank, result)| {
            let text = result.as_ref().err()?;
            Some(format!("rank {rank} {FAILED}{text}"))
        })
        .collect();
    if lines.is_empty() {
        Ok(())
    } else {
        Err(lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_on_one_rank_fails_the_case_on_all() {
        fn fails_on_rank_1(comm: &Comm) -> Outcome {
            assert_ne!(comm.rank(), 1, "this is rank 1");
            comm.barrier()?;
            Ok(())
        }
        let case = Case {
            name: "fails_on_rank_1",
            run: fails_on_rank_1,
        };
        let results = pshmem::local::Cluster::new(&[2, 1]).run(|comm| run(&case, comm).unwrap());
        for result in results {
            let text = result.unwrap_err();
            assert!(
                text.contains("rank 1 failed: assertion") && text.contains("this is rank 1"),
                "{text}"
            );
            assert!(
                text.contains("rank 0 failed: ") && text.contains("rank 2 failed: "),
                "{text}"
            );
        }
    }
}
