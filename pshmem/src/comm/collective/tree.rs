//! Agreement between nodes: leaders report up a binomial tree of nodes, and the verdict comes down.
//!
//! That is one round trip. Each leader sends to its neighbours in the tree only, so neither messages nor memory of a rank grow
//! with the number of nodes.

use crate::comm::group::Group;
use crate::comm::protocol::call::Call;
use crate::comm::protocol::contribution::Contributions;
use crate::comm::protocol::message::{ArrivalReport, NodeMessage};
use crate::comm::rank_sync::RankSync;
use crate::comm::wait::Wait;
use crate::error::{Error, Result};

/// Reports that this node has arrived at call `n`, and waits for the verdict. The caller has claimed the call for its node.
/// `at_top` runs on the leader of node 0, with the contributions of all ranks, before the verdict comes down.
pub(super) fn agree_with_other_nodes(
    sync: &RankSync,
    n: u64,
    call: Call,
    contributions: Contributions,
    conflict: Option<Error>,
    at_top: impl FnOnce(&mut Contributions),
) -> Result<Contributions> {
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
    let verdict = match group.parent {
        None => {
            if report.conflict.is_none() {
                at_top(&mut report.contributions);
            }
            report.conflict.map_or(Ok(report.contributions), Err)
        }
        Some(parent) => {
            report.contributions.limit_items();
            group.send_to_node(parent, &NodeMessage::Arrived(report));
            await_verdict(sync, n, call, parent)
        }
    };
    for &child in &group.children {
        let verdict = verdict.clone();
        group.send_to_node(child, &NodeMessage::Verdict { n, verdict });
    }
    verdict
}

fn merge(group: &Group, report: &mut ArrivalReport, below: ArrivalReport) {
    report.contributions.merge(below.contributions);
    if report.conflict.is_none() {
        report.conflict = below.conflict.or_else(|| {
            (below.call != report.call).then(|| Error::Diverged {
                what: format!(
                    "{}; {}",
                    report.caller.sentence(&group.call_text(report.call)),
                    below.caller.sentence(&group.call_text(below.call))
                ),
            })
        });
    }
}

/// Waits for the report of a child. An error if its leader has left.
fn await_report(sync: &RankSync, n: u64, call: Call, child: usize) -> Result<ArrivalReport> {
    let leader = sync.group.topology.leader_address(child);
    Wait::for_node(sync, n, call, child).for_message(leader, |message| match message {
        NodeMessage::Arrived(report) if report.n == n => Some(Ok(report)),
        other => missing_leader(sync, other, n, call).map(Err),
    })
}

/// Waits for the verdict of the parent. An error if its leader has left.
fn await_verdict(sync: &RankSync, n: u64, call: Call, parent: usize) -> Result<Contributions> {
    let leader = sync.group.topology.leader_address(parent);
    Wait::for_node(sync, n, call, parent).for_message(leader, |message| match message {
        NodeMessage::Verdict { n: of, verdict } if of == n => Some(verdict),
        other => missing_leader(sync, other, n, call).map(Err),
    })
}

/// The error of call `n` if the message says that its sender will not make it.
fn missing_leader(sync: &RankSync, message: NodeMessage, n: u64, call: Call) -> Option<Error> {
    match message {
        NodeMessage::Left {
            done,
            caller,
            last,
            reason,
        } if done < n => Some(sync.missing_rank(&caller, last, reason, call)),
        _ => None,
    }
}
