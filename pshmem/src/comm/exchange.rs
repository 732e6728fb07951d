//! Tables of which each row comes from another rank, and which all ranks get.

use crate::comm::call::Call;
use crate::comm::core::Core;
use crate::comm::meet::WRITTEN_BYTES;
use crate::comm::note::Note;
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// What a row can be: plain data of a bounded size.
pub(crate) trait Row: Serialize + for<'de> Deserialize<'de> {
    /// The most bytes that a row takes, encoded.
    const BYTES: usize;
}

impl Core {
    /// Gives all ranks the rows of `contributors`, in their order. All of these pass one; the ranks are in rising order.
    ///
    /// One meeting carries as many rows as fit, about 8 KiB.
    pub(crate) fn exchange<R: Row>(
        &self,
        call: Call,
        contributors: &[usize],
        mine: Option<&R>,
    ) -> Result<Vec<R>> {
        // With each row goes the number of its rank, and a length.
        let at_once = WRITTEN_BYTES / (R::BYTES + 16);
        let mut table = Vec::with_capacity(contributors.len());
        for group in contributors.chunks(at_once) {
            let row = mine
                .filter(|_| group.contains(&self.topology.rank))
                .map(|row| postcard::to_allocvec(row).expect("plain data always encodes"));
            assert!(
                row.as_ref().is_none_or(|row| row.len() <= R::BYTES),
                "a row was not clipped"
            );
            let note = Note {
                row,
                ..Note::default()
            };
            let mut rows = self.agree(call, note, |_| Vec::new())?.notes.rows;
            rows.sort_unstable_by_key(|&(rank, _)| rank);
            table.extend(rows.iter().map(|(_, row)| {
                postcard::from_bytes::<R>(row).expect("a row that this executable encoded")
            }));
        }
        Ok(table)
    }
}
