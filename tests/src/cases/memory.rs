//! Memory use: many objects at once, large objects that are unmapped, and the report of `Comm::memory`.

use bytemuck::{Pod, Zeroable};
use ndarray::{Array1, Array2, Array3};
use pshmem::{
    Columns, Comm, Csr, CsrDims, Error, Map, MapDims, Ragged, RaggedDims, Shared, SharedColumns,
    SharedLayout, Strings, Text, Value,
};

use crate::report::Outcome;

const LARGE: usize = 16 << 20;

/// The report lists nodes, objects and free memory.
pub(crate) fn memory_report(comm: &Comm) -> Outcome {
    let before = comm.memory()?;
    let small = Shared::<[u64]>::new(comm, 100)?;
    let large = Shared::<[u8]>::new(comm, 1 << 20)?;
    let memory = comm.memory()?;
    assert_eq!(memory.nodes.len(), comm.node().count);
    assert_eq!(memory.nodes[comm.node().index].host, comm.host());
    assert_eq!(memory.objects.len(), before.objects.len() + 2);
    let [.., first, second] = memory.objects.as_slice() else {
        return Err("two objects are live".into());
    };
    assert_eq!((first.bytes, second.bytes), (800, 1 << 20));
    assert!(first.number < second.number);
    assert!(first.type_name.contains("u64") && second.type_name.contains("u8"));
    for (node, then) in memory.nodes.iter().zip(&before.nodes) {
        assert_eq!(node.objects, then.objects + 800 + (1 << 20));
        assert!(node.mapped >= then.mapped + (1 << 20));
        assert!(node.free <= node.capacity);
    }
    let text = memory.to_string();
    assert!(
        text.contains(comm.host()) && text.contains("1.0 MiB"),
        "{text}"
    );
    drop((small, large));
    let after = comm.memory()?;
    assert_eq!(after.objects, before.objects);
    Ok(())
}

#[derive(Clone, Copy, Pod, Zeroable, SharedColumns)]
#[repr(C)]
struct Particle {
    place: [f64; 3],
    kind: u8,
    padding: [u8; 7],
}

#[derive(SharedLayout)]
struct Inner {
    table: Array2<f32>,
    sum: f64,
}

#[derive(SharedLayout)]
#[shared(dims(n, items, columns), rows = n)]
struct Model {
    #[shared(shape = [n])]
    particles: Columns<Particle>,
    #[shared(shape = [n, items])]
    tracks: Ragged<u16>,
    #[shared(shape = [n, 3])]
    speeds: Array2<f64>,
    #[shared(shape = [columns])]
    edges: Vec<f32>,
    #[shared(dims = 13)]
    title: Text,
    step: u64,
}

#[derive(SharedLayout)]
struct Outer {
    list: Vec<u8>,
    #[shared(layout)]
    inner: Inner,
    flag: bool,
}

/// `bytes_for` says what an object will have, for each of these extents.
fn compare<L: SharedLayout + ?Sized>(
    comm: &Comm,
    all: impl IntoIterator<Item = L::Dims>,
) -> Outcome {
    for dims in all {
        let expected = Shared::<L>::bytes_for(&dims)?;
        let object = Shared::<L>::new(comm, dims)?;
        let memory = comm.memory()?;
        let found = memory.objects.last().ok_or("an object is live")?;
        assert_eq!(found.type_name, std::any::type_name::<L>());
        assert_eq!(found.bytes, expected, "{object:?}");
        assert!(object.bytes() <= expected, "{object:?}");
    }
    Ok(())
}

