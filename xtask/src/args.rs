//! The command line: which command, with which options.

use crate::setup;
use lexopt::prelude::*;
use std::ffi::OsString;
use std::path::PathBuf;

/// What `cargo xtask` is asked to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Help,
    Setup,
    Test(Test),
    Fuzz(Fuzz),
    FuzzNpy(FuzzNpy),
    Inject(Inject),
    Slurm(Slurm),
    Formats,
    Tsan,
    Miri(Miri),
    Mutants(Vec<OsString>),
    /// The arguments of the example.
    Demo(Vec<OsString>),
    Bench(Bench),
}

/// Options of `cargo xtask test`.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Test {
    pub(crate) no_mpi: bool,
    /// Only what runs under MPI libraries.
    pub(crate) mpi_only: bool,
    pub(crate) only: Option<String>,
    /// The libraries by name, where `--libraries` chooses them.
    pub(crate) libraries: Option<Vec<&'static str>>,
    pub(crate) filter: Option<String>,
    pub(crate) nodes: Option<usize>,
    pub(crate) proof: bool,
    pub(crate) strict: bool,
    pub(crate) verbose: bool,
}

/// Options of `cargo xtask miri`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Miri {
    pub(crate) seeds: Option<u32>,
}

/// Options of `cargo xtask bench`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Bench {
    pub(crate) only: Option<String>,
    pub(crate) no_python: bool,
    /// Results of an earlier run, to compare with.
    pub(crate) against: Option<PathBuf>,
    /// Parts of the names of the rows that are measured; all if there are none.
    pub(crate) rows: Vec<String>,
}

/// Options of `cargo xtask fuzz`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Fuzz {
    pub(crate) sequences: Option<u64>,
    pub(crate) seconds: Option<u64>,
    pub(crate) seed: Option<u64>,
    pub(crate) jobs: Option<u64>,
    pub(crate) repeat: Option<u64>,
}

/// Options of `cargo xtask fuzz-npy`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct FuzzNpy {
    pub(crate) inputs: Option<u64>,
    pub(crate) seed: Option<u64>,
}

/// Options of `cargo xtask inject`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Inject {
    pub(crate) only: Option<String>,
    pub(crate) seconds: Option<u64>,
    pub(crate) seed: Option<u64>,
}

/// Options of `cargo xtask slurm`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Slurm {
    pub(crate) only: Option<String>,
    /// Only rows whose name contains it.
    pub(crate) filter: Option<String>,
}

impl Command {
    /// Reads the words after `cargo xtask`. The error names the word that is wrong.
    pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let command = match parser.next()? {
            None | Some(Short('h') | Long("help")) => return Ok(Self::Help),
            Some(Value(command)) => command.string()?,
            Some(option) => return Err(option.unexpected()),
        };
        Ok(match command.as_str() {
            "help" => Self::Help,
            "setup" => no_options(parser, Self::Setup)?,
            "test" => Self::Test(Test::parse(parser)?),
            "fuzz" => Self::Fuzz(Fuzz::parse(parser)?),
            "fuzz-npy" => Self::FuzzNpy(FuzzNpy::parse(parser)?),
            "inject" => Self::Inject(Inject::parse(parser)?),
            "slurm" => Self::Slurm(Slurm::parse(parser)?),
            "formats" => no_options(parser, Self::Formats)?,
            "tsan" => no_options(parser, Self::Tsan)?,
            "miri" => Self::Miri(Miri::parse(parser)?),
            "mutants" => Self::Mutants(parser.raw_args()?.collect()),
            "demo" => Self::Demo(parser.raw_args()?.collect()),
            "bench" => Self::Bench(Bench::parse(parser)?),
            other => {
                return Err(format!("no command `{other}`; `cargo xtask help` lists them").into());
            }
        })
    }
}

fn no_options(mut parser: lexopt::Parser, command: Command) -> Result<Command, lexopt::Error> {
    match parser.next()? {
        None => Ok(command),
        Some(argument) => Err(argument.unexpected()),
    }
}

