//! A library with the standard ABI of MPI 5.0 (chapter 20 of the standard), loaded when the program starts under a launcher.
//!
//! The program is built without any MPI library. The numbers below are those of the standard; a test compares them with the
//! header `mpi_abi.h` of the libraries at hand.

use super::find_library::{self, Candidate, VARIABLE};
use super::library_name::{GetText, library_name};
use super::neighbours;
use super::recorded_errors::RecordedErrors;
use super::{Api, Comm, Constants, Datatype, Errors, Functions, Info, Op, SUCCESS};
use crate::error::{Error, Result};
use libloading::Library;
use libloading::os::unix::{Library as UnixLibrary, RTLD_GLOBAL, RTLD_NOW};
use std::error::Error as _;
use std::ffi::c_int;
use std::fmt::Write as _;
use std::ptr::{null_mut, without_provenance_mut};
use std::sync::OnceLock;

/// The version of the ABI that this file describes. Later minor versions only add to it (section 20.2).
const MAJOR: c_int = 1;

const CONSTANTS: Constants = Constants {
    comm_world: Comm(without_provenance_mut(0x101)),
    comm_self: Comm(without_provenance_mut(0x102)),
    uint8_t: Datatype(without_provenance_mut(0x241)),
    uint64_t: Datatype(without_provenance_mut(0x259)),
    min: Op(without_provenance_mut(0x22)),
    sum: Op(without_provenance_mut(0x21)),
    info_null: Info(without_provenance_mut(0x130)),
    status_ignore: null_mut(),
    any_source: -1,
    comm_type_shared: 221,
    mode_nocheck: 1024,
    thread_multiple: 4096,
    status_source: 0,
};

/// The library of this process. Loads it in the first call.
pub(in crate::transport::mpi) fn api() -> Result<&'static Api> {
    static API: OnceLock<std::result::Result<Api, String>> = OnceLock::new();
    let api = API.get_or_init(|| {
        let api = load(&find_library::candidates())?;
        let address = api.functions.init_thread as usize;
        neighbours::check(address)
            .map_err(|reason| format!("the MPI library of this process {reason}"))?;
        Ok(api)
    });
    api.as_ref().map_err(|reason| Error::Start {
        reason: reason.clone(),
    })
}

/// Whether the user names a library.
#[cfg(feature = "mpi")]
pub(in crate::transport::mpi) fn is_named() -> bool {
    std::env::var_os(VARIABLE).is_some_and(|file| !file.is_empty())
}

/// The library uses its own functions, not those of the same names in the library that the program is linked with, which has not been
/// started. Without such a library, the flag is not needed, and sanitizers refuse it.
#[cfg(all(feature = "mpi", target_env = "gnu"))]
const OWN_SYMBOLS: c_int = libc::RTLD_DEEPBIND;
#[cfg(not(all(feature = "mpi", target_env = "gnu")))]
const OWN_SYMBOLS: c_int = 0;

/// Loads the first of the files that can be loaded at all, and no other when that one does not fit: the launcher would.
pub(super) fn load(candidates: &[Candidate]) -> std::result::Result<Api, String> {
    let mut tried = String::new();
    for Candidate { file, why } in candidates {
        // SAFETY: the file is an MPI library, as its name or the user says; its initialisers may run in any program.
        match unsafe { UnixLibrary::open(Some(file), RTLD_NOW | RTLD_GLOBAL | OWN_SYMBOLS) } {
            Ok(library) => {
                let name = file.to_string_lossy();
                return check(library.into())
                    .map_err(|reason| format!("the MPI library {name} ({why}) {reason}"));
            }
            Err(error) => {
                // What the dynamic linker says is the source of the error.
                let reason = error
                    .source()
                    .map_or(error.to_string(), ToString::to_string);
                // Writing to a string does not fail.
                let _ = write!(tried, "\n  {} ({why}): {reason}", file.to_string_lossy());
            }
        }
    }
    Err(format!(
        "this program needs an MPI library with the standard ABI of MPI 5.0 and could not load one; tried:{tried}\nMPICH 5 and Intel \
         MPI 2021.18 bring it. Name the file in {VARIABLE}, or build the program with feature `mpi` for another library. For Open \
         MPI, `mpi_abi_wrapper` provides it"
    ))
}

