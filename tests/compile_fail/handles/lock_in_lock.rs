//! A rank that waits for a lock which it has itself would wait for ever.

fn main() {
    let mut lock = pshmem::Lock::new(&pshmem::Comm::solo()).unwrap();
    let first = lock.lock().unwrap();
    let second = lock.lock().unwrap();
    drop((first, second));
}
