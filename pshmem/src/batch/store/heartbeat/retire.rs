//! Heartbeats of processes that have ended: who is still at work in a root, and what is removed.

use crate::batch::store::folder::Folder;
use crate::batch::store::heartbeat::liveness::{Liveness, Observer, is_id};
use std::collections::HashSet;
use std::io;
use std::time::Duration;

/// Marks a heartbeat whose file was removed because it was silent: what its process has left is still to be removed.
const RETIRED: &str = ".dead";
/// Limits of the time between two looks at the heartbeats of others.
const PAUSES: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(200)];

/// Ids of processes that are known to have ended. Those whose end is not known are observed from now on.
pub(in crate::batch::store) fn dead(
    own: &Folder,
    observer: &Observer,
) -> io::Result<HashSet<String>> {
    let mut dead = HashSet::new();
    let names = own.names()?;
    for name in &names {
        if is_id(name) && observer.liveness(own, name)? == Liveness::Dead {
            dead.insert(name.clone());
        }
        if let Some(id) = name.strip_suffix(RETIRED)
            && is_id(id)
        {
            if names.iter().any(|name| name == id) {
                // It was not dead: it has made its file again. Where it cannot be removed, the next job tries again.
                let _ = own.remove(name);
            } else {
                dead.insert(id.to_owned());
            }
        }
    }
    Ok(dead)
}

/// Whether one of these processes has made a file: its name has the id of its heartbeat.
pub(in crate::batch::store) fn is_of(name: &str, processes: &HashSet<String>) -> bool {
    name.split('.').any(|part| processes.contains(part))
}

/// Removes the heartbeat files of dead processes, and the other files with their ids.
pub(in crate::batch::store) fn remove_dead(own: &Folder, dead: &HashSet<String>) -> io::Result<()> {
    let mut names = own.names()?;
    names.retain(|name| is_of(name, dead));
    // The heartbeats last, so that after a kill in between the next job finds the rest.
    names.sort_by_key(|name| is_id(name) || name.ends_with(RETIRED));
    for name in names {
        own.remove(&name)?;
    }
    Ok(())
}

/// Removes the heartbeats that have been silent for longer than their timeout while they were observed.
pub(in crate::batch::store) fn retire_silent(own: &Folder, observer: &Observer) -> io::Result<()> {
    for id in observer.ids() {
        if let Liveness::Silent(_) = observer.liveness(own, &id)? {
            own.create(&format!("{id}{RETIRED}"), "")?;
            own.remove(&id)?;
        }
    }
    Ok(())
}

/// Whether processes other than `id` are at work in a root. Waits until it is known, at most for their lease timeouts.
pub(in crate::batch::store) fn others_work(
    own: &Folder,
    id: &str,
    observer: &Observer,
) -> io::Result<bool> {
    let mut pause = PAUSES[0];
    loop {
        let mut is_known = true;
        for other in own
            .names()?
            .iter()
            .filter(|name| is_id(name) && *name != id)
        {
            let Liveness::Alive(owner) = observer.liveness(own, other)? else {
                continue;
            };
            if owner.changed.is_some() {
                return Ok(true);
            }
            is_known = false;
        }
        if is_known {
            return Ok(false);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSES[1]);
    }
}