/// The bytes of an object are known without making it, whatever its layout.
pub(crate) fn bytes_are_known_before(comm: &Comm) -> Outcome {
    const LENGTHS: [usize; 5] = [0, 1, 100, 5000, 300 << 10];
    compare::<u8>(comm, [()])?;
    compare::<[f64; 5]>(comm, [()])?;
    compare::<Value<Particle>>(comm, [()])?;
    compare::<[u8]>(comm, LENGTHS)?;
    compare::<[Particle]>(comm, LENGTHS)?;
    compare::<Vec<i16>>(comm, LENGTHS)?;
    compare::<Box<[u32]>>(comm, LENGTHS)?;
    compare::<Array1<f32>>(comm, LENGTHS.map(|n| [n]))?;
    compare::<Array2<f64>>(comm, [[0, 7], [3, 5], [400, 300]])?;
    compare::<Array3<u8>>(comm, [[2, 0, 7], [70, 80, 90]])?;
    compare::<Columns<Particle>>(comm, LENGTHS)?;
    compare::<Text>(comm, LENGTHS)?;
    let ragged = LENGTHS.map(|rows| RaggedDims {
        rows,
        items: 3 * rows,
    });
    compare::<Ragged<u32>>(comm, ragged)?;
    compare::<Strings>(comm, ragged)?;
    compare::<Map<u64, f32>>(comm, LENGTHS.map(MapDims::new))?;
    compare::<Map<str, u8>>(comm, LENGTHS.map(|n| MapDims::text(n, 9 * n)))?;
    let sparse = LENGTHS.map(|rows| CsrDims {
        rows,
        cols: 100,
        nnz: 2 * rows,
    });
    compare::<Csr<f64>>(comm, sparse)?;
    let models = LENGTHS.map(|n| ModelDims {
        n,
        items: n / 2,
        columns: 17,
    });
    compare::<Model>(comm, models)?;
    let outer = LENGTHS.map(|list| OuterDims {
        list,
        inner: InnerDims { table: [list, 3] },
    });
    compare::<Outer>(comm, outer)?;
    // As `new` says it.
    let dims = CsrDims {
        rows: 1,
        cols: 1 << 33,
        nnz: 1,
    };
    let error = Shared::<Csr<f64>>::bytes_for(&dims).unwrap_err();
    assert!(matches!(error, Error::TooManyColumns { .. }), "{error}");
    assert_eq!(Shared::<Csr<f64>>::new(comm, dims).err(), Some(error));
    let dims = OuterDims {
        list: 1,
        inner: InnerDims {
            table: [1 << 62; 2],
        },
    };
    let error = Shared::<Outer>::bytes_for(&dims).unwrap_err();
    assert!(error.to_string().contains("`inner.table`"), "{error}");
    assert_eq!(Shared::<Outer>::new(comm, dims).err(), Some(error));
    Ok(())
}

/// Far more than any MPI library has windows or communicators, in a handful of mappings.
pub(crate) fn ten_thousand_live_objects(comm: &Comm) -> Outcome {
    // Where there are more ranks than cores, every call waits for the scheduler.
    let is_pair = comm.size() == 2 && comm.node().count == 1;
    let count = if is_pair { 10_000 } else { 200 };
    let make = |index: usize| {
        let mut object = Shared::<[u64]>::new(comm, 1 + index % 3)?;
        object.update(index % comm.size(), |mut w| w.fill(index as u64))?;
        Ok(object)
    };
    let objects: Vec<Shared<[u64]>> = (0..count).map(make).collect::<pshmem::Result<_>>()?;
    for (index, object) in objects.iter().enumerate() {
        assert!(
            object.view().iter().all(|&x| x == index as u64),
            "object {index}"
        );
    }
    let memory = comm.memory()?;
    assert!(memory.objects.len() >= count);
    let mapped = memory.nodes[0].mapped;
    assert!(
        mapped < (8 << 20) + 512 * count,
        "{count} objects take {mapped} B"
    );
    drop(objects);
    // Freed memory is used again: as many new objects map no more memory.
    comm.barrier()?;
    let again: Vec<Shared<[u64]>> = (0..count / 2).map(make).collect::<pshmem::Result<_>>()?;
    assert_eq!(comm.memory()?.nodes[0].mapped, mapped);
    drop(again);
    Ok(())
}

/// The last rank of a node that drops an object unmaps its memory, whichever rank it is. `bin/small_memory.rs` checks that the
/// system then has the memory: it fills a small file system several times.
pub(crate) fn large_objects_are_unmapped(comm: &Comm) -> Outcome {
    let before = comm.memory()?;
    for last in [0, comm.size() - 1] {
        let object = Shared::<[u8]>::new(comm, LARGE)?;
        let during = comm.memory()?;
        let mine = comm.node().index;
        assert!(during.nodes[mine].mapped >= before.nodes[mine].mapped + LARGE);
        let kept = (comm.rank() == last).then_some(object);
        comm.barrier()?;
        // The memory remains mapped for the rank that still has the object.
        assert!(kept.iter().all(|object| object.view()[LARGE - 1] == 0));
        drop(kept);
        comm.barrier()?;
        assert_eq!(comm.memory()?.nodes[mine].mapped, before.nodes[mine].mapped);
    }
    Ok(())
}
