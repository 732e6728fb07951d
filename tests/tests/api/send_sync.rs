//! Which types may be sent to or shared with other threads. Handles may not: they belong to the thread of their rank.

use ndarray::{ArrayView1, ArrayView2};
use pshmem::{
    Batch, Comm, Error, Field, Lock, LockGuard, Mutex, MutexGuard, NodeInfo, RwLock, Schema,
    Shared, Task,
};

/// Compiles only for a type that does not implement the trait: for one that does, `some_item` is ambiguous.
macro_rules! assert_not {
    ($type:ty: $trait:path) => {{
        trait Ambiguous<A> {
            fn some_item() {}
        }
        impl<T: ?Sized> Ambiguous<()> for T {}
        #[allow(dead_code, reason = "only its implementation matters")]
        struct Implements;
        impl<T: ?Sized + $trait> Ambiguous<Implements> for T {}
        <$type as Ambiguous<_>>::some_item();
    }};
}

fn send_and_sync<T: Send + Sync>() {}

#[test]
fn handles_stay_on_their_thread() {
    assert_not!(Comm: Send);
    assert_not!(Comm: Sync);
    assert_not!(Shared<u64>: Send);
    assert_not!(Shared<u64>: Sync);
    assert_not!(Shared<[f64]>: Send);
    assert_not!(Shared<[f64]>: Sync);
    assert_not!(Shared<ndarray::Array3<f32>>: Send);
    assert_not!(Shared<ndarray::Array3<f32>>: Sync);
    assert_not!(Field<'static, [f64]>: Send);
    assert_not!(Field<'static, [f64]>: Sync);
    assert_not!(Lock: Send);
    assert_not!(Lock: Sync);
    assert_not!(LockGuard<'static>: Send);
    assert_not!(LockGuard<'static>: Sync);
    assert_not!(Mutex<u64>: Send);
    assert_not!(Mutex<u64>: Sync);
    assert_not!(MutexGuard<'static, [f64]>: Send);
    assert_not!(MutexGuard<'static, [f64]>: Sync);
    assert_not!(RwLock<u64>: Send);
    assert_not!(RwLock<u64>: Sync);
    assert_not!(Batch: Send);
    assert_not!(Batch: Sync);
    assert_not!(Task: Send);
    assert_not!(Task: Sync);
}

#[test]
fn objects_cannot_be_duplicated() {
    assert_not!(Shared<[f64]>: Clone);
    assert_not!(Field<'static, [f64]>: Clone);
}

#[test]
fn views_are_send_and_sync() {
    send_and_sync::<<[f64] as pshmem::SharedLayout>::View<'static>>();
    send_and_sync::<<u64 as pshmem::SharedLayout>::View<'static>>();
    send_and_sync::<<ndarray::Array2<f64> as pshmem::SharedLayout>::View<'static>>();
    let list = Shared::<[u64]>::from_root(&Comm::solo(), 0, || vec![1, 2, 3]).unwrap();
    let grid = Shared::<ndarray::Array2<u64>>::from_root(&Comm::solo(), 0, || {
        ndarray::Array2::ones([2, 2])
    })
    .unwrap();
    let (view, square): (&[u64], ArrayView2<u64>) = (list.view(), grid.view());
    let sums = std::thread::scope(|scope| {
        let first = scope.spawn(move || view.iter().sum::<u64>());
        let second = scope.spawn(move || square.sum() + ArrayView1::from(view).sum());
        (first.join().unwrap(), second.join().unwrap())
    });
    assert_eq!(sums, (6, 10));
}

#[test]
fn errors_are_send_and_sync() {
    fn portable<T: std::error::Error + Clone + PartialEq + Send + Sync + 'static>() {}
    portable::<Error>();
    send_and_sync::<NodeInfo>();
    send_and_sync::<Schema>();
    send_and_sync::<pshmem::local::Cluster>();
}
