//! The page rank of a web graph. Each rank has crawled some pages, and knows their names and the names to which they link. The names,
//! the numbers of the names and the graph are once on each node; each rank computes the scores of its share of the pages.
//!
//! ```text
//! cargo run --release --example pagerank                           one rank
//! PSHMEM_LOCAL=3+2 cargo run --release --example pagerank          five ranks on two nodes, as threads
//! mpirun -n 4 target/release/examples/pagerank 1000000             after `cargo build --release --features mpi --example pagerank`
//! ```
//!
//! The argument is the number of pages. The result has the same bits for any number of ranks: each score is a sum in the order of a row.
#![allow(
    clippy::cast_precision_loss,
    reason = "numbers of pages are far below 2^52"
)]

use pshmem::{Comm, Csr, Map, Op, Shared, Strings};
use std::error::Error;

/// The probability that a reader follows a link instead of going anywhere.
const DAMPING: f64 = 0.85;

/// The scores have converged when none changes by more than this, relative to the mean score.
const TOLERANCE: f64 = 1e-10;

fn main() -> std::process::ExitCode {
    pshmem::run(pagerank)
}

/// What each rank does.
fn pagerank(comm: &Comm) -> Result<(), Box<dyn Error>> {
    let argument = std::env::args().nth(1);
    let pages: usize = argument.map_or(Ok(20_000), |pages| pages.parse())?;
    let crawled = pages * comm.rank() / comm.size()..pages * (comm.rank() + 1) / comm.size();

    // The names of all pages, in the order of ranks, and the number of each.
    let found: Strings = crawled.clone().map(name).collect();
    let (names, mine) = Shared::<Strings>::concat(comm, &found)?;
    let numbers = mine
        .zip(0..)
        .map(|(number, _)| (names.view().row(number), number as u32));
    let numbers = Shared::<Map<str, u32>>::collect(comm, numbers)?;

    // Row `to`, column `from`: the part of the score of `from` that `to` gets.
    let mut entries = Vec::new();
    for from in crawled {
        let links: Vec<String> = links(from, pages).map(name).collect();
        for to in &links {
            let to = numbers
                .view()
                .get(to)
                .ok_or("a link to a page that nobody has crawled")?;
            entries.push((*to as usize, from, 1.0 / links.len() as f64));
        }
    }
    let links = Shared::<Csr<f64>>::collect(comm, (pages, pages), entries)?;

    let mut score = Shared::<[f64]>::new(comm, pages)?;
    score.fill(1.0 / pages as f64)?;
    let mut next = Shared::<[f64]>::new(comm, pages)?;
    let mut change = f64::INFINITY;
    let mut rounds = 0;
    while change * pages as f64 > TOLERANCE {
        let largest = next.update_parts(|rows, part| {
            let (links, score) = (links.view(), score.view());
            let mut largest: f64 = 0.0;
            for (row, next) in rows.zip(part) {
                let (from, weight) = links.row(row);
                let scores = from.iter().map(|&from| score[from as usize]);
                let sum: f64 = scores
                    .zip(weight)
                    .map(|(score, weight)| score * weight)
                    .sum();
                *next = (1.0 - DAMPING) / pages as f64 + DAMPING * sum;
                largest = largest.max((*next - score[row]).abs());
            }
            largest
        })?;
        change = comm.all_reduce(Op::max(), largest)?;
        score.swap(&mut next)?;
        rounds += 1;
    }

    if comm.rank() == 0 {
        let scores = score.view();
        let best = (0..pages)
            .max_by(|&a, &b| scores[a].total_cmp(&scores[b]))
            .ok_or("no pages")?;
        println!(
            "pagerank: {pages} pages, {} links, after {rounds} rounds the best is {} with {:.12} times the mean score",
            links.view().nnz(),
            &names.view()[best],
            scores[best] * pages as f64
        );
    }
    Ok(())
}

/// The name of a page.
fn name(page: usize) -> String {
    format!("www.page-{page}.org/index.html")
}

/// The pages to which a page links: some neighbours, and some pages that are the more popular the smaller their number.
fn links(page: usize, pages: usize) -> impl Iterator<Item = usize> {
    let random = move |i: usize| {
        // The mixing function of SplitMix64 (Steele, Lea, Flood 2014).
        let mut x = (page as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i as u64;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) as usize
    };
    let neighbours = (1..=2).map(move |i| (page + i) % pages);
    let popular = (0..2 + page % 7).map(move |i| random(i) % (1 + random(i + 100) % pages));
    neighbours.chain(popular)
}
