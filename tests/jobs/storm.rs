//! Jobs that are killed at random moments, again and again, and replaced by new ones.

use std::time::{Duration, Instant};

use pshmem_tests::temp_dir::TempDir;

use crate::job::{Job, LIMIT, RUNS, process_ids, processes, wait_for_lines};
use crate::outcome::check_storm;
use crate::settings::Settings;
use crate::{Outcome, text};

/// The variable with the seed; without it, the time is the seed.
const SEED: &str = "JOBS_SEED";
/// The longest time between the moment that was chosen by the progress, and the kill.
const MAX_DELAY_US: u64 = 20_000;

/// How many jobs there are, and what becomes of them.
#[derive(Clone, Copy)]
pub(crate) struct Storm {
    pub(crate) tasks: usize,
    pub(crate) jobs: usize,
    pub(crate) kills: usize,
    pub(crate) worker_size: usize,
}

/// Kills a random job with all its processes, and starts a new one in its place, so many times. The moments are chosen by the
/// number of attempts that were begun, so that they are spread over all tasks, however fast those are. A last job does the rest.
pub(crate) fn storm(storm: Storm, launcher: &[String]) -> Outcome {
    let seed = match std::env::var(SEED) {
        Ok(text) => text.parse().map_err(|_| format!("{SEED} is no number"))?,
        Err(_) => std::time::UNIX_EPOCH
            .elapsed()
            .unwrap_or_default()
            .as_nanos() as u64,
    };
    println!("{SEED}={seed}");
    let start = Instant::now();
    let mut random = Random(seed);
    let dir = TempDir::new().map_err(text)?;
    let mut jobs = Jobs {
        dir: &dir,
        storm,
        launcher,
        running: Vec::new(),
        next: 0,
        killed: Vec::new(),
        kills: 0,
    };
    for _ in 0..storm.jobs {
        jobs.start()?;
    }
    let mut moments: Vec<usize> = (0..storm.kills)
        .map(|_| random.below(storm.tasks as u64 * 9 / 10) as usize)
        .collect();
    moments.sort_unstable();
    for moment in moments {
        jobs.wait_for_attempts(moment)?;
        std::thread::sleep(Duration::from_micros(random.below(MAX_DELAY_US)));
        jobs.kill_one(&mut random)?;
        while jobs.running.len() < storm.jobs {
            jobs.start()?;
        }
    }
    for (number, mut job) in std::mem::take(&mut jobs.running) {
        if !job.wait()? {
            return Err(format!("job {number}, which was not killed, has failed"));
        }
    }
    // Runs what the others have left, and clears what the killed ones have left.
    jobs.start()?;
    let (_, mut last) = jobs.running.remove(0);
    if !last.wait()? {
        return Err("the last job has failed".to_owned());
    }
    let all = check_storm(dir.path(), storm.tasks, &jobs.killed)?;
    println!(
        "{} tasks DONE by {} jobs with workers of {}, of which {} were killed: {} attempts, {} of them lost; killed before the \
         line in the log was written: {} that were DONE, {} others; {:.1} s",
        storm.tasks,
        jobs.next,
        storm.worker_size,
        jobs.kills,
        all.begun,
        all.lost,
        all.unlogged_done,
        all.unlogged_lost,
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

/// The jobs of a directory.
struct Jobs<'a> {
    dir: &'a TempDir,
    storm: Storm,
    launcher: &'a [String],
    /// With their numbers.
    running: Vec<(usize, Job)>,
    /// The number of the next job.
    next: usize,
    /// Processes of jobs that were killed.
    killed: Vec<i32>,
    /// How many were killed: fewer than asked for when some had ended before.
    kills: usize,
}

impl Jobs<'_> {
    fn start(&mut self) -> Outcome {
        let settings = Settings {
            dir: self.dir.path().to_owned(),
            job: self.next,
            tasks: self.storm.tasks,
            worker_size: self.storm.worker_size,
            spin: Duration::from_micros(500),
            ..Settings::default()
        };
        let job = Job::start(&settings, self.launcher)?;
        self.running.push((self.next, job));
        self.next += 1;
        Ok(())
    }

    /// How many processes a job has.
    fn processes(&self) -> usize {
        let mut words = self.launcher.iter().skip_while(|word| *word != "-n");
        let ranks = words.nth(1).and_then(|word| word.parse().ok());
        // Without a launcher, the ranks are threads.
        ranks.unwrap_or(1)
    }

    /// Waits until so many attempts were begun.
    fn wait_for_attempts(&self, count: usize) -> Outcome {
        let mut last = (0, Instant::now());
        loop {
            let begun = process_ids(self.dir, RUNS).len();
            if begun >= count {
                return Ok(());
            }
            if begun != last.0 {
                last = (begun, Instant::now());
            } else if last.1.elapsed() > LIMIT {
                return Err(format!("no task was begun for {} s", LIMIT.as_secs()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills one of the jobs that run: its ranks, whose ids it has written down, and its launcher.
    fn kill_one(&mut self, random: &mut Random) -> Outcome {
        while !self.running.is_empty() {
            let index = random.below(self.running.len() as u64) as usize;
            let (number, mut job) = self.running.swap_remove(index);
            let file = processes(number);
            // All of them, so that none is left to continue.
            wait_for_lines(self.dir, &file, self.processes())?;
            match job.outcome()? {
                None => {
                    let ids = process_ids(self.dir, &file);
                    job.kill(&ids)?;
                    self.killed.extend(ids);
                    self.kills += 1;
                    return Ok(());
                }
                // Nothing was left for it.
                Some(true) => {}
                Some(false) => {
                    return Err(format!("job {number}, which was not killed, has failed"));
                }
            }
        }
        Ok(())
    }
}

/// Random numbers, by the method `SplitMix64`.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }
}