/// The functions and constants of a library that has been loaded, if it is what this file describes.
fn check(library: Library) -> std::result::Result<Api, String> {
    type GetVersion = unsafe extern "C" fn(*mut c_int, *mut c_int) -> c_int;

    // Never unloaded: MPI libraries start threads and register handlers that run when the process ends.
    let library: &'static Library = Box::leak(Box::new(library));
    // SAFETY: the standard gives the function of this name this type.
    let version = unsafe { library.get::<GetVersion>(b"MPI_Abi_get_version\0") };
    let Ok(version) = version else {
        let text = library_version(library);
        return Err(format!(
            "does not have the standard ABI: it lacks MPI_Abi_get_version{text}"
        ));
    };
    let (mut major, mut minor) = (-1, -1);
    // SAFETY: places for two numbers; may be called before MPI_Init (section 20.3).
    let code = unsafe { version(&raw mut major, &raw mut minor) };
    if code != SUCCESS || major != MAJOR {
        let text = library_version(library);
        return Err(format!(
            "has version {major}.{minor} of the standard ABI, and this program needs version {MAJOR}{text}"
        ));
    }
    // SAFETY: the version above says so; it is never unloaded.
    let functions = unsafe { Functions::load(library) }
        .map_err(|name| format!("lacks the function {name}{}", library_version(library)))?;
    // SAFETY: as above.
    let errors = unsafe { RecordedErrors::load(library) }
        .map_err(|name| format!("lacks the function {name}{}", library_version(library)))?;
    Ok(Api {
        functions,
        constants: CONSTANTS,
        errors: Errors::Recorded(errors),
    })
}

/// What a library says of itself, in brackets, for a message.
fn library_version(library: &Library) -> String {
    // SAFETY: the type of this function is the same in every MPI library.
    let get = unsafe { library.get::<GetText>(b"MPI_Get_library_version\0") };
    // SAFETY: it has been looked up by its name.
    let name = get.ok().and_then(|get| unsafe { library_name(*get) });
    name.map_or(String::new(), |name| format!(" ({name})"))
}

#[cfg(test)]
mod tests {
    use super::super::functions::SIGNATURES;
    use super::super::{MAX_TEXT, Status};
    use super::*;
    use std::fmt::Write;
    use std::path::Path;
    use std::process::Command;

    /// The C type of an argument.
    fn c_type(rust: &str) -> String {
        let of = |inner: &str| match inner {
            "c_int" => "int".to_owned(),
            "c_char" => "char".to_owned(),
            "c_void" => "void".to_owned(),
            "CopyAttribute" => "MPI_Comm_copy_attr_function*".to_owned(),
            "DeleteAttribute" => "MPI_Comm_delete_attr_function*".to_owned(),
            handle => format!("MPI_{handle}"),
        };
        let stars = rust.matches('*').count();
        let inner = rust.rsplit(' ').next().unwrap_or(rust);
        let qualifier = if rust.starts_with("*const") {
            "const "
        } else {
            ""
        };
        format!("{qualifier}{}{}", of(inner), "*".repeat(stars))
    }

