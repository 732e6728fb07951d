//! `schema.json`, which describes a saved folder.

use crate::checksum::{CHECKSUM, Checksum};
use serde::{Deserialize, Serialize};

/// What a saved folder contains. It is the file [`SavedSchema::FILE`] at the top of the folder.
///
/// The folder has one `.npy` file for each field. Those of a nested struct are in a folder inside of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedSchema {
    /// The version of this description: [`SavedSchema::VERSION`].
    pub version: u32,
    /// The type that was saved, for people.
    pub type_name: String,
    /// The algorithm of the checksums: [`CHECKSUM`].
    pub checksum: String,
    /// The files, one for each field without fields of its own.
    pub fields: Vec<SavedField>,
}

/// A file of a saved folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedField {
    /// The names of the fields that lead to it, joined by dots.
    pub name: String,
    /// The path of the file in the folder, with `/` between its parts.
    pub file: String,
    /// The dtype as in the header of the file.
    pub dtype: String,
    /// The shape as in the header of the file.
    pub shape: Vec<usize>,
    /// Bytes of the data, without the header.
    pub bytes: u64,
    /// Bytes of each piece of the data but the last one.
    pub piece_bytes: u64,
    /// The checksums of the pieces, as 16 hexadecimal digits.
    pub pieces: Vec<String>,
    /// The checksum of the checksums of all pieces, as [`Checksum::of_pieces`] computes it.
    pub file_checksum: String,
}

/// Why a `schema.json` cannot be used: the end of a sentence that begins with its path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// It is no JSON, or has other members.
    #[error("cannot be read: {0}")]
    Json(String),
    /// It was written by another version.
    #[error("has version {0}; known is {known}", known = SavedSchema::VERSION)]
    Version(u32),
    /// It contradicts itself.
    #[error("cannot be used: {0}")]
    Malformed(String),
}

impl SavedSchema {
    /// The version that this crate writes and reads.
    pub const VERSION: u32 = 1;

    /// The name of the file.
    pub const FILE: &str = "schema.json";

    /// The schema of these files.
    #[must_use]
    pub fn new(type_name: String, fields: Vec<SavedField>) -> Self {
        SavedSchema {
            version: Self::VERSION,
            type_name,
            checksum: CHECKSUM.to_owned(),
            fields,
        }
    }

    /// The content of the file.
    #[must_use]
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self);
        text.expect("strings and numbers always have a form in JSON") + "\n"
    }

    /// Reads the content of the file, and checks it: each path stays inside of the folder, and the pieces fit the bytes.
    ///
    /// # Errors
    ///
    /// It is no such content.
    pub fn from_json(content: &[u8]) -> Result<Self, SchemaError> {
        /// What every version has.
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let json = |error: serde_json::Error| SchemaError::Json(error.to_string());
        let Version { version } = serde_json::from_slice(content).map_err(json)?;
        if version != Self::VERSION {
            return Err(SchemaError::Version(version));
        }
        let schema: Self = serde_json::from_slice(content).map_err(json)?;
        if schema.checksum != CHECKSUM {
            let text = format!("checksums are {:?}; known is {CHECKSUM:?}", schema.checksum);
            return Err(SchemaError::Malformed(text));
        }
        let mut files: Vec<&str> = schema
            .fields
            .iter()
            .map(|field| field.file.as_str())
            .collect();
        files.sort_unstable();
        let mut pairs = files.iter().zip(files.iter().skip(1));
        if let Some((twice, _)) = pairs.find(|(file, next)| file == next) {
            let text = format!("two fields have the file {twice:?}");
            return Err(SchemaError::Malformed(text));
        }
        for field in &schema.fields {
            let malformed =
                |what| SchemaError::Malformed(format!("field {:?}: {what}", field.name));
            field.check().map_err(malformed)?;
        }
        Ok(schema)
    }
}

