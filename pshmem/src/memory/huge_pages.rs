//! Huge pages: whether to ask for them, and how many there are.
//!
//! | `PSHMEM_HUGE_PAGES` | |
//! |---|---|
//! | `auto` | objects of at least 16 MiB ask for huge pages (the default) |
//! | `always` | objects of at least 2 MiB |
//! | `never` | none |

use crate::error::{Error, Result};
use std::ops::Range;

pub(crate) const VARIABLE: &str = "PSHMEM_HUGE_PAGES";

/// Bytes of a huge page, and the alignment that it needs.
pub(crate) const HUGE_PAGE: usize = 2 << 20;

/// Objects that ask for huge pages without being told to. The small pages of one of this size have about as many entries as the
/// largest tables of today's processors that hold them.
const LARGE: usize = 16 << 20;

/// Which objects ask for huge pages. In this order the last one wins if ranks differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HugePages {
    Auto,
    Always,
    Never,
}

impl HugePages {
    const ALL: [(HugePages, &str); 3] = [
        (HugePages::Auto, "auto"),
        (HugePages::Always, "always"),
        (HugePages::Never, "never"),
    ];

    /// What the environment asks for.
    pub(crate) fn from_environment() -> Result<Self> {
        match std::env::var(VARIABLE) {
            Ok(value) => Self::parse(&value).ok_or_else(|| Error::InvalidSetting {
                name: VARIABLE.to_owned(),
                value,
                reason: "write auto, always or never".to_owned(),
            }),
            Err(_) => Ok(HugePages::Auto),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let named = |&&(_, name): &&(HugePages, &str)| name == text.trim();
        Self::ALL.iter().find(named).map(|&(setting, _)| setting)
    }

    pub(crate) fn of_number(number: u64) -> Option<Self> {
        let entry = Self::ALL.get(usize::try_from(number).ok()?);
        entry.map(|&(setting, _)| setting)
    }

    /// Whether a mapping of `len` bytes asks for them.
    pub(crate) fn are_for(self, len: usize) -> bool {
        match self {
            HugePages::Auto => len >= LARGE,
            HugePages::Always => len >= HUGE_PAGE,
            HugePages::Never => false,
        }
    }
}

/// How many bytes of each range of addresses this process has as huge pages.
pub(crate) fn bytes_in(ranges: &[Range<usize>]) -> Vec<usize> {
    if ranges.is_empty() || cfg!(miri) {
        return vec![0; ranges.len()];
    }
    // Without the file nothing is known, which is 0 for people who ask.
    let text = std::fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    let mappings = mappings(&text);
    ranges
        .iter()
        .map(|range| {
            let overlapping = mappings
                .iter()
                .filter(|(at, _)| at.start < range.end && range.start < at.end);
            // A mapping may hold more than the range, if the system has joined two.
            let bytes: usize = overlapping.map(|(_, huge)| huge).sum();
            bytes.min(range.len())
        })
        .collect()
}

/// The mappings of a process with the bytes that they have as huge pages, from its `smaps`.
fn mappings(smaps: &str) -> Vec<(Range<usize>, usize)> {
    const FIELDS: [&str; 3] = ["AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:"];
    let mut mappings: Vec<(Range<usize>, usize)> = Vec::new();
    for line in smaps.lines() {
        if let Some(range) = line.split(' ').next().and_then(addresses) {
            mappings.push((range, 0));
        } else if let Some(kib) = FIELDS.iter().find_map(|field| line.strip_prefix(field))
            && let Some(kib) = kib.trim().strip_suffix(" kB")
            && let Some((_, huge)) = mappings.last_mut()
        {
            *huge += kib.parse::<usize>().unwrap_or(0) * 1024;
        }
    }
    mappings
}

/// The range of addresses that begins a line of `smaps`, such as `7f00-7f80`.
fn addresses(word: &str) -> Option<Range<usize>> {
    let (start, end) = word.split_once('-')?;
    let number = |text| usize::from_str_radix(text, 16).ok();
    Some(number(start)?..number(end)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_decide_by_length() {
        let lengths = [1 << 20, HUGE_PAGE, LARGE - 1, LARGE];
        for (text, expected) in [
            ("auto", [false, false, false, true]),
            (" always ", [false, true, true, true]),
            ("never", [false; 4]),
        ] {
            let setting = HugePages::parse(text).unwrap();
            assert_eq!(lengths.map(|len| setting.are_for(len)), expected, "{text}");
            assert_eq!(HugePages::of_number(setting as u64), Some(setting));
        }
        for text in ["", "yes", "AUTO", "2M"] {
            assert_eq!(HugePages::parse(text), None, "{text}");
        }
        assert_eq!(HugePages::of_number(3), None);
    }

    #[test]
    fn huge_pages_are_counted_in_all_fields_of_a_mapping() {
        let smaps = "\
7f0000000000-7f0000400000 rw-s 00000000 00:01 5 /memfd:pshmem (deleted)
Size:               4096 kB
AnonHugePages:         0 kB
ShmemPmdMapped:     2048 kB
FilePmdMapped:         0 kB
VmFlags: rd wr sh
7f0000400000-7f0000800000 rw-p 00000000 00:00 0
AnonHugePages:      4096 kB
ShmemPmdMapped:        0 kB
";
        let found = mappings(smaps);
        assert_eq!(found[0], (0x7f00_0000_0000..0x7f00_0040_0000, 2 << 20));
        assert_eq!(found[1], (0x7f00_0040_0000..0x7f00_0080_0000, 4 << 20));
        assert!(mappings("nonsense\nAnonHugePages: x kB\n").is_empty());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn ranges_without_huge_pages_have_none() {
        let text = [0_u8; 100];
        let start = text.as_ptr().addr();
        let found = bytes_in(&[start..start + 100, 0..100]);
        assert!(found[0] <= 100 && found[1] == 0, "{found:?}");
        assert!(bytes_in(&[]).is_empty());
    }
}
