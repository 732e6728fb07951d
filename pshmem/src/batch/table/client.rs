//! Where the table of a batch is, and how a rank reaches it: in memory of the node that all ranks share, in words of the rank
//! that hosts it, or at that rank's server.

use crate::batch::table::home_table::{TableReply, TableRequest};
use crate::batch::table::rma_words::RmaWords;
use crate::batch::table::{Claim, SlotState, TableLayout, TableWords, TaskEnd, TaskTable};
use crate::comm::Comm;
use crate::comm::collective::call::{Call, Step};
use crate::comm::collective::contribution::Contribution;
use crate::comm::node_memory::AllocRequest;
use crate::comm::rank_state::RankState;
use crate::comm::wait::monitor;
use crate::error::{Error, Result};
use crate::home::access::HomeAccess;
use crate::home::engine::Engine;
use crate::lock::backend::server;
use crate::memory::Segment;
use crate::stderr::report;
use crate::sync::atomic::AtomicU64;
use crate::sync::lock;
use crate::transport::rma::{RemoteAddress, RemoteAtomics};
use std::cell::Cell;
use std::time::Instant;

/// One rank's way to the table.
#[derive(Debug)]
pub(crate) struct TableClient {
    /// The batch's own `Comm`, of all its ranks.
    pub(crate) comm: Comm,
    pub(crate) layout: TableLayout,
    side: TableBackend,
}

/// The words of a table that this rank changes itself.
#[derive(Debug, Clone, Copy)]
enum Reach<'a> {
    Node(&'a [AtomicU64]),
    RmaWords(RmaWords<'a>),
}

impl TableWords for Reach<'_> {
    #[inline]
    fn fetch_add(&self, at: usize, by: u64) -> u64 {
        match self {
            Reach::Node(words) => words.fetch_add(at, by),
            Reach::RmaWords(words) => words.fetch_add(at, by),
        }
    }

    #[inline]
    fn add(&self, at: usize, by: u64) {
        match self {
            Reach::Node(words) => words.add(at, by),
            Reach::RmaWords(words) => words.add(at, by),
        }
    }

    #[inline]
    fn compare_exchange(&self, at: usize, old: u64, new: u64) -> Result<u64, u64> {
        match self {
            Reach::Node(words) => words.compare_exchange(at, old, new),
            Reach::RmaWords(words) => words.compare_exchange(at, old, new),
        }
    }

    #[inline]
    fn load(&self, at: usize) -> u64 {
        match self {
            Reach::Node(words) => words.load(at),
            Reach::RmaWords(words) => words.load(at),
        }
    }

    #[inline]
    fn store(&self, at: usize, value: u64) {
        match self {
            Reach::Node(words) => words.store(at, value),
            Reach::RmaWords(words) => words.store(at, value),
        }
    }
}

#[derive(Debug)]
enum TableBackend {
    /// In a segment that all ranks share, placed for the words of this layout.
    Node(Segment),
    /// In words of a rank that all others reach.
    RmaWords(RemoteAddress),
    /// At the server of a rank of the world.
    Hosted {
        host: usize,
        table: u64,
        /// Requests made.
        asked: Cell<u64>,
        engine: Engine,
    },
}

/// How a batch begins.
#[derive(Debug, Default)]
pub(crate) struct InitialTable {
    /// What the tasks are at first.
    pub(crate) slot_states: Vec<SlotState>,
    /// The tasks in the order in which they are handed out, where that is not the order of their numbers.
    pub(crate) order: Vec<usize>,
}

impl InitialTable {
    fn fill(&self, table: TaskTable<&[AtomicU64]>) {
        table.fill(self.slot_states.iter().copied(), self.order.iter().copied());
    }

    /// All words of a table that begins so.
    fn words(&self, layout: TableLayout, len: usize) -> Vec<u64> {
        let words: Vec<AtomicU64> = (0..len).map(|_| AtomicU64::new(0)).collect();
        self.fill(TaskTable {
            layout,
            words: &words[..],
        });
        words.into_iter().map(AtomicU64::into_inner).collect()
    }
}