impl SavedField {
    /// The checksums of the pieces, in order. `None` if one is no checksum; [`SavedSchema::from_json`] refuses such a field.
    #[must_use]
    pub fn piece_checksums(&self) -> Option<Vec<u64>> {
        let pieces = self.pieces.iter();
        pieces.map(|piece| Checksum::from_hex(piece)).collect()
    }

    fn check(&self) -> Result<(), String> {
        let is_name = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\0', '\\']);
        if !self.file.split('/').all(is_name) {
            return Err(format!(
                "the path {:?} is none inside of the folder",
                self.file
            ));
        }
        if self.piece_bytes == 0 {
            return Err("its pieces have no bytes".to_owned());
        }
        let pieces = self.bytes.div_ceil(self.piece_bytes);
        if pieces != self.pieces.len() as u64 {
            return Err(format!(
                "{} bytes in pieces of {} are {pieces} pieces, but it has {} checksums",
                self.bytes,
                self.piece_bytes,
                self.pieces.len()
            ));
        }
        let checksums = self.piece_checksums();
        let checksums = checksums.ok_or("a checksum is not 16 hexadecimal digits")?;
        if Checksum::from_hex(&self.file_checksum) != Some(Checksum::of_pieces(&checksums)) {
            return Err("the checksum of the file is not that of its pieces' checksums".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::checksum;

    fn schema() -> SavedSchema {
        let pieces = [checksum(b"a"), checksum(b"b")];
        let field = SavedField {
            name: "opacity.rows".to_owned(),
            file: "opacity/rows.npy".to_owned(),
            dtype: "'<f8'".to_owned(),
            shape: vec![3],
            bytes: 24,
            piece_bytes: 16,
            pieces: pieces.map(Checksum::to_hex).to_vec(),
            file_checksum: Checksum::to_hex(Checksum::of_pieces(&pieces)),
        };
        SavedSchema::new("Gas".to_owned(), vec![field])
    }

    #[test]
    fn a_schema_is_read_as_it_was_written() {
        let schema = schema();
        let read = SavedSchema::from_json(schema.to_json().as_bytes());
        assert_eq!(read, Ok(schema.clone()));
        assert_eq!(schema.fields[0].piece_checksums().unwrap().len(), 2);
    }

    #[test]
    fn other_contents_are_errors() {
        let error = |change: &dyn Fn(&mut SavedSchema)| {
            let mut schema = schema();
            change(&mut schema);
            SavedSchema::from_json(schema.to_json().as_bytes())
                .unwrap_err()
                .to_string()
        };
        assert!(error(&|schema| schema.version = 2).contains("version 2"));
        assert!(error(&|schema| schema.checksum = "md5".to_owned()).contains("md5"));
        for path in [
            "",
            "/etc/passwd",
            "../a.npy",
            "a/../../b",
            "a//b",
            "./a",
            "a\\b",
            "a\0",
        ] {
            assert!(
                error(&|schema| path.clone_into(&mut schema.fields[0].file))
                    .contains("inside of the folder")
            );
        }
        assert!(error(&|schema| schema.fields[0].piece_bytes = 0).contains("no bytes"));
        assert!(error(&|schema| schema.fields[0].bytes = 33).contains("3 pieces"));
        assert!(error(&|schema| schema.fields[0].bytes = u64::MAX).contains("pieces"));
        assert!(error(&|schema| schema.fields[0].pieces[1].clear()).contains("hexadecimal"));
        assert!(error(&|schema| schema.fields[0].pieces.swap(0, 1)).contains("that of its pieces"));
        let twice = |schema: &mut SavedSchema| schema.fields.push(schema.fields[0].clone());
        assert!(error(&twice).contains("two fields"));
        for text in ["", "{}", "[1]", &"[".repeat(100_000)] {
            let error = SavedSchema::from_json(text.as_bytes()).unwrap_err();
            assert!(matches!(error, SchemaError::Json(_)), "{error}");
        }
    }
}
