//! `new` and `from_root`: all ranks agree on the layout, each node allocates memory, and a root may fill it.

use crate::comm::Comm;
use crate::comm::closure::ClosureRunner;
use crate::comm::node_memory::AllocRequest;
use crate::comm::protocol::call::{Call, Kind, Step};
use crate::error::{Error, Result};
use crate::layout::identity::{self, Described, Identity};
use crate::layout::{OwnedBy, SharedLayout};
use crate::shared::Shared;
use crate::shared::object::Object;
use std::fmt::Display;
use std::panic::Location;

impl<L: SharedLayout + ?Sized> Shared<L> {
    /// Allocates an object once per node, all bytes zero.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use pshmem::{Comm, Shared};
    ///
    /// let grid = Shared::<Array2<f64>>::new(&Comm::solo(), [3, 5])?;
    /// assert_eq!(grid.view().sum(), 0.0);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// All ranks of `comm` call it, with the same type and extents. One round for objects up to 256 KiB; three for larger ones,
    /// which map memory of their own, and four when a node's memory for small objects is full. No data are sent.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::NoRoom`], and [`Error::Mismatch`] when ranks pass different types or extents, after which
    /// nothing is allocated on any node; the errors of [`Comm::barrier`].
    #[track_caller]
    pub fn new(comm: &Comm, dims: L::Dims) -> Result<Self> {
        let _call = comm.core.enter(Kind::New.name(), Location::caller())?;
        let number = comm.core.memory.next_object();
        Self::create(comm, Call::new(Kind::New), number, &dims)
    }

    /// Bytes of node memory that [`new`](Shared::new) with these extents takes on each node. Not collective: no `Comm` is needed, so
    /// that a program can find out what it will need before it runs, or how much it can do at once.
    ///
    /// This is what [`Comm::memory`] lists for the object: its values, and what lies between and beside them in layouts of several
    /// parts. Objects of 256 KiB and more take whole pages of 4 KiB, so up to a page more; smaller ones lie in blocks of a memory that
    /// they share, up to twice as large.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use pshmem::{Comm, Error, Shared, Strings, RaggedDims};
    ///
    /// assert_eq!(Shared::<Array2<f64>>::bytes_for(&[1000, 500])?, 4_000_000);
    /// let dims = RaggedDims { rows: 1000, items: 20_000 };
    /// let bytes = Shared::<Strings>::bytes_for(&dims)?;
    /// let names = Shared::<Strings>::new(&Comm::solo(), dims)?;
    /// assert_eq!(names.comm().memory()?.objects[0].bytes, bytes);
    ///
    /// let too_large = Shared::<Array2<f64>>::bytes_for(&[1 << 40, 1 << 40]);
    /// assert!(matches!(too_large, Err(Error::TooLarge { .. })));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`new`](Shared::new) about the extents alone, such as [`Error::TooLarge`]. Whether a node has that much room, only
    /// [`Comm::memory`] and `new` know.
    pub fn bytes_for(dims: &L::Dims) -> Result<usize> {
        identity::plan::<L>(dims).map(|(_, placed)| placed.bytes)
    }

    /// Makes an object from a value that one rank has: each node gets a copy.
    ///
    /// The closure runs on `root` only. The extents are those of its value, so the other ranks need not know them.
    ///
    /// ```
    /// use pshmem::{Comm, Shared};
    ///
    /// let comm = Comm::solo();
    /// let table = Shared::<[f64]>::from_root(&comm, 0, || (0..10).map(|i| i as f64 * 0.5).collect())?;
    /// assert_eq!(table.view()[9], 4.5);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// All ranks of `comm` call it, with the same type and root. Two rounds more than [`new`](Shared::new); the value is sent to
    /// each other node once.
    ///
    /// # Errors
    /// Those of [`new`](Shared::new), [`Error::NoSuchRank`], [`Error::Shape`], and [`Error::Closure`] on the other ranks when
    /// the closure panics.
    ///
    /// # Panics
    /// On `root`, when the closure panics, after the other ranks have got their error.
    #[track_caller]
    pub fn from_root<O: OwnedBy<L>>(
        comm: &Comm,
        root: usize,
        value: impl FnOnce() -> O,
    ) -> Result<Self>
    where
        L: SharedLayout<Owned = O>,
    {
        Self::make(comm, root, Location::caller(), || Ok(value()))
    }