impl TableClient {
    /// All ranks of `comm` get a client at the same table, of which `begin` tells the root how it begins. Collective.
    pub(crate) fn new(
        comm: &Comm,
        call: Call,
        root: usize,
        layout: TableLayout,
        begin: impl FnOnce() -> Result<InitialTable>,
    ) -> Result<Self> {
        let core = &comm.core;
        let side = if core.is_multi_node() {
            Self::on_host(core, call, root, layout, begin)?
        } else {
            Self::on_node(core, call, root, layout, begin)?
        };
        Ok(TableClient {
            comm: comm.clone(),
            layout,
            side,
        })
    }

    fn on_node(
        core: &RankState,
        call: Call,
        root: usize,
        layout: TableLayout,
        begin: impl FnOnce() -> Result<InitialTable>,
    ) -> Result<TableBackend> {
        let words = layout.words().ok_or_else(|| too_large(layout))?;
        let want = AllocRequest {
            bytes: Segment::words_bytes(words).ok_or_else(|| too_large(layout))?,
            align: 64,
            ranks: core.topology.node_ranks.len(),
        };
        let segment = core
            .place(call.step(Step::Place), None, &[want], Some(0))?
            .expect("a segment was asked for");
        let mut fault = None;
        if core.topology.rank == root {
            let table = TaskTable {
                layout,
                // SAFETY: placed for these words, zeroed, and used as them only.
                words: unsafe { segment.words(words) },
            };
            fault = begin()
                .map(|beginning| beginning.fill(table))
                .err()
                .map(Error::clipped);
        }
        core.agree(call.step(Step::Ready), Contribution::fault(fault))?;
        Ok(TableBackend::Node(segment))
    }

    fn on_host(
        core: &RankState,
        call: Call,
        root: usize,
        layout: TableLayout,
        begin: impl FnOnce() -> Result<InitialTable>,
    ) -> Result<TableBackend> {
        let table = (core.id << 32) | core.next_object();
        let is_host = core.topology.rank == root;
        core.probe_remote_atomics(call.step(Step::ProbeRma))?;
        let (mut mine, mut fault) = (None, None);
        if is_host {
            // Ready before anybody can ask for it.
            match begin().and_then(|beginning| Self::host(core, table, layout, &beginning)) {
                Ok(hosting) => mine = Some(hosting),
                Err(error) => fault = Some(error.clipped()),
            }
        }
        // The host tells the others how they reach it.
        let contribution = Contribution {
            fault,
            maximum: mine.and_then(HomeAccess::number),
            ..Contribution::default()
        };
        let agreed = core
            .agree(call.step(Step::Ready), contribution)
            .and_then(|agreed| {
                core.learn_hosts(call.step(Step::Hosts))
                    .map(|()| agreed.maximum)
            });
        let hosting = HomeAccess::of(agreed.inspect_err(|_| match mine {
            Some(HomeAccess::OneSided { first }) => core.free_words(first),
            Some(_) => lock(&core.world.server).tables.remove(table),
            None => {}
        })?);
        let host = core.topology.address(root);
        if let HomeAccess::OneSided { first } = hosting {
            return Ok(TableBackend::RmaWords(RemoteAddress {
                rank: host,
                word: first,
            }));
        }
        Ok(TableBackend::Hosted {
            host,
            table,
            asked: Cell::new(0),
            engine: hosting.engine(),
        })
    }

    /// Begins to host a table, in the best way there is.
    fn host(
        core: &RankState,
        table: u64,
        layout: TableLayout,
        beginning: &InitialTable,
    ) -> Result<HomeAccess> {
        let words = layout.words().ok_or_else(|| too_large(layout))?;
        let all = core
            .world
            .transport
            .remote_atomics()
            .map_or(0, RemoteAtomics::len);
        if words < all
            && let Some(first) = core.allocate_words(&beginning.words(layout, words))
        {
            return Ok(HomeAccess::OneSided { first });
        }
        let users = core.topology.size();
        let mut server = lock(&core.world.server);
        let opened = server.tables.open(table, layout, users);
        beginning.fill(opened.ok_or_else(|| too_large(layout))?);
        drop(server);
        Ok(core.start_server())
    }

