//! Searches among ranks of random programs, with messages, grants and releases that are late at random: what is found is a deadlock
//! at that moment, and every deadlock is found.

use crate::comm::obligations::{Awaited, CallCount, Holds, Obligations};
use crate::comm::wait::deadlock::message::{Answer, Member, Message, Question, WaitDescription};
use crate::comm::wait::deadlock::search::{Search, Step};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

const COMMS: u64 = 2;
const LOCKS: u64 = 3;
/// The longest delay, in steps of the simulation. It is as long as many steps of all ranks, so that searches meet ranks whose wait is
/// over and that do not know it yet.
const LATE: u64 = 60;

/// Numbers from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }
}

#[derive(Clone, Copy)]
enum Op {
    Call { comm: u64 },
    Acquire { lock: u64, reads: bool },
    Release { lock: u64 },
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Runs,
    Waits {
        number: u64,
        awaited: Awaited,
        reads: bool,
        /// When the rank learns that the wait is over, once it is.
        learns: Option<u64>,
    },
    Done,
}

struct Rank {
    program: VecDeque<Op>,
    state: State,
    obligations: Obligations,
    calls: Vec<Rc<CallCount>>,
    arrived: Vec<u64>,
    holds: Vec<Rc<Holds>>,
    search: Option<Search>,
}

/// A lock as its home rank sees it.
#[derive(Default)]
struct Lock {
    holders: Vec<(usize, bool)>,
    queue: VecDeque<(usize, bool)>,
    /// Requests and releases on their way: when they arrive, the rank, and how it wants to have the lock; `None` for a release.
    on_the_way: Vec<(u64, usize, Option<bool>)>,
}

impl Lock {
    fn grant(&mut self) {
        while let Some(&(rank, reads)) = self.queue.front() {
            let others_read = self.holders.iter().all(|&(_, reads)| reads);
            if !(self.holders.is_empty() || reads && others_read) {
                return;
            }
            self.queue.pop_front();
            self.holders.push((rank, reads));
        }
    }

    /// Sends a request or a release, which arrives after those that the rank has sent before.
    fn send(&mut self, due: u64, rank: usize, request: Option<bool>) {
        let of_rank = self.on_the_way.iter().filter(|&&(_, from, _)| from == rank);
        let last = of_rank.map(|&(due, ..)| due).max().unwrap_or(0);
        self.on_the_way.push((due.max(last), rank, request));
    }

    fn receive(&mut self, now: u64) {
        let due = |&(due, ..): &(u64, usize, Option<bool>)| due <= now;
        while let Some(at) = self.on_the_way.iter().position(due) {
            let (_, rank, request) = self.on_the_way.remove(at);
            match request {
                Some(reads) => self.queue.push_back((rank, reads)),
                None => self.holders.retain(|&(holder, _)| holder != rank),
            }
            self.grant();
        }
    }

    fn has(&self, rank: usize) -> bool {
        self.holders.iter().any(|&(holder, _)| holder == rank)
    }
}

struct Simulation {
    random: Random,
    now: u64,
    ranks: Vec<Rank>,
    locks: Vec<Lock>,
    links: HashMap<(usize, usize), VecDeque<(u64, Message)>>,
    found: Vec<Vec<usize>>,
    numbers: u64,
}

