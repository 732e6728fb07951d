//! Leaders settle a call: reports go up a binomial tree of nodes, the verdict comes down. One round trip, each leader talks
//! to its ranks_on_machine only, so that neither messages nor memory of a rank grow with the number of nodes.

use crate::comm::collective::call::Call;
use crate::comm::collective::contribution::Contributions;
use crate::comm::collective::message::{LeaveReason, NodeMessage, Report};
use crate::comm::rank_state::RankState;
use crate::comm::wait::Wait;
use crate::error::{Error, Result};

/// A rank that will not write any more.
struct Absent {
    rank: usize,
    host: String,
    why: LeaveReason,
}

impl RankState {
    /// Reports the node's arrival at call `n` and waits for the verdict on it. The caller holds the node's claim.
    pub(crate) fn settle(
        &self,
        n: u64,
        call: Call,
        notes: Contributions,
        conflict: Option<Error>,
    ) -> Result<Contributions> {
        let caller = self.caller();
        let mut report = Report {
            n,
            call,
            caller,
            notes,
            conflict,
        };
        for &child in &self.children {
            match self.await_report(n, call, child) {
                Ok(below) => Self::merge(&mut report, below),
                Err(absent) => {
                    report.conflict.get_or_insert(Self::gone(
                        absent.rank,
                        &absent.host,
                        &absent.why,
                        call,
                    ));
                }
            }
        }
        let verdict = match self.parent {
            None => match report.conflict {
                Some(error) => Err(error),
                None => Ok(report.notes),
            },
            Some(parent) => {
                self.world.mailbox.send(
                    self.topology.leader_address(parent),
                    self.id,
                    &NodeMessage::Report(report),
                );
                self.await_verdict(n, call, parent)
                    .unwrap_or_else(|absent| {
                        Err(Self::gone(absent.rank, &absent.host, &absent.why, call))
                    })
            }
        };
        for &child in &self.children {
            let letter = NodeMessage::Verdict {
                n,
                verdict: verdict.clone(),
            };
            self.world
                .mailbox
                .send(self.topology.leader_address(child), self.id, &letter);
        }
        verdict
    }

    fn merge(report: &mut Report, below: Report) {
        report.notes.merge(below.notes);
        if report.conflict.is_none() {
            report.conflict = below.conflict.or_else(|| {
                (below.call != report.call).then(|| Error::Diverged {
                    what: format!(
                        "{}; {}",
                        report.caller.sentence(report.call),
                        below.caller.sentence(below.call)
                    ),
                })
            });
        }
    }

    fn await_report(&self, n: u64, call: Call, node: usize) -> Result<Report, Absent> {
        let leader = self.topology.leader_address(node);
        self.await_letter(
            self.wait_for_node(n, call, node),
            leader,
            |body| match body {
                NodeMessage::Report(report) if report.n == n => Some(Ok(report)),
                other => absent(other, n).map(Err),
            },
        )
    }

    fn await_verdict(
        &self,
        n: u64,
        call: Call,
        node: usize,
    ) -> Result<Result<Contributions>, Absent> {
        let leader = self.topology.leader_address(node);
        self.await_letter(
            self.wait_for_node(n, call, node),
            leader,
            |body| match body {
                NodeMessage::Verdict { n: of, verdict } if of == n => Some(Ok(verdict)),
                other => absent(other, n).map(Err),
            },
        )
    }

    /// Waits for a letter of the rank at `address` that `accept` takes.
    pub(crate) fn await_letter<R>(
        &self,
        mut wait: Wait<'_>,
        address: usize,
        mut accept: impl FnMut(NodeMessage) -> Option<R>,
    ) -> R {
        let find = || {
            self.world.mailbox.take(self.id, |from, body| {
                (from == address).then_some(body).and_then(&mut accept)
            })
        };
        wait.until(find)
    }
}

/// Whether the letter says that its writer makes no `n`-th call.
fn absent(body: NodeMessage, n: u64) -> Option<Absent> {
    match body {
        NodeMessage::Gone {
            done,
            rank,
            host,
            why,
        } if done < n => Some(Absent { rank, host, why }),
        _ => None,
    }
}
