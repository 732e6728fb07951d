//! Memory use: many objects at once, large objects that are unmapped, and the report of `Comm::memory`.

use pshmem::{Comm, Shared};

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
