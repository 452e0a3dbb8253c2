//! Data from files: what is read is what is written, and what is wrong is said.

use std::fs;
use std::path::Path;

use neuromanifold_benches::BenchError;
use neuromanifold_benches::problem::{
    ALL, DEEP, DIABETES, DIGITS, Law, MACKEY_GLASS, P257, P20001, Problem, Source, TEACHER_STUDENT,
};
use npyz::WriterBuilder as _;

fn write<T: npyz::AutoSerialize + Copy>(path: &Path, shape: &[u64], values: &[T]) {
    let mut file = npyz::WriteOptions::new()
        .default_dtype()
        .shape(shape)
        .writer(fs::File::create(path).expect("a file"))
        .begin_nd()
        .expect("a header");
    file.extend(values.iter().copied()).expect("values");
    file.finish().expect("a whole file");
}

/// The files of P257 in a directory of its own.
fn directory() -> (tempfile::TempDir, Problem) {
    let problem = Problem::load(P257, &Source::Generated).expect("a problem");
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    write(&at("p257_X.npy"), &[4000, 14], &problem.train.inputs);
    write(&at("p257_y.npy"), &[4000], &problem.train.targets);
    write(&at("p257_theta0.npy"), &[257], problem.start());
    (directory, problem)
}

fn load(directory: &Path) -> Result<Problem, BenchError> {
    Problem::load(P257, &Source::of(directory)?)
}

#[test]
fn files_are_read_to_the_last_bit() {
    let (directory, written) = directory();
    let read = load(directory.path()).expect("files that were just written");
    assert_eq!(read.train, written.train);
    assert_eq!(read.starts, written.starts);
}

#[test]
fn a_directory_without_arrays_means_generated_data_and_none_at_all_is_an_error() {
    let empty = tempfile::tempdir().expect("a directory");
    assert_eq!(
        Source::of(empty.path()).expect("a directory"),
        Source::Generated
    );
    let error = Source::of(&empty.path().join("none")).expect_err("no such directory");
    assert!(error.to_string().contains("none"), "{error}");
}

#[test]
fn a_file_that_is_missing_cut_short_or_something_else_is_named() {
    let (directory, problem) = directory();
    let file = directory.path().join("p257_y.npy");
    let whole = fs::read(&file).expect("a file");
    let refused = |expected: &str| {
        let message = load(directory.path()).expect_err("a bad file").to_string();
        assert!(
            message.contains("p257_y.npy") && message.contains(expected),
            "{message}"
        );
    };
    fs::write(&file, &whole[..whole.len() - 5]).expect("a file");
    refused("<f8");
    fs::write(&file, [&whole[..], &[0]].concat()).expect("a file");
    refused("goes on");
    fs::write(&file, b"age,sex\n").expect("a file");
    refused("shape (4000)");
    fs::write(&file, b"").expect("a file");
    refused("shape (4000)");
    write(&file, &[3], &[1.0, 2.0, 3.0]);
    refused("shape (3)");
    write(&file, &[4000], &vec![1_i64; 4000]);
    refused("<i8");
    write(&file, &[4000], &vec![1_f32; 4000]);
    refused("<f4");
    let mut bad = problem.train.targets.clone();
    bad[17] = f64::NAN;
    write(&file, &[4000], &bad);
    refused("entry 17");
    fs::remove_file(&file).expect("a file");
    refused("expected <f8");
}

#[test]
fn a_header_that_promises_too_much_is_refused_before_memory_is_taken() {
    let (directory, _) = directory();
    let file = directory.path().join("p257_y.npy");
    let mut bytes = fs::read(&file).expect("a file");
    let at = bytes
        .windows(6)
        .position(|w| w == b"(4000,")
        .expect("the shape");
    bytes.splice(at..at + 6, *b"(9999999999999999,");
    bytes.drain(118..128); // the header keeps its length: there are blanks at its end
    fs::write(&file, bytes).expect("a file");
    assert!(load(directory.path()).is_err());
}

