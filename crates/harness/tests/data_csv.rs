//! Which tables are read, and what is said about those that are not.

#![expect(clippy::unwrap_used, reason = "a step that fails here fails the test")]

use std::fs;
use std::io::{self, Read, Write};

use faer::mat;
use flate2::Compression;
use flate2::write::GzEncoder;
use neuromanifold_harness::data::{
    CsvProblem, CsvSource, DataError, Dataset, Delimiter, Header, MAX_RECORD_BYTES, Task, TaskKind,
    save_csv,
};

fn source() -> CsvSource {
    CsvSource::new("t.csv", "y")
}

fn read(table: impl AsRef<[u8]>) -> Dataset {
    source().read_from(table.as_ref()).unwrap()
}

/// Asserts the whole message, place and problem.
fn refused(source: &CsvSource, table: impl AsRef<[u8]>, message: &str) {
    assert_eq!(
        source.read_from(table.as_ref()).unwrap_err().to_string(),
        message
    );
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn spellings_of_one_table() {
    let expected = read("a,b,y\n1,2,3\n4,5,6\n");
    assert_eq!(expected.inputs(), mat![[1.0, 4.0], [2.0, 5.0]]);
    assert_eq!(expected.targets(), [3.0, 6.0]);
    assert_eq!(expected.input_names(), ["a", "b"]);
    assert_eq!(expected.target_names(), ["y"]);
    assert_eq!(
        (expected.name(), expected.task()),
        ("t.csv", Task::Regression { outputs: 1 })
    );
    for same in [
        "a,b,y\n1,2,3\n4,5,6",
        "a,b,y\r\n1,2,3\r\n4,5,6\r\n",
        "a,b,y\r1,2,3\r4,5,6\r",
        "\u{feff}a,b,y\n1,2,3\n4,5,6\n",
        "\u{feff}\"a\",b,y\n1,2,3\n4,5,6\n",
        "\n\na,b,y\n\n1,2,3\n\n\n4,5,6\n\n",
        "a;b;y\n1;2;3\n4;5;6\n",
        "a\tb\ty\n1\t2\t3\n4\t5\t6\n",
        " a , b,\"y\"\n 1,\"2\" ,+3.0\n4e0,0.5e1 ,6.\n",
    ] {
        assert_eq!(read(same), expected, "{same:?}");
    }
    assert_eq!(read(gzip(b"a,b,y\n1,2,3\n4,5,6\n")), expected);
    let members = [gzip(b"a,b,y\n1,2"), gzip(b",3\n4,5,6\n")].concat();
    assert_eq!(read(members), expected);
    let chosen = source().delimiter(Delimiter::Semicolon);
    assert_eq!(
        chosen.read_from("a;b;y\n1;2;3\n4;5;6".as_bytes()).unwrap(),
        expected
    );
}

#[test]
fn any_column_can_be_the_target() {
    let table = b"a,b,c\n1,2,3\n4,5,6\n";
    let first = CsvSource::new("t.csv", "a").read_from(&table[..]).unwrap();
    assert_eq!(
        (first.targets(), first.inputs()),
        (&[1.0, 4.0][..], mat![[2.0, 5.0], [3.0, 6.0]].as_ref())
    );
    let middle = CsvSource::new("t.csv", 1).read_from(&table[..]).unwrap();
    assert_eq!(
        (middle.targets(), middle.target_names()),
        (&[2.0, 5.0][..], &["b".to_owned()][..])
    );
    let both = CsvSource::new("t.csv", "c")
        .and_target("a")
        .read_from(&table[..])
        .unwrap();
    assert_eq!(both.task(), Task::Regression { outputs: 2 });
    assert_eq!(both.targets(), [3.0, 1.0, 6.0, 4.0]);
}

#[test]
fn ignored_columns_may_hold_anything() {
    let data = source()
        .ignore("note")
        .ignore(0)
        .read_from(&b",note,x,y\n0,,1,2\n1,\xff?,3,4\n"[..]);
    let data = data.unwrap();
    assert_eq!(
        (data.inputs(), data.input_names()),
        (mat![[1.0, 3.0]].as_ref(), &["x".to_owned()][..])
    );
}

#[test]
fn names_are_free() {
    // Neither of these is a finite number, and columns that are left out need no name.
    let odd = source().ignore(0).ignore(1);
    let data = odd
        .read_from(",,Inf,nan,y\n9,9,1,2,3\n".as_bytes())
        .unwrap();
    assert_eq!(data.input_names(), ["Inf", "nan"]);
}

#[test]
fn a_table_without_header() {
    let absent = CsvSource::new("t.csv", "column_2").header(Header::Absent);
    let data = absent.read_from("1,2,3\n4,5,6\n".as_bytes()).unwrap();
    assert_eq!((data.len(), data.targets()), (2, &[3.0, 6.0][..]));
    assert_eq!(data.input_names(), ["column_0", "column_1"]);
    // Read as a header, the first row of either would be lost.
    for (table, row) in [
        ("1,2.5,-3\n4,5,6\n", "1, 2.5, -3"),
        ("5.1,3.5,setosa\n", "5.1, 3.5, setosa"),
    ] {
        refused(
            &source(),
            table,
            &format!(
                "t.csv, line 1: the first line has numbers where column names are expected: {row} \
                 (is there a header? say so, or that there is none)"
            ),
        );
    }
    let years = CsvSource::new("t.csv", "2021").header(Header::Present);
    let data = years
        .read_from("2019,2020,2021\n1,2,3\n".as_bytes())
        .unwrap();
    assert_eq!(
        (data.input_names().join(" "), data.targets()),
        ("2019 2020".into(), &[3.0][..])
    );
}

#[test]
fn labels_become_class_indices() {
    let table = "x,y\n1,pear\n2,apple\n3,pear\n4,quince\n".as_bytes();
    let classes = source().task(TaskKind::Classification);
    let data = classes.read_from(table).unwrap();
    assert_eq!(data.task(), Task::Classification { classes: 3 });
    assert_eq!(data.class_names(), ["apple", "pear", "quince"]);
    assert_eq!(data.targets(), [1.0, 0.0, 1.0, 2.0]);

    let numbers = classes
        .read_from("x,y\n1,10\n2,2\n3,0\n".as_bytes())
        .unwrap();
    assert_eq!(
        (numbers.class_names().join(" "), numbers.targets()),
        ("0 2 10".into(), &[2.0, 1.0, 0.0][..])
    );

    let fixed = classes
        .clone()
        .class_names(["quince", "pear", "apple", "plum"]);
    let data = fixed.read_from(table).unwrap();
    assert_eq!(
        (data.task(), data.targets()),
        (
            Task::Classification { classes: 4 },
            &[1.0, 2.0, 1.0, 0.0][..]
        )
    );
    refused(
        &fixed,
        "x,y\n1,pear\n2,peach\n",
        "t.csv, line 3, column `y`: the label \"peach\" is not one of the classes \
         `quince`, `pear`, `apple`, `plum`",
    );

    let binary = source().task(TaskKind::Binary);
    let data = binary.read_from("x,y\n1,yes\n2,no\n".as_bytes()).unwrap();
    assert_eq!(
        (data.task(), data.targets()),
        (Task::Binary, &[1.0, 0.0][..])
    );
    let three = "t.csv, column `y`: binary needs two different labels, found 3";
    refused(&binary, table, three);
    let one = "t.csv, column `y`: classification needs at least two different labels, found 1";
    refused(&classes, "x,y\n1,a\n2,a\n", one);
    refused(
        &classes,
        "x,y\n1,a\n2,\n",
        "t.csv, line 3, column `y`: the field is empty",
    );
    refused(
        &classes,
        "x,y\n1,a\n2,NaN\n",
        "t.csv, line 3, column `y`: expected a finite number, found \"NaN\"",
    );
    let two = classes.and_target("x");
    refused(
        &two,
        table,
        "t.csv: class labels come from one column, not 2",
    );
}

#[test]
fn fields_that_are_not_numbers_are_located() {
    for (field, problem) in [
        ("abc", "expected a number, found \"abc\""),
        ("", "the field is empty"),
        ("  ", "the field is empty"),
        ("NaN", "expected a finite number, found \"NaN\""),
        ("-inf", "expected a finite number, found \"-inf\""),
        ("1e400", "expected a finite number, found \"1e400\""),
        ("\"1,5\"", "expected a number, found \"1,5\""),
        ("\"a\"\"b\"", "expected a number, found \"a\"b\""),
        ("\"1\n2\"", "expected a number, found \"1\\n2\""),
    ] {
        let table = format!("x,y\n1,2\n3,4\n{field},5\n6,7\n");
        refused(
            &source(),
            table,
            &format!("t.csv, line 4, column `x`: {problem}"),
        );
    }
    let message = source()
        .read_from(format!("x,y\n1,{}\n", "z".repeat(5000)).as_bytes())
        .unwrap_err()
        .to_string();
    let short = format!(
        "t.csv, line 2, column `y`: expected a number, found \"{}…\"",
        "z".repeat(40)
    );
    assert_eq!(message, short);
    refused(
        &source(),
        b"x,y\n1,2\n3,4\xff5\n",
        "t.csv, line 3, column `y`: the text is not UTF-8: \"4\\xff5\"",
    );
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    for (table, line) in [
        ("x,y\r\n1,2\r\n?,3\r\n", 3),
        ("x,y\r1,2\r?,3", 3),
        ("\n\nx,y\n\n1,2\n\n\n?,3\n", 8),
        ("\r\n\r\nx,y\r\n\r\n1,2\r\n\r\n\r\n?,3\r\n", 8),
        ("\"x\n\",y\n1,2\n\"1\n\",2\n?,3\n", 6),
        ("x,y\n1,2\n1,\"?\n\n", 3),
        ("\u{feff}x,y\n?,3", 2),
    ] {
        let Err(DataError::Csv(error)) = source().read_from(table.as_bytes()) else {
            panic!("{table:?} must be refused")
        };
        assert_eq!(error.line, Some(line), "{table:?}: {error}");
    }
}

#[test]
fn ragged_rows_are_located() {
    let short = "t.csv, line 3: the row has 2 fields, but there are 3 columns";
    refused(&source(), "a,b,y\n1,2,3\n4,5\n", short);
    let long = "t.csv, line 3: the row has 4 fields, but there are 3 columns";
    refused(&source(), "a,b,y\n1,2,3\n4,5,6,\n", long);
    // A delimiter that was not meant shows at once.
    let comma = source().delimiter(Delimiter::Comma);
    let message = comma
        .read_from("a;y\n1;2\n".as_bytes())
        .unwrap_err()
        .to_string();
    assert!(
        message.starts_with("t.csv, line 1: there is no column `y`"),
        "{message}"
    );
}

#[test]
fn headers_that_do_not_name_the_columns() {
    refused(
        &source(),
        "a,b,y,a\n",
        "t.csv, line 1, column `#4 a`: the name is already that of column #1",
    );
    refused(
        &source(),
        "a,,y\n1,2,3\n",
        "t.csv, line 1, column `#2`: the column has no name",
    );
    refused(
        &source(),
        b"a\xfe,y\n",
        "t.csv, line 1, column `#1`: the text is not UTF-8: \"a\\xfe\"",
    );
    refused(
        &source(),
        "\n\nx,z\n1,2\n",
        "t.csv, line 3: there is no column `y`; the columns are `x`, `z`",
    );
    let missing = CsvSource::new("t.csv", 2);
    refused(
        &missing,
        "x,z\n1,2\n",
        "t.csv, line 1: there is no column number 2 (from 0); the columns are `x`, `z`",
    );
    refused(
        &source(),
        "y\n1\n2\n",
        "t.csv, line 1: no column is left as an input",
    );
    let twice = source().ignore(1);
    let message = "t.csv, column `y`: the column has two uses: as a target, or to be ignored, it can be named once";
    refused(&twice, "x,y\n1,2\n", message);
    let wide = (0..1000)
        .map(|i| format!("c{i}"))
        .collect::<Vec<_>>()
        .join(",");
    let message = source().read_from(wide.as_bytes()).unwrap_err().to_string();
    assert!(
        message.ends_with("`c19` and 980 more") && message.len() < 300,
        "{message}"
    );
}

#[test]
fn files_without_data() {
    for empty in ["", "\n", "\r\n\n", "\u{feff}"] {
        refused(&source(), empty, "t.csv: the file is empty");
    }
    refused(
        &source(),
        "x,y\n",
        "t.csv: there is a header but no row of data",
    );
    refused(
        &CsvSource::new("t.csv.gz", "y"),
        "",
        "t.csv.gz: the file is empty",
    );
}

#[test]
fn a_missing_file_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("none.csv");
    let error = CsvSource::new(&path, "y").read().unwrap_err();
    let DataError::Csv(error) = error else {
        panic!("{error}")
    };
    assert!(
        matches!(&error.problem, CsvProblem::Open(cause) if cause.kind() == io::ErrorKind::NotFound)
    );
    assert!(
        error
            .to_string()
            .starts_with(&format!("{}: cannot open the file", path.display()))
    );
    // A directory opens but cannot be read.
    assert!(matches!(
        CsvSource::new(directory.path(), "y").read(),
        Err(DataError::Csv(_))
    ));
}

