//! The calls of [`Shared`] and [`Field`] that save and load.

use crate::comm::Comm;
use crate::error::Result;
use crate::files::Reading;
use crate::files::load::{load, read_from};
use crate::files::save::save;
use crate::layout::Field;
use crate::layout::file_layout::FileLayout;
use crate::shared::Shared;
use std::panic::Location;
use std::path::Path;

impl<L: FileLayout + ?Sized> Shared<L> {
    /// Makes an object from files, once per node. Its extents are those of the files.
    ///
    /// An array, a slice or a value is one `.npy` file; any such file that numpy wrote can be loaded. Big-endian numbers and Fortran
    /// order are converted; another dtype is an error. A struct is a folder with one `.npy` file for each field, as
    /// [`save`](Shared::save) writes it. A folder that another program made needs no `schema.json`.
    ///
    /// ```
    /// use ndarray::{Array2, array};
    /// use pshmem::{Comm, Shared};
    ///
    /// let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("map.npy");
    /// let map = Shared::<Array2<f32>>::from_root(&Comm::solo(), 0, || array![[1.0, 2.0], [3.0, 4.0]])?;
    /// map.save(&path)?;
    /// let again = Shared::<Array2<f32>>::load(&Comm::solo(), &path)?; // on any number of ranks and nodes
    /// assert_eq!(again.view(), map.view());
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// All ranks of `comm` call it, with the same type and path. Rank 0 reads the headers. Then every byte is read once in the whole
    /// job, in pieces of up to 4 MiB straight into node memory: each rank reads an equal share, and sends it to one rank of each
    /// other node. Four rounds more than [`new`](Shared::new), and one for each 8 KiB of names.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if a file is missing, too short or too long, has another dtype or number of axes, or bytes
    /// that are no values (a `bool` of 2); [`Error::Shape`](crate::Error::Shape) if extents of fields do not belong together;
    /// [`Error::Mismatch`](crate::Error::Mismatch) if ranks pass different paths; those of [`new`](Shared::new). No object exists
    /// then.
    #[track_caller]
    pub fn load<P: AsRef<Path>>(comm: &Comm, path: P) -> Result<Self> {
        load(
            comm,
            Location::caller(),
            path.as_ref(),
            Reading::Once,
            false,
        )
    }

    /// Like [`load`](Shared::load), and says which ranks read.
    ///
    /// See [`Reading`] for an example. With [`Reading::PerNode`], files of different nodes must have the same contents; only their
    /// lengths are compared.
    ///
    /// # Collective
    /// As [`load`](Shared::load). With [`Reading::PerNode`], no data are sent.
    ///
    /// # Errors
    /// As [`load`](Shared::load).
    #[track_caller]
    pub fn load_by<P: AsRef<Path>>(comm: &Comm, path: P, reading: Reading) -> Result<Self> {
        load(comm, Location::caller(), path.as_ref(), reading, false)
    }

    /// Like [`load_by`](Shared::load_by), and compares all bytes with the checksums in `schema.json`. For a folder.
    ///
    /// ```
    /// use pshmem::{Comm, Reading, Shared, SharedLayout};
    ///
    /// #[derive(SharedLayout)]
    /// struct Gas {
    ///     density: Vec<f64>,
    ///     step: u64,
    /// }
    ///
    /// let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("gas");
    /// let gas = Shared::from_root(&Comm::solo(), 0, || Gas { density: vec![0.5; 3], step: 7 })?;
    /// gas.save(&path)?;
    /// let again = Shared::<Gas>::load_verified(&Comm::solo(), &path, Reading::Once)?;
    /// assert_eq!(*again.view().step, 7);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// As [`load_by`](Shared::load_by).
    ///
    /// # Errors
    /// As [`load`](Shared::load), and [`Error::File`](crate::Error::File) if a checksum differs or there are none.
    #[track_caller]
    pub fn load_verified<P: AsRef<Path>>(comm: &Comm, path: P, reading: Reading) -> Result<Self> {
        load(comm, Location::caller(), path.as_ref(), reading, true)
    }
}

