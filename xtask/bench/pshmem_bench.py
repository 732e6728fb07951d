"""Times the Python package pshmem (MPIShared, MPILock, MPIBatch) for `cargo xtask bench`.

Rank 0 prints one line per measurement, as the bench of the Rust library does:
row<TAB>column<TAB>number<TAB>unit. Each number is the median over batches on the slowest rank.
"""

import os
import statistics
import sys
import tempfile
import time

import numpy as np
from mpi4py import MPI
from mpi4py.futures import MPICommExecutor
from mpi4py.util.sync import Mutex
from pshmem import MPIBatch, MPILock, MPIShared

COMM = MPI.COMM_WORLD
# One row takes about this long: a batch of calls is timed as one, and the median batch counts.
SECONDS_PER_ROW = 1.0
MAX_BATCHES = 51


def report(row, seconds, column="python"):
    """One line for the table."""
    if COMM.rank == 0:
        print(f"{row}\t{column}\t{seconds:.9e}\ts", flush=True)


def timed(call, count):
    """Seconds per call, of `count` calls that all ranks start together, on the slowest rank."""
    COMM.Barrier()
    start = time.perf_counter()
    for _ in range(count):
        call()
    return COMM.allreduce((time.perf_counter() - start) / count, op=MPI.MAX)


def median(call):
    """Median seconds per call, with a batch size that suits the call's cost."""
    once = timed(call, 1)  # warms up
    once = timed(call, 3)
    count = max(1, min(200, int(0.02 / once)))
    batches = max(3, min(MAX_BATCHES, int(SECONDS_PER_ROW / (once * count))))
    return statistics.median(timed(call, count) for _ in range(batches))


def bench_set(row, size):
    """`set` of a whole array of `size` bytes from rank 0."""
    data = np.ones(size, dtype=np.uint8) if COMM.rank == 0 else None
    with MPIShared((size,), np.uint8, COMM) as shared:
        report(row, median(lambda: shared.set(data, offset=(0,), fromrank=0)))


def bench_create(row, size):
    """Creation and release of an array of `size` bytes."""

    def create_and_drop():
        shared = MPIShared((size,), np.uint8, COMM)
        shared.close()
        del shared

    report(row, median(create_and_drop))


def bench_lock(row):
    """Lock and unlock with all ranks contending."""
    with MPILock(COMM, root=0) as lock:

        def lock_unlock():
            lock.lock()
            lock.unlock()

        report(row, median(lock_unlock))


def bench_mutex(row):
    """The same with the mutex of mpi4py."""
    mutex = Mutex(comm=COMM)

    def lock_unlock():
        mutex.acquire()
        mutex.release()

    report(row, median(lock_unlock), "mpi4py Mutex")
    mutex.free()


def bench_batch(row, tasks):
    """Tasks of a batch that do nothing: seconds per task over all ranks."""
    times = []
    for _ in range(3 if tasks > 1000 else 7):
        with MPIBatch(COMM, 1, tasks) as batch:
            COMM.Barrier()
            start = time.perf_counter()
            while True:
                task = batch.next_task()
                if task is None:
                    break
                batch.set_task_state(task, batch.DONE)
            COMM.Barrier()
            times.append(COMM.allreduce((time.perf_counter() - start) / tasks, op=MPI.MAX))
        if times[0] * tasks > 5.0:
            break
    report(row, statistics.median(times))


def nothing(_):
    """A task."""


def bench_futures(row, tasks):
    """The same with the executor of mpi4py, of which one rank gives out tasks."""
    with MPICommExecutor(COMM, root=0) as executor:
        if executor is not None:
            times = []
            for _ in range(7):
                start = time.perf_counter()
                for _ in executor.map(nothing, range(tasks)):
                    pass
                times.append((time.perf_counter() - start) / tasks)
            report(row, statistics.median(times), "mpi4py.futures")


FILE_BYTES = 1 << 30
# A file of this size takes seconds, so few calls are timed.
FILE_CALLS = 3


def median_of_files(call):
    """Median seconds per call, of few calls after one that is not counted."""
    timed(call, 1)
    return statistics.median(timed(call, 1) for _ in range(FILE_CALLS))


def file_in(folder):
    """The same path on all ranks."""
    return COMM.bcast(os.path.join(folder, f"pshmem-bench-python-{os.getpid()}.npy"))


def save(shared, path):
    """Rank 0 writes what its node holds; it is on the disk when this returns."""
    if COMM.rank == 0:
        with open(path, "wb") as file:
            np.save(file, shared.data)
            file.flush()
            os.fsync(file.fileno())


def bench_save(row, folder):
    """`numpy.save` of an array in shared memory."""
    path = file_in(folder)
    try:
        with MPIShared((FILE_BYTES,), np.uint8, COMM) as shared:
            shared.set(np.ones(FILE_BYTES, np.uint8) if COMM.rank == 0 else None, offset=(0,), fromrank=0)
            report(row, median_of_files(lambda: save(shared, path)))
    finally:
        if COMM.rank == 0 and os.path.exists(path):
            os.remove(path)


def bench_load(row, folder):
    """`numpy.load` on rank 0, and `set` into an array that is created for it."""
    path = file_in(folder)

    def load():
        data = np.load(path) if COMM.rank == 0 else None
        size = COMM.bcast(None if data is None else data.size)
        with MPIShared((size,), np.uint8, COMM) as shared:
            shared.set(data, offset=(0,), fromrank=0)

    try:
        if COMM.rank == 0:
            np.save(path, np.ones(FILE_BYTES, np.uint8))
        COMM.Barrier()
        report(row, median_of_files(load))
    finally:
        if COMM.rank == 0 and os.path.exists(path):
            os.remove(path)


ROWS = {
    "set 64 B": lambda row: bench_set(row, 64),
    "set 8 KiB": lambda row: bench_set(row, 8 << 10),
    "set 256 MiB": lambda row: bench_set(row, 256 << 20),
    "create and drop 8 KiB": lambda row: bench_create(row, 8 << 10),
    "lock and unlock": bench_lock,
    "lock and unlock, mpi4py": lambda row: bench_mutex("lock and unlock"),
    "task of 100": lambda row: bench_batch(row, 100),
    "task of 4000": lambda row: bench_batch(row, 4000),
    "task of 4000, mpi4py": lambda row: bench_futures("task of 4000", 4000),
    "save 1024 MiB in memory": lambda row: bench_save(row, "/dev/shm"),
    "load 1024 MiB in memory": lambda row: bench_load(row, "/dev/shm"),
    "save 1024 MiB on a disk": lambda row: bench_save(row, tempfile.gettempdir()),
    "load 1024 MiB on a disk": lambda row: bench_load(row, tempfile.gettempdir()),
}


def main():
    """The rows named as arguments, or all."""
    for row in sys.argv[1:] or ROWS:
        ROWS[row](row)


if __name__ == "__main__":
    main()
