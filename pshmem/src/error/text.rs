//! Texts inside errors: shortened so that an error fits into a message, and made from a panic's payload.

use crate::error::Error;

impl Error {
    /// The error with its long texts shortened, so that it can be sent to other ranks.
    pub(crate) fn clipped(mut self) -> Self {
        const TEXT: usize = 300;
        let cut = |text: &mut String| *text = clip(text, TEXT);
        match &mut self {
            Error::InvalidSetting {
                name,
                value,
                reason,
            } => [name, value, reason].into_iter().for_each(cut),
            Error::System { text, host, .. } | Error::Mpi { text, host, .. } => {
                [text, host].into_iter().for_each(cut);
            }
            Error::Directory {
                path,
                call,
                text,
                host,
                ..
            } => {
                // Paths differ at their ends.
                if path.len() > TEXT {
                    let tail =
                        (path.len() - TEXT..path.len()).find(|&at| path.is_char_boundary(at));
                    *path = format!("…{}", &path[tail.unwrap_or(path.len())..]);
                }
                [call, text, host].into_iter().for_each(cut);
            }
            Error::Closure { message, .. } | Error::TaskFailed { message, .. } => cut(message),
            Error::TaskTakenOver { name, .. } => cut(name),
            _ => {}
        }
        self
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

/// `text` cut to at most `limit` bytes, so that a long message still fits into a control block.
pub(crate) fn clip(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
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
            "not enough room on n1: 20 B needed, 10 B free in /dev/shm; allocate less, drop other objects, or enlarge it"
        );
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
    }
}
