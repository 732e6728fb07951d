//! What the examples have to print and write.

use std::path::Path;

/// The array that every rank of `quickstart` shows, without white space.
const BLOCK: &str = "[[0,0,0,0,0],[0,0,1,2,0],[0,3,4,5,0]]";

/// Every rank prints the array, and rank 3 the element that it reads.
pub(crate) fn quickstart(output: &str, ranks: usize) -> Result<(), String> {
    let dense: String = output.chars().filter(|c| !c.is_whitespace()).collect();
    let found = dense.matches(BLOCK).count();
    if found != ranks {
        return Err(format!("the array was printed {found} times, not {ranks}"));
    }
    if ranks > 3
        && !output
            .lines()
            .any(|line| line.starts_with("rank 3 reads 5 "))
    {
        return Err("no line `rank 3 reads 5`".into());
    }
    Ok(())
}

/// Five lines of each of four ranks, none of them torn, and as many counted.
pub(crate) fn lock(output: &str) -> Result<(), String> {
    let is_right =
        |line: &str| line.starts_with("20 whole lines in ") && line.ends_with(", counted 20");
    if output.lines().any(is_right) {
        Ok(())
    } else {
        Err("no line `20 whole lines in .., counted 20`".into())
    }
}

/// The result of all ranks is that of one, bit by bit: the example compares them itself.
pub(crate) fn heat(output: &str) -> Result<(), String> {
    let is_right = |line: &str| line.starts_with("the same bits as on one rank, with ");
    if output.lines().any(is_right) {
        Ok(())
    } else {
        Err("no line `the same bits as on one rank, with ..`".into())
    }
}

/// The same of a run that began with the checkpoint of another one.
pub(crate) fn continued_heat(output: &str) -> Result<(), String> {
    let continues = |line: &str| line.starts_with("heat: continues after step ");
    if !output.lines().any(continues) {
        return Err("no line `heat: continues after step ..`".into());
    }
    heat(output)
}

/// What `skymap` finds in its usual scan, with any number of ranks.
const SKY: &str = "skymap: 2106000 samples of 4 detectors, 4608 of 4608 pixels seen";
/// Its noise in microkelvin: before and after the drifts are removed, and what no solver can remove.
const NOISE: [f64; 3] = [131.81, 92.86, 79.62];

/// The usual scan gives the same map with any number of ranks, but for rounding.
pub(crate) fn skymap(output: &str) -> Result<(), String> {
    exact_line(output, "skymap: ", SKY)?;
    let line = output.lines().find(|line| line.starts_with("noise: "));
    let line = line.ok_or("no line `noise: ..`")?;
    let found: Vec<f64> = line
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    let is_near = |(found, expected): (&f64, &f64)| (found / expected - 1.0).abs() < 1e-3;
    if found.len() == NOISE.len() && found.iter().zip(&NOISE).all(is_near) {
        Ok(())
    } else {
        Err(format!("`{line}`, where {NOISE:?} was expected"))
    }
}

/// The number of pages for [`pagerank`].
pub(crate) const PAGES: &str = "5000";

/// What `pagerank` finds in that many pages, with any number of ranks.
const BEST_PAGE: &str = "pagerank: 5000 pages, 34951 links, after 25 rounds the best is www.page-3.org/index.html with \
                         7.406272868747 times the mean score";

/// The same scores, bit by bit, with any number of ranks.
pub(crate) fn pagerank(output: &str) -> Result<(), String> {
    exact_line(output, "pagerank: ", BEST_PAGE)
}

/// The first line that begins like this is the expected one.
fn exact_line(output: &str, start: &str, expected: &str) -> Result<(), String> {
    match output.lines().find(|line| line.starts_with(start)) {
        Some(line) if line == expected => Ok(()),
        Some(other) => Err(format!("`{other}` instead of `{expected}`")),
        None => Err(format!("no line `{start}..`")),
    }
}

/// Ten tasks, done by two workers.
pub(crate) fn batch(output: &str) -> Result<(), String> {
    if output.contains("10 tasks, 2 workers: 10 DONE") {
        Ok(())
    } else {
        Err("no line `10 tasks, 2 workers: 10 DONE`".into())
    }
}

/// A job for `earth` that takes a moment.
pub(crate) const EARTH_ARGS: [&str; 4] = ["--total", "300000", "--seed", "7"];

/// What `earth` found out: it depends on seed and total only.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Earth {
    line: String,
    map: Vec<u8>,
}

impl Earth {
    /// Reads the answer from the output and the picture from its file.
    pub(crate) fn read(output: &str, map: &Path) -> Result<Self, String> {
        let line = land_fraction(output)?;
        let map = std::fs::read(map).map_err(|why| format!("{}: {why}", map.display()))?;
        if !map.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Err("the map is not a PNG file".into());
        }
        Ok(Self { line, map })
    }

    /// `Err` says in what the two differ.
    pub(crate) fn same_as(&self, other: &Self) -> Result<(), String> {
        if self.line != other.line {
            Err(format!("`{}`, but elsewhere `{}`", self.line, other.line))
        } else if self.map != other.map {
            Err("the same answer, but another map".into())
        } else {
            Ok(())
        }
    }
}