impl Test {
    fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut options = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("no-mpi") => options.no_mpi = true,
                Long("mpi-only") => options.mpi_only = true,
                Long("only") => options.only = Some(library(&mut parser)?),
                Long("libraries") => {
                    options.libraries = Some(parser.value()?.parse_with(libraries)?);
                }
                Long("filter") => options.filter = Some(parser.value()?.string()?),
                Long("nodes") => options.nodes = Some(parser.value()?.parse_with(nodes)?),
                Long("proof") => options.proof = true,
                Long("strict") => options.strict = true,
                Long("verbose") => options.verbose = true,
                other => return Err(other.unexpected()),
            }
        }
        let has_libraries = options.only.is_some() || options.libraries.is_some();
        if options.no_mpi && (has_libraries || options.nodes.is_some()) {
            return Err("--no-mpi leaves nothing for --only, --libraries or --nodes to run".into());
        }
        if options.no_mpi && options.mpi_only {
            return Err("--no-mpi and --mpi-only together leave nothing to run".into());
        }
        if options.only.is_some() && options.libraries.is_some() {
            return Err("--libraries chooses the libraries; --only is one of them too many".into());
        }
        Ok(options)
    }
}

impl Miri {
    fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut options = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("seeds") => options.seeds = Some(parser.value()?.parse()?),
                other => return Err(other.unexpected()),
            }
        }
        Ok(options)
    }
}

impl Bench {
    fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut options = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("only") => options.only = Some(library(&mut parser)?),
                Long("no-python") => options.no_python = true,
                Long("against") => options.against = Some(parser.value()?.into()),
                Value(row) => options.rows.push(row.string()?),
                other => return Err(other.unexpected()),
            }
        }
        Ok(options)
    }
}

impl Fuzz {
    fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut options = Self::default();
        while let Some(argument) = parser.next()? {
            let option = match argument {
                Long("sequences") => &mut options.sequences,
                Long("seconds") => &mut options.seconds,
                Long("seed") => &mut options.seed,
                Long("jobs") => &mut options.jobs,
                Long("repeat") => &mut options.repeat,
                other => return Err(other.unexpected()),
            };
            *option = Some(parser.value()?.parse()?);
        }
        Ok(options)
    }
}

impl FuzzNpy {
    fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut options = Self::default();
        while let Some(argument) = parser.next()? {
            let option = match argument {
                Long("inputs") => &mut options.inputs,
                Long("seed") => &mut options.seed,
                other => return Err(other.unexpected()),
            };
            *option = Some(parser.value()?.parse()?);
        }
        Ok(options)
    }
}

impl Inject {
    fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut options = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("only") => options.only = Some(library(&mut parser)?),
                Long("seconds") => options.seconds = Some(parser.value()?.parse()?),
                Long("seed") => options.seed = Some(parser.value()?.parse()?),
                other => return Err(other.unexpected()),
            }
        }
        Ok(options)
    }
}

impl Slurm {
    fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut options = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("only") => options.only = Some(library(&mut parser)?),
                Long("filter") => options.filter = Some(parser.value()?.string()?),
                other => return Err(other.unexpected()),
            }
        }
        Ok(options)
    }
}

fn library(parser: &mut lexopt::Parser) -> Result<String, lexopt::Error> {
    let name = parser.value()?.string()?;
    match name.as_str() {
        "openmpi" | "mpich" => Ok(name),
        _ => Err(format!("--only openmpi or --only mpich, not `{name}`").into()),
    }
}

/// `all`, or names with commas.
fn libraries(words: &str) -> Result<Vec<&'static str>, String> {
    let known: Vec<&'static str> = crate::mpi::SYSTEM
        .into_iter()
        .chain(setup::libraries::names())
        .collect();
    if words == "all" {
        return Ok(known);
    }
    let find = |word: &str| known.iter().copied().find(|name| *name == word);
    let chosen: Option<Vec<&'static str>> = words.split(',').map(find).collect();
    chosen.ok_or_else(|| format!("--libraries takes all, or some of {}", known.join(",")))
}

