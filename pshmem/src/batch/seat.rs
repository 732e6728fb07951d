//! Where the board of a batch is, and how a rank reaches it: in memory of the node that all ranks share, in words of the rank
//! that hosts it, or at that rank's desk.

use crate::batch::board::{Board, Claimed, Ended, Layout, Mark, Words};
use crate::batch::hosted::{Wish, Word};
use crate::batch::remote::Remote;
use crate::comm::Comm;
use crate::comm::call::Call;
use crate::comm::core::Core;
use crate::comm::hang;
use crate::comm::hosting::Hosting;
use crate::comm::memory::Want;
use crate::comm::note::Note;
use crate::error::{Error, Result};
use crate::lock::Engine;
use crate::lock::desk;
use crate::say::say;
use crate::segment::Segment;
use crate::sync::atomic::AtomicU64;
use crate::sync::lock;
use crate::transport::words::{self as transport, Place};
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

/// The words of a board that this rank changes itself.
#[derive(Debug, Clone, Copy)]
enum Reach<'a> {
    Node(&'a [AtomicU64]),
    Remote(Remote<'a>),
}

impl Words for Reach<'_> {
    #[inline]
    fn fetch_add(&self, at: usize, by: u64) -> u64 {
        match self {
            Reach::Node(words) => words.fetch_add(at, by),
            Reach::Remote(words) => words.fetch_add(at, by),
        }
    }

    #[inline]
    fn add(&self, at: usize, by: u64) {
        match self {
            Reach::Node(words) => words.add(at, by),
            Reach::Remote(words) => words.add(at, by),
        }
    }

    #[inline]
    fn compare_exchange(&self, at: usize, old: u64, new: u64) -> Result<u64, u64> {
        match self {
            Reach::Node(words) => words.compare_exchange(at, old, new),
            Reach::Remote(words) => words.compare_exchange(at, old, new),
        }
    }

    #[inline]
    fn load(&self, at: usize) -> u64 {
        match self {
            Reach::Node(words) => words.load(at),
            Reach::Remote(words) => words.load(at),
        }
    }

    #[inline]
    fn store(&self, at: usize, value: u64) {
        match self {
            Reach::Node(words) => words.store(at, value),
            Reach::Remote(words) => words.store(at, value),
        }
    }
}

#[derive(Debug)]
enum Side {
    /// In a segment that all ranks share, placed for the words of this layout.
    Node(Segment),
    /// In words of a rank that all others reach.
    Remote(Place),
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

    /// All words of a board that begins so.
    fn words(&self, layout: Layout, len: usize) -> Vec<u64> {
        let words: Vec<AtomicU64> = (0..len).map(|_| AtomicU64::new(0)).collect();
        self.fill(Board {
            layout,
            words: &words[..],
        });
        words.into_iter().map(AtomicU64::into_inner).collect()
    }
}

