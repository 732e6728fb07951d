//! Command line words to options. Every mistake names the word and what may stand there.

/// Options of `cargo xtask test`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Test {
    pub(crate) no_mpi: bool,
    pub(crate) only: Option<String>,
    pub(crate) filter: Option<String>,
    pub(crate) nodes: Option<usize>,
    pub(crate) proof: bool,
    pub(crate) verbose: bool,
}

/// Options of `cargo xtask bench`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Bench {
    pub(crate) only: Option<String>,
    pub(crate) no_python: bool,
}

/// Options of `cargo xtask fuzz`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Fuzz {
    pub(crate) sequences: Option<u64>,
    pub(crate) seconds: Option<u64>,
    pub(crate) seed: Option<u64>,
}

/// A command that takes no words.
pub(crate) fn none(words: &[String]) -> Result<(), String> {
    match words.first() {
        None => Ok(()),
        Some(word) => Err(format!("`{word}`: this command takes no options")),
    }
}

impl Test {
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--no-mpi" => options.no_mpi = true,
                "--proof" => options.proof = true,
                "--verbose" => options.verbose = true,
                "--only" => options.only = Some(library(value(word, words.next())?)?),
                "--filter" => options.filter = Some(value(word, words.next())?.clone()),
                "--nodes" => options.nodes = Some(nodes(value(word, words.next())?)?),
                _ => {
                    return Err(format!(
                        "`{word}`: `test` knows --no-mpi, --only, --filter, --nodes, --proof, --verbose"
                    ));
                }
            }
        }
        if options.no_mpi && (options.only.is_some() || options.nodes.is_some()) {
            return Err("--no-mpi leaves nothing for --only or --nodes to run".into());
        }
        Ok(options)
    }
}

impl Bench {
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--no-python" => options.no_python = true,
                "--only" => options.only = Some(library(value(word, words.next())?)?),
                _ => return Err(format!("`{word}`: `bench` knows --only, --no-python")),
            }
        }
        Ok(options)
    }
}

impl Fuzz {
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let option = match word.as_str() {
                "--sequences" => &mut options.sequences,
                "--seconds" => &mut options.seconds,
                "--seed" => &mut options.seed,
                _ => {
                    return Err(format!(
                        "`{word}`: `fuzz` knows --sequences, --seconds, --seed"
                    ));
                }
            };
            let value = value(word, words.next())?;
            let number = value.parse();
            *option = Some(number.map_err(|_| format!("{word} takes a number, not `{value}`"))?);
        }
        Ok(options)
    }
}

fn value<'a>(option: &str, word: Option<&'a String>) -> Result<&'a String, String> {
    word.ok_or_else(|| format!("{option} needs a value"))
}

fn library(word: &String) -> Result<String, String> {
    match word.as_str() {
        "openmpi" | "mpich" => Ok(word.clone()),
        _ => Err(format!("--only openmpi or --only mpich, not `{word}`")),
    }
}

fn nodes(word: &str) -> Result<usize, String> {
    match word.parse() {
        Ok(n @ 2..=16) => Ok(n),
        _ => Err(format!("--nodes takes a number from 2 to 16, not `{word}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn all_options_of_test() {
        let options = Test::parse(&words(
            "--only mpich --filter set_ --nodes 3 --proof --verbose",
        ))
        .unwrap();
        let expected = Test {
            no_mpi: false,
            only: Some("mpich".into()),
            filter: Some("set_".into()),
            nodes: Some(3),
            proof: true,
            verbose: true,
        };
        assert_eq!(options, expected);
        assert_eq!(Test::parse(&[]).unwrap(), Test::default());
    }

    #[test]
    fn mistakes_name_the_word() {
        for (line, part) in [
            ("--only lam", "lam"),
            ("--only", "--only needs"),
            ("--nodes 1", "2 to 16"),
            ("--fast", "--fast"),
            ("--no-mpi --nodes 2", "--no-mpi"),
        ] {
            let message = Test::parse(&words(line)).unwrap_err();
            assert!(message.contains(part), "{line}: {message}");
        }
        assert!(
            Bench::parse(&words("--rows"))
                .unwrap_err()
                .contains("--rows")
        );
        assert!(none(&words("x")).is_err());
    }

    #[test]
    fn options_of_fuzz() {
        let options = Fuzz::parse(&words("--seed 7 --sequences 1")).unwrap();
        let expected = Fuzz {
            sequences: Some(1),
            seconds: None,
            seed: Some(7),
        };
        assert_eq!(options, expected);
        for (line, part) in [
            ("--seed x", "`x`"),
            ("--seconds", "needs"),
            ("--rate", "--rate"),
        ] {
            let message = Fuzz::parse(&words(line)).unwrap_err();
            assert!(message.contains(part), "{line}: {message}");
        }
    }

    #[test]
    fn options_of_bench() {
        let options = Bench::parse(&words("--no-python --only openmpi")).unwrap();
        assert_eq!(
            options,
            Bench {
                only: Some("openmpi".into()),
                no_python: true
            }
        );
    }
}