#[test]
fn damaged_compression_is_an_error() {
    let whole = gzip(b"x,y\n1,2\n3,4\n");
    let cut = &whole[..whole.len() - 6];
    let Err(DataError::Csv(error)) = source().read_from(cut) else {
        panic!("must be refused")
    };
    assert!(matches!(error.problem, CsvProblem::Read(_)), "{error}");
    let plain = CsvSource::new("t.csv.gz", "y").read_from("x,y\n1,2\n".as_bytes());
    let Err(DataError::Csv(error)) = plain else {
        panic!("must be refused")
    };
    assert!(matches!(error.problem, CsvProblem::Read(_)), "{error}");
}

#[test]
fn an_endless_row_is_given_up() {
    // An open quote followed by more text than fits.
    let endless = b"x,y\n1,2\n\"".chain(io::repeat(b'7').take(4 * MAX_RECORD_BYTES as u64));
    let Err(DataError::Csv(error)) = source().read_from(endless) else {
        panic!("must be refused")
    };
    assert!(
        matches!(
            error.problem,
            CsvProblem::LongRow {
                limit: MAX_RECORD_BYTES
            }
        ),
        "{error}"
    );
    assert_eq!(error.line, Some(3));
    let no_lines = io::repeat(b',').take(4 * MAX_RECORD_BYTES as u64);
    let Err(DataError::Csv(error)) = source().read_from(no_lines) else {
        panic!("must be refused")
    };
    assert!(
        matches!(error.problem, CsvProblem::LongRow { .. }),
        "{error}"
    );
}