    pub(crate) fn engine(&self) -> Engine {
        match &self.side {
            TableBackend::Node(_) => Engine::NodeAtomics,
            TableBackend::RmaWords(_) => Engine::OneSided,
            TableBackend::Hosted { engine, .. } => *engine,
        }
    }

    /// The table, where this rank changes its words itself.
    #[inline]
    fn table(&self) -> Option<TaskTable<Reach<'_>>> {
        let layout = self.layout;
        let words = match &self.side {
            TableBackend::Node(segment) => {
                let words = layout.words().unwrap_or(0);
                // SAFETY: placed for the words of this layout, zeroed, and used as them only (`on_node`).
                Reach::Node(unsafe { segment.words(words) })
            }
            TableBackend::RmaWords(at) => Reach::RmaWords(RmaWords {
                words: self.comm.core.world.transport.remote_atomics()?,
                at: *at,
            }),
            TableBackend::Hosted { .. } => return None,
        };
        Some(TaskTable { layout, words })
    }

    /// The next task that is open, for a worker of `size` ranks that have all ended the one before.
    #[inline]
    pub(crate) fn claim(&self, worker: usize, size: usize) -> Result<Option<Claim>> {
        if let Some(table) = self.table() {
            if size > 1 {
                table.reset_worker(worker);
            }
            return Ok(table.claim());
        }
        match self.ask("next_task", TableRequest::Claim { worker })? {
            Some(TableReply::Claimed(claimed)) => Ok(claimed),
            _ => Ok(None),
        }
    }

    /// Ends a claim, and counts it if it is not to be run rerun.
    #[inline]
    pub(crate) fn finish(
        &self,
        worker: usize,
        claim: Claim,
        slot_state: SlotState,
        counts: bool,
    ) -> Result<()> {
        if let Some(table) = self.table() {
            table.finish(claim, slot_state);
            if counts {
                table.count(worker, slot_state == SlotState::Done);
            }
            return Ok(());
        }
        let request = TableRequest::Finish {
            worker,
            claim,
            slot_state: slot_state as u64,
            counts,
        };
        self.ask("done", request).map(|_| ())
    }

    pub(crate) fn slot_state(&self, task: usize) -> Result<SlotState> {
        if let Some(table) = self.table() {
            return Ok(table.slot_state(task));
        }
        match self.ask("state", TableRequest::SlotState { task })? {
            Some(TableReply::SlotState(slot_state)) => Ok(SlotState::of(slot_state)),
            _ => Ok(SlotState::Invalid),
        }
    }

    pub(crate) fn set(&self, task: usize, slot_state: SlotState) -> Result<()> {
        if let Some(table) = self.table() {
            table.set(task, slot_state);
            return Ok(());
        }
        let slot_state = slot_state as u64;
        self.ask("set_state", TableRequest::Set { task, slot_state })
            .map(|_| ())
    }

    /// One of the `size` ranks of a worker ends its task. The last one learns how it went.
    pub(crate) fn end(
        &self,
        worker: usize,
        size: usize,
        rank: usize,
        failure: Option<&str>,
    ) -> Result<Option<TaskEnd>> {
        if let Some(table) = self.table() {
            return Ok(table.end(worker, size, (rank, failure)));
        }
        let request = TableRequest::End {
            worker,
            size,
            rank,
            failure: failure.map(str::to_owned),
        };
        match self.ask("done", request)? {
            Some(TableReply::Ended(ended)) => Ok(ended),
            _ => Ok(None),
        }
    }

    /// Lets the table hand out no more tasks.
    pub(crate) fn close(&self) -> Result<()> {
        if let Some(table) = self.table() {
            table.close();
            return Ok(());
        }
        self.ask("stop", TableRequest::Stop).map(|_| ())
    }

    /// Tasks that have been done, and that have failed.
    pub(crate) fn counts(&self) -> Result<(u64, u64)> {
        if let Some(table) = self.table() {
            return Ok(table.counts());
        }
        match self.ask("counts", TableRequest::Counts)? {
            Some(TableReply::Counts(done, failed)) => Ok((done, failed)),
            _ => Ok((0, 0)),
        }
    }

    /// Waits until the host has what this rank has written to it.
    pub(crate) fn settle(&self) -> Result<()> {
        match &self.side {
            TableBackend::Node(_) => Ok(()),
            TableBackend::RmaWords(at) => {
                if let Some(words) = self.comm.core.world.transport.remote_atomics() {
                    words.complete(at.rank);
                }
                Ok(())
            }
            // Requests of one rank are read in their order.
            TableBackend::Hosted { .. } => self.counts().map(|_| ()),
        }
    }

    /// What all tasks are. To be called on the root, which has them at hand.
    pub(crate) fn slot_states(&self) -> Vec<SlotState> {
        fn all<W: TableWords>(table: &TaskTable<W>) -> Vec<SlotState> {
            let tasks = 0..table.layout.tasks;
            tasks.map(|task| table.slot_state(task)).collect()
        }
        match (&self.side, self.table()) {
            (_, Some(table)) => all(&table),
            (TableBackend::Hosted { table, .. }, None) => {
                let server = lock(&self.comm.core.world.server);
                server
                    .tables
                    .table(*table)
                    .as_ref()
                    .map(all)
                    .unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// Asks the host, and waits for the answer if there is to be one.
    fn ask(&self, name: &'static str, request: TableRequest) -> Result<Option<TableReply>> {
        let finished = || {
            let call = name.to_owned();
            Error::MpiFinalized { call }
        };
        let (host, table, asked) = match &self.side {
            TableBackend::Node(_) => return Ok(None),
            // Its words are gone, or this rank would not ask.
            TableBackend::RmaWords(_) => return Err(finished()),
            TableBackend::Hosted {
                host, table, asked, ..
            } => (host, table, asked),
        };
        let core = &self.comm.core;
        if !core.world.transport.is_open() {
            return Err(finished());
        }
        asked.set(asked.get() + 1);
        let number = asked.get();
        let is_answered = request.is_answered();
        let request = server::Request {
            lock: *table,
            number,
            what: server::LockRequest::Table(request),
        };
        let bytes = postcard::to_allocvec(&request).expect("plain data always encodes");
        core.world.transport.ask(*host, &bytes, is_answered);
        if !is_answered {
            return Ok(None);
        }
        let mut watch = Watch::default();
        loop {
            match core.world.take_reply(*table, number) {
                Some(server::LockReply::Table(word)) => return Ok(Some(word)),
                Some(_) => return Ok(None),
                None => {}
            }
            core.world.mailbox.progress();
            std::thread::yield_now();
            watch.look(core, name, *host);
        }
    }
}

impl Drop for TableClient {
    fn drop(&mut self) {
        if let TableBackend::RmaWords(at) = self.side {
            self.comm.core.release_words(at);
        }
        // After the transport's end nobody asks any more.
        let _ = self.ask("close", TableRequest::Close);
    }
}

/// Reports a host that does not answer.
#[derive(Debug, Default)]
struct Watch {
    looks: u32,
    since: Option<Instant>,
    reports: u32,
}

impl Watch {
    fn look(&mut self, core: &RankState, name: &str, host: usize) {
        self.looks = self.looks.wrapping_add(1);
        if !self.looks.is_multiple_of(256) {
            return;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        let (waited, limits) = (since.elapsed(), monitor::wait_limits());
        let is_over = limits.abort.is_some_and(|abort| waited >= abort);
        if waited >= limits.report * (self.reports + 1) || is_over {
            self.reports += 1;
            report(format_args!(
                "rank {} on {} has waited for {:.0} s in `{name}` for rank {host} of the world, which hosts the tasks of \
                 the batch and does not answer",
                core.topology.rank,
                core.world.transport.host(),
                waited.as_secs_f64(),
            ));
        }
        if is_over {
            report(format_args!("{} is over, ending the job", monitor::ABORT));
            core.world.transport.abort();
        }
    }
}

fn too_large(layout: TableLayout) -> Error {
    Error::TooLarge {
        what: "the table of a batch".to_owned(),
        extents: vec![layout.tasks],
        size: size_of::<u64>(),
    }
}
