//! Where the board of a batch is, and how a rank reaches it: in memory of the node that all ranks share, or at the desk of
//! the rank that hosts it.

use crate::batch::board::{Board, Claimed, Ended, Layout, Mark};
use crate::batch::hosted::{Wish, Word};
use crate::comm::Comm;
use crate::comm::call::Call;
use crate::comm::core::Core;
use crate::comm::hang;
use crate::comm::memory::Want;
use crate::comm::note::Note;
use crate::error::{Error, Result};
use crate::lock::Engine;
use crate::lock::desk;
use crate::say::say;
use crate::segment::Segment;
use crate::sync::atomic::AtomicU64;
use crate::sync::lock;
use std::cell::Cell;
use std::time::Instant;

/// One rank's way to the board.
#[derive(Debug)]
pub(crate) struct Seat {
    /// The batch's own `Comm`, of all its ranks.
    pub(crate) comm: Comm,
    pub(crate) layout: Layout,
    side: Side,
}

#[derive(Debug)]
enum Side {
    /// In a segment that all ranks share, placed for the words of this layout.
    Node(Segment),
    /// At the desk of a rank of the world.
    Hosted {
        host: usize,
        board: u64,
        /// Requests made.
        asked: Cell<u64>,
        engine: Engine,
    },
}

/// How a batch begins.
#[derive(Debug, Default)]
pub(crate) struct Beginning {
    /// What the tasks are at first.
    pub(crate) marks: Vec<Mark>,
    /// The tasks in the order in which they are handed out, where that is not the order of their numbers.
    pub(crate) order: Vec<usize>,
}

impl Beginning {
    fn fill(&self, board: Board<&[AtomicU64]>) {
        board.fill(self.marks.iter().copied(), self.order.iter().copied());
    }
}

/// Steps of `call` that a seat takes.
const PLACE: u64 = 8;
const READY: u64 = 9;
const HOSTS: u64 = 10;

impl Seat {
    /// All ranks of `comm` get a seat at the same board, of which `begin` tells the root how it begins. Collective.
    pub(crate) fn new(
        comm: &Comm,
        call: Call,
        root: usize,
        layout: Layout,
        begin: impl FnOnce() -> Result<Beginning>,
    ) -> Result<Self> {
        let core = &comm.core;
        let side = if core.is_multi_node() {
            Self::on_host(core, call, root, layout, begin)?
        } else {
            Self::on_node(core, call, root, layout, begin)?
        };
        Ok(Seat {
            comm: comm.clone(),
            layout,
            side,
        })
    }

    fn on_node(
        core: &Core,
        call: Call,
        root: usize,
        layout: Layout,
        begin: impl FnOnce() -> Result<Beginning>,
    ) -> Result<Side> {
        let words = layout.words().ok_or_else(|| too_large(layout))?;
        let want = Want {
            bytes: Segment::words_bytes(words).ok_or_else(|| too_large(layout))?,
            align: 64,
            ranks: core.topology.mates.len(),
        };
        let segment = core
            .place(call.step(PLACE), None, &[want], Some(0))?
            .expect("a segment was asked for");
        let mut fault = None;
        if core.topology.rank == root {
            let board = Board {
                layout,
                // SAFETY: placed for these words, zeroed, and used as them only.
                words: unsafe { segment.words(words) },
            };
            fault = begin()
                .map(|beginning| beginning.fill(board))
                .err()
                .map(Error::clipped);
        }
        let note = Note {
            fault,
            ..Note::default()
        };
        core.agree(call.step(READY), note, |_| Vec::new())?;
        Ok(Side::Node(segment))
    }

