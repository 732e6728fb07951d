//! Counting what ran: cases, the worlds that they ran on, and what did not run.
//!
//! A case is one thing that is checked, whatever it runs on: a function of the suite, a fault, an example, a unit test. A world is
//! one of its runs: on a shape of ranks and nodes, as threads or under an MPI library. A case that passes on a hundred worlds is
//! one case, so both are counted.

use std::collections::{BTreeMap, BTreeSet};

/// How many passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Count {
    pub(crate) const PASSED: Self = Self::new(1, 0, 0);
    pub(crate) const FAILED: Self = Self::new(0, 1, 0);
    pub(crate) const SKIPPED: Self = Self::new(0, 0, 1);

    pub(crate) const fn new(passed: u64, failed: u64, skipped: u64) -> Self {
        Self {
            passed,
            failed,
            skipped,
        }
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// One case with these worlds: failed if one of them failed, and skipped if it ran on none.
    fn as_case(self) -> Self {
        match self {
            Self { failed: 1.., .. } => Self::FAILED,
            Self { passed: 1.., .. } => Self::PASSED,
            _ => Self::SKIPPED,
        }
    }
}

/// What a step ran, or several steps together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// The worlds of cases that other steps may run on other worlds, by name.
    cases: BTreeMap<String, Count>,
    /// Cases that no other step runs, with one world each.
    own: Count,
    /// What the step leaves out, as shapes.
    left_out: BTreeSet<String>,
}

impl Tally {
    /// One case by its name, with its worlds.
    pub(crate) fn case(name: impl Into<String>, worlds: Count) -> Self {
        Self {
            cases: [(name.into(), worlds)].into(),
            ..Self::default()
        }
    }

    /// The sums of all lines `test result: ...` of an output of `cargo test` or a test program.
    pub(crate) fn of_libtest(output: &str) -> Option<Self> {
        let add = |mut sum: Count, count: Count| {
            sum.add(count);
            sum
        };
        let own = output.lines().filter_map(libtest_line).reduce(add)?;
        Some(Self {
            own,
            ..Self::default()
        })
    }

    /// The lines of `tests/src/results.rs`. Names get a prefix, because they are unique in the suite only.
    pub(crate) fn of_results(text: &str) -> Result<Self, String> {
        let mut tally = Self::default();
        for line in text.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let [name, world, result] = fields[..] else {
                return Err(format!("`{line}` is no line of results"));
            };
            let count = match result {
                "passed" => Count::PASSED,
                "failed" => Count::FAILED,
                "left out" => {
                    tally.left_out.insert(world.to_owned());
                    Count::SKIPPED
                }
                other if other.starts_with("does not apply: ") => Count::SKIPPED,
                other => return Err(format!("`{other}` is no result")),
            };
            let name = of_suite(name);
            tally.cases.entry(name).or_default().add(count);
        }
        Ok(tally)
    }

    /// Adds what another step ran.
    pub(crate) fn add(&mut self, other: &Self) {
        for (name, worlds) in &other.cases {
            self.cases.entry(name.clone()).or_default().add(*worlds);
        }
        self.own.add(other.own);
        self.left_out.extend(other.left_out.iter().cloned());
    }

    /// Takes cases out of the own ones, because the same cases are counted by name.
    pub(crate) fn named(mut self, named: &Self) -> Self {
        let cases = named.cases();
        self.own.passed = self.own.passed.saturating_sub(cases.passed);
        self.own.failed = self.own.failed.saturating_sub(cases.failed);
        self.own.skipped = self.own.skipped.saturating_sub(cases.skipped);
        self.add(named);
        self
    }

    /// Distinct cases.
    pub(crate) fn cases(&self) -> Count {
        let mut sum = self.own;
        self.cases
            .values()
            .for_each(|worlds| sum.add(worlds.as_case()));
        sum
    }

    /// Runs of cases.
    pub(crate) fn worlds(&self) -> Count {
        let mut sum = self.own;
        self.cases.values().for_each(|worlds| sum.add(*worlds));
        sum
    }

    /// Names something that the step leaves out.
    pub(crate) fn leave_out(&mut self, what: String) {
        self.left_out.insert(what);
    }

    /// What was left out.
    pub(crate) fn left_out(&self) -> impl Iterator<Item = &str> {
        self.left_out.iter().map(String::as_str)
    }

    /// The cases that ran on no world, by name.
    pub(crate) fn never_ran(&self) -> impl Iterator<Item = &str> {
        let never = |worlds: &Count| worlds.as_case() == Count::SKIPPED;
        self.cases
            .iter()
            .filter(move |(_, worlds)| never(worlds))
            .map(|(name, _)| name.as_str())
    }

    /// How many tests of its own a step has skipped, whose names are not known.
    pub(crate) fn ignored(&self) -> u64 {
        self.own.skipped
    }

    /// Whether each of the listed cases of the suite has a result, on as many worlds as any other.
    pub(crate) fn has_all(&self, listed: &[&str]) -> Result<(), String> {
        let worlds = |name: &str| {
            let count = self.cases.get(&of_suite(name)).copied().unwrap_or_default();
            count.passed + count.failed + count.skipped
        };
        let most = listed.iter().map(|name| worlds(name)).max().unwrap_or(0);
        let short: Vec<&&str> = listed
            .iter()
            .filter(|name| worlds(name) < most.max(1))
            .collect();
        match short.first() {
            None => Ok(()),
            Some(first) => Err(format!(
                "{} of {} listed cases did not run on all worlds: {first} on {} of {most}",
                short.len(),
                listed.len(),
                worlds(first)
            )),
        }
    }
}