#[test]
fn labels_are_indices_of_classes() {
    let directory = tempfile::tempdir().expect("a directory");
    let problem = Problem::load(DIGITS, &Source::Generated).expect("a problem");
    let at = |name: &str| directory.path().join(name);
    write(&at("digits_Xtrain.npy"), &[1347, 64], &problem.train.inputs);
    for wrong in [10, -1] {
        let mut labels = vec![3_i64; 1347];
        labels[5] = wrong;
        write(&at("digits_ytrain.npy"), &[1347], &labels);
        for k in 0..7 {
            write(
                &at(&format!("digits_theta0_{k}.npy")),
                &[2410],
                &problem.starts[k],
            );
        }
        let source = Source::Directory(directory.path().to_owned());
        let message = Problem::load(DIGITS, &source)
            .expect_err("no such class")
            .to_string();
        assert!(
            message.contains("entry 5") && message.contains(&wrong.to_string()),
            "{message}"
        );
    }
}

#[test]
fn all_problems_have_the_sizes_they_promise() {
    for specification in ALL {
        let problem = Problem::load(specification, &Source::Generated).expect("a problem");
        let (n, tag) = (specification.widths[0], specification.tag);
        assert_eq!(
            problem.train.inputs.len(),
            n * specification.examples,
            "{tag}"
        );
        assert_eq!(problem.train.targets.len(), specification.examples, "{tag}");
        assert_eq!(problem.starts.len(), specification.starts, "{tag}");
        let sizes = problem.starts.iter().map(Vec::len);
        assert!(
            sizes
                .into_iter()
                .all(|size| size == problem.net.parameters()),
            "{tag}"
        );
        let held_out = problem.test.as_ref().map_or(0, |test| test.targets.len());
        assert_eq!(held_out, specification.held_out, "{tag}");
        if specification.law == Law::Class {
            let classes = problem.net.outputs() as f64;
            assert!(
                problem
                    .train
                    .targets
                    .iter()
                    .all(|y| (0.0..classes).contains(y)),
                "{tag}"
            );
        }
    }
}

/// Numbers that any other program with the same rules finds as well, to a few units in the last place.
#[test]
fn generated_numbers_are_pinned() {
    let close = |found: f64, expected: f64| {
        assert!(
            (found - expected).abs() < 1e-15 * expected.abs().max(1.0),
            "{found:e} {expected:e}"
        );
    };
    let load = |of| Problem::load(of, &Source::Generated).expect("a problem");
    let wide = load(P20001);
    close(wide.train.inputs[0], 0.208_990_624_100_674_87);
    close(wide.train.inputs[512 * 38 - 1], -0.183_268_951_062_834_83);
    close(wide.start()[20_000], 0.158_805_045_057_351_07);
    // a sum of 500 terms, in whatever order
    assert!((wide.train.targets[511] + 0.748_035_033_735_511_7).abs() < 1e-13);
    assert_eq!(
        load(DEEP).train.targets[..8],
        [9.0, 3.0, 7.0, 6.0, 1.0, 3.0, 2.0, 3.0]
    );
    let digits = load(DIGITS).train;
    assert_eq!(
        digits.targets[..8],
        [8.0, 0.0, 3.0, 5.0, 7.0, 7.0, 9.0, 6.0]
    );
    close(digits.inputs[1346 * 64 + 60], 1.0);
    let patients = load(DIABETES).train;
    assert!((patients.inputs[3 * 10 + 2] + 0.243_771_220_057_278_7).abs() < 1e-14);
    close(patients.targets[0], -0.014_719_475_152_121_254);
    let student = load(TEACHER_STUDENT);
    close(student.train.targets[4095], -0.537_806_211_251_987_1);
    close(student.starts[6][72], -0.147_323_496_442_973_96);
    // the series is chaotic: a difference in the last bit has grown by now
    let series = load(MACKEY_GLASS).test.expect("examples that are held out");
    assert!((series.targets[499] - 1.007_476_076_143_749_1).abs() < 1e-12);
}
