//! How one rank's failure becomes the failure of a case, without keeping the other ranks waiting.
//!
//! A case that fails on one rank returns or unwinds there. That drops the rank's handles, so the others, who may wait for
//! it, get an error from the library instead of waiting for ever, and fail too. Then all ranks compare notes.

use std::any::Any;
use std::fmt::{Debug, Display, Formatter};
use std::panic::{AssertUnwindSafe, catch_unwind};

use pshmem::{Comm, Error};

use crate::cases::Case;
use crate::check::gather;

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
/// What the case found, as text.
pub fn attempt(case: &Case, comm: &Comm) -> Result<(), String> {
    // Nothing that the case has borrowed is used after its panic.
    match catch_unwind(AssertUnwindSafe(|| (case.run)(comm))) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Failure(text))) => Err(text),
        Err(payload) => Err(panic_text(payload.as_ref())),
    }
}

/// What a panic said.
#[must_use]
pub fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a text")
        .to_owned()
}

/// Runs a case on a `Comm` of its own with all ranks of `comm`, which all learn how it ended on each of them.
///
/// # Errors
/// Only when `comm` itself does not work any more.
pub fn run(case: &Case, comm: &Comm) -> Result<Result<(), String>, Error> {
    let own = comm
        .split(Some(0), comm.rank())?
        .expect("a rank with a color gets a Comm");
    let result = attempt(case, &own);
    drop(own);
    let texts = gather(
        comm,
        &result
            .err()
            .map_or_else(String::new, |text| format!("failed: {text}")),
    )?;
    Ok(summary(&texts))
}

/// One result of the texts of all ranks; an empty text means that all went well.
///
/// # Errors
/// When a rank has a text.
pub fn summary(texts: &[String]) -> Result<(), String> {
    let failed =
        |(rank, text): (usize, &String)| (!text.is_empty()).then(|| format!("rank {rank} {text}"));
    let lines: Vec<String> = texts.iter().enumerate().filter_map(failed).collect();
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
        fn lame(comm: &Comm) -> Outcome {
            assert_ne!(comm.rank(), 1, "rank 1 is lame");
            comm.barrier()?;
            Ok(())
        }
        let case = Case {
            name: "lame",
            run: lame,
        };
        let ends = pshmem::local::Cluster::new(&[2, 1]).run(|comm| run(&case, comm).unwrap());
        for end in ends {
            let text = end.unwrap_err();
            assert!(
                text.contains("rank 1 failed: assertion") && text.contains("rank 1 is lame"),
                "{text}"
            );
            assert!(
                text.contains("rank 0 failed: ") && text.contains("rank 2 failed: "),
                "{text}"
            );
        }
    }
}
