//! The steps of one search for a deadlock, without messages or clock: see [`super`].

use crate::comm::wait::deadlock::message::{Answer, Member, Question, WaitDescription};

/// The most questions of the first round.
const LIMIT: usize = 1000;

/// What a search does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Asks this rank of the world.
    Ask(usize, Question),
    /// Nothing: it has found no deadlock, or has told a rank to report one.
    End,
}

/// A search.
#[derive(Debug)]
pub(super) struct Search {
    number: u64,
    /// The rank that is to answer.
    asked: usize,
    round: Round,
}

#[derive(Debug)]
enum Round {
    /// The chain of waits that is followed, and how many questions that took.
    Follow { chain: Vec<Member>, asked: usize },
    /// The circle, of which all ranks have waited, and how many answers have confirmed that.
    Confirm { circle: Vec<Member>, done: usize },
}

impl Search {
    /// A search with this number from the wait of rank `me` on, which has `next` to ask.
    pub(super) fn begin(
        number: u64,
        me: usize,
        wait: WaitDescription,
        next: Option<usize>,
    ) -> (Self, Step) {
        let chain = vec![Member { rank: me, wait }];
        let mut search = Search {
            number,
            asked: me,
            round: Round::Follow { chain, asked: 0 },
        };
        let step = search.ask(next);
        (search, step)
    }

    /// What to do after the answer of a rank. `None` if it answers an earlier search.
    pub(super) fn advance(&mut self, from: usize, answer: Answer) -> Option<Step> {
        if answer.search != self.number || from != self.asked {
            return None;
        }
        Some(match &mut self.round {
            Round::Follow { chain, .. } => {
                let next = answer.next;
                let last = chain.last().expect("begins with one rank");
                if !answer.blocks {
                    let knows_more = answer.wait.awaited == last.wait.awaited;
                    return Some(self.ask(next.filter(|_| knows_more)));
                }
                if let Some(first) = chain.iter().position(|member| member.rank == from) {
                    if chain[first].wait.number != answer.wait.number {
                        return Some(Step::End);
                    }
                    let circle = chain.split_off(first);
                    return Some(self.confirm(circle));
                }
                chain.push(Member {
                    rank: from,
                    wait: answer.wait,
                });
                self.ask(next)
            }
            Round::Confirm { circle, done } => {
                let is_confirmed = answer.confirms(&circle[*done % circle.len()]);
                *done += 1;
                if is_confirmed && *done < 2 * circle.len() {
                    self.ask_next_to_confirm()
                } else {
                    Step::End
                }
            }
        })
    }

    /// Asks a rank about the end of the chain.
    fn ask(&mut self, next: Option<usize>) -> Step {
        let Round::Follow { chain, asked } = &mut self.round else {
            return Step::End;
        };
        let Some(rank) = next.filter(|_| *asked < LIMIT) else {
            return Step::End;
        };
        *asked += 1;
        self.asked = rank;
        let question = Question {
            search: self.number,
            awaited: chain.last().expect("begins with one rank").wait.awaited,
            is_last: false,
            circle: Vec::new(),
        };
        Step::Ask(rank, question)
    }

    /// Asks all ranks of a circle again. The lowest one comes last: it reports the circle. Of several ranks that have found a circle,
    /// each tells the same one.
    fn confirm(&mut self, mut circle: Vec<Member>) -> Step {
        let lowest = (0..circle.len()).min_by_key(|&index| circle[index].rank);
        circle.rotate_left(lowest.map_or(0, |lowest| lowest + 1));
        // Found by the wait table already.
        let is_on_one_node = circle.iter().all(|member| member.wait.is_in_table);
        if circle.len() < 2 || is_on_one_node {
            return Step::End;
        }
        self.round = Round::Confirm { circle, done: 0 };
        self.ask_next_to_confirm()
    }

