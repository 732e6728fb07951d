//! The protocol of the board on plain words, by one thread and by several.

use super::*;

fn words(layout: Layout) -> Vec<AtomicU64> {
    (0..layout.words().unwrap())
        .map(|_| AtomicU64::new(0))
        .collect()
}

fn layout(tasks: usize, ordered: bool) -> Layout {
    Layout {
        tasks,
        workers: 2,
        ordered,
    }
}

fn claim(board: &Board<&[AtomicU64]>) -> Option<(u32, u32)> {
    board.claim().map(|claim| (claim.task, claim.attempt))
}

#[test]
fn every_task_is_claimed_once_in_order() {
    let layout = layout(3, false);
    let words = words(layout);
    let board = Board {
        layout,
        words: &words[..],
    };
    assert_eq!(
        [(); 4].map(|()| claim(&board).map(|(task, _)| task)),
        [Some(0), Some(1), Some(2), None]
    );
}

#[test]
fn an_order_of_its_own_is_kept() {
    let layout = layout(3, true);
    let words = words(layout);
    let board = Board {
        layout,
        words: &words[..],
    };
    board.fill([Mark::Open; 3].into_iter(), [2, 0, 1].into_iter());
    assert_eq!(
        [(); 4].map(|()| claim(&board).map(|(task, _)| task)),
        [Some(2), Some(0), Some(1), None]
    );
}

#[test]
fn only_open_tasks_are_claimed() {
    let layout = layout(6, false);
    let words = words(layout);
    let board = Board {
        layout,
        words: &words[..],
    };
    let marks = [
        Mark::Done,
        Mark::Running,
        Mark::Failed,
        Mark::Invalid,
        Mark::Unsure,
        Mark::Open,
    ];
    board.fill(marks.into_iter(), std::iter::empty());
    assert_eq!(claim(&board), Some((4, 1)));
    assert_eq!(claim(&board), Some((5, 1)));
    assert_eq!(claim(&board), None);
    assert_eq!(board.mark(0), Mark::Done);
    assert_eq!(board.mark(4), Mark::Running);
}

#[test]
fn what_is_opened_again_is_claimed_again_once() {
    let layout = layout(4, false);
    let words = words(layout);
    let board = Board {
        layout,
        words: &words[..],
    };
    board.set(3, Mark::Open); // its place is still to come
    for _ in 0..4 {
        let claim = board.claim().unwrap();
        board.finish(claim, Mark::Failed);
    }
    assert_eq!(board.claim(), None);
    for task in [1, 2, 1] {
        board.set(task, Mark::Open);
    }
    assert_eq!(claim(&board), Some((2, 2)));
    board.set(2, Mark::Open);
    assert_eq!(claim(&board), Some((2, 3)));
    board.set(1, Mark::Done);
    assert_eq!(claim(&board), None);
    assert_eq!(board.mark(2), Mark::Running);
}

#[test]
fn a_closed_board_hands_out_nothing() {
    let layout = layout(4, false);
    let words = words(layout);
    let board = Board {
        layout,
        words: &words[..],
    };
    assert_eq!(claim(&board), Some((0, 1)));
    board.set(0, Mark::Open);
    board.close();
    board.close();
    assert_eq!(claim(&board), None);
    assert_eq!(board.mark(1), Mark::Open);
}

#[test]
fn the_last_rank_learns_of_the_first_failure() {
    let layout = layout(1, false);
    let words = words(layout);
    let board = Board {
        layout,
        words: &words[..],
    };
    assert_eq!(board.end(1, 3, (0, None)), None);
    assert_eq!(board.end(1, 3, (2, Some("no input, no output"))), None);
    assert_eq!(
        board.end(1, 3, (1, Some("second"))),
        Some(Ended::Failed(2, "no input, no output".into()))
    );
    board.open_line(1);
    assert_eq!(board.end(1, 1, (0, None)), Some(Ended::Well));
    board.count(0, true);
    board.count(1, false);
    board.count(1, true);
    assert_eq!(board.counts(), (2, 1));
}

#[test]
fn many_threads_share_what_is_opened_again() {
    let layout = Layout {
        tasks: 200,
        workers: 4,
        ordered: false,
    };
    let words = words(layout);
    let runs: Vec<AtomicU64> = (0..layout.tasks).map(|_| AtomicU64::new(0)).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let board = Board {
                    layout,
                    words: &words[..],
                };
                while let Some(claim) = board.claim() {
                    let runs = &runs[claim.task as usize];
                    assert_eq!(
                        u64::from(claim.attempt),
                        runs.fetch_add(1, Ordering::Relaxed) + 1
                    );
                    board.finish(claim, Mark::Failed);
                    if claim.attempt < 20 {
                        board.set(claim.task as usize, Mark::Open);
                    }
                }
            });
        }
    });
    assert!(runs.iter().all(|runs| runs.load(Ordering::Relaxed) == 20));
}