/// The calls that all ranks make, in an order that may differ on a few of them, with locks around some.
fn program(random: &mut Random, common: &[u64]) -> VecDeque<Op> {
    let mut comms = common.to_vec();
    if random.chance(4) {
        let at = random.below(comms.len() as u64 - 1) as usize;
        comms.swap(at, at + 1);
    }
    let mut ops = VecDeque::new();
    for comm in comms {
        let first = random.below(LOCKS);
        let second = (first + 1 + random.below(LOCKS - 1)) % LOCKS;
        // Mostly in one order, and rarely across a call.
        let [first, second] = if random.chance(12) {
            [first, second]
        } else {
            [first.min(second), first.max(second)]
        };
        let across = random.chance(12);
        let mut acquire = |lock| Op::Acquire {
            lock,
            reads: random.chance(2),
        };
        ops.extend([acquire(first), acquire(second)]);
        if across {
            ops.push_back(Op::Call { comm });
        }
        ops.extend([second, first].map(|lock| Op::Release { lock }));
        if !across {
            ops.push_back(Op::Call { comm });
        }
    }
    ops
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let count = 2 + random.below(4);
        let common: Vec<u64> = (0..6).map(|_| random.below(COMMS)).collect();
        let rank = |_| {
            let obligations = Obligations::default();
            Rank {
                program: program(&mut random, &common),
                state: State::Runs,
                calls: (0..COMMS).map(|comm| obligations.add_comm(comm)).collect(),
                arrived: vec![0; COMMS as usize],
                holds: (0..LOCKS)
                    .map(|lock| obligations.add_lock(0, lock))
                    .collect(),
                obligations,
                search: None,
            }
        };
        Simulation {
            ranks: (0..count).map(rank).collect(),
            locks: (0..LOCKS).map(|_| Lock::default()).collect(),
            random,
            now: 0,
            links: HashMap::new(),
            found: Vec::new(),
            numbers: 0,
        }
    }

    fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn late(&mut self) -> u64 {
        let longest = if self.random.chance(3) { LATE } else { 4 };
        self.now + self.random.below(longest)
    }

    /// Whether what a rank waits for has happened, whatever it knows.
    fn is_over(&self, rank: usize, awaited: Awaited) -> bool {
        match awaited {
            Awaited::Arrivals { comm, n } => {
                let has_arrived = |rank: &Rank| rank.arrived[comm as usize] >= n;
                self.ranks.iter().all(has_arrived)
            }
            Awaited::Release { lock, .. } => {
                let lock = &self.locks[lock as usize];
                // Not for what it had before, and whose release is still on its way.
                let has_sent = lock.on_the_way.iter().any(|&(_, from, _)| from == rank);
                !has_sent && lock.has(rank)
            }
        }
    }

    /// Whether `rank` really waits for `next`, which has not acted yet.
    fn waits_for(&self, rank: usize, next: usize) -> bool {
        let State::Waits { awaited, reads, .. } = self.ranks[rank].state else {
            return false;
        };
        if self.is_over(rank, awaited) {
            return false;
        }
        match awaited {
            Awaited::Arrivals { comm, n } => self.ranks[next].arrived[comm as usize] < n,
            Awaited::Release { lock, .. } => {
                let has_it = self.ranks[next].holds[lock as usize].get();
                let lock = &self.locks[lock as usize];
                let both_read = reads && lock.holders.contains(&(next, true));
                let writer = lock.queue.iter().position(|&(_, reads)| !reads);
                let me = lock.queue.iter().position(|&(queued, _)| queued == rank);
                let is_behind_writer = writer.is_some_and(|at| me.is_some_and(|me| at < me));
                has_it && lock.has(next) && (!both_read || is_behind_writer)
            }
        }
    }

    /// Whom a rank would ask, as far as it can know.
    fn next_rank(&mut self, rank: usize, awaited: Awaited) -> Option<usize> {
        match awaited {
            // Node memory shows who is missing on this node; another rank may be asked, too, that knows more or not.
            Awaited::Arrivals { comm, n } => {
                let other = self.random.below(self.ranks.len() as u64) as usize;
                let missing =
                    (0..self.ranks.len()).find(|&rank| self.ranks[rank].arrived[comm as usize] < n);
                if self.random.chance(4) {
                    Some(other)
                } else {
                    missing
                }
            }
            Awaited::Release { lock, .. } => {
                let lock = &self.locks[lock as usize];
                let is_queued = lock.queue.iter().any(|&(queued, _)| queued == rank);
                let holder = lock.holders.first().map(|&(holder, _)| holder);
                holder.filter(|_| is_queued)
            }
        }
    }

    fn answer(&mut self, rank: usize, question: &Question) -> Option<Answer> {
        let wait = self.describe(rank)?;
        let blocks = self.ranks[rank].obligations.block(question.awaited);
        let next = self.next_rank(rank, wait.awaited);
        let answer = Answer {
            search: question.search,
            blocks,
            wait,
            next,
        };
        let lowest = question.circle.first();
        if lowest.is_some_and(|lowest| answer.confirms(lowest)) {
            self.check(&question.circle);
        }
        Some(answer)
    }

    fn describe(&self, rank: usize) -> Option<WaitDescription> {
        let State::Waits {
            number, awaited, ..
        } = self.ranks[rank].state
        else {
            return None;
        };
        Some(WaitDescription {
            number,
            awaited,
            reason: String::new(),
            host: String::new(),
            is_in_table: false,
        })
    }

    fn send(&mut self, from: usize, to: usize, message: Message) {
        let due = self.late();
        self.links
            .entry((from, to))
            .or_default()
            .push_back((due, message));
    }

    fn perform(&mut self, rank: usize, mut step: Option<Step>) {
        loop {
            step = match step {
                Some(Step::Ask(asked, question)) if asked == rank => {
                    let answer = self.answer(rank, &question);
                    let search = self.ranks[rank].search.as_mut();
                    search
                        .zip(answer)
                        .and_then(|(search, answer)| search.advance(rank, answer))
                }
                Some(Step::Ask(asked, question)) => {
                    return self.send(rank, asked, Message::Question(question));
                }
                Some(Step::End) | None => return,
            };
        }
    }

    /// What was found is a deadlock now.
    fn check(&mut self, circle: &[Member]) {
        let ranks: Vec<usize> = circle.iter().map(|member| member.rank).collect();
        for (index, &rank) in ranks.iter().enumerate() {
            let next = ranks[(index + 1) % ranks.len()];
            assert!(
                self.waits_for(rank, next),
                "{ranks:?}: {rank} does not wait for {next}"
            );
        }
        self.found.push(ranks);
    }

    /// A rank that waits receives messages, and begins a search now and then.
    fn wait(&mut self, rank: usize) {
        for from in 0..self.ranks.len() {
            let link = self.links.entry((from, rank)).or_default();
            if link.front().is_none_or(|&(due, _)| due > self.now) {
                continue;
            }
            match link.pop_front().map(|(_, message)| message) {
                Some(Message::Question(question)) => {
                    if let Some(answer) = self.answer(rank, &question) {
                        self.send(rank, from, Message::Answer(answer));
                    }
                }
                Some(Message::Answer(answer)) => {
                    let search = self.ranks[rank].search.as_mut();
                    let step = search.and_then(|search| search.advance(from, answer));
                    self.perform(rank, step);
                }
                None => {}
            }
        }
        if self.random.chance(60) {
            let number = self.next_number();
            if let Some(wait) = self.describe(rank) {
                let next = self.next_rank(rank, wait.awaited);
                let (search, step) = Search::begin(number, rank, wait, next);
                self.ranks[rank].search = Some(search);
                self.perform(rank, Some(step));
            }
        }
    }

    fn run_op(&mut self, rank: usize, op: Op) {
        let number = self.next_number();
        let late = self.late();
        let own = &mut self.ranks[rank];
        let (awaited, reads) = match op {
            Op::Call { comm } => {
                let n = own.arrived[comm as usize] + 1;
                own.arrived[comm as usize] = n;
                own.calls[comm as usize].set_arrived(n);
                (Awaited::Arrivals { comm, n }, false)
            }
            Op::Acquire { lock, reads } => {
                self.locks[lock as usize].send(late, rank, Some(reads));
                (Awaited::Release { comm: 0, lock }, reads)
            }
            Op::Release { lock } => {
                own.holds[lock as usize].set(false);
                self.locks[lock as usize].send(late, rank, None);
                return;
            }
        };
        own.search = None;
        own.state = State::Waits {
            number,
            awaited,
            reads,
            learns: None,
        };
    }

    fn step(&mut self) {
        self.now += 1;
        for lock in &mut self.locks {
            lock.receive(self.now);
        }
        let rank = self.random.below(self.ranks.len() as u64) as usize;
        match self.ranks[rank].state {
            State::Runs => {
                for from in 0..self.ranks.len() {
                    // Nobody takes what arrives.
                    let now = self.now;
                    let link = self.links.entry((from, rank)).or_default();
                    link.retain(|&(due, _)| due > now);
                }
                if self.random.chance(3) {
                    match self.ranks[rank].program.pop_front() {
                        Some(op) => self.run_op(rank, op),
                        None => self.ranks[rank].state = State::Done,
                    }
                }
            }
            State::Waits {
                awaited,
                learns: None,
                number,
                reads,
            } => {
                if self.is_over(rank, awaited) {
                    let learns = Some(self.late());
                    self.ranks[rank].state = State::Waits {
                        number,
                        awaited,
                        reads,
                        learns,
                    };
                }
                self.wait(rank);
            }
            State::Waits {
                awaited,
                learns: Some(at),
                ..
            } => {
                self.wait(rank);
                if at <= self.now {
                    if let Awaited::Release { lock, .. } = awaited {
                        self.ranks[rank].holds[lock as usize].set(true);
                    }
                    self.ranks[rank].state = State::Runs;
                }
            }
            State::Done => {}
        }
    }

    /// A rank that is in a circle of waits, if there is one.
    fn rank_in_deadlock(&self) -> Option<usize> {
        let all = 0..self.ranks.len();
        // Ranks from which every path of waits goes on for ever.
        let reaches = |from: usize| {
            let (mut seen, mut open) = (vec![false; self.ranks.len()], vec![from]);
            while let Some(rank) = open.pop() {
                for next in all.clone() {
                    if self.waits_for(rank, next) {
                        if next == from {
                            return true;
                        }
                        if !std::mem::replace(&mut seen[next], true) {
                            open.push(next);
                        }
                    }
                }
            }
            false
        };
        all.clone().find(|&rank| reaches(rank))
    }
}

#[test]
fn what_is_found_is_a_deadlock_and_all_are_found() {
    let (mut deadlocks, mut ends) = (0, 0);
    for seed in 0..if cfg!(miri) { 4 } else { 600 } {
        let mut simulation = Simulation::new(seed);
        for _ in 0..40_000 {
            simulation.step();
            if !simulation.found.is_empty() {
                break;
            }
        }
        let is_found = !simulation.found.is_empty();
        assert_eq!(
            is_found,
            simulation.rank_in_deadlock().is_some(),
            "seed {seed}"
        );
        if is_found {
            deadlocks += 1;
        } else {
            assert!(
                simulation
                    .ranks
                    .iter()
                    .all(|rank| rank.state == State::Done),
                "seed {seed}"
            );
            ends += 1;
        }
    }
    // The programs are such that both happen often.
    assert!(
        cfg!(miri) || deadlocks > 100 && ends > 100,
        "{deadlocks} {ends}"
    );
}