/// Defines the calls on one type. `$read` and `$write` are the `Field` on which they are implemented.
macro_rules! calls {
    ([$($generics:tt)*] $type:ty, $self:ident, $read:expr, $write:expr) => {
        impl<$($generics)* L: FileLayout + ?Sized> $type {
            /// Saves the object, once.
            ///
            /// An array, a slice or a value becomes one `.npy` file. A struct becomes a folder with one `.npy` file for each field,
            /// named as the field, sub-folders for nested structs, one file for each column of `Columns`, and `schema.json` with
            /// types, extents and checksums. numpy opens each `.npy` file, also with `mmap_mode="r"`.
            ///
            /// What stands at the path is replaced at once, when all bytes are on the disk: after a crash at any moment, the old save
            /// or the new one stands there, complete. A folder is replaced only if it holds nothing but an earlier save.
            ///
            /// ```
            /// use pshmem::{Comm, Shared, SharedLayout};
            ///
            /// #[derive(SharedLayout)]
            /// struct Gas {
            ///     density: Vec<f64>,
            ///     step: u64,
            /// }
            ///
            /// let folder = tempfile::tempdir().unwrap();
            /// let mut gas = Shared::<Gas>::new(&Comm::solo(), GasDims { density: 3 })?;
            /// gas.save(folder.path().join("gas"))?; // gas/density.npy, gas/step.npy, gas/schema.json
            /// gas.fields().density.save(folder.path().join("density.npy"))?; // one field
            /// assert!(folder.path().join("gas/schema.json").exists());
            /// # Ok::<(), pshmem::Error>(())
            /// ```
            ///
            /// # Collective
            /// All ranks call it, with the same object and path. The ranks of rank 0's node write equal shares in pieces of up to
            /// 4 MiB, straight from node memory: each byte is written once in the whole job, on one host, because some network file
            /// systems lose bytes if several hosts write to one file. Four rounds; no data are sent.
            ///
            /// # Errors
            /// [`Error::File`](crate::Error::File) if files cannot be written or what stands at the path cannot be replaced;
            /// [`Error::Mismatch`](crate::Error::Mismatch) if ranks pass different paths; those of
            /// [`Comm::barrier`](crate::Comm::barrier). What stood at the path still does.
            #[track_caller]
            pub fn save<P: AsRef<Path>>(&$self, path: P) -> Result<()> {
                save(&$read, Location::caller(), path.as_ref())
            }

            /// Reads files into this object, which has their type and extents already.
            ///
            /// ```
            /// use pshmem::{Comm, Shared};
            ///
            /// let folder = tempfile::tempdir().unwrap();
            /// let path = folder.path().join("table.npy");
            /// let mut table = Shared::<[u32]>::new(&Comm::solo(), 3)?;
            /// table.save(&path)?;
            /// table.fill(7)?;
            /// table.read_from(&path)?;
            /// assert_eq!(table.view(), [0; 3]);
            /// # Ok::<(), pshmem::Error>(())
            /// ```
            ///
            /// # Collective
            /// As [`Shared::load`](crate::Shared::load), without the rounds of [`Shared::new`](crate::Shared::new).
            ///
            /// # Errors
            /// Those of [`Shared::load`](crate::Shared::load), and [`Error::File`](crate::Error::File) if the extents differ. What
            /// headers and sizes tell is found before anything changes. An error that is found later, when bytes cannot be read or
            /// are no values, leaves what was read so far, the same on all nodes; pieces that failed are zero.
            #[track_caller]
            pub fn read_from<P: AsRef<Path>>(&mut $self, path: P) -> Result<()> {
                read_from(&mut $write, Location::caller(), path.as_ref())
            }
        }
    };
}

calls!([] Shared<L>, self, self.whole(), self.whole_mut());
calls!(['a,] Field<'a, L>, self, *self, *self);
