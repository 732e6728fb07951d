//! The command line.

use lexopt::prelude::*;
use std::path::PathBuf;

pub(crate) const HELP: &str = "\
pshmem-inspect [--verify] PATH

Shows what is in a .npy file, or in a folder that pshmem has saved: names, dtypes, extents, and the minimum,
maximum, mean and number of NaN of each field, or of each member of a structured dtype. NaN are left out of
the minimum, maximum and mean. Files are read in pieces.

Options:
    --verify     compare the files of a folder with the checksums in its schema.json, instead of reading values
    --help       this text
    --version    the version

The exit code is 0, or 1 if anything is wrong: a file is missing, too short or too long, its header cannot be
read or is not that of schema.json, a checksum differs, a bool is neither 0 nor 1, a file is not listed.
";

/// What is asked for.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Help,
    Version,
    Inspect { path: PathBuf, verify: bool },
}

impl Command {
    /// Reads the words of the command line. The error names the word that is wrong.
    pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut path: Option<PathBuf> = None;
        let mut verify = false;
        while let Some(argument) = parser.next()? {
            match argument {
                Short('h') | Long("help") => return Ok(Command::Help),
                Short('V') | Long("version") => return Ok(Command::Version),
                Long("verify") => verify = true,
                Value(value) if path.is_none() => path = Some(value.into()),
                other => return Err(other.unexpected()),
            }
        }
        match path {
            Some(path) => Ok(Command::Inspect { path, verify }),
            None => Err("no file or folder is named".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        let parser = lexopt::Parser::from_args(line.split_whitespace());
        Command::parse(parser).map_err(|error| error.to_string())
    }

    #[test]
    fn options_may_stand_anywhere() {
        let inspect = |path: &str, verify| {
            let path = path.into();
            Ok(Command::Inspect { path, verify })
        };
        assert_eq!(parse("a.npy"), inspect("a.npy", false));
        assert_eq!(parse("--verify a"), inspect("a", true));
        assert_eq!(parse("a --verify"), inspect("a", true));
        assert_eq!(parse("-- --verify"), inspect("--verify", false));
        assert_eq!(parse("a --help"), Ok(Command::Help));
        assert_eq!(parse("-V"), Ok(Command::Version));
    }

    #[test]
    fn mistakes_name_the_word() {
        for (line, part) in [("", "no file"), ("a b", "\"b\""), ("--check a", "--check")] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
