//! How fields with bytes are encoded: as one run. serde treats a `Vec<u8>` as a list of numbers, and then encoding and decoding the
//! bytes one by one takes a good part of the time of a call.

/// Bytes of ranks, in the order of the list.
pub(crate) mod of_ranks {
    use serde::{Deserialize, Deserializer, Serializer};
    use serde_bytes::{ByteBuf, Bytes};

    pub(crate) fn serialize<S: Serializer>(
        items: &[(usize, Vec<u8>)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(items.iter().map(|(rank, bytes)| (rank, Bytes::new(bytes))))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(usize, Vec<u8>)>, D::Error> {
        let items = Vec::<(usize, ByteBuf)>::deserialize(deserializer)?;
        Ok(items
            .into_iter()
            .map(|(rank, bytes)| (rank, bytes.into_vec()))
            .collect())
    }
}

/// Bytes of one rank, or none.
pub(crate) mod of_one_rank {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_bytes::{ByteBuf, Bytes};

    #[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
    pub(crate) fn serialize<S: Serializer>(
        one: &Option<(usize, Vec<u8>)>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let one = one.as_ref();
        one.map(|(rank, bytes)| (rank, Bytes::new(bytes)))
            .serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<(usize, Vec<u8>)>, D::Error> {
        let one = Option::<(usize, ByteBuf)>::deserialize(deserializer)?;
        Ok(one.map(|(rank, bytes)| (rank, bytes.into_vec())))
    }
}
