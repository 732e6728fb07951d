//! Texts inside errors: shortened so that an error fits into a message, and made from a panic's payload.

use crate::error::Error;

/// The place of [`Error::NoRoom`] where node memory is files of the system.
pub(crate) const SHM: &str = "/dev/shm";

/// How the place of [`Error::NoRoom`] begins if a cgroup limits the memory.
pub(crate) const CGROUP: &str = "the cgroup ";

impl Error {
    /// The error with each text shortened to 300 bytes, so that it can be sent to other ranks.
    pub(crate) fn clipped(mut self) -> Self {
        const TEXT: usize = 300;
        self.clip_texts(TEXT);
        self
    }

    /// The error with its texts shortened, if it needs it, so that it has at most `limit` bytes when it is encoded. Without
    /// texts, every error has fewer than 300.
    pub(crate) fn fitted(mut self, limit: usize) -> Self {
        let size =
            |error: &Self| postcard::to_allocvec(error).map_or(usize::MAX, |bytes| bytes.len());
        let mut longest = limit;
        while size(&self) > limit && longest > 0 {
            longest /= 2;
            self.clip_texts(longest);
        }
        self
    }

    fn clip_texts(&mut self, limit: usize) {
        if let Error::Directory { path, .. } | Error::File { path, .. } = self {
            // Paths differ at their ends.
            *path = clip_start(path, limit.saturating_sub('…'.len_utf8()));
        }
        if let Error::Command { tail, .. } = self {
            *tail = clip_start(tail, limit.saturating_sub('…'.len_utf8()));
        }
        if let Error::NoRoom { place, .. } = self {
            // What it is stands at its start, and which one at its end.
            *place = clip_middle(place, limit);
        }
        for text in self.texts() {
            *text = clip(text, limit);
        }
    }

    /// All texts of the error, whose lengths users decide. There is no arm for "all others", so that no new one is forgotten.
    fn texts(&mut self) -> Vec<&mut String> {
        match self {
            Error::OutOfBounds { .. }
            | Error::Counts { .. }
            | Error::Holders { .. }
            | Error::TooManyColumns { .. }
            | Error::Poisoned { .. }
            | Error::TaskHeld { .. } => Vec::new(),
            Error::Nested { call }
            | Error::NoSuchRank { call, .. }
            | Error::NoSuchAxis { call, .. }
            | Error::NoSuchOwner { call, .. }
            | Error::Overlap { call, .. }
            | Error::Extents { call, .. }
            | Error::NoSuchElement { call, .. }
            | Error::OtherComm { call }
            | Error::NoData { call, .. }
            | Error::AlreadyLocked { call }
            | Error::NoSuchTask { call, .. }
            | Error::MpiFinalized { call } => vec![call],
            Error::Diverged { what }
            | Error::TooLarge { what, .. }
            | Error::Triplet { what, .. }
            | Error::Weights { what, .. } => vec![what],
            Error::Start { reason } => vec![reason],
            Error::Closure { message, .. } => vec![message],
            Error::Encoding {
                call,
                what,
                type_name,
                reason,
                ..
            } => vec![call, what, type_name, reason],
            Error::RepeatedKey { key, .. } => vec![key],
            Error::TaskTakenOver { name, .. } => vec![name],
            Error::Corrupt { call, what } => vec![call, what],
            Error::Mismatch {
                call, ours, theirs, ..
            } => vec![call, ours, theirs],
            Error::Shape { field, .. } => vec![field],
            Error::Extent {
                field,
                extent,
                dims,
            } => vec![field, extent, dims],
            Error::NoRoom { host, place, .. } => vec![host, place],
            Error::MemoryLimit { host, held, .. } => vec![host, held],
            Error::Abandoned {
                call, host, last, ..
            } => vec![call, host, last],
            Error::HomeLeft { call, host, .. } => vec![call, host],
            Error::RankFailed { host, message, .. } | Error::TaskFailed { host, message, .. } => {
                vec![host, message]
            }
            Error::System {
                call, host, text, ..
            }
            | Error::Mpi {
                call, host, text, ..
            } => vec![call, host, text],
            Error::Directory {
                path,
                call,
                text,
                host,
                ..
            } => vec![path, call, text, host],
            Error::File {
                call,
                path,
                reason,
                host,
                ..
            } => vec![call, path, reason, host],
            Error::Command {
                command,
                status,
                tail,
                host,
                ..
            } => vec![command, status, tail, host],
            Error::InvalidSetting {
                name,
                value,
                reason,
            } => vec![name, value, reason],
        }
    }
}

/// The end of the sentence of [`Error::Holders`].
pub(super) fn holders(ranks: &[usize]) -> String {
    match ranks {
        [] => "no rank did".into(),
        [one] => format!("only rank {one} did"),
        [first, second, ..] => format!("ranks {first} and {second} both did"),
    }
}

/// The end of the sentence of [`Error::NoRoom`]: how there would be more room.
pub(super) fn more_room(place: &str) -> &'static str {
    if place.starts_with(CGROUP) {
        "ask for more memory: the cgroup is that of the job or the container (Slurm: `--mem`; docker: `--memory`)"
    } else if place == SHM {
        "enlarge it (docker: `--shm-size`)"
    } else {
        "use a machine that has more"
    }
}

/// The end of the sentence of [`Error::Command`].
pub(super) fn tail(tail: &str) -> String {
    if tail.is_empty() {
        return String::new();
    }
    format!("; the end of its stderr: {tail}")
}