#[test]
fn a_long_table_of_bounded_rows_is_read() {
    // Twenty rows of a mebibyte, most of it space: more in all than a row may have.
    let row = format!("1,{}2\n", " ".repeat(1 << 20));
    assert!(20 * row.len() > MAX_RECORD_BYTES);
    let table = ["x,y\n".to_owned(), row.repeat(20)].concat();
    assert_eq!(read(table).targets(), [2.0; 20]);
}

#[test]
fn files_are_written_whole() {
    let directory = tempfile::tempdir().unwrap();
    let inputs = mat![[0.1, -0.0], [1e-300, 12345678.9]];
    let data = Dataset::classification("d", inputs.as_ref(), &[1, 0], 2)
        .unwrap()
        .with_class_names(["no, never", "yes \"always\""])
        .unwrap()
        .with_target_names(["answer"])
        .unwrap();
    for name in ["d.csv", "d.csv.gz"] {
        let path = directory.path().join(name);
        save_csv(&data, &path).unwrap();
        let source = CsvSource::new(&path, "answer")
            .name("d")
            .task(TaskKind::Classification);
        assert_eq!(source.read().unwrap(), data);
    }
    assert_eq!(
        fs::read(directory.path().join("d.csv.gz")).unwrap()[..2],
        [0x1f, 0x8b]
    );
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        2,
        "no temporary file is left"
    );
    let occupied = directory.path().join("occupied");
    fs::create_dir(&occupied).unwrap();
    assert!(save_csv(&data, &occupied).is_err());
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        3,
        "nor after a failure"
    );
    let nowhere = directory.path().join("none").join("d.csv");
    let error = save_csv(&data, &nowhere).unwrap_err();
    assert!(
        error.to_string().contains("cannot write the file"),
        "{error}"
    );
}

#[test]
fn task_kinds_are_spelt_as_they_display() {
    for kind in [
        TaskKind::Regression,
        TaskKind::Binary,
        TaskKind::Classification,
    ] {
        assert_eq!(kind.to_string().parse::<TaskKind>().unwrap(), kind);
    }
    assert!("Regression!".parse::<TaskKind>().is_err());
}