/// Steps of `call` that a seat takes.
const PLACE: u64 = 8;
const READY: u64 = 9;
const HOSTS: u64 = 10;
const WORDS: u64 = 11;

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
        core.try_words(call.step(WORDS))?;
        let (mut mine, mut fault) = (None, None);
        if is_host {
            // Ready before anybody can ask for it.
            match begin().and_then(|beginning| Self::host(core, board, layout, &beginning)) {
                Ok(hosting) => mine = Some(hosting),
                Err(error) => fault = Some(error.clipped()),
            }
        }
        // The host tells the others how they reach it.
        let note = Note {
            fault,
            id: mine.and_then(Hosting::number),
            ..Note::default()
        };
        let agreed = core
            .agree(call.step(READY), note, |_| Vec::new())
            .and_then(|agreed| core.learn_hosts(call.step(HOSTS)).map(|()| agreed.notes.id));
        let hosting = Hosting::of(agreed.inspect_err(|_| match mine {
            Some(Hosting::OneSided { first }) => core.take_words_back(first),
            Some(_) => lock(&core.post.desk).boards.remove(board),
            None => {}
        })?);
        let host = core.topology.address(root);
        if let Hosting::OneSided { first } = hosting {
            return Ok(Side::Remote(Place {
                rank: host,
                word: first,
            }));
        }
        Ok(Side::Hosted {
            host,
            board,
            asked: Cell::new(0),
            engine: hosting.engine(),
        })
    }

    /// Begins to host a board, in the best way there is.
    fn host(core: &Core, board: u64, layout: Layout, beginning: &Beginning) -> Result<Hosting> {
        let words = layout.words().ok_or_else(|| too_large(layout))?;
        let all = core.post.transport.words().map_or(0, transport::Words::len);
        if words < all
            && let Some(first) = core.host_words(&beginning.words(layout, words))
        {
            return Ok(Hosting::OneSided { first });
        }
        let users = core.topology.size();
        let mut desk = lock(&core.post.desk);
        let opened = desk.boards.open(board, layout, users);
        beginning.fill(opened.ok_or_else(|| too_large(layout))?);
        drop(desk);
        Ok(core.serve_desk())
    }

    pub(crate) fn engine(&self) -> Engine {
        match &self.side {
            Side::Node(_) => Engine::NodeAtomics,
            Side::Remote(_) => Engine::OneSided,
            Side::Hosted { engine, .. } => *engine,
        }
    }

    /// The board, where this rank changes its words itself.
    #[inline]
    fn board(&self) -> Option<Board<Reach<'_>>> {
        let layout = self.layout;
        let words = match &self.side {
            Side::Node(segment) => {
                let words = layout.words().unwrap_or(0);
                // SAFETY: placed for the words of this layout, zeroed, and used as them only (`on_node`).
                Reach::Node(unsafe { segment.words(words) })
            }
            Side::Remote(at) => Reach::Remote(Remote {
                words: self.comm.core.post.transport.words()?,
                at: *at,
            }),
            Side::Hosted { .. } => return None,
        };
        Some(Board { layout, words })
    }

    /// The next task that is open, for a worker of `size` ranks that have all ended the one before.
    #[inline]
    pub(crate) fn claim(&self, worker: usize, size: usize) -> Result<Option<Claimed>> {
        if let Some(board) = self.board() {
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
        if let Some(board) = self.board() {
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
        if let Some(board) = self.board() {
            return Ok(board.mark(task));
        }
        match self.ask("state", Wish::Mark { task })? {
            Some(Word::Mark(mark)) => Ok(Mark::of(mark)),
            _ => Ok(Mark::Invalid),
        }
    }

    pub(crate) fn set(&self, task: usize, mark: Mark) -> Result<()> {
        if let Some(board) = self.board() {
            board.set(task, mark);
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
        if let Some(board) = self.board() {
            return Ok(board.end(worker, size, (rank, failure)));
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
        if let Some(board) = self.board() {
            board.close();
            return Ok(());
        }
        self.ask("stop", Wish::Stop).map(|_| ())
    }

    /// Tasks that have been done, and that have failed.
    pub(crate) fn counts(&self) -> Result<(u64, u64)> {
        if let Some(board) = self.board() {
            return Ok(board.counts());
        }
        match self.ask("counts", Wish::Counts)? {
            Some(Word::Counts(done, failed)) => Ok((done, failed)),
            _ => Ok((0, 0)),
        }
    }

    /// Waits until the host has what this rank has written to it.
    pub(crate) fn settle(&self) -> Result<()> {
        match &self.side {
            Side::Node(_) => Ok(()),
            Side::Remote(at) => {
                if let Some(words) = self.comm.core.post.transport.words() {
                    words.complete(at.rank);
                }
                Ok(())
            }
            // Requests of one rank are read in their order.
            Side::Hosted { .. } => self.counts().map(|_| ()),
        }
    }

    /// What all tasks are. To be called on the root, which has them at hand.
    pub(crate) fn marks(&self) -> Vec<Mark> {
        fn all<W: Words>(board: &Board<W>) -> Vec<Mark> {
            let tasks = 0..board.layout.tasks;
            tasks.map(|task| board.mark(task)).collect()
        }
        match (&self.side, self.board()) {
            (_, Some(board)) => all(&board),
            (Side::Hosted { board, .. }, None) => {
                let desk = lock(&self.comm.core.post.desk);
                desk.boards
                    .board(*board)
                    .as_ref()
                    .map(all)
                    .unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// Asks the host, and waits for the answer if there is to be one.
    fn ask(&self, name: &'static str, wish: Wish) -> Result<Option<Word>> {
        let finished = || {
            let call = name.to_owned();
            Error::Finished { call }
        };
        let (host, board, asked) = match &self.side {
            Side::Node(_) => return Ok(None),
            // Its words are gone, or this rank would not ask.
            Side::Remote(_) => return Err(finished()),
            Side::Hosted {
                host, board, asked, ..
            } => (host, board, asked),
        };
        let core = &self.comm.core;
        if !core.post.transport.is_open() {
            return Err(finished());
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
        if let Side::Remote(at) = self.side {
            self.comm.core.let_go_of_words(at);
        }
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