/// The line with the answer, which must be near what is known.
fn land_fraction(output: &str) -> Result<String, String> {
    // The exact area of the polygons under the rule of examples/data/README.md (0.28748).
    const KNOWN: f64 = 0.2875;
    // Five standard deviations of the job above.
    const TOLERANCE: f64 = 0.0042;
    let line = output
        .lines()
        .find(|line| line.starts_with("land fraction "));
    let line = line.ok_or("no line `land fraction`")?.trim();
    let number: Option<f64> = line.split(' ').nth(2).and_then(|word| word.parse().ok());
    match number {
        Some(number) if (number - KNOWN).abs() < TOLERANCE => Ok(line.into()),
        _ => Err(format!("`{line}`: {KNOWN} is the known value")),
    }
}

/// Look-ups or particles of a run of `xsbench`, and the checksum that the original program prints for them.
pub(super) fn xsbench_counts(mode: &str) -> (&'static str, u64) {
    match mode {
        "history" => ("1000", 101_914),
        _ => ("20000", 59_837),
    }
}

pub(super) fn xsbench(text: &str, mode: &str) -> Result<(), String> {
    let (_, checksum) = xsbench_counts(mode);
    let line = format!("checksum: {checksum}");
    if text.lines().any(|found| found == line) {
        return Ok(());
    }
    Err(format!("no line `{line}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quickstart_needs_a_block_of_every_rank() {
        let block = "rank 1: [[0, 0, 0, 0, 0], [0, 0, 1, 2, 0], [0, 3, 4, 5, 0]]\n";
        let read = "rank 3 reads 5 at [2, 3]\n";
        assert_eq!(quickstart(&(block.repeat(4) + read), 4), Ok(()));
        assert_eq!(quickstart(&block.repeat(2), 2), Ok(()));
        assert!(
            quickstart(&(block.repeat(3) + read), 4)
                .unwrap_err()
                .contains("3 times, not 4")
        );
        assert!(
            quickstart(&block.repeat(4), 4)
                .unwrap_err()
                .contains("rank 3")
        );
    }

    #[test]
    fn the_lines_of_lock_are_counted() {
        assert_eq!(lock("x\n20 whole lines in /tmp/a, counted 20\n"), Ok(()));
        assert!(lock("19 whole lines in /tmp/a, counted 20\n").is_err());
    }

    #[test]
    fn heat_skymap_and_pagerank_must_be_exact() {
        assert_eq!(
            heat("heat: x\nthe same bits as on one rank, with 4 ranks\n"),
            Ok(())
        );
        assert!(heat("heat: 400 steps\n").is_err());
        let same = "the same bits as on one rank, with 4 ranks\n";
        assert!(continued_heat(same).is_err());
        assert!(continued_heat("heat: continues after step 100\n").is_err());
        assert_eq!(
            continued_heat(&format!("heat: continues after step 100\n{same}")),
            Ok(())
        );
        let noise = |destriped: f64| {
            format!("noise: binned 131.81 uK, destriped {destriped} uK, white noise alone 79.62 uK")
        };
        assert_eq!(skymap(&format!("{SKY}\n{}\n", noise(92.87))), Ok(()));
        assert!(skymap(&format!("{SKY}\n{}\n", noise(131.81))).is_err());
        assert!(skymap(SKY).is_err());
        let error = skymap("skymap: 999999 samples\n").unwrap_err();
        assert!(error.contains("`skymap: 999999 samples`"), "{error}");
        assert!(skymap("nothing").is_err());
        assert_eq!(pagerank(&format!("{BEST_PAGE}\n")), Ok(()));
        assert!(pagerank("pagerank: 3 pages").is_err());
    }

    #[test]
    fn the_land_fraction_is_checked() {
        let line = "land fraction 0.28743 +- 0.00032 (574860 of 2000000 points, seed 1)";
        assert_eq!(
            land_fraction(&format!("map: x\n{line}\n")).as_deref(),
            Ok(line)
        );
        assert!(
            land_fraction("land fraction 0.71000 +- 0.1")
                .unwrap_err()
                .contains("0.2875")
        );
        assert!(land_fraction("nothing").is_err());
    }

    #[test]
    fn answers_are_compared() {
        let earth = |line: &str, map: &[u8]| Earth {
            line: line.into(),
            map: map.into(),
        };
        assert_eq!(earth("a", b"1").same_as(&earth("a", b"1")), Ok(()));
        assert!(
            earth("a", b"1")
                .same_as(&earth("b", b"1"))
                .unwrap_err()
                .contains("elsewhere `b`")
        );
        assert!(
            earth("a", b"1")
                .same_as(&earth("a", b"2"))
                .unwrap_err()
                .contains("map")
        );
    }
}
