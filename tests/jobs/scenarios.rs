//! What happens to the jobs of one directory, and what must be true afterwards.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use pshmem::{Batch, TaskState};
use pshmem_tests::temp_dir::TempDir;

use crate::job::{CONTINUE, Job, ids_in, process_ids, processes, send_signal, wait_for_lines};
use crate::settings::Settings;
use crate::{Outcome, text};

/// One of several jobs is killed half-way: every task ends as `Done`, recorded once, and only tasks of the killed job are run
/// twice.
pub(crate) fn kill(tasks: usize, jobs: usize, launcher: &[String]) -> Outcome {
    let dir = TempDir::new().map_err(text)?;
    let settings = |job| Settings {
        dir: dir.path().to_owned(),
        job,
        tasks,
        spin: Duration::from_micros(500),
        ..Settings::default()
    };
    let mut killed = Job::start(&settings(0), launcher)?;
    wait_for_lines(&dir, "t0/ends", 1)?;
    let killed_processes = process_ids(&dir, &processes(0));
    let start = |job| Job::start(&settings(job), launcher);
    let others: Outcome<Vec<Job>> = (1..jobs).map(start).collect();
    // Somewhere in the middle, at a random time.
    wait_for_lines(&dir, &format!("t{}/runs", tasks / 2), 1)?;
    std::thread::sleep(random_delay());
    send_signal(&killed_processes, libc::SIGKILL);
    killed.wait()?;
    for mut job in others? {
        if !job.wait()? {
            return Err("a job that was not killed has failed".to_owned());
        }
    }
    // Runs what the others have left: nothing, unless the killed job was the last one.
    if !start(jobs)?.wait()? {
        return Err("the last job has failed".to_owned());
    }
    let status = Batch::status(dir.path()).map_err(text)?;
    let done = status.count(TaskState::Done);
    let mut wrong = String::new();
    let mut reruns = 0;
    for task in 0..tasks {
        let runs = process_ids(&dir, &format!("t{task}/runs"));
        let ends = process_ids(&dir, &format!("t{task}/ends"));
        let rejected = process_ids(&dir, &format!("t{task}/rejected"));
        let by_killed = runs
            .iter()
            .filter(|id| killed_processes.contains(id))
            .count();
        reruns += runs.len().saturating_sub(1);
        // A rank may have been killed before it could write down the end.
        let is_expected = runs.len() - by_killed <= 1
            && by_killed <= 1
            && ends.len() <= 1
            && rejected.is_empty()
            && (ends.len() == 1 || by_killed == 1);
        if !is_expected {
            let _ = writeln!(
                wrong,
                "t{task}: runs {runs:?}, ends {ends:?}, rejected {rejected:?}"
            );
        }
    }
    if done != tasks || !wrong.is_empty() {
        return Err(format!(
            "{done} of {tasks} tasks are DONE; killed: {killed_processes:?}\n{wrong}"
        ));
    }
    println!("{tasks} tasks DONE by {jobs} jobs; {reruns} run again");
    Ok(())
}

/// A job is frozen with its task, another job takes the task over, and then the first one continues: its result is rejected.
pub(crate) fn freeze(launcher: &[String]) -> Outcome {
    let dir = TempDir::new().map_err(text)?;
    let mut settings = Settings {
        dir: dir.path().to_owned(),
        lease: Duration::from_millis(400),
        waits_from: 0,
        ..Settings::default()
    };
    let mut frozen = Job::start(&settings, launcher)?;
    wait_for_lines(&dir, "t0/runs", 1)?;
    let processes = process_ids(&dir, &processes(0));
    send_signal(&processes, libc::SIGSTOP);
    (settings.job, settings.waits_from) = (1, usize::MAX);
    let outcome = Job::start(&settings, launcher)?.wait();
    std::fs::write(dir.path().join(CONTINUE), "").map_err(text)?;
    send_signal(&processes, libc::SIGCONT);
    if !outcome? || !frozen.wait()? {
        return Err("a job has failed".to_owned());
    }
    let runs = process_ids(&dir, "t0/runs");
    let ends = process_ids(&dir, "t0/ends");
    let rejected = process_ids(&dir, "t0/rejected");
    let state = dir.read("t0/state");
    let is_expected =
        runs.len() == 2 && ends == runs[1..] && rejected == runs[..1] && state == "DONE\n";
    if !is_expected {
        return Err(format!(
            "runs {runs:?}, ends {ends:?}, rejected {rejected:?}, {state}"
        ));
    }
    println!("the result of the frozen job was rejected");
    Ok(())
}

