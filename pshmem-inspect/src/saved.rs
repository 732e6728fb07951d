//! The files of a path: of a single `.npy` file, or of a saved folder with its `schema.json`.

use pshmem_format::{Dtype, Header, SavedField, SavedSchema};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Longer schemas are refused. One of 64 MiB has the checksums of 10 TB.
const MAX_SCHEMA: u64 = 256 << 20;

/// What is at a path.
pub(crate) struct Saved {
    pub(crate) path: PathBuf,
    /// The type that was saved, if `schema.json` says so.
    pub(crate) type_name: Option<String>,
    /// The files that can be read. They have the length that their headers say.
    pub(crate) files: Vec<NpyFile>,
    /// What is wrong, for people.
    pub(crate) problems: Vec<String>,
}

/// A `.npy` file.
pub(crate) struct NpyFile {
    /// The names of the fields that lead to it, joined by dots; for a single file, its path.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) header: Header,
    pub(crate) file: File,
    /// Bytes of the data.
    pub(crate) bytes: u64,
    /// What `schema.json` says of it.
    pub(crate) schema: Option<SavedField>,
}

impl Saved {
    /// Reads all headers. Whatever is wrong becomes one of the problems.
    pub(crate) fn open(path: &Path) -> Self {
        let mut saved = Saved {
            path: path.to_owned(),
            type_name: None,
            files: Vec::new(),
            problems: Vec::new(),
        };
        match fs::metadata(path) {
            Ok(kind) if kind.is_dir() => saved.open_folder(),
            Ok(_) => {
                let name = path.display().to_string();
                saved.add(NpyFile::open(name, path));
            }
            Err(error) => saved.problem(path, &error),
        }
        saved
    }

    /// Notes that something is wrong with a file.
    pub(crate) fn problem(&mut self, path: &Path, what: &impl ToString) {
        let what = what.to_string();
        self.problems.push(format!("{}: {what}", path.display()));
    }

    fn add(&mut self, file: Result<NpyFile, String>) {
        match file {
            Ok(file) => self.files.push(file),
            Err(problem) => self.problems.push(problem),
        }
    }

    fn open_folder(&mut self) {
        let schema_path = self.path.join(SavedSchema::FILE);
        let schema = read_schema(&schema_path);
        let files = self.all_files();
        match schema {
            Ok(Some(schema)) => {
                self.type_name = Some(schema.type_name);
                let mut listed = BTreeSet::from([schema_path]);
                for field in schema.fields {
                    let path = self.path.join(&field.file);
                    self.add(NpyFile::open_field(field, &path));
                    listed.insert(path);
                }
                for path in files.iter().filter(|path| !listed.contains(*path)) {
                    self.problem(path, &"is not listed in schema.json");
                }
                return;
            }
            // Another program may have made the folder.
            Ok(None) => {}
            Err(problem) => self.problem(&schema_path, &problem),
        }
        let is_npy = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "npy");
        for path in files.iter().filter(is_npy) {
            let name = path.strip_prefix(&self.path).unwrap_or(path);
            self.add(NpyFile::open(name.display().to_string(), path));
        }
        if self.files.is_empty() && self.problems.is_empty() {
            let path = self.path.clone();
            self.problem(&path, &"has neither a schema.json nor .npy files");
        }
    }

    /// Everything in the folder that is no folder, sorted.
    fn all_files(&mut self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.path.clone()];
        while let Some(folder) = folders.pop() {
            // `file_type` does not follow symbolic links, so there are no circles.
            let list = |entry: io::Result<fs::DirEntry>| {
                let entry = entry?;
                Ok((entry.path(), entry.file_type()?.is_dir()))
            };
            let entries = fs::read_dir(&folder)
                .and_then(|entries| entries.map(list).collect::<io::Result<Vec<_>>>());
            match entries {
                Ok(entries) => {
                    for (path, is_folder) in entries {
                        let to = if is_folder { &mut folders } else { &mut files };
                        to.push(path);
                    }
                }
                Err(error) => self.problem(&folder, &error),
            }
        }
        files.sort_unstable();
        files
    }
}

/// `None` if there is no such file.
fn read_schema(path: &Path) -> Result<Option<SavedSchema>, String> {
    let (file, len) = match open_file(path) {
        Ok(opened) => opened,
        Err(OpenError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if len > MAX_SCHEMA {
        return Err(format!(
            "has {len} bytes; more than {MAX_SCHEMA} are refused"
        ));
    }
    let mut content = Vec::new();
    let read = io::Read::read_to_end(&mut io::Read::take(file, MAX_SCHEMA), &mut content);
    read.map_err(|error| error.to_string())?;
    let schema = SavedSchema::from_json(&content).map_err(|error| error.to_string())?;
    Ok(Some(schema))
}

impl NpyFile {
    fn open(name: String, path: &Path) -> Result<Self, String> {
        let problem = |what: &dyn ToString| format!("{}: {}", path.display(), what.to_string());
        let (mut file, len) = open_file(path).map_err(|error| problem(&error))?;
        let header = Header::read(&mut file, len).map_err(|error| problem(&error))?;
        let bytes = header.check_length(len).map_err(|error| problem(&error))?;
        Ok(NpyFile {
            name,
            path: path.to_owned(),
            header,
            file,
            bytes,
            schema: None,
        })
    }

    fn open_field(field: SavedField, path: &Path) -> Result<Self, String> {
        let mut file = Self::open(field.name.clone(), path)?;
        let problem = |what: String| format!("{}: {what}", path.display());
        let dtype: Result<Dtype, _> = field.dtype.parse();
        let dtype =
            dtype.map_err(|error| problem(format!("schema.json has no dtype for it: {error}")))?;
        let differs = |what: &str, ours: String, listed: String| {
            Err(problem(format!(
                "the {what} is {ours}, but {listed} in schema.json"
            )))
        };
        if dtype != file.header.dtype {
            return differs(
                "dtype",
                shortened(&file.header.dtype.to_string()),
                shortened(&field.dtype),
            );
        }
        if field.shape != file.header.shape {
            return differs(
                "shape",
                format!("{:?}", file.header.shape),
                format!("{:?}", field.shape),
            );
        }
        if field.bytes != file.bytes {
            return differs(
                "number of bytes",
                file.bytes.to_string(),
                field.bytes.to_string(),
            );
        }
        file.schema = Some(field);
        Ok(file)
    }
}

/// At most 200 characters: a dtype has any number of members.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(200) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}...", &text[..at]),
    }
}

/// Why something cannot be opened as a file.
enum OpenError {
    Io(io::Error),
    Folder,
    Special,
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OpenError::Io(error) => error.fmt(f),
            OpenError::Folder => f.write_str("is a folder where a file is expected"),
            OpenError::Special => f.write_str("is neither a file nor a folder"),
        }
    }
}

/// A file and its length. A pipe would wait for a writer, so it is not even opened.
fn open_file(path: &Path) -> Result<(File, u64), OpenError> {
    let check = |kind: &fs::Metadata| match kind {
        kind if kind.is_dir() => Err(OpenError::Folder),
        kind if kind.is_file() => Ok(()),
        _ => Err(OpenError::Special),
    };
    check(&fs::metadata(path).map_err(OpenError::Io)?)?;
    let file = File::open(path).map_err(OpenError::Io)?;
    let len = file.metadata().map_err(OpenError::Io)?.len();
    Ok((file, len))
}