    fn on_host(
        core: &Core,
        call: Call,
        root: usize,
        layout: Layout,
        begin: impl FnOnce() -> Result<Beginning>,
    ) -> Result<Side> {
        let board = (core.id << 32) | core.next_object();
        let is_host = core.topology.rank == root;
        let (mut by_thread, mut fault) = (None, None);
        if is_host {
            let users = core.topology.size();
            let open = |beginning: Beginning| {
                let mut desk = lock(&core.post.desk);
                let opened = desk.boards.open(board, layout, users);
                opened
                    .map(|board| beginning.fill(board))
                    .ok_or_else(|| too_large(layout))
            };
            fault = begin().and_then(open).err().map(Error::clipped);
            // Before anybody can ask for it.
            if fault.is_none() && core.post.transport.serve(&core.post.desk) {
                by_thread = Some(1);
            }
        }
        // The host tells the others who answers.
        let note = Note {
            fault,
            id: by_thread,
            ..Note::default()
        };
        let agreed = core
            .agree(call.step(READY), note, |_| Vec::new())
            .and_then(|agreed| core.learn_hosts(call.step(HOSTS)).map(|()| agreed.notes.id));
        let by_thread = agreed.inspect_err(|_| {
            if is_host {
                lock(&core.post.desk).boards.remove(board);
            }
        })?;
        Ok(Side::Hosted {
            host: core.topology.address(root),
            board,
            asked: Cell::new(0),
            engine: if by_thread.is_some() {
                Engine::ServiceThread
            } else {
                Engine::HostCalls
            },
        })
    }

    pub(crate) fn engine(&self) -> Engine {
        match &self.side {
            Side::Node(_) => Engine::NodeAtomics,
            Side::Hosted { engine, .. } => *engine,
        }
    }