fn nodes(word: &str) -> Result<usize, String> {
    match word.parse() {
        Ok(n @ 2..=16) => Ok(n),
        _ => Err("--nodes takes a number from 2 to 16".into()),
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
    fn all_options_of_test() {
        let line =
            "test --only mpich --filter set_ --nodes=3 --mpi-only --proof --strict --verbose";
        let expected = Test {
            no_mpi: false,
            mpi_only: true,
            only: Some("mpich".into()),
            libraries: None,
            filter: Some("set_".into()),
            nodes: Some(3),
            proof: true,
            strict: true,
            verbose: true,
        };
        assert_eq!(parse(line), Ok(Command::Test(expected)));
        assert_eq!(parse("test"), Ok(Command::Test(Test::default())));
    }

    #[test]
    fn libraries_are_chosen_by_name() {
        let chosen = |line: &str| match parse(line) {
            Ok(Command::Test(options)) => options.libraries.unwrap_or_default(),
            other => panic!("{other:?}"),
        };
        assert_eq!(chosen("test --libraries impi,mpich"), ["impi", "mpich"]);
        assert_eq!(chosen("test --libraries all").len(), 5);
    }

    #[test]
    fn mistakes_name_the_word() {
        for (line, part) in [
            ("tests", "tests"),
            ("--test", "--test"),
            ("test --only lam", "lam"),
            ("test --only", "--only"),
            ("test --nodes 1", "2 to 16"),
            ("test --fast", "--fast"),
            ("test --libraries lam", "mpich5"),
            ("test --libraries all --only mpich", "--only"),
            ("test --no-mpi --nodes 2", "--no-mpi"),
            ("test --no-mpi --mpi-only", "--mpi-only"),
            ("bench --rows", "--rows"),
            ("setup x", "\"x\""),
            ("tsan --full", "--full"),
            ("formats hdf5", "\"hdf5\""),
        ] {
            let message = parse(line).unwrap_err();
            assert!(message.contains(part), "{line}: {message}");
        }
    }

    #[test]
    fn options_of_fuzz() {
        let expected = Fuzz {
            sequences: Some(1),
            seconds: None,
            seed: Some(7),
            jobs: None,
            repeat: Some(100),
        };
        let line = "fuzz --seed 7 --sequences 1 --repeat 100";
        assert_eq!(parse(line), Ok(Command::Fuzz(expected)));
        for (line, part) in [
            ("fuzz --seed x", "\"x\""),
            ("fuzz --seconds", "--seconds"),
            ("fuzz --rate", "--rate"),
            ("fuzz-npy --sequences 1", "--sequences"),
        ] {
            let message = parse(line).unwrap_err();
            assert!(message.contains(part), "{line}: {message}");
        }
    }

    #[test]
    fn options_of_inject() {
        let expected = Inject {
            only: Some("mpich".into()),
            seconds: Some(600),
            seed: Some(3),
        };
        let line = "inject --seconds 600 --only mpich --seed 3";
        assert_eq!(parse(line), Ok(Command::Inject(expected)));
        assert!(parse("inject --calls 3").unwrap_err().contains("--calls"));
        let options = Slurm {
            only: Some("openmpi".into()),
            filter: Some("requeue".into()),
        };
        let line = "slurm --only openmpi --filter requeue";
        assert_eq!(parse(line), Ok(Command::Slurm(options)));
        assert!(parse("slurm --nodes 3").unwrap_err().contains("--nodes"));
    }

    #[test]
    fn options_of_miri_and_mutants() {
        let expected = Miri { seeds: Some(64) };
        assert_eq!(parse("miri --seeds 64"), Ok(Command::Miri(expected)));
        assert_eq!(parse("miri"), Ok(Command::Miri(Miri::default())));
        assert!(parse("miri --seeds many").unwrap_err().contains("many"));
        let expected = ["--shard", "1/8"].map(OsString::from).into();
        assert_eq!(parse("mutants --shard 1/8"), Ok(Command::Mutants(expected)));
    }

    #[test]
    fn options_of_bench() {
        let expected = Bench {
            only: Some("openmpi".into()),
            no_python: true,
            against: Some("old.json".into()),
            rows: vec!["lock".into(), "set".into()],
        };
        let line = "bench --no-python lock --only openmpi --against old.json set";
        assert_eq!(parse(line), Ok(Command::Bench(expected)));
    }

    #[test]
    fn the_example_gets_its_arguments_as_they_are() {
        let expected = ["--total", "7"].map(OsString::from).into();
        assert_eq!(parse("demo --total 7"), Ok(Command::Demo(expected)));
        assert_eq!(parse("--help"), Ok(Command::Help));
        assert_eq!(parse(""), Ok(Command::Help));
    }
}
