//! The corpora of the fuzzing, file by file, through the same functions; and mutations of them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[expect(unreachable_pub, reason = "public in the crate of the fuzzing")]
#[path = "../../../fuzz/src/arrays.rs"]
mod arrays;
#[expect(unreachable_pub, reason = "public in the crate of the fuzzing")]
#[path = "../../../fuzz/src/networks.rs"]
mod networks;

use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

/// Whether some bytes were a valid file.
type Parser = fn(&[u8]) -> bool;

/// Each file has an answer, and at least so many are valid: a parser that refuses everything would pass otherwise.
fn check(target: &str, parse: Parser, valid: usize) {
    let files = corpus(target);
    let read = files
        .iter()
        .filter(|(path, bytes)| {
            std::panic::catch_unwind(|| parse(bytes))
                .unwrap_or_else(|_| panic!("{} panics", path.display()))
        })
        .count();
    assert!(read >= valid, "{read} of {} files were read", files.len());
    assert!(read < files.len(), "the corpus has no invalid file");
}

#[test]
fn safetensors() {
    check("safetensors", networks::safetensors, 8);
}

#[test]
fn npy() {
    check("npy", arrays::npy, 18);
}

#[test]
fn npz() {
    check("npz", arrays::npz, 3);
}

#[test]
fn idx() {
    check("idx", arrays::idx, 8);
}

/// One change of a file.
#[derive(Clone, Debug)]
enum Mutation {
    Flip(Index, u8),
    Set(Index, u8),
    Truncate(Index),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let place = any::<Index>;
    prop_oneof![
        (place(), 0..8_u8).prop_map(|(at, bit)| Mutation::Flip(at, 1 << bit)),
        (place(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        place().prop_map(Mutation::Truncate),
        (place(), vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (place(), 1..9_usize).prop_map(|(at, count)| Mutation::Remove(at, count)),
        (place(), 1..65_usize).prop_map(|(at, count)| Mutation::Repeat(at, count)),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    let position = |at: &Index| at.index(bytes.len() + 1);
    let part = |at: &Index, count| position(at)..bytes.len().min(position(at) + count);
    match mutation {
        Mutation::Flip(at, mask) => {
            let at = position(at);
            bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= mask);
        }
        Mutation::Set(at, value) => {
            let at = position(at);
            bytes
                .get_mut(at)
                .into_iter()
                .for_each(|byte| *byte = *value);
        }
        Mutation::Truncate(at) => bytes.truncate(position(at)),
        Mutation::Insert(at, inserted) => {
            let at = position(at);
            drop(bytes.splice(at..at, inserted.iter().copied()));
        }
        Mutation::Remove(at, count) => drop(bytes.drain(part(at, *count))),
        Mutation::Repeat(at, count) => {
            let part = part(at, *count);
            let copy = bytes[part.clone()].to_vec();
            drop(bytes.splice(part.end..part.end, copy));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every file of every corpus, changed in one to four places.
    #[test]
    fn changed_files_have_answers(mutations in vec(mutation(), 1..5)) {
        let parsers: [(&str, Parser); 4] = [
            ("safetensors", networks::safetensors),
            ("npy", arrays::npy),
            ("npz", arrays::npz),
            ("idx", arrays::idx),
        ];
        for (target, parse) in parsers {
            for (_, mut bytes) in corpus(target) {
                for mutation in &mutations {
                    mutate(&mut bytes, mutation);
                }
                parse(&bytes);
            }
        }
    }
}
