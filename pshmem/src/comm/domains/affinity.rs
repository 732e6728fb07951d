//! On which CPUs the calling thread may run.

use crate::comm::cpu_list::CpuList;

/// The CPUs on which the calling thread may run.
///
/// # Errors
/// Why the system does not say it.
#[cfg(target_os = "linux")]
pub(super) fn cpus() -> Result<CpuList, String> {
    use rustix::io::Errno;
    use rustix::thread::{CpuSet, sched_getaffinity};

    let set = sched_getaffinity(None).map_err(|error| match error {
        // The answer of the kernel has more CPUs than the set has room for.
        Errno::INVAL => format!("the machine has more than {} CPUs", CpuSet::MAX_CPU),
        error => format!("`sched_getaffinity` failed: {error}"),
    })?;
    let numbers = 0..CpuSet::MAX_CPU;
    Ok(numbers
        .filter(|&cpu| set.is_set(cpu))
        .map(|cpu| cpu as u32)
        .collect())
}

/// The CPUs on which the calling thread may run.
///
/// # Errors
/// Only Linux says it.
#[cfg(not(target_os = "linux"))]
pub(super) fn cpus() -> Result<CpuList, String> {
    Err("only Linux says on which CPUs a rank may run".to_owned())
}

#[cfg(all(test, target_os = "linux", not(miri)))]
mod tests {
    use super::*;
    use rustix::thread::{CpuSet, sched_setaffinity};

    #[test]
    fn the_affinity_is_that_of_the_thread() {
        let all = cpus().unwrap();
        for cpu in all.iter() {
            std::thread::spawn(move || {
                let mut set = CpuSet::new();
                set.set(cpu as usize);
                sched_setaffinity(None, &set).unwrap();
                assert_eq!(cpus(), Ok([cpu].into_iter().collect()));
            })
            .join()
            .unwrap();
        }
        assert_eq!(cpus(), Ok(all));
    }
}
