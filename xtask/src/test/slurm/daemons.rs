//! Slurm on this machine: munged, slurmctld and a slurmd for each node, as children that end with this process.
//!
//! The nodes have a `/dev/shm` of their own, in which nothing may be left after a job.

use super::configuration::{NODES, Ports, slurm_conf};
use crate::process::{self, Outcome};
use crate::test::leftovers::Folders;
use crate::{cargo, setup};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long daemons may take until they work, and jobs until they have a state.
const PATIENCE: Duration = Duration::from_secs(60);

/// A Slurm that works.
pub(super) struct Daemons {
    /// Its files.
    folder: TempDir,
    /// What its jobs see as `/dev/shm` and `TMPDIR`.
    folders: Folders,
    children: Vec<Child>,
}

impl Daemons {
    /// Starts all daemons and waits until the nodes are idle.
    pub(super) fn start() -> Result<Self, String> {
        let new = || -> std::io::Result<Self> {
            let folder = tempfile::Builder::new().prefix("slurm-").tempdir()?;
            // Tasks read the programs' output files here.
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
            for name in ["state", "spool.n1", "spool.n2", "munge"] {
                fs::create_dir(folder.path().join(name))?;
            }
            Ok(Self {
                folder,
                folders: Folders::new()?,
                children: Vec::new(),
            })
        };
        let mut daemons = new().map_err(|why| format!("no folder for Slurm: {why}"))?;
        daemons.configure().map_err(|why| why.to_string())?;
        daemons.start_munge()?;
        daemons.daemon("slurmctld", &["-D"])?;
        for node in NODES {
            daemons.daemon("slurmd", &["-D", "-N", node])?;
        }
        let is_idle = |states: &str| {
            let states: Vec<&str> = states.lines().collect();
            states.len() == NODES.len() && states.iter().all(|state| *state == "idle")
        };
        let sinfo = ["sinfo", "-h", "-N", "-o", "%t"];
        daemons.wait_for("nodes that are idle", |daemons| {
            is_idle(&daemons.output(&sinfo))
        })?;
        Ok(daemons)
    }

