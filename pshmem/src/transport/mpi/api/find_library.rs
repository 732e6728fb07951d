//! Where a library with the standard ABI is looked for.
//!
//! The library has to be the launcher's: processes that another library starts do not find each other. So the launcher's own
//! folder comes before the search of the dynamic linker.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Overrules the search.
pub(super) const VARIABLE: &str = "PSHMEM_MPI_LIBRARY";

/// The name that the standard gives the library (section 20.2).
const NAME: &str = "libmpi_abi.so.1";

/// A file that may be the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// A path, or a name that the dynamic linker looks for.
    pub(super) file: OsString,
    /// Why it may be, for messages.
    pub(super) why: &'static str,
}

/// The files to try, in this order.
pub(super) fn candidates() -> Vec<Candidate> {
    let launcher = std::fs::read_link(format!("/proc/{}/exe", std::os::unix::process::parent_id()));
    order(env::var_os(VARIABLE), launcher.ok().as_deref(), &|path| {
        path.exists()
    })
}

fn order(
    chosen: Option<OsString>,
    launcher: Option<&Path>,
    exists: &dyn Fn(&Path) -> bool,
) -> Vec<Candidate> {
    if let Some(file) = chosen.filter(|file| !file.is_empty()) {
        let why = "PSHMEM_MPI_LIBRARY";
        return vec![Candidate { file, why }];
    }
    let beside = launcher.and_then(beside).filter(|path| exists(path));
    let beside = beside.map(|path| Candidate {
        file: path.into_os_string(),
        why: "beside the launcher",
    });
    let linker = Candidate {
        file: NAME.into(),
        why: "LD_LIBRARY_PATH and the system's folders",
    };
    beside.into_iter().chain([linker]).collect()
}

/// `PREFIX/lib/libmpi_abi.so.1` for a launcher `PREFIX/bin/hydra_pmi_proxy`.
fn beside(launcher: &Path) -> Option<PathBuf> {
    let prefix = launcher.parent()?.parent()?;
    Some(prefix.join("lib").join(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(chosen: Option<&str>, launcher: Option<&str>, existing: &str) -> Vec<OsString> {
        let candidates = order(chosen.map(Into::into), launcher.map(Path::new), &|path| {
            path == Path::new(existing)
        });
        candidates
            .into_iter()
            .map(|candidate| candidate.file)
            .collect()
    }

    #[test]
    fn the_launchers_library_comes_before_the_linkers() {
        let launcher = Some("/opt/mpich/bin/hydra_pmi_proxy");
        let lib = "/opt/mpich/lib/libmpi_abi.so.1";
        assert_eq!(files(None, launcher, lib), [lib, NAME]);
        assert_eq!(files(None, launcher, ""), [NAME]);
        assert_eq!(files(None, None, lib), [NAME]);
        assert_eq!(files(None, Some("/init"), lib), [NAME]);
    }

    #[test]
    fn the_variable_overrules_the_search() {
        let launcher = Some("/opt/mpich/bin/hydra_pmi_proxy");
        let lib = "/opt/mpich/lib/libmpi_abi.so.1";
        assert_eq!(files(Some("/my/lib.so"), launcher, lib), ["/my/lib.so"]);
        assert_eq!(files(Some(""), launcher, lib), [lib, NAME]);
    }
}
