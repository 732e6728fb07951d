//! The environment variables of this process, or made-up ones for tests.

use std::collections::BTreeMap;
use std::env;

/// Names and values.
#[derive(Debug, Clone)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// That of this process. Bytes that are no UTF-8 are replaced: no variable that is read here has any.
    pub(crate) fn of_process() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        Environment(
            env::vars_os()
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
        )
    }

    /// That with which this process was started. Open MPI sets variables of a job of one process, where it has joined no other one.
    #[cfg(feature = "mpi")]
    pub(crate) fn at_start() -> Self {
        std::fs::read("/proc/self/environ")
            .map_or_else(|_| Self::of_process(), |block| Self::of_block(&block))
    }

    /// From `NAME=value` texts that each end with a zero.
    #[cfg(any(feature = "mpi", test))]
    fn of_block(block: &[u8]) -> Self {
        let pair = |text: &[u8]| {
            let text = String::from_utf8_lossy(text);
            let (name, value) = text.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        };
        Environment(block.split(|byte| *byte == 0).filter_map(pair).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The value of a variable that holds a number.
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.get(name)?.trim().parse().ok()
    }

    /// All names, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
impl Environment {
    /// From words `NAME=value`.
    pub(crate) fn of(text: &str) -> Self {
        let pair = |word: &str| {
            let (name, value) = word.split_once('=').expect("NAME=value");
            (name.to_owned(), value.to_owned())
        };
        Environment(text.split_whitespace().map(pair).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_from_the_block_of_the_start() {
        let environment = Environment::of_block(b"PMI_SIZE=2\0A=b=c\0\0EMPTY=\0no name\0");
        assert_eq!(environment.number("PMI_SIZE"), Some(2));
        assert_eq!(environment.get("A"), Some("b=c"));
        assert_eq!(environment.get("EMPTY"), Some(""));
        assert_eq!(environment.names().count(), 3);
    }
}
