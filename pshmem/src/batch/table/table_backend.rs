//! Where the words of a task table are, and how they are created there.

use crate::batch::table::home_table::HomeTable;
use crate::batch::table::{SlotState, TableLayout, TaskTable};
use crate::comm::node_memory::AllocRequest;
use crate::comm::protocol::call::{Call, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::comm::rank_state::RankState;
use crate::error::{Error, Result};
use crate::home::access::{self, HomeLink, HomeRank};
use crate::home::engine::Engine;
use crate::home::home_client::HomeClient;
use crate::home::home_words::HomeWords;
use crate::memory::Segment;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

/// The first states of the tasks of a batch, and their order.
#[derive(Debug, Default)]
pub(crate) struct InitialTable {
    pub(crate) slot_states: Vec<SlotState>,
    /// The tasks in the order in which they are handed out, where that is not the order of their numbers.
    pub(crate) order: Vec<usize>,
    /// The costs of the tasks, where they are kept.
    pub(crate) costs: Vec<f64>,
}

impl InitialTable {
    fn fill(&self, layout: TableLayout, words: &[AtomicU64]) {
        let table = TaskTable { layout, words };
        table.fill(
            self.slot_states.iter().copied(),
            self.order.iter().copied(),
            self.costs.iter().copied(),
        );
    }

    /// All words of the table, in private memory. `None` when there is no memory for them.
    fn words(&self, layout: TableLayout) -> Option<Vec<AtomicU64>> {
        let len = layout.words()?;
        let mut words = Vec::new();
        words.try_reserve_exact(len).ok()?;
        words.resize_with(len, || AtomicU64::new(0));
        self.fill(layout, &words);
        Some(words)
    }
}

/// The words of a table, as one rank reaches them.
#[derive(Debug)]
pub(super) enum TableBackend {
    /// In node memory that all ranks share: a segment allocated for the words of the layout.
    Node(Segment),
    /// At a home rank, by one-sided operations.
    Rma(HomeWords),
    /// At the server of a home rank.
    Home {
        client: HomeClient<HomeTable>,
        engine: Engine,
        /// The words themselves, on the home rank.
        own_words: Option<Arc<Vec<AtomicU64>>>,
    },
}

impl TableBackend {
    /// Creates the words in the best way there is. `initial` runs on `root`. Collective.
    pub(super) fn create(
        core: &RankState,
        call: Call,
        root: usize,
        layout: TableLayout,
        initial: impl FnOnce() -> Result<InitialTable>,
    ) -> Result<Self> {
        if core.group.is_multi_node() {
            Self::at_home_rank(core, call, root, layout, initial)
        } else {
            Self::in_node_memory(core, call, root, layout, initial)
        }
    }

    fn in_node_memory(
        core: &RankState,
        call: Call,
        root: usize,
        layout: TableLayout,
        initial: impl FnOnce() -> Result<InitialTable>,
    ) -> Result<Self> {
        let bytes = layout
            .words()
            .and_then(|words| words.checked_mul(size_of::<AtomicU64>()));
        let request = AllocRequest {
            bytes: bytes.ok_or_else(|| too_large(layout))?,
            align: 64,
            ranks: core.group.topology.node_ranks.len(),
        };
        let segment = core
            .allocate(call.step(Step::Place), None, &[request], Some(0))?
            .expect("a segment was asked for");
        let mut fault = None;
        if core.group.topology.rank == root {
            // SAFETY: allocated for the words of this layout, and zeroed.
            let words = unsafe { table_words(&segment, layout) };
            fault = initial()
                .map(|initial| initial.fill(layout, words))
                .err()
                .map(Error::clipped);
        }
        core.agree(call.step(Step::Ready), Contribution::fault(fault))?;
        Ok(TableBackend::Node(segment))
    }

    fn at_home_rank(
        core: &RankState,
        call: Call,
        root: usize,
        layout: TableLayout,
        initial: impl FnOnce() -> Result<InitialTable>,
    ) -> Result<Self> {
        let number = core.memory.next_object();
        let mut own_words = None;
        let create = |home: &HomeRank<'_>| {
            let words = initial()?.words(layout).ok_or_else(|| too_large(layout))?;
            if words.len() < home.words() {
                let load = |word: &AtomicU64| word.load(Ordering::Relaxed);
                let values: Vec<u64> = words.iter().map(load).collect();
                if let Some(access) = home.allocate_words(&values) {
                    return Ok(access);
                }
            }
            let words = own_words.insert(Arc::new(words)).clone();
            Ok(home.serve(HomeTable::new(layout, words)))
        };
        let agree = |contribution| {
            let agreed = core.agree(call.step(Step::Ready), contribution)?;
            Ok(agreed.maximum)
        };
        let link = access::create(core, call, root, number, create, agree)?;
        Ok(match link {
            HomeLink::Words(words) => TableBackend::Rma(words),
            HomeLink::Requests { client, engine } => TableBackend::Home {
                client,
                engine,
                own_words,
            },
        })
    }
}

/// The words of a table in node memory.
///
/// # Safety
/// The segment was allocated for the words of this layout, aligned to 64, and zeroed before the first rank used it. It is used
/// as these words only.
#[inline]
pub(super) unsafe fn table_words(segment: &Segment, layout: TableLayout) -> &[AtomicU64] {
    // SAFETY: the caller's duties.
    unsafe { segment.slice(0, layout.words().unwrap_or(0)) }
}

fn too_large(layout: TableLayout) -> Error {
    Error::TooLarge {
        what: "the table of a batch".to_owned(),
        extents: vec![layout.tasks],
        size: size_of::<u64>(),
    }
}
