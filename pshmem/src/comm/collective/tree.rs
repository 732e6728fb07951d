//! Agreement between nodes. The nodes form two binomial trees: leaders report up their tree, the two roots exchange their reports,
//! and the verdict comes down.
//!
//! With two nodes that is one message each way at the same time; with one tree the second node would wait for a round trip. Each
//! leader sends to its neighbours in the tree only, so neither messages nor memory of a rank grow with the number of nodes.

use crate::comm::group::Group;
use crate::comm::protocol::call::Call;
use crate::comm::protocol::contribution::Contributions;
use crate::comm::protocol::message::{ArrivalReport, NodeMessage, Verdict};
use crate::comm::rank_sync::RankSync;
use crate::comm::wait::Wait;
use crate::error::Error;

/// Reports that this node has arrived at call `n`, and waits for the verdict. The caller has claimed the call for its node.
/// `at_top` runs on the leaders of both roots, with the same contributions of all ranks, before the verdict comes down; on that of
/// the first one only, if these ask for it.
pub(super) fn agree_with_other_nodes(
    sync: &RankSync,
    n: u64,
    call: Call,
    contributions: Box<Contributions>,
    conflict: Option<Box<Error>>,
    at_top: impl FnOnce(&mut Contributions),
) -> Verdict {
    let group = &sync.group;
    let mut report = ArrivalReport {
        n,
        call,
        caller: sync.caller(),
        contributions,
        conflict,
    };
    for &child in &group.children {
        match await_report(sync, n, call, child) {
            Ok(below) => merge(group, &mut report, below),
            Err(error) => {
                report.conflict.get_or_insert(error);
            }
        }
    }
    report.contributions.limit_items();
    let verdict = if let Some(parent) = group.parent {
        group.send_to_node(parent, &NodeMessage::Arrived(report));
        await_verdict(sync, n, call, parent)
    } else {
        let other = group.other_root.expect("a root of several nodes");
        exchange_reports(sync, report, other)
            .and_then(|report| decide_at_root(sync, report, other, at_top))
    };
    send_verdict(group, n, verdict, &group.children)
}

/// Sends the verdict of call `n` to the leaders of other nodes, and returns it.
fn send_verdict(group: &Group, n: u64, verdict: Verdict, to: &[usize]) -> Verdict {
    let message = NodeMessage::Verdict { n, verdict };
    for &node in to {
        group.send_to_node(node, &message);
    }
    let NodeMessage::Verdict { verdict, .. } = message else {
        unreachable!()
    };
    verdict
}

/// On a root: the verdict for the report of all nodes.
fn decide_at_root(
    sync: &RankSync,
    mut report: ArrivalReport,
    other: usize,
    at_top: impl FnOnce(&mut Contributions),
) -> Verdict {
    if let Some(conflict) = report.conflict {
        return Err(conflict);
    }
    let (n, is_first) = (report.n, sync.group.topology.node() < other);
    let once = report.contributions.make_once;
    if once && !is_first {
        return await_verdict(sync, n, report.call, other);
    }
    at_top(&mut report.contributions);
    if !once {
        return Ok(report.contributions);
    }
    send_verdict(&sync.group, n, Ok(report.contributions), &[other])
}

/// On a root: sends the report of its tree to the other root, and returns that of all nodes. Both return the same.
fn exchange_reports(
    sync: &RankSync,
    report: ArrivalReport,
    other: usize,
) -> Result<ArrivalReport, Box<Error>> {
    let (n, call) = (report.n, report.call);
    let message = NodeMessage::Arrived(report);
    sync.group.send_to_node(other, &message);
    let NodeMessage::Arrived(mine) = message else {
        unreachable!()
    };
    // If the other leader has left, its tree learns the same from it.
    let theirs = await_report(sync, n, call, other)?;
    let (mut first, second) = if sync.group.topology.node() < other {
        (mine, theirs)
    } else {
        (theirs, mine)
    };
    merge(&sync.group, &mut first, second);
    Ok(first)
}

fn merge(group: &Group, report: &mut ArrivalReport, below: ArrivalReport) {
    report.contributions.merge(*below.contributions);
    if report.conflict.is_none() {
        report.conflict = below.conflict.or_else(|| {
            (below.call != report.call).then(|| {
                Box::new(Error::Diverged {
                    what: format!(
                        "{}; {}",
                        report.caller.sentence(&group.call_text(report.call)),
                        below.caller.sentence(&group.call_text(below.call))
                    ),
                })
            })
        });
    }
}

/// Waits for the report of a child. An error if its leader has left.
fn await_report(
    sync: &RankSync,
    n: u64,
    call: Call,
    child: usize,
) -> Result<ArrivalReport, Box<Error>> {
    let leader = sync.group.topology.leader_address(child);
    Wait::for_node(sync, n, call, child).for_message(leader, |message| match message {
        NodeMessage::Arrived(report) if report.n == n => Some(Ok(report)),
        other => missing_leader(sync, other, n, call).map(Err),
    })
}

/// Waits for the verdict of the parent. An error if its leader has left.
fn await_verdict(sync: &RankSync, n: u64, call: Call, parent: usize) -> Verdict {
    let leader = sync.group.topology.leader_address(parent);
    Wait::for_node(sync, n, call, parent).for_message(leader, |message| match message {
        NodeMessage::Verdict { n: of, verdict } if of == n => Some(verdict),
        other => missing_leader(sync, other, n, call).map(Err),
    })
}

/// The error of call `n` if the message says that its sender will not make it.
fn missing_leader(sync: &RankSync, message: NodeMessage, n: u64, call: Call) -> Option<Box<Error>> {
    match message {
        NodeMessage::Left {
            done,
            caller,
            last,
            reason,
        } if done < n => Some(Box::new(sync.missing_rank(&caller, last, reason, call))),
        _ => None,
    }
}
