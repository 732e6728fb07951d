//! The environment variables that this crate reads, for a notice about others that look like them.

use crate::run::launch::environment::Environment;

/// How the names of all of them begin.
const PREFIX: &str = "PSHMEM_";

/// All settings.
const SETTINGS: [&str; 11] = [
    "PSHMEM_CHECK",
    "PSHMEM_DOMAIN",
    "PSHMEM_HANG_ABORT",
    "PSHMEM_HANG_REPORT",
    "PSHMEM_HUGE_PAGES",
    "PSHMEM_LOCAL",
    "PSHMEM_MEMORY",
    "PSHMEM_MEMORY_LIMIT",
    "PSHMEM_MPI_LIBRARY",
    "PSHMEM_ONE_SIDED",
    "PSHMEM_RANKS_PER_NODE",
];

/// What tests and measurements of this crate read.
const OF_TESTS: [&str; 2] = ["PSHMEM_TEST_", "PSHMEM_BENCH_"];

/// One line about variables that look like settings and are none, if there are any.
pub(crate) fn unknown(environment: &Environment) -> Option<String> {
    let is_unknown = |name: &&str| {
        name.starts_with(PREFIX)
            && !SETTINGS.contains(name)
            && !OF_TESTS.iter().any(|prefix| name.starts_with(prefix))
    };
    let unknown: Vec<&str> = environment.names().filter(is_unknown).collect();
    (!unknown.is_empty()).then(|| {
        format!(
            "no settings of pshmem, and ignored: {}; it reads {}",
            unknown.join(", "),
            SETTINGS.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn unknown_settings_are_named_in_one_line() {
        let environment =
            Environment::of("PSHMEM_LOCAL=2 PSHMEM_TEST_LIMIT=9 PATH=/bin XPSHMEM_=1");
        assert_eq!(unknown(&environment), None);
        let environment = Environment::of("PSHMEM_HANG_REPROT=9 PSHMEM_=1 PSHMEM_CHECK=2");
        let line = unknown(&environment).unwrap();
        assert!(
            line.contains("ignored: PSHMEM_, PSHMEM_HANG_REPROT; it reads PSHMEM_CHECK, "),
            "{line}"
        );
        assert_eq!(line.lines().count(), 1);
    }

    /// The names between quotation marks in all sources.
    fn names_in(folder: &Path, names: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                names_in(&path, names);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for part in text.split("\"PSHMEM_").skip(1) {
                let end = part.find(|c: char| !c.is_ascii_uppercase() && c != '_');
                let (name, rest) = part.split_at(end.unwrap_or(part.len()));
                if rest.starts_with('"') && !name.is_empty() {
                    names.insert(format!("{PREFIX}{name}"));
                }
            }
        }
    }

    #[test]
    fn every_variable_that_is_read_is_a_setting() {
        let mut names = BTreeSet::new();
        names_in(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut names,
        );
        names.retain(|name| !OF_TESTS.iter().any(|prefix| name.starts_with(prefix)));
        assert_eq!(names.into_iter().collect::<Vec<_>>(), SETTINGS);
    }
}
