//! The words on the command line.

use std::fmt;

/// Which reactor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    Large,
}

impl Size {
    pub(crate) fn nuclides(self) -> usize {
        match self {
            Self::Small => 68,
            Self::Large => 355,
        }
    }
}

/// How look-ups follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Each is independent of the others.
    Event,
    /// Each particle makes [`LOOKUPS_OF_PARTICLE`], which depend on those before.
    History,
}

/// How the energies around a given one are found for a nuclide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grid {
    Unionized,
    Hash,
    Nuclide,
}

pub(crate) const LOOKUPS_OF_PARTICLE: u64 = 34;
const PARTICLES: u64 = 500_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) size: Size,
    pub(crate) mode: Mode,
    pub(crate) grid: Grid,
    /// Look-ups or particles, where they are not the default.
    count: Option<u64>,
    /// Energies of each nuclide.
    pub(crate) points: usize,
}

impl Options {
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Options {
            size: Size::Small,
            mode: Mode::Event,
            grid: Grid::Unionized,
            count: None,
            points: POINTS,
        };
        for word in words {
            match word.as_str() {
                "small" => options.size = Size::Small,
                "large" => options.size = Size::Large,
                "event" => options.mode = Mode::Event,
                "history" => options.mode = Mode::History,
                "unionized" => options.grid = Grid::Unionized,
                "hash" => options.grid = Grid::Hash,
                "nuclide" => options.grid = Grid::Nuclide,
                _ => options.number(&word)?,
            }
        }
        Ok(options)
    }

    /// A number of look-ups or particles, or `points=N`.
    fn number(&mut self, word: &str) -> Result<(), String> {
        let unknown = || {
            format!(
                "{word}: write small or large, event or history, unionized, hash or nuclide, points=N of at least 2, and a number of look-ups"
            )
        };
        if let Some(points) = word.strip_prefix("points=") {
            let points = points.parse().ok().filter(|&points| points >= 2);
            self.points = points.ok_or_else(unknown)?;
            return Ok(());
        }
        self.count = Some(word.parse().map_err(|_| unknown())?);
        Ok(())
    }

    /// Look-ups in mode `event`, particles in mode `history`.
    pub(crate) fn count(&self) -> u64 {
        self.count.unwrap_or(match self.mode {
            Mode::Event => PARTICLES * LOOKUPS_OF_PARTICLE,
            Mode::History => PARTICLES,
        })
    }

    pub(crate) fn lookups(&self) -> u64 {
        match self.mode {
            Mode::Event => self.count(),
            Mode::History => self.count() * LOOKUPS_OF_PARTICLE,
        }
    }

    /// The checksum that the original publishes for its default numbers; it does not depend on the grid.
    pub(crate) fn expected(&self) -> Option<u64> {
        if self.count.is_some() || self.points != POINTS {
            return None;
        }
        Some(match (self.size, self.mode) {
            (Size::Small, Mode::Event) => 945_990,
            (Size::Small, Mode::History) => 941_535,
            (Size::Large, Mode::Event) => 952_131,
            (Size::Large, Mode::History) => 954_318,
        })
    }
}

const POINTS: usize = 11_303;

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} nuclides with {} energies, {:?} grid, {:?} mode",
            self.size.nuclides(),
            self.points,
            self.grid,
            self.mode
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_in_any_order() {
        let parse = |text: &str| Options::parse(text.split_whitespace().map(String::from));
        let options = parse("1000 hash large history points=20").unwrap();
        assert_eq!((options.count(), options.lookups()), (1000, 34_000));
        assert_eq!((options.grid, options.points), (Grid::Hash, 20));
        assert_eq!(options.expected(), None);
        assert_eq!(parse("large").unwrap().expected(), Some(952_131));
        for wrong in ["medium", "-1", "points=1", "points=x"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
