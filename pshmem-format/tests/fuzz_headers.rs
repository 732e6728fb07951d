//! Reads headers that are random, mutated, or written to harm: none panics, none overflows the stack, none uses more memory than
//! its file has bytes.
//!
//! `cargo test` reads a hundred thousand. `cargo xtask fuzz-npy` builds this with optimisation and reads ten million, or as many as
//! `PSHMEM_FUZZ_INPUTS` says, beginning with the seed `PSHMEM_FUZZ_SEED`. Input i is made from seed + i, so a failure is made again
//! with its own seed and one input.

#[path = "fuzz/counting.rs"]
mod counting;
#[path = "fuzz/inputs.rs"]
mod inputs;
#[path = "fuzz/random.rs"]
mod random;

use inputs::Input;
use pshmem_format::{DescrError, Dtype, Header, HeaderError, Item, LengthError};
use random::Random;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A header may use as many bytes in any case, in how many it is.
const FLOOR: u64 = 16 << 20;

/// Messages of errors are not counted by the reader.
const MESSAGE: u64 = 4096;

/// No header, however it is written, becomes larger than it was by more than this factor.
const FACTOR: u64 = 100;

/// Recursion that depends on the input would overflow this.
const STACK: usize = 1 << 20;

#[test]
fn no_header_panics_or_uses_more_memory_than_its_file_has_bytes() {
    let inputs = number("PSHMEM_FUZZ_INPUTS").unwrap_or(100_000);
    let seed = number("PSHMEM_FUZZ_SEED").unwrap_or(0);
    let thread = std::thread::Builder::new().stack_size(STACK);
    let run = thread.spawn(move || run(inputs, seed)).unwrap();
    let outcomes = run.join().expect("a message above says which input");
    println!("{inputs} inputs from seed {seed}: {outcomes:?}");
    if inputs >= 100_000 {
        // Otherwise the inputs would test less than they are meant to.
        for outcome in OUTCOMES {
            assert!(
                outcomes.contains_key(outcome),
                "no input ended as `{outcome}`"
            );
        }
        assert!(outcomes["ok"] > inputs / 20, "hardly any header was read");
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

/// Reads that many inputs. Returns how often each outcome was found.
fn run(inputs: u64, seed: u64) -> BTreeMap<&'static str, u64> {
    let mut outcomes = BTreeMap::new();
    for i in 0..inputs {
        let seed = seed.wrapping_add(i);
        let input = Input::of_seed(seed);
        let outcome = catch_unwind(AssertUnwindSafe(|| check(&input, seed)));
        let Ok(outcome) = outcome else {
            let shown = &input.bytes[..input.bytes.len().min(2000)];
            panic!(
                "seed {seed}, {} bytes, said to be {}: {}",
                input.bytes.len(),
                input.file_len,
                shown.escape_ascii()
            );
        };
        *outcomes.entry(outcome).or_default() += 1;
        if (i + 1) % 1_000_000 == 0 {
            println!("{} inputs", i + 1);
        }
    }
    outcomes
}

/// Reads one input, and checks what came out.
fn check(input: &Input, seed: u64) -> &'static str {
    let mut bytes = &input.bytes[..];
    let (result, used) = counting::count(|| Header::read(&mut bytes, input.file_len));
    let limit = input.file_len.max(FLOOR).saturating_add(MESSAGE);
    assert!(used <= limit, "{used} bytes of memory");
    let there = input.bytes.len() as u64;
    if input.file_len == there {
        assert!(used <= FACTOR * there + MESSAGE, "{used} bytes of memory");
    }
    match result {
        Ok(header) => {
            assert!(header.data_at <= input.file_len);
            assert_eq!(bytes.len() as u64, there - header.data_at);
            check_dtype(&header.dtype);
            // Slower than the reading, so not each time.
            if Random::new(seed).below(8) == 0 {
                check_round_trip(&header);
            }
            match header.check_length(input.file_len) {
                Ok(bytes) => assert_eq!(Some(bytes), header.data_bytes()),
                Err(LengthError::Overflow { .. }) => assert_eq!(header.data_bytes(), None),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
            "ok"
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.len() < 1000, "{text}");
            class(&error)
        }
    }
}

/// What must hold for whoever computes with the dtype.
fn check_dtype(dtype: &Dtype) {
    assert!(isize::try_from(dtype.size()).is_ok());
    if let Dtype::Struct { fields, itemsize } = dtype {
        for field in fields {
            assert!(field.offset.checked_add(field.item.size()).unwrap() <= *itemsize);
            check_dtype(&field.item.dtype);
        }
    }
}

fn check_round_trip(header: &Header) {
    let item = Item::from(header.dtype.clone());
    let bytes = Header::encode(&item, &header.shape);
    let again = Header::read(&mut &bytes[..], 1 << 30).unwrap();
    assert_eq!(again.dtype, header.dtype);
    assert_eq!(again.shape, header.shape);
    assert_eq!(item.byte_swaps(&again.dtype), Ok(vec![]));
}

/// All outcomes that inputs must have.
const OUTCOMES: [&str; 13] = [
    "ok",
    "not npy",
    "truncated",
    "version",
    "too long",
    "not utf-8",
    "syntax",
    "too deep",
    "too much",
    "unsupported",
    "bad dtype",
    "bad header",
    "bad shape",
];

fn class(error: &HeaderError) -> &'static str {
    match error {
        HeaderError::NotNpy => "not npy",
        HeaderError::Truncated { .. } => "truncated",
        HeaderError::Version { .. } => "version",
        HeaderError::TooLong(_) => "too long",
        HeaderError::NotUtf8 { .. } => "not utf-8",
        HeaderError::Descr(DescrError::Syntax { .. }) => "syntax",
        HeaderError::Descr(DescrError::TooDeep { .. }) => "too deep",
        HeaderError::Descr(DescrError::TooMuch) => "too much",
        HeaderError::Descr(DescrError::Unsupported { .. }) => "unsupported",
        HeaderError::Descr(_) => "bad dtype",
        HeaderError::Malformed(what) if what.starts_with("`shape`: ") => "bad shape",
        HeaderError::Malformed(_) => "bad header",
        other => panic!("reading from memory cannot fail so: {other}"),
    }
}