/// One process gets SIGTERM: no rank of its job begins another task, tasks that run are ended, and the next job does the rest.
pub(crate) fn term(tasks: usize, launcher: &[String]) -> Outcome {
    let dir = TempDir::new().map_err(text)?;
    let settings = |job| Settings {
        dir: dir.path().to_owned(),
        job,
        tasks,
        spin: Duration::from_millis(1),
        ..Settings::default()
    };
    let mut job = Job::start(&settings(0), launcher)?;
    wait_for_lines(&dir, "t0/ends", 1)?;
    send_signal(&process_ids(&dir, &processes(0))[..1], libc::SIGTERM);
    if !job.wait()? {
        return Err("the job that got SIGTERM has failed".to_owned());
    }
    let count = |state| {
        let status = Batch::status(dir.path()).map_err(text)?;
        Ok::<usize, String>(status.count(state))
    };
    let (done, running) = (count(TaskState::Done)?, count(TaskState::Running)?);
    if done == 0 || done == tasks || running > 0 {
        return Err(format!("{done} of {tasks} are DONE, {running} RUNNING"));
    }
    if !Job::start(&settings(1), launcher)?.wait()? {
        return Err("the next job has failed".to_owned());
    }
    let once = |task: &usize| process_ids(&dir, &format!("t{task}/ends")).len() == 1;
    if count(TaskState::Done)? != tasks || !(0..tasks).all(|task| once(&task)) {
        return Err("the next job has left a task, or repeated one".to_owned());
    }
    println!("{done} tasks DONE before the end, {} after", tasks - done);
    Ok(())
}

/// Opens a directory of many tasks whose jobs have ended well, and again after a job was killed in task 0: first all tasks are open,
/// and then all others are done.
pub(crate) fn open(tasks: usize, launcher: &[String]) -> Outcome {
    let dir = TempDir::new().map_err(text)?;
    let mut jobs = 0;
    let mut settings = |only_opens| {
        jobs += 1;
        Settings {
            dir: dir.path().to_owned(),
            job: jobs,
            tasks,
            waits_from: 0,
            only_opens,
            ..Settings::default()
        }
    };
    let opens = |settings: Settings| {
        if Job::start(&settings, launcher)?.wait()? {
            return Ok(());
        }
        Err("a job that opens the directory has failed".to_owned())
    };
    let mut runs = 0;
    for what in ["made", "all open", "all done but one"] {
        println!("{what}:");
        if what == "all done but one" {
            (1..tasks)
                .try_for_each(|task| {
                    std::fs::write(dir.path().join(format!("t{task}/state")), "DONE\n")
                })
                .map_err(text)?;
        }
        opens(settings(true))?;
        if what == "made" {
            continue;
        }
        let killed = settings(false);
        let job = Job::start(&killed, launcher)?;
        runs += 1;
        wait_for_lines(&dir, "t0/runs", runs)?;
        job.kill(&process_ids(&dir, &processes(killed.job)))?;
        println!("{what}, after a kill:");
        opens(settings(true))?;
    }
    Ok(())
}

/// Whether all tasks are `Done`: each was recorded at most once, no result was rejected, at most so many tasks were run twice, none
/// more often, and at least so many processes have run tasks. Runs that were put back do not count.
pub(crate) fn check(dir: &Path, tasks: usize, reruns: usize, processes: usize) -> Outcome {
    let status = Batch::status(dir).map_err(text)?;
    let done = status.count(TaskState::Done);
    let ids = |task: usize, file: &str| ids_in(&dir.join(format!("t{task}")).join(file));
    let mut wrong = String::new();
    let (mut again, mut all) = (0, BTreeSet::new());
    for task in 0..tasks {
        let [runs, ends, rejected] = ["runs", "ends", "rejected"].map(|file| ids(task, file));
        let to_the_end = runs.len() - ids(task, "put_back").len().min(runs.len());
        let is_again = to_the_end == 2;
        again += usize::from(is_again);
        // The end of a run that was killed may be recorded only in the state of the task.
        let is_expected = (ends.len() == 1 || is_again && ends.is_empty())
            && rejected.is_empty()
            && (to_the_end == 1 || is_again);
        if !is_expected {
            let _ = writeln!(
                wrong,
                "t{task}: runs {runs:?}, ends {ends:?}, rejected {rejected:?}"
            );
        }
        all.extend(runs);
    }
    let text = format!(
        "{done} of {tasks} tasks DONE by {} processes, {again} run again",
        all.len()
    );
    if done != tasks || !wrong.is_empty() || again > reruns || all.len() < processes {
        return Err(format!(
            "{text}, and not at most {reruns}, by at least {processes}\n{wrong}"
        ));
    }
    println!("{text}");
    Ok(())
}

/// Up to 10 ms.
fn random_delay() -> Duration {
    let time = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    Duration::from_micros((time.as_nanos() % 10_000) as u64)
}