fn of_suite(name: &str) -> String {
    format!("suite {name}")
}

fn libtest_line(line: &str) -> Option<Count> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut parts = counts.split(';');
    let mut number = |word: &str| parts.next()?.trim().strip_suffix(word)?.trim().parse().ok();
    Some(Count::new(
        number("passed")?,
        number("failed")?,
        number("ignored")?,
    ))
}

/// `N passed, N failed`, alone on its line: the last line of our test programs that do not use the test harness.
pub(crate) fn program_line(line: &str) -> Option<(u64, u64)> {
    let (passed, failed) = line.trim().split_once(" passed, ")?;
    Some((
        passed.parse().ok()?,
        failed.strip_suffix(" failed")?.parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULTS: &str = "a::one\t2\tpassed\na::one\t1+1\tpassed\na::two\t2\tdoes not apply: why\n\
                           a::two\t1+1\tpassed\n";

    #[test]
    fn cases_and_worlds_are_counted_apart() {
        let mut tally = Tally::of_results(RESULTS).unwrap();
        assert_eq!(tally.cases(), Count::new(2, 0, 0));
        assert_eq!(tally.worlds(), Count::new(3, 0, 1));
        // The same cases under another library.
        tally.add(&Tally::of_results(RESULTS).unwrap());
        assert_eq!(tally.cases(), Count::new(2, 0, 0));
        assert_eq!(tally.worlds(), Count::new(6, 0, 2));
        // One world that fails fails the case.
        tally.add(&Tally::of_results("a::two\t3\tfailed\n").unwrap());
        assert_eq!(tally.cases(), Count::new(1, 1, 0));
        assert_eq!(tally.worlds(), Count::new(6, 1, 2));
    }

    #[test]
    fn what_is_left_out_is_named() {
        let tally = Tally::of_results("a\t2\tpassed\na\t1+1\tleft out\nb\t2\tdoes not apply: x\n");
        let tally = tally.unwrap();
        assert_eq!(tally.left_out().collect::<Vec<_>>(), ["1+1"]);
        assert_eq!(tally.never_ran().collect::<Vec<_>>(), ["suite b"]);
        assert_eq!(tally.cases(), Count::new(1, 0, 1));
        assert_eq!(tally.worlds(), Count::new(1, 0, 2));
    }

    #[test]
    fn an_output_with_fewer_cases_than_listed_does_not_pass() {
        let listed = ["a::one", "a::two"];
        let has_all = |text: &str| Tally::of_results(text).unwrap().has_all(&listed);
        assert_eq!(has_all(RESULTS), Ok(()));
        let missing = has_all("a::one\t2\tpassed\n").unwrap_err();
        assert!(missing.contains("1 of 2 listed") && missing.contains("a::two on 0 of 1"));
        // The job ended on its second world.
        let cut = RESULTS.trim_end().rsplit_once('\n').unwrap().0;
        assert!(has_all(cut).unwrap_err().contains("a::two on 1 of 2"));
        assert!(has_all("").unwrap_err().contains("2 of 2"));
    }

    #[test]
    fn results_that_cannot_be_read_are_errors() {
        assert!(Tally::of_results("a\t2\n").is_err());
        assert!(Tally::of_results("a\t2\tpass").is_err());
    }

    #[test]
    fn lines_of_the_test_harness_are_added_up() {
        let output = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out
            \ntest result: FAILED. 2 passed; 1 failed; 0 ignored";
        let tally = Tally::of_libtest(output).unwrap();
        assert_eq!(tally.cases(), Count::new(5, 1, 1));
        assert_eq!(Tally::of_libtest("no tests"), None);
        // Two of the tests are cases that are counted by name.
        let named = Tally::of_results(RESULTS).unwrap();
        let tally = tally.named(&named);
        assert_eq!(tally.cases(), Count::new(5, 1, 1));
        assert_eq!(tally.worlds(), Count::new(6, 1, 2));
        assert_eq!(tally.ignored(), 1);
    }

    #[test]
    fn the_last_line_of_a_program() {
        assert_eq!(program_line("12 passed, 3 failed"), Some((12, 3)));
        assert_eq!(program_line("rank 0: 12 passed, 3 failed, maybe"), None);
    }
}
