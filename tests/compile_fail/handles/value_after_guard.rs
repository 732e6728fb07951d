//! What a lock protects cannot be used once the lock has been given back.

fn main() {
    let mut count = pshmem::Mutex::<u64>::new(&pshmem::Comm::solo(), 1).unwrap();
    let guard = count.lock().unwrap();
    let value = &*guard;
    drop(guard);
    println!("{value}");
}
