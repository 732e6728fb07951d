//! The words on the command line.

use std::path::Path;

/// Pointing periods that are usual. Each moves the axis of the telescope by four degrees.
const PERIODS: usize = 90;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) periods: usize,
    /// The file for a picture.
    pub(crate) picture: Option<String>,
}

impl Options {
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Options {
            periods: PERIODS,
            picture: None,
        };
        for word in words {
            if Path::new(&word).extension() == Some("png".as_ref()) {
                options.picture = Some(word);
                continue;
            }
            match word.parse() {
                Ok(periods) if (1..1_000_000).contains(&periods) => options.periods = periods,
                _ => {
                    return Err(format!(
                        "`{word}` is neither a number of periods nor a .png file"
                    ));
                }
            }
        }
        Ok(options)
    }
}