    /// Like [`from_root`](Shared::from_root), with a closure that may fail. Its error becomes [`Error::Closure`] on all ranks.
    ///
    /// ```
    /// use pshmem::{Comm, Error, Shared};
    ///
    /// let read = || std::fs::read("/no/such/file");
    /// let made = Shared::<[u8]>::try_from_root(&Comm::solo(), 0, read);
    /// assert!(matches!(made, Err(Error::Closure { rank: 0, .. })));
    /// ```
    ///
    /// # Collective
    /// As [`from_root`](Shared::from_root).
    ///
    /// # Errors
    /// As [`from_root`](Shared::from_root).
    ///
    /// # Panics
    /// As [`from_root`](Shared::from_root).
    #[track_caller]
    pub fn try_from_root<O: OwnedBy<L>, E: Display>(
        comm: &Comm,
        root: usize,
        value: impl FnOnce() -> Result<O, E>,
    ) -> Result<Self>
    where
        L: SharedLayout<Owned = O>,
    {
        Self::make(comm, root, Location::caller(), || {
            value().map_err(|error| error.to_string())
        })
    }

    /// `from_root`, called at `site`.
    pub(super) fn make(
        comm: &Comm,
        root: usize,
        site: &'static Location<'static>,
        value: impl FnOnce() -> Result<L::Owned, String>,
    ) -> Result<Self> {
        let core = &comm.core;
        let name = Kind::FromRoot.name();
        let _call = core.enter(name, site)?;
        let call = Call::new(Kind::FromRoot).root(root);
        core.check_root(call, root)?;
        // Taken before anything can fail, so that all ranks number later objects alike.
        let number = core.memory.next_object();
        let mut owned = None;
        let mut closure = ClosureRunner::new(root);
        // The root's value is made when all ranks have arrived; its type and extents are sent to all.
        let sent = core.write_long(call.step(Step::Extents), || {
            let value = owned.insert(closure.run(value)?);
            let dims = L::dims_of(value)?;
            Ok(Identity::without_fields::<L>(&dims).encode())
        });
        let sent = closure.finish(sent)?;
        let sent = Identity::decode(&sent).expect("the root sent what it has");
        let dims = match sent.dims_as::<L>() {
            Ok(dims) => dims,
            Err((ours, theirs)) => {
                let (name, rank) = (name.to_owned(), core.group.topology.rank);
                let error = Error::Mismatch {
                    call: name,
                    reference: root,
                    ours,
                    rank,
                    theirs,
                };
                return Err(core.refuse(call, error));
            }
        };
        let shared = Self::create(comm, call, number, &dims)?;
        let leaves = L::leaves(&shared.plan);
        let handle = shared.object.handle();
        // SAFETY: the object has just been made, so no rank has a view of it.
        let target = unsafe { handle.target(&leaves) };
        core.write(call.step(Step::Write), Some(&target), |regions| {
            let owned = owned.as_ref().expect("the root has made its value");
            // SAFETY: the segment is laid out by the plan, whose extents are those of the value; no view exists anywhere.
            unsafe { L::store(&shared.plan, handle.base_mut(), owned) };
            if core.group.is_multi_node() {
                regions.extend(handle.regions(&leaves));
            }
            Ok(Vec::new())
        })?;
        drop(target);
        Ok(shared)
    }

    /// Agrees on the layout and gets zeroed memory for it.
    pub(crate) fn create(comm: &Comm, call: Call, number: u64, dims: &L::Dims) -> Result<Self> {
        let core = &comm.core;
        // A rank whose extents are too large must still take part in the round, because the others wait for it.
        let planned = identity::plan::<L>(dims);
        let (plan, placed) = match planned {
            Ok(planned) => planned,
            Err(error) => return Err(core.refuse(call, error)),
        };
        let described = Described::new::<L>(dims);
        let want = [AllocRequest {
            bytes: placed.bytes,
            align: placed.align,
            ranks: core.group.topology.node_ranks.len(),
        }];
        let segment = core
            .allocate(call, Some(&described), &want, Some(0))?
            .expect("a segment was asked for");
        // SAFETY: the segment was placed for these bytes, is zeroed (a value of every element), and every rank of the node
        // does the same for the same type and extents.
        let object = unsafe { Object::new(comm.clone(), segment, number, placed, described) };
        Ok(Shared { plan, object })
    }
}
