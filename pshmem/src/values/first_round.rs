//! The first round: ranks compare what all must pass alike, and pass their values as far as these are short.

use crate::comm::collective::conclude::{Conclusion, Items, Maker, Mine};
use crate::comm::protocol::call::{Call, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::comm::protocol::value_key::ValueKey;
use crate::comm::rank_state::RankState;
use crate::error::Result;

/// All ranks get what the maker returns for the bytes of all ranks that pass some; or `None`, if these are too many. Then
/// all know that they have passed the same key. An error of one rank is returned on all.
pub(super) fn first_round(
    core: &RankState,
    call: Call,
    key: &ValueKey<'_>,
    mine: Mine<'_>,
    maker: Maker<impl FnOnce(&Items) -> Result<Vec<u8>>>,
) -> Result<Option<Vec<u8>>> {
    let key = key.encode();
    match core.conclude(call, &key, mine, maker)? {
        Conclusion::Bytes(bytes) => Ok(Some(bytes)),
        Conclusion::TooLong { compare_in_pieces } => {
            if compare_in_pieces {
                let call = call.step(Step::Argument);
                core.agree_on(call, &key, Contribution::default())?;
            }
            Ok(None)
        }
    }
}