    fn ask_next_to_confirm(&mut self) -> Step {
        let Round::Confirm { circle, done } = &self.round else {
            return Step::End;
        };
        let len = circle.len();
        let before = &circle[(done + len - 1) % len];
        let mut found = Vec::new();
        if done + 1 == 2 * len {
            found.clone_from(circle);
            found.rotate_right(1);
        }
        self.asked = circle[done % len].rank;
        let question = Question {
            search: self.number,
            awaited: before.wait.awaited,
            is_last: *done >= len,
            circle: found,
        };
        Step::Ask(self.asked, question)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::comm::obligations::Awaited;

    /// The wait of a rank: what it waits for, and whom it would ask.
    #[derive(Clone)]
    struct Waiting {
        number: u64,
        awaited: Awaited,
        next: Option<usize>,
    }

    fn arrivals(comm: u64) -> Awaited {
        Awaited::Arrivals { comm, n: 4 }
    }

    fn release(lock: u64) -> Awaited {
        Awaited::Release { comm: 2, lock }
    }

    fn waits(awaited: Awaited, next: usize) -> Waiting {
        Waiting {
            number: 1,
            awaited,
            next: Some(next),
        }
    }

    fn describe(waiting: &Waiting) -> WaitDescription {
        WaitDescription {
            number: waiting.number,
            awaited: waiting.awaited,
            reason: String::new(),
            host: String::new(),
            is_in_table: false,
        }
    }

    /// Searches from rank 0 on among ranks that wait. `block` says what a rank blocks; `change` runs after each question, whose
    /// number it gets. Returns the ranks that were found, and all that were asked.
    fn search(
        mut ranks: Vec<Option<Waiting>>,
        block: impl Fn(usize, Awaited) -> bool,
        change: impl Fn(usize, &mut Vec<Option<Waiting>>),
    ) -> (Vec<usize>, Vec<usize>) {
        let first = ranks[0].clone().expect("rank 0 waits");
        let (mut search, mut step) = Search::begin(8, 0, describe(&first), first.next);
        let mut asked = Vec::new();
        loop {
            match step {
                Step::End => return (Vec::new(), asked),
                Step::Ask(rank, question) => {
                    asked.push(rank);
                    let Some(waiting) = &ranks[rank] else {
                        return (Vec::new(), asked);
                    };
                    let answer = Answer {
                        search: question.search,
                        blocks: block(rank, question.awaited),
                        wait: describe(waiting),
                        next: waiting.next,
                    };
                    if let Some(lowest) = question.circle.first()
                        && answer.confirms(lowest)
                    {
                        let found = question.circle.iter();
                        return (found.map(|member| member.rank).collect(), asked);
                    }
                    step = search.advance(rank, answer).expect("it was asked");
                    change(asked.len(), &mut ranks);
                }
            }
        }
    }

    /// Rank 1 holds lock 1, rank 2 holds lock 2, and neither has arrived at call 4 of `Comm` 5.
    fn block(rank: usize, awaited: Awaited) -> bool {
        match awaited {
            Awaited::Arrivals { comm, .. } => comm == 5 && rank != 0,
            Awaited::Release { lock, .. } => lock == rank as u64,
        }
    }

    fn two_locks() -> Vec<Option<Waiting>> {
        // Rank 0 waits in a call for two ranks that wait for each other.
        vec![
            Some(waits(arrivals(5), 1)),
            Some(waits(release(2), 2)),
            Some(waits(release(1), 1)),
        ]
    }

    #[test]
    fn a_circle_is_found_from_outside_and_asked_three_times() {
        let (found, asked) = search(two_locks(), block, |_, _| ());
        assert_eq!(found, [1, 2]);
        assert_eq!(asked, [1, 2, 1, 2, 1, 2, 1]);
    }

    #[test]
    fn no_circle_is_found_if_one_rank_goes_on_at_any_moment() {
        let (_, asked) = search(two_locks(), block, |_, _| ());
        for rank in [1, 2] {
            for moment in 1..asked.len() {
                // It waits anew, in the same call.
                let goes_on = |now: usize, ranks: &mut Vec<Option<Waiting>>| {
                    if now == moment {
                        ranks[rank].as_mut().unwrap().number += 1;
                    }
                };
                let (found, after) = search(two_locks(), block, goes_on);
                // Unless it has been asked for the last time.
                let was_asked = asked[moment..].iter().all(|&later| later != rank);
                // A rank that is asked for the first time afterwards has always been in its new wait.
                let is_new = !asked[..moment].contains(&rank);
                assert_eq!(
                    !found.is_empty(),
                    was_asked || is_new,
                    "{rank} {moment} {after:?}"
                );
            }
        }
    }

    #[test]
    fn a_rank_in_the_same_call_names_another_one() {
        // Rank 0 asks its leader, rank 3, which knows that rank 1 is missing. Rank 1 waits for rank 0 on another `Comm`.
        let ranks = vec![
            Some(waits(arrivals(5), 3)),
            Some(waits(arrivals(6), 0)),
            None,
            Some(waits(arrivals(5), 1)),
        ];
        let blocks = |rank, awaited| match awaited {
            Awaited::Arrivals { comm: 5, .. } => rank == 1,
            _ => rank == 0,
        };
        let (found, asked) = search(ranks, blocks, |_, _| ());
        assert_eq!(found, [0, 1]);
        assert_eq!(asked, [3, 1, 0, 1, 0, 1, 0]);
    }

    #[test]
    fn a_chain_ends_at_a_rank_that_computes_or_blocks_nothing() {
        // Rank 1 does not wait.
        let mut ranks = two_locks();
        ranks[1] = None;
        assert_eq!(search(ranks, block, |_, _| ()), (vec![], vec![1]));
        // Rank 2 has released its lock, and waits for another one.
        let released = |rank, awaited| rank != 2 && block(rank, awaited);
        assert_eq!(
            search(two_locks(), released, |_, _| ()),
            (vec![], vec![1, 2])
        );
        // Nobody is known to ask.
        let mut ranks = two_locks();
        ranks[0].as_mut().unwrap().next = None;
        assert_eq!(search(ranks, block, |_, _| ()), (vec![], vec![]));
        // Two ranks of one call name each other, while messages between them are on their way.
        let ranks = vec![Some(waits(arrivals(5), 1)), Some(waits(arrivals(5), 0))];
        let (found, asked) = search(ranks, |_, _| false, |_, _| ());
        assert_eq!((found.len(), asked.len()), (0, LIMIT));
    }

    #[test]
    fn a_reader_that_has_been_granted_the_lock_is_in_no_circle() {
        let (found, _) = search(two_locks(), block, |now, ranks| {
            if now == 3 {
                ranks[2].as_mut().unwrap().next = None;
            }
        });
        assert!(found.is_empty());
    }

    #[test]
    fn answers_to_earlier_searches_are_ignored() {
        let first = waits(arrivals(5), 1);
        let (mut search, _) = Search::begin(8, 0, describe(&first), first.next);
        let answer = |search| Answer {
            search,
            blocks: true,
            wait: describe(&waits(release(2), 2)),
            next: Some(2),
        };
        assert_eq!(search.advance(1, answer(7)), None);
        assert_eq!(search.advance(2, answer(8)), None);
        assert!(matches!(
            search.advance(1, answer(8)),
            Some(Step::Ask(2, _))
        ));
    }
}
