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

/// Why a case did not pass on one rank.
pub struct Failure(Reason);

enum Reason {
    Failed(String),
    DoesNotApply(&'static str),
}

/// What a case returns.
pub type Outcome = Result<(), Failure>;

/// What became of a case that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It passed.
    Passed,
    /// The world is none on which it has anything to check, and why.
    DoesNotApply(String),
}

/// What a case returns, on all ranks, on a world on which it has nothing to check. Such a world is not counted as passed.
///
/// # Errors
/// Always.
pub fn does_not_apply(why: &'static str) -> Outcome {
    Err(Failure(Reason::DoesNotApply(why)))
}

// No `Display` for `Failure`: it would make this conversion overlap with `From<T> for T`.
impl<T: Display> From<T> for Failure {
    fn from(text: T) -> Self {
        Failure(Reason::Failed(text.to_string()))
    }
}

impl Debug for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Reason::Failed(text) => f.write_str(text),
            Reason::DoesNotApply(why) => write!(f, "{NOT_APPLICABLE}{why}"),
        }
    }
}

/// Runs a case on this rank; a panic becomes an error.
///
/// # Errors
/// When the case failed, with the reason.
pub fn attempt(case: &Case, comm: &Comm) -> Result<Verdict, String> {
    // Nothing that the case has borrowed is used after its panic.
    match catch_unwind(AssertUnwindSafe(|| (case.run)(comm))) {
        Ok(Ok(())) => Ok(Verdict::Passed),
        Ok(Err(Failure(Reason::Failed(text)))) => Err(text),
        Ok(Err(Failure(Reason::DoesNotApply(why)))) => Ok(Verdict::DoesNotApply(why.to_owned())),
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
/// What precedes the reason of a rank on which the case does not apply.
const NOT_APPLICABLE: &str = "does not apply: ";

/// Runs a case with all ranks of `comm`, on a new `Comm`. All ranks get the results of all.
///
/// # Errors
/// Only when `comm` itself does not work any more.
pub fn run(case: &Case, comm: &Comm) -> Result<Result<Verdict, String>, Error> {
    let own = duplicate(comm)?;
    let result = attempt(case, &own);
    drop(own);
    // With a prefix, because a failure may have an empty text.
    let text = match result {
        Ok(Verdict::Passed) => String::new(),
        Ok(Verdict::DoesNotApply(why)) => format!("{NOT_APPLICABLE}{why}"),
        Err(text) => format!("{FAILED}{text}"),
    };
    let texts = gather_texts(comm, &text)?;
    let result_of = |text: &String| {
        if let Some(why) = text.strip_prefix(NOT_APPLICABLE) {
            return Ok(Verdict::DoesNotApply(why.to_owned()));
        }
        text.strip_prefix(FAILED)
            .map_or(Ok(Verdict::Passed), |text| Err(text.to_owned()))
    };
    Ok(verdict(texts.iter().map(result_of).collect()))
}

/// One result for those of all ranks, in rank order.
///
/// # Errors
/// When a rank has failed, or the case applied to some of the ranks only.
pub fn verdict(results: Vec<Result<Verdict, String>>) -> Result<Verdict, String> {
    let first = results.iter().flatten().next().cloned();
    let same = results
        .iter()
        .flatten()
        .all(|found| Some(found) == first.as_ref());
    let failures: Vec<_> = results.into_iter().map(|result| result.map(drop)).collect();
    summary(&failures)?;
    match first {
        Some(first) if same => Ok(first),
        _ => Err("the case applied to some of the ranks only".to_owned()),
    }
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
            let text: String = result.unwrap_err();
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

    #[test]
    fn a_world_on_which_a_case_does_not_apply_is_no_pass() {
        let case = Case {
            name: "does_not_apply",
            run: |_| does_not_apply("it needs a third rank"),
        };
        let expected = Verdict::DoesNotApply("it needs a third rank".to_owned());
        let results = pshmem::local::Cluster::new(&[1, 1]).run(|comm| {
            assert_eq!(attempt(&case, comm), Ok(expected.clone()));
            run(&case, comm).unwrap()
        });
        assert_eq!(results, [Ok(expected.clone()), Ok(expected.clone())]);
        let some = verdict(vec![Ok(expected), Ok(Verdict::Passed)]);
        assert!(some.unwrap_err().contains("some of the ranks only"));
    }
}
