//! The corpus of the fuzzing of checkpoints, through the same function; and changes of checkpoints that were just made.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[expect(unreachable_pub, reason = "public in the crate of the fuzzing")]
#[path = "../../../fuzz/src/checkpoints.rs"]
mod checkpoints;

use checkpoints::{METHODS, checkpoint, kept};
use neuromanifold_harness::training::Method;
use proptest::prelude::*;
use proptest::sample::Index;
use std::fs;
use std::path::Path;

/// The seeds of the corpus: checkpoints of all methods, and the ways in which they go wrong.
fn sow(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let put = |name: String, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    for method in METHODS {
        for steps in [0, 3] {
            put(format!("{method:?}_{steps}"), &kept(method, steps));
        }
    }
    let whole = kept(Method::Adam, 2);
    put("empty".to_owned(), &[]);
    put("header".to_owned(), &whole[..24]);
    put("cut_off".to_owned(), &whole[..whole.len() / 2]);
    put("too_long".to_owned(), &[&whole[..], &[0; 3]].concat());
    let mut other = whole.clone();
    other[8] = 2;
    put("other_format".to_owned(), &other);
    let mut damaged = whole.clone();
    damaged[200] ^= 1;
    put("damaged".to_owned(), &damaged);
    // a vector that says it is longer than any memory
    let mut endless = whole;
    endless[35..45].fill(0xff);
    put("endless".to_owned(), &endless);
}

/// Each file has an answer, and some are checkpoints: a reader that refuses everything would pass otherwise.
///
/// `SOW=1 cargo test -p neuromanifold-harness --test checkpoints` writes the seeds anew, after a change of the format.
#[test]
fn files_of_the_corpus_have_answers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/checkpoint");
    if std::env::var_os("SOW").is_some() {
        sow(&folder);
    }
    let files: Vec<Vec<u8>> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .collect();
    let read = files.iter().filter(|bytes| checkpoint(bytes)).count();
    assert!(read >= 6 && read < files.len(), "{read} of {}", files.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Bytes are changed behind a header that is then set right: numbers that no run has made are refused or gone on from,
    /// and nothing panics.
    #[test]
    fn lies_behind_a_sound_header_have_answers(
        method in 0..METHODS.len(),
        steps in 0..4_usize,
        changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..6),
        end in any::<Option<Index>>(),
    ) {
        let mut bytes = kept(METHODS[method], steps);
        for (at, value) in changes {
            let at = 32 + at.index(bytes.len() - 32); // behind the fingerprint
            bytes[at] = value;
        }
        if let Some(end) = end.filter(|_| steps == 0) {
            bytes.truncate(end.index(bytes.len()));
        }
        checkpoint(&bytes);
    }
}