    /// A C program that compiles only where the header agrees with this folder.
    fn program() -> String {
        let handle = |pointer: *const std::ffi::c_void| pointer.addr();
        let constants = [
            ("MPI_COMM_WORLD", handle(CONSTANTS.comm_world.0)),
            ("MPI_COMM_SELF", handle(CONSTANTS.comm_self.0)),
            ("MPI_UINT8_T", handle(CONSTANTS.uint8_t.0)),
            ("MPI_UINT64_T", handle(CONSTANTS.uint64_t.0)),
            ("MPI_MIN", handle(CONSTANTS.min.0)),
            ("MPI_SUM", handle(CONSTANTS.sum.0)),
            ("MPI_INFO_NULL", handle(CONSTANTS.info_null.0)),
            ("MPI_STATUS_IGNORE", CONSTANTS.status_ignore.addr()),
            ("-MPI_ANY_SOURCE", 1),
            ("MPI_COMM_TYPE_SHARED", CONSTANTS.comm_type_shared as usize),
            ("MPI_MODE_NOCHECK", CONSTANTS.mode_nocheck as usize),
            ("MPI_THREAD_MULTIPLE", CONSTANTS.thread_multiple as usize),
            ("MPI_SUCCESS", SUCCESS as usize),
            ("MPI_ABI_VERSION", MAJOR as usize),
            ("offsetof(MPI_Status, MPI_SOURCE)", CONSTANTS.status_source),
            ("sizeof(MPI_Aint)", size_of::<super::super::Aint>()),
            ("sizeof(MPI_Comm)", size_of::<Comm>()),
        ];
        let mut text = "#include <stddef.h>\n#include \"mpi_abi.h\"\n".to_owned();
        for (name, value) in constants {
            writeln!(
                text,
                "_Static_assert((long)({name}) == {value}L, \"{name}\");"
            )
            .unwrap();
        }
        for (limit, room) in [
            ("MPI_MAX_ERROR_STRING", MAX_TEXT),
            ("MPI_MAX_PROCESSOR_NAME", MAX_TEXT),
            (
                "MPI_MAX_LIBRARY_VERSION_STRING",
                super::super::library_name::MAX_TEXT,
            ),
            ("sizeof(MPI_Status)", size_of::<Status>()),
        ] {
            writeln!(text, "_Static_assert({limit} <= {room}, \"{limit}\");").unwrap();
        }
        for (name, arguments) in SIGNATURES {
            let arguments: Vec<String> = arguments.iter().map(|rust| c_type(rust)).collect();
            let arguments = if arguments.is_empty() {
                "void".to_owned()
            } else {
                arguments.join(", ")
            };
            // A second declaration that differs is an error.
            writeln!(text, "int {name}({arguments});").unwrap();
        }
        text
    }

    #[test]
    #[ignore = "needs mpi_abi.h, in the folder that PSHMEM_TEST_ABI_HEADER names"]
    fn the_header_of_the_library_agrees() {
        let folder = std::env::var("PSHMEM_TEST_ABI_HEADER").expect("the folder of mpi_abi.h");
        assert!(Path::new(&folder).join("mpi_abi.h").exists(), "{folder}");
        let temporary = tempfile::tempdir().unwrap();
        let compiles = |text: &str| {
            let file = temporary.path().join("abi.c");
            std::fs::write(&file, text).unwrap();
            let mut cc = Command::new("cc");
            cc.args(["-std=c11", "-fsyntax-only", "-I", &folder])
                .arg(&file);
            cc.status().expect("cc").success()
        };
        assert!(compiles(&program()));
        // The comparison notices a wrong constant and a wrong type.
        assert!(!compiles(&program().replace("== 257L", "== 258L")));
        assert!(!compiles(&program().replace(
            "int MPI_Comm_rank(MPI_Comm",
            "int MPI_Comm_rank(MPI_Win"
        )));
    }

    #[test]
    fn a_file_that_cannot_be_loaded_is_named_with_all_others() {
        let missing = |file: &str, why| Candidate {
            file: file.into(),
            why,
        };
        let candidates = [
            missing("/nowhere/libmpi_abi.so.1", "first"),
            missing("/nowhere/else.so", "second"),
        ];
        let text = load(&candidates).unwrap_err();
        for part in [
            "/nowhere/libmpi_abi.so.1 (first)",
            "else.so (second)",
            VARIABLE,
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_file_of_another_architecture_is_named_with_the_reason() {
        let temporary = tempfile::tempdir().unwrap();
        let file = temporary.path().join("libmpi_abi.so.1");
        // The head of an ELF file of 64 bits for a machine with a number that no architecture has.
        let mut head = [0_u8; 64];
        head[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        head[16] = 3;
        head[18..20].copy_from_slice(&[0xff, 0xfe]);
        std::fs::write(&file, head).unwrap();
        let candidates = [Candidate {
            file: file.clone().into_os_string(),
            why: "a test",
        }];
        let text = load(&candidates).unwrap_err();
        let line = text.lines().find(|line| line.contains("(a test)")).unwrap();
        assert!(line.contains(&*file.to_string_lossy()), "{text}");
        // What the dynamic linker says of it.
        assert!(
            line.contains("ELF") || line.contains("architecture"),
            "{text}"
        );
    }

    #[test]
    fn a_library_without_the_abi_is_refused() {
        let candidates = [Candidate {
            file: "libc.so.6".into(),
            why: "a test",
        }];
        let text = load(&candidates).unwrap_err();
        assert!(text.contains("does not have the standard ABI"), "{text}");
    }
}