    fn configure(&self) -> std::io::Result<()> {
        let host = fs::read_to_string("/proc/sys/kernel/hostname")?;
        let host = host.trim().split('.').next().unwrap_or_default();
        let free = || {
            let listener = TcpListener::bind(("127.0.0.1", 0))?;
            Ok::<_, std::io::Error>((listener.local_addr()?.port(), listener))
        };
        // All three are held until all are known.
        let (controller, first, second) = (free()?, free()?, free()?);
        let ports = Ports {
            controller: controller.0,
            nodes: [first.0, second.0],
        };
        let text = slurm_conf(self.folder.path(), host, ports);
        fs::write(self.configuration(), text)?;
        let mut key = vec![0; 1024];
        File::open("/dev/urandom")?.read_exact(&mut key)?;
        let file = self.file("munge/key");
        fs::write(&file, key)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o400))
    }

    fn start_munge(&mut self) -> Result<(), String> {
        let option = |name: &str, file: &str| format!("--{name}={}", self.file(file).display());
        let options = [
            "--foreground".to_owned(),
            option("key-file", "munge/key"),
            option("pid-file", "munge/pid"),
            option("log-file", "munge/log"),
            option("seed-file", "munge/seed"),
            option("socket", "munge.socket"),
        ];
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        self.daemon("munged", &options)?;
        let socket = self.file("munge.socket");
        self.wait_for("munged", |_| socket.exists())
    }

    /// Starts a daemon, which the kernel ends if this process ends.
    fn daemon(&mut self, name: &str, arguments: &[&str]) -> Result<(), String> {
        let program = crate::mpi::in_path(name).ok_or_else(|| format!("no `{name}`"))?;
        let mut command = Command::new(&program);
        command.args(arguments);
        let mut command = self.folders.around(&self.with_configuration(command));
        let mut outer = Command::new("setpriv");
        outer.args(["--pdeathsig", "TERM"]);
        command = process::inside(Some(outer), &command);
        let log = self.file(&format!("{name}.{}.out", self.children.len()));
        let log = File::create(log).map_err(|why| why.to_string())?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(|why| why.to_string())?)
            .stderr(log)
            .spawn();
        self.children
            .push(child.map_err(|why| format!("{name}: {why}"))?);
        Ok(())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configuration(&self) -> PathBuf {
        self.file("slurm.conf")
    }

    fn with_configuration(&self, mut command: Command) -> Command {
        command.env("SLURM_CONF", self.configuration());
        command
    }

    /// A folder for the files of one row.
    pub(super) fn new_folder(&self) -> Result<TempDir, String> {
        let folder = tempfile::Builder::new()
            .prefix("row-")
            .tempdir_in(self.folder.path());
        folder.map_err(|why| format!("no folder for the row: {why}"))
    }

    /// Runs a command of Slurm: `srun`, `sbatch`, `scancel`.
    pub(super) fn run(&self, mut command: Command, limit: Duration, log: &Path) -> Outcome {
        command.current_dir(cargo::root());
        let command = self.folders.around(&self.with_configuration(command));
        process::run(command, limit, log, false)
    }

    /// What a short command prints, nothing if it fails.
    pub(super) fn output(&self, words: &[&str]) -> String {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        let output = self.with_configuration(command).output();
        let output = output.map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&output).trim().to_owned()
    }

    /// The value of `name` in what `scontrol` says of a job, as in `JobState`.
    pub(super) fn job(&self, id: &str, name: &str) -> String {
        let text = self.output(&["scontrol", "-o", "show", "job", id]);
        let word = text
            .split_whitespace()
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        word.unwrap_or_default().to_owned()
    }

    /// Asks again and again, for a limited time.
    pub(super) fn wait_for(&self, what: &str, is_so: impl Fn(&Self) -> bool) -> Result<(), String> {
        let start = Instant::now();
        while !is_so(self) {
            if start.elapsed() > PATIENCE {
                return Err(format!(
                    "{what}: not within {} s{}",
                    PATIENCE.as_secs(),
                    self.last_words()
                ));
            }
            sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// The last lines of all daemons.
    fn last_words(&self) -> String {
        let mut text = String::new();
        let entries = fs::read_dir(self.folder.path()).into_iter().flatten();
        for entry in entries.flatten() {
            let path = entry.path();
            if path
                .extension()
                .is_some_and(|end| end == "log" || end == "out")
            {
                let log = fs::read_to_string(&path).unwrap_or_default();
                let lines: Vec<&str> = log.lines().collect();
                let last = &lines[lines.len().saturating_sub(5)..];
                // Writing to a string does not fail.
                let _ = write!(text, "\n{}:\n{}", path.display(), last.join("\n"));
            }
        }
        text
    }

    /// What a run and its jobs have left.
    pub(super) fn leftovers(&self, run: &Outcome) -> Vec<String> {
        self.folders.leftovers(run)
    }
}

impl Drop for Daemons {
    fn drop(&mut self) {
        // Tasks are children of daemons that outlive a slurmd.
        self.output(&["scancel", "--full", "--user=root", "--signal=KILL"]);
        self.output(&["scancel", "--user=root"]);
        let start = Instant::now();
        let is_busy = |this: &Self| !this.output(&["squeue", "-h"]).is_empty();
        while is_busy(self) && start.elapsed() < PATIENCE {
            sleep(Duration::from_millis(200));
        }
        // The controller first, while munged still works.
        for child in self.children.iter_mut().rev() {
            setup::succeeds("kill", &["-s", "TERM", &child.id().to_string()]);
            let start = Instant::now();
            while matches!(child.try_wait(), Ok(None)) && start.elapsed() < PATIENCE {
                sleep(Duration::from_millis(20));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
