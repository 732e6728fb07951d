//! Lists of CPUs, as the kernel writes them: `0-3,8-11`.

use std::fmt;
use std::ops::RangeInclusive;

/// CPUs in rising order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CpuList {
    /// Not empty, and in rising order. Ranges and not CPUs, because any text is parsed, also one that names billions.
    ranges: Vec<RangeInclusive<u32>>,
}

impl CpuList {
    /// Parses what the kernel writes. `None` for anything else; no text is an empty list.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
        for range in text.split(',').filter(|_| !text.is_empty()) {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (parse_number(first)?, parse_number(last)?);
            let is_rising = ranges.last().is_none_or(|before| *before.end() < first);
            if first > last || !is_rising {
                return None;
            }
            ranges.push(first..=last);
        }
        Some(CpuList { ranges })
    }

    /// Number of CPUs.
    pub(crate) fn count(&self) -> usize {
        let len = |range: &RangeInclusive<u32>| (range.end() - range.start()) as usize + 1;
        self.ranges.iter().map(len).sum()
    }

    pub(crate) fn contains(&self, cpu: u32) -> bool {
        self.ranges.iter().any(|range| range.contains(&cpu))
    }

    pub(crate) fn first(&self) -> Option<u32> {
        self.iter().next()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        self.ranges.iter().cloned().flatten()
    }
}

/// A number as the kernel writes it, without a sign.
pub(crate) fn parse_number(text: &str) -> Option<u32> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// From CPUs in rising order.
impl FromIterator<u32> for CpuList {
    fn from_iter<I: IntoIterator<Item = u32>>(cpus: I) -> Self {
        let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
        for cpu in cpus {
            match ranges.last_mut() {
                Some(range) if range.end() + 1 == cpu => *range = *range.start()..=cpu,
                _ => ranges.push(cpu..=cpu),
            }
        }
        CpuList { ranges }
    }
}

impl fmt::Display for CpuList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.ranges.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{}", range.start())?;
            if range.start() < range.end() {
                write!(f, "-{}", range.end())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_parsed_and_printed() {
        for (text, cpus) in [
            ("", vec![]),
            ("0", vec![0]),
            ("0-3,8-9", vec![0, 1, 2, 3, 8, 9]),
            ("1,3,5", vec![1, 3, 5]),
        ] {
            let list = CpuList::parse(&format!("{text}\n")).unwrap();
            assert_eq!(list.iter().collect::<Vec<_>>(), cpus, "{text}");
            assert_eq!(
                (list.count(), list.first()),
                (cpus.len(), cpus.first().copied())
            );
            assert_eq!(list.to_string(), text);
            assert_eq!(cpus.iter().copied().collect::<CpuList>(), list);
            assert!((0..12).all(|cpu| list.contains(cpu) == cpus.contains(&cpu)));
        }
        let all = CpuList::parse("0-4294967295").unwrap();
        assert_eq!(all.count(), 1 << 32);
    }

    #[test]
    fn other_texts_are_no_lists() {
        for text in [
            "3-1",
            "0-",
            "-1",
            "+1",
            "a",
            ",",
            "0,",
            "0-1-2",
            "0-3,2",
            "1,1",
            "0 1",
            "0-6:2/4",
            "4294967296",
        ] {
            assert_eq!(CpuList::parse(text), None, "{text}");
        }
    }
}