/// `1.5 MiB`
#[expect(clippy::cast_precision_loss, reason = "for people to read")]
pub(crate) fn size(bytes: usize) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `text` cut to at most `limit` bytes, so that a long message still fits into a control block.
pub(crate) fn clip(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    format!("{}…", start_of(text, limit))
}

/// The first characters of `text`, as many as have at most `limit` bytes.
fn start_of(text: &str, limit: usize) -> &str {
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The text on one line, without characters that would garble a terminal or a log.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            printable.extend(character.escape_default());
        } else {
            printable.push(character);
        }
    }
    printable
}

/// The end of `text`, at most `limit` bytes of it, for texts that differ at their ends.
pub(crate) fn clip_start(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let mut start = text.len() - limit;
    while !text.is_char_boundary(start) {
        start += 1;
    }
    format!("…{}", &text[start..])
}

/// The start and the end of `text`, for texts that need both: at most `limit` bytes, with the sign between them.
fn clip_middle(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let limit = limit.saturating_sub('…'.len_utf8());
    let start = start_of(text, limit / 3);
    format!("{start}{}", clip_start(text, limit - start.len()))
}

/// The text of a panic's payload.
pub(crate) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_name_what_was_asked_and_what_there_was() {
        let error = Error::NoRoom {
            host: "n1".into(),
            place: "/dev/shm".into(),
            needed: 20,
            free: 10,
        };
        assert_eq!(
            error.to_string(),
            "not enough room on n1: 20 B needed, 10 B free in /dev/shm; allocate less, drop other objects, or enlarge it (docker: `--shm-size`)"
        );
        let more_room = |place: &str| {
            let error = Error::NoRoom {
                host: "n1".into(),
                place: place.into(),
                needed: 20,
                free: 10,
            };
            error.to_string()
        };
        let of_cgroup = more_room("the cgroup /sys/fs/cgroup/job_7 (memory.max)");
        assert!(
            of_cgroup.contains(
                "10 B free in the cgroup /sys/fs/cgroup/job_7 (memory.max); allocate less"
            )
        );
        assert!(of_cgroup.contains("`--mem`") && !of_cgroup.contains("shm"));
        assert!(more_room("memory").ends_with("or use a machine that has more"));
        let error = Error::Holders { ranks: vec![1, 3] };
        assert_eq!(
            error.to_string(),
            "`assign` needs exactly one rank that passes `Some(block)`, but ranks 1 and 3 both did"
        );
    }

    #[test]
    fn clipping_keeps_whole_characters() {
        assert_eq!(clip("häuser", 2), "h…");
        assert_eq!(clip("haus", 4), "haus");
        assert_eq!(clip_start("häuser", 5), "…user");
        assert_eq!(clip_start("haus", 4), "haus");
        assert_eq!(clip_middle("häuser am see", 12), "hä…am see");
        assert_eq!(clip_middle("häuser", 7), "häuser");
        for limit in 0..20 {
            let clipped = clip_middle("ääääääääää", limit);
            assert!(clipped.len() <= limit.max('…'.len_utf8()), "{clipped}");
        }
    }

    #[test]
    fn a_clipped_error_still_says_which_cgroup_and_which_path() {
        let long = "/x".repeat(500);
        let error = Error::NoRoom {
            host: "n1".into(),
            place: format!("{CGROUP}/sys/fs/cgroup{long}/step_3 (memory.max)"),
            needed: 20,
            free: 10,
        };
        let Error::NoRoom { place, .. } = error.clipped() else {
            unreachable!("clipping changes texts only");
        };
        assert!(place.starts_with("the cgroup /sys/fs/cgroup/x"), "{place}");
        assert!(place.ends_with("/x/step_3 (memory.max)"), "{place}");
        assert_eq!(place.matches('…').count(), 1);
        let error = Error::File {
            call: "load".into(),
            path: format!("{long}/table.npy"),
            reason: "it is missing".into(),
            rank: 0,
            host: "n1".into(),
        };
        assert!(error.clipped().to_string().contains("/x/table.npy failed"));
    }

    #[test]
    fn errors_are_shortened_until_they_fit() {
        let long = "ä".repeat(20_000);
        let errors = [
            Error::Directory {
                path: long.clone(),
                call: long.clone(),
                text: long.clone(),
                rank: usize::MAX,
                host: long.clone(),
            },
            Error::Extent {
                field: long.clone(),
                extent: long.clone(),
                dims: long.clone(),
            },
            Error::TaskFailed {
                task: usize::MAX,
                rank: usize::MAX,
                host: long.clone(),
                message: long.clone(),
            },
            Error::Command {
                command: long.clone(),
                status: long.clone(),
                tail: long.clone(),
                rank: usize::MAX,
                host: long.clone(),
            },
            Error::NoRoom {
                host: long.clone(),
                place: long.clone(),
                needed: usize::MAX,
                free: usize::MAX,
            },
            Error::Diverged { what: long },
        ];
        for error in errors {
            for limit in [300, 1000, 2000] {
                let fitted = error.clone().fitted(limit);
                let size = postcard::to_allocvec(&fitted).unwrap().len();
                assert!(
                    size <= limit && size > limit / 8,
                    "{size} of {limit}: {fitted}"
                );
            }
        }
        let short = Error::Diverged {
            what: "short".to_owned(),
        };
        assert_eq!(short.clone().fitted(300), short);
    }
}
