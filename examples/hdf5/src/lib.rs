//! A [`Source`] that reads a dataset of an HDF5 file, straight into node memory.

use bytemuck::AnyBitPattern;
use hdf5_metno::sync::sync;
use hdf5_metno::{Dataset, Dataspace, Datatype, File, H5Type, Hyperslab, SliceOrIndex, h5check};
use hdf5_metno_sys::h5d::H5Dread;
use hdf5_metno_sys::h5p::H5P_DEFAULT;
use pshmem::Source;
use std::fmt::Display;
use std::ops::Range;
use std::path::Path;

/// A dataset of numbers, with any number of axes.
///
/// ```no_run
/// use ndarray::Array3;
/// use pshmem::{Comm, Shared};
/// use pshmem_example_hdf5::Numbers;
///
/// let open = || Numbers::open("climate.h5", "air/temperature");
/// let temperature = Shared::<Array3<f32>>::load_with(&Comm::solo(), open)?;
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug)]
pub struct Numbers {
    dataset: Dataset,
    /// `DATASET of FILE`, for messages.
    name: String,
}

impl Numbers {
    /// Opens a dataset. Groups in its name are separated by slashes.
    ///
    /// # Errors
    /// If there is no such file, it is no HDF5 file, or it has no such dataset.
    pub fn open(file: impl AsRef<Path>, dataset: &str) -> Result<Self, String> {
        let path = file.as_ref();
        let shown = path.display();
        // HDF5 says the same with the names of its functions.
        std::fs::File::open(path).map_err(|error| format!("{shown}: {error}"))?;
        let file = File::open(path).map_err(|error| format!("{shown}: {error}"))?;
        let name = format!("`{dataset}` of {shown}");
        let dataset = file.dataset(dataset).map_err(|error| {
            let there = file.member_names().unwrap_or_default().join("`, `");
            format!("{name}: {error}; the file has `{there}`")
        })?;
        Ok(Numbers { dataset, name })
    }

    /// The extents.
    ///
    /// # Errors
    /// Those of HDF5.
    pub fn shape(&self) -> Result<Vec<usize>, String> {
        let shape = self.dataset.space().map(|space| space.shape());
        shape.map_err(self.failure("its extents"))
    }

    /// The type of the elements, by the name that numpy has for it; a byte order is not part of it.
    ///
    /// # Errors
    /// If this crate does not know the type.
    pub fn dtype(&self) -> Result<String, String> {
        let found = self.dataset.dtype().and_then(|dtype| dtype.to_descriptor());
        let found = found.map_err(self.failure("its type"))?;
        Ok(found.to_string())
    }

    /// For `map_err` after a call of HDF5 for `what`.
    fn failure<E: Display>(&self, what: &str) -> impl FnOnce(E) -> String {
        let (name, what) = (self.name.clone(), what.to_owned());
        move |error| format!("{name}, {what}: {error}")
    }

    fn read_rows<T: H5Type + AnyBitPattern>(
        &self,
        rows: Range<usize>,
        into: &mut [T],
    ) -> hdf5_metno::Result<()> {
        let space = self.dataset.space()?;
        let mut shape = space.shape();
        let mut slab: Vec<SliceOrIndex> = shape.iter().map(|&extent| (0..extent).into()).collect();
        if let (Some(extent), Some(slice)) = (shape.first_mut(), slab.first_mut()) {
            *extent = rows.len();
            *slice = rows.into();
        }
        let selected = space.select(Hyperslab::from(slab))?;
        let memory = Dataspace::try_new(shape)?;
        // Another program may have changed the file since the extents were asked for.
        if selected.selection_size() != into.len() || memory.size() != into.len() {
            return Err("it has other extents than before".into());
        }
        let dtype = Datatype::from_type::<T>()?;
        sync(|| {
            // SAFETY:
            // - The four identifiers are valid: their owners live until the end of this function, and the last one is a constant.
            // - HDF5 writes as many elements as are selected in `memory`, each of the size of `dtype`, which is that of `T`. As many
            //   are in `into`, which is exclusive.
            // - Whatever it writes is a value, because every pattern of bytes is one of `T`.
            // - No other thread is inside HDF5: `sync` holds its lock.
            let code = unsafe {
                H5Dread(
                    self.dataset.id(),
                    dtype.id(),
                    memory.id(),
                    selected.id(),
                    H5P_DEFAULT,
                    into.as_mut_ptr().cast(),
                )
            };
            h5check(code).map(drop)
        })
    }
}

impl<T: H5Type + AnyBitPattern> Source<T> for Numbers {
    type Error = String;

    fn extents(&mut self) -> Result<Vec<usize>, String> {
        // HDF5 would convert any number to any other: also `1.5` to the integer 1.
        let (asked, found) = (T::type_descriptor().to_string(), self.dtype()?);
        if asked != found {
            return Err(format!("{} holds {found}, not {asked}", self.name));
        }
        self.shape()
    }

    fn read(&mut self, rows: Range<usize>, into: &mut [T]) -> Result<(), String> {
        let what = format!("rows {} to {}", rows.start, rows.end);
        self.read_rows(rows, into).map_err(self.failure(&what))
    }
}
