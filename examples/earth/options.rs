//! The command line.

use std::path::PathBuf;

use crate::coast;

pub(crate) const HELP: &str = "\
Throws random points at the globe and measures how much of it is land.

Options:
  --total N     points to throw, over all ranks [2000000]
  --seed S      the same seed and total give the same answer, with any number of ranks [1]
  --map FILE    the world map to write, as PNG [earth.png]
  --width W     its width in pixels, 64 to 16384 [1440]
  --data FILE   coastlines to read instead of examples/data/land-50m.csv
  --bands N     cut the globe into N bands, each a task: a run that was killed goes on where it ended, and several runs
                may share the bands [0: no tasks]
  --dir DIR     where the bands are kept [earth-bands]
  --help        this text

Ranks are MPI processes under mpirun (build with `--features mpi`), threads otherwise: one per core, or as
PSHMEM_LOCAL says (4: four ranks on one node, 2+2: two nodes of two ranks).
";

/// The options, with their defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) total: u64,
    pub(crate) seed: u64,
    pub(crate) map: PathBuf,
    pub(crate) width: u32,
    pub(crate) data: PathBuf,
    pub(crate) bands: usize,
    pub(crate) dir: PathBuf,
}

impl Options {
    /// Reads the arguments; `None` when help was asked for.
    pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            total: 2_000_000,
            seed: 1,
            map: "earth.png".into(),
            width: 1440,
            data: coast::DEFAULT_FILE.into(),
            bands: 0,
            dir: "earth-bands".into(),
        };
        let mut args = args.into_iter();
        while let Some(name) = args.next() {
            let mut value = || args.next().ok_or(format!("{name} needs a value"));
            match name.as_str() {
                // With more points, a pixel's 32-bit count could overflow.
                "--total" => options.total = number(&name, &value()?, 1..=1_000_000_000_000)?,
                "--seed" => options.seed = number(&name, &value()?, 0..=u64::MAX)?,
                "--map" => options.map = value()?.into(),
                "--width" => options.width = number(&name, &value()?, 64..=16_384)? as u32,
                "--data" => options.data = value()?.into(),
                "--bands" => options.bands = number(&name, &value()?, 0..=9999)? as usize,
                "--dir" => options.dir = value()?.into(),
                "--help" | "-h" => return Ok(None),
                _ => return Err(format!("unknown option `{name}`; --help lists them")),
            }
        }
        Ok(Some(options))
    }
}

fn number(name: &str, text: &str, range: std::ops::RangeInclusive<u64>) -> Result<u64, String> {
    match text.replace('_', "").parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!(
            "{name} is a whole number from {} to {}, not `{text}`",
            range.start(),
            range.end()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Options>, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read() {
        let options = parse(
            "--total 10_000 --seed 7 --map a.png --width 800 --data b.csv --bands 12 --dir c",
        );
        let expected = Options {
            total: 10_000,
            seed: 7,
            map: "a.png".into(),
            width: 800,
            data: "b.csv".into(),
            bands: 12,
            dir: "c".into(),
        };
        assert_eq!(options, Ok(Some(expected)));
        assert_eq!(parse("").unwrap().unwrap().total, 2_000_000);
        assert_eq!(parse("--seed 7 --help"), Ok(None));
    }

    #[test]
    fn bad_options_are_told_apart() {
        let error = |line| parse(line).unwrap_err();
        assert_eq!(
            error("--total 0"),
            "--total is a whole number from 1 to 1000000000000, not `0`"
        );
        assert!(error("--total many").contains("not `many`"));
        assert!(error("--width 63").contains("from 64 to 16384"));
        assert_eq!(error("--seed"), "--seed needs a value");
        assert!(error("--sede 1").starts_with("unknown option `--sede`"));
    }
}