    #[inline]
    fn board<'a>(&self, segment: &'a Segment) -> Board<&'a [AtomicU64]> {
        let layout = self.layout;
        let words = layout.words().unwrap_or(0);
        Board {
            layout,
            // SAFETY: placed for the words of this layout, zeroed, and used as them only (`on_node`).
            words: unsafe { segment.words(words) },
        }
    }

    /// The next task that is open, for a worker of `size` ranks that have all ended the one before.
    #[inline]
    pub(crate) fn claim(&self, worker: usize, size: usize) -> Result<Option<Claimed>> {
        if let Side::Node(segment) = &self.side {
            let board = self.board(segment);
            if size > 1 {
                board.open_line(worker);
            }
            return Ok(board.claim());
        }
        match self.ask("next_task", Wish::Claim { worker })? {
            Some(Word::Claimed(claimed)) => Ok(claimed),
            _ => Ok(None),
        }
    }

    /// Ends a claim, and counts it if it is not to be run again.
    #[inline]
    pub(crate) fn finish(
        &self,
        worker: usize,
        claim: Claimed,
        mark: Mark,
        counts: bool,
    ) -> Result<()> {
        if let Side::Node(segment) = &self.side {
            let board = self.board(segment);
            board.finish(claim, mark);
            if counts {
                board.count(worker, mark == Mark::Done);
            }
            return Ok(());
        }
        let wish = Wish::Finish {
            worker,
            claim,
            mark: mark as u64,
            counts,
        };
        self.ask("done", wish).map(|_| ())
    }

    pub(crate) fn mark(&self, task: usize) -> Result<Mark> {
        if let Side::Node(segment) = &self.side {
            return Ok(self.board(segment).mark(task));
        }
        match self.ask("state", Wish::Mark { task })? {
            Some(Word::Mark(mark)) => Ok(Mark::of(mark)),
            _ => Ok(Mark::Invalid),
        }
    }

    pub(crate) fn set(&self, task: usize, mark: Mark) -> Result<()> {
        if let Side::Node(segment) = &self.side {
            self.board(segment).set(task, mark);
            return Ok(());
        }
        let mark = mark as u64;
        self.ask("set_state", Wish::Set { task, mark }).map(|_| ())
    }

    /// One of the `size` ranks of a worker ends its task. The last one learns how it went.
    pub(crate) fn end(
        &self,
        worker: usize,
        size: usize,
        rank: usize,
        failure: Option<&str>,
    ) -> Result<Option<Ended>> {
        if let Side::Node(segment) = &self.side {
            return Ok(self.board(segment).end(worker, size, (rank, failure)));
        }
        let wish = Wish::End {
            worker,
            size,
            rank,
            failure: failure.map(str::to_owned),
        };
        match self.ask("done", wish)? {
            Some(Word::Ended(ended)) => Ok(ended),
            _ => Ok(None),
        }
    }

    /// Lets the board hand out no more tasks.
    pub(crate) fn close(&self) -> Result<()> {
        if let Side::Node(segment) = &self.side {
            self.board(segment).close();
            return Ok(());
        }
        self.ask("stop", Wish::Stop).map(|_| ())
    }

    /// Tasks that have been done, and that have failed.
    pub(crate) fn counts(&self) -> Result<(u64, u64)> {
        if let Side::Node(segment) = &self.side {
            return Ok(self.board(segment).counts());
        }
        match self.ask("counts", Wish::Counts)? {
            Some(Word::Counts(done, failed)) => Ok((done, failed)),
            _ => Ok((0, 0)),
        }
    }

    /// Waits until the host has read what this rank has written to it.
    pub(crate) fn settle(&self) -> Result<()> {
        match &self.side {
            Side::Node(_) => Ok(()),
            // Requests of one rank are read in their order.
            Side::Hosted { .. } => self.counts().map(|_| ()),
        }
    }

    /// What all tasks are. To be called on the root, which has them at hand.
    pub(crate) fn marks(&self) -> Vec<Mark> {
        let all = |board: Board<&[AtomicU64]>| {
            let tasks = 0..self.layout.tasks;
            tasks.map(|task| board.mark(task)).collect()
        };
        match &self.side {
            Side::Node(segment) => all(self.board(segment)),
            Side::Hosted { board, .. } => {
                let desk = lock(&self.comm.core.post.desk);
                desk.boards.board(*board).map(all).unwrap_or_default()
            }
        }
    }

    /// Asks the host, and waits for the answer if there is to be one.
    fn ask(&self, name: &'static str, wish: Wish) -> Result<Option<Word>> {
        let Side::Hosted {
            host, board, asked, ..
        } = &self.side
        else {
            return Ok(None);
        };
        let core = &self.comm.core;
        if !core.post.transport.is_open() {
            let call = name.to_owned();
            return Err(Error::Finished { call });
        }
        asked.set(asked.get() + 1);
        let number = asked.get();
        let is_answered = wish.is_answered();
        let request = desk::Request {
            lock: *board,
            number,
            what: desk::Wish::Board(wish),
        };
        let bytes = postcard::to_allocvec(&request).expect("plain data always encodes");
        core.post.transport.ask(*host, &bytes, is_answered);
        if !is_answered {
            return Ok(None);
        }
        let mut watch = Watch::default();
        loop {
            match core.post.take_answer(*board, number) {
                Some(desk::Word::Board(word)) => return Ok(Some(word)),
                Some(_) => return Ok(None),
                None => {}
            }
            core.post.pump();
            std::thread::yield_now();
            watch.look(core, name, *host);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // After the transport's end nobody asks any more.
        let _ = self.ask("close", Wish::Close);
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
    fn look(&mut self, core: &Core, name: &str, host: usize) {
        self.looks = self.looks.wrapping_add(1);
        if !self.looks.is_multiple_of(256) {
            return;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        let (waited, patience) = (since.elapsed(), hang::patience());
        let is_over = patience.abort.is_some_and(|abort| waited >= abort);
        if waited >= patience.report * (self.reports + 1) || is_over {
            self.reports += 1;
            say(format_args!(
                "rank {} on {} has waited for {:.0} s in `{name}` for rank {host} of the world, which hosts the tasks of \
                 the batch and does not answer",
                core.topology.rank,
                core.post.transport.host(),
                waited.as_secs_f64(),
            ));
        }
        if is_over {
            say(format_args!("{} is over, ending the job", hang::ABORT));
            core.post.transport.abort();
        }
    }
}

fn too_large(layout: Layout) -> Error {
    Error::TooLarge {
        what: "the board of a batch".to_owned(),
        extents: vec![layout.tasks],
        size: size_of::<u64>(),
    }
}
