//! The corpus of the fuzzing of tables, through the same function; and changes of its files.

#[expect(unreachable_pub, reason = "public in the crate of the fuzzing")]
#[path = "../../../fuzz/src/tables.rs"]
mod tables;

use proptest::prelude::*;
use proptest::sample::Index;
use std::path::Path;

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/csv");
    std::fs::read_dir(folder)
        .expect("the corpus")
        .map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a file"))
        .collect()
}

/// Each file has an answer, and some are tables: a reader that refuses everything would pass otherwise.
#[test]
fn files_of_the_corpus_have_answers() {
    let files = corpus();
    let read = files.iter().filter(|bytes| tables::csv(bytes)).count();
    assert!(read >= 6 && read < files.len(), "{read} of {}", files.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Bytes are set, and pieces taken out, anywhere.
    #[test]
    fn changed_files_have_answers(
        file in any::<Index>(),
        set in proptest::collection::vec((any::<Index>(), any::<u8>()), 0..6),
        cut in any::<Option<(Index, Index)>>(),
    ) {
        let files = corpus();
        let mut bytes = file.get(&files).clone();
        if bytes.is_empty() {
            return Ok(());
        }
        for (at, value) in set {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some((from, to)) = cut {
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            bytes.drain(from.min(to)..from.max(to));
        }
        tables::csv(&bytes);
    }
}
