//! Running experiments: what is kept, what is repeated, what a report holds.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod specimen;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use neuromanifold_harness::experiment::{Options, Outcome, Session, Store, run};
use neuromanifold_harness::{
    Claim, Context, Effort, Experiment, HarnessError, Interrupt, Progress, Record, UserData,
};
use rand::RngExt;
use specimen::Specimen;

/// An experiment that counts how often it is run, and may end badly.
struct Counted {
    name: &'static str,
    ending: Ending,
    runs: Arc<AtomicUsize>,
}

enum Ending {
    Claims(Vec<Claim>),
    Error,
    Panic,
    CtrlC(Interrupt),
    Data,
}

impl Counted {
    fn boxed(name: &'static str, ending: Ending) -> (Box<dyn Experiment>, Arc<AtomicUsize>) {
        let runs = Arc::new(AtomicUsize::new(0));
        let experiment = Self {
            name,
            ending,
            runs: Arc::clone(&runs),
        };
        (Box::new(experiment), runs)
    }
}

impl Experiment for Counted {
    fn name(&self) -> &'static str {
        self.name
    }
    fn title(&self) -> &'static str {
        "Counting <runs> & more"
    }
    fn question(&self) -> &'static str {
        "How often is it run?"
    }
    fn takes_data(&self) -> bool {
        matches!(self.ending, Ending::Data)
    }
    fn run(&self, context: &Context) -> Result<Record, HarnessError> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let mut record = Record::new();
        match &self.ending {
            Ending::Claims(claims) => record.claims.clone_from(claims),
            Ending::Error => Err(HarnessError::UnknownExperiment {
                name: "<b>".to_owned(),
                known: Vec::new(),
            })?,
            Ending::Panic => panic!("a bug"),
            Ending::CtrlC(interrupt) => {
                interrupt.raise();
                context.check()?;
            }
            Ending::Data => {
                let given = context.data().map_or("none", |data| &data.target);
                record.claim(Claim::equal("target", "price", given));
            }
        }
        Ok(record)
    }
}

fn options(out: &Path) -> Options {
    Options {
        seed: 5,
        effort: Effort::Quick,
        out: out.to_owned(),
        resume: false,
        data: None,
    }
}

fn session(experiments: &[Box<dyn Experiment>], options: &Options) -> Session {
    run(experiments, options, &Progress::hidden(), &Interrupt::new()).unwrap()
}

fn holding() -> Ending {
    Ending::Claims(vec![Claim::close("one", 1.0, 1.0 + 1e-17 / 3.0, 0.1)])
}

#[test]
fn the_summary_has_its_schema_and_failed_experiments_fail() {
    let directory = tempfile::tempdir().unwrap();
    let claims = vec![
        Claim::close("close", 4.0, 3.99, 0.05),
        Claim::at_least("order", 2.9, f64::NAN),
    ];
    let experiments = [
        Counted::boxed("claims", Ending::Claims(claims)).0,
        Counted::boxed("error", Ending::Error).0,
        Counted::boxed("panic", Ending::Panic).0,
        Counted::boxed("after", holding()).0,
    ];
    let session = session(&experiments, &options(directory.path()));
    assert!(!session.holds() && !session.interrupted);
    let verdicts: Vec<_> = session.runs.iter().map(|run| run.holds()).collect();
    assert_eq!(verdicts, [false, false, false, true]);
    assert_eq!(
        session.runs[2].outcome,
        Outcome::Failed {
            error: "panicked: a bug".to_owned()
        }
    );

    let text = fs::read_to_string(directory.path().join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = serde_json::json!([
        {"experiment": "claims", "claims": [
            {"statement": "close", "predicted": 4.0, "measured": 3.99, "tolerance": 0.05, "holds": true},
            {"statement": "order", "predicted": "≥ 2.9", "measured": "NaN", "tolerance": 0.0, "holds": false},
        ]},
        {"experiment": "error", "claims": [
            {"statement": "the experiment comes to its end", "predicted": "a record",
             "measured": "no experiment is called `<b>`; known are: ", "tolerance": "exact", "holds": false},
        ]},
        {"experiment": "panic", "claims": [
            {"statement": "the experiment comes to its end", "predicted": "a record", "measured": "panicked: a bug",
             "tolerance": "exact", "holds": false},
        ]},
        {"experiment": "after", "claims": [
            {"statement": "one", "predicted": 1.0, "measured": 1.0, "tolerance": 0.1, "holds": true},
        ]},
    ]);
    assert_eq!(summary, expected);
    let page = fs::read_to_string(&session.index).unwrap();
    assert!(
        page.contains("panicked: a bug") && page.contains("&lt;b&gt;") && !page.contains("<b>`")
    );
}

#[test]
fn resuming_runs_only_what_would_differ() {
    let directory = tempfile::tempdir().unwrap();
    let (good, runs) = Counted::boxed("good", holding());
    let (bad, bad_runs) = Counted::boxed("bad", Ending::Error);
    let experiments = [good, bad];
    let first = session(&experiments, &options(directory.path()));
    let resumed = Options {
        resume: true,
        ..options(directory.path())
    };
    let second = session(&experiments, &resumed);
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    assert_eq!(bad_runs.load(Ordering::Relaxed), 2);
    assert_eq!(first.runs[0], second.runs[0]);

    session(&experiments, &options(directory.path()));
    assert_eq!(runs.load(Ordering::Relaxed), 2, "without --resume");
    session(
        &experiments,
        &Options {
            seed: 6,
            ..resumed.clone()
        },
    );
    assert_eq!(runs.load(Ordering::Relaxed), 3, "another seed");
    session(
        &experiments,
        &Options {
            seed: 6,
            effort: Effort::Full,
            ..resumed.clone()
        },
    );
    assert_eq!(runs.load(Ordering::Relaxed), 4, "another effort");

    let kept = directory.path().join("good/record.json");
    let current = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    let older = fs::read_to_string(&kept)
        .unwrap()
        .replace(&current, "\"version\": \"0.0.0\"");
    fs::write(&kept, older).unwrap();
    session(
        &experiments,
        &Options {
            seed: 6,
            effort: Effort::Full,
            ..resumed.clone()
        },
    );
    assert_eq!(runs.load(Ordering::Relaxed), 5, "another version");
    fs::write(&kept, "{\"experiment\": \"go").unwrap();
    session(
        &experiments,
        &Options {
            seed: 6,
            effort: Effort::Full,
            ..resumed
        },
    );
    assert_eq!(runs.load(Ordering::Relaxed), 6, "a broken record");
}

#[test]
fn data_of_the_users_own_reach_those_that_take_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("houses.csv");
    fs::write(&path, "rooms,price\n1,2\n").unwrap();
    let data = UserData {
        path: path.clone(),
        target: "price".to_owned(),
    };
    let given = Options {
        data: Some(data),
        resume: true,
        ..options(&directory.path().join("out"))
    };
    let (taker, runs) = Counted::boxed("taker", Ending::Data);
    let (other, _) = Counted::boxed("other", holding());
    let experiments = [taker, other];
    let first = session(&experiments, &given);
    assert!(first.holds());
    assert!(first.runs[0].data.is_some() && first.runs[1].data.is_none());
    assert!(
        first.runs[0].command().contains("--data") && !first.runs[1].command().contains("--data")
    );

    session(&experiments, &given);
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    fs::write(&path, "rooms,price\n1,3\n").unwrap();
    session(&experiments, &given);
    assert_eq!(
        runs.load(Ordering::Relaxed),
        2,
        "a byte of the data changed"
    );

    let untaken = run(
        &experiments[1..],
        &given,
        &Progress::hidden(),
        &Interrupt::new(),
    )
    .unwrap_err();
    assert!(
        matches!(untaken, HarnessError::DataNotTaken { .. }),
        "{untaken}"
    );
    fs::remove_file(&path).unwrap();
    let missing = run(&experiments, &given, &Progress::hidden(), &Interrupt::new()).unwrap_err();
    assert!(missing.to_string().contains("houses.csv"), "{missing}");
}

#[test]
fn an_interrupted_session_keeps_what_it_has() {
    let directory = tempfile::tempdir().unwrap();
    let interrupt = Interrupt::new();
    let (after, runs) = Counted::boxed("after", holding());
    let experiments = [
        Counted::boxed("before", holding()).0,
        Counted::boxed("during", Ending::CtrlC(interrupt.clone())).0,
        after,
    ];
    let session = run(
        &experiments,
        &options(directory.path()),
        &Progress::hidden(),
        &interrupt,
    )
    .unwrap();
    assert!(session.interrupted && !session.holds());
    assert_eq!(runs.load(Ordering::Relaxed), 0);
    let store = Store::create(directory.path()).unwrap();
    assert_eq!(store.kept("before").as_ref(), session.runs.first());
    assert!(store.kept("during").is_none());
    assert!(
        fs::read_to_string(&session.index)
            .unwrap()
            .contains("interrupted")
    );
}

#[test]
fn a_whole_record_survives_being_kept() {
    let directory = tempfile::tempdir().unwrap();
    let experiments: [Box<dyn Experiment>; 1] = [Box::new(Specimen)];
    let session = session(&experiments, &options(directory.path()));
    let kept = Store::create(directory.path())
        .unwrap()
        .kept("specimen")
        .unwrap();
    let json = |run| serde_json::to_string(run).unwrap();
    assert_eq!(json(&kept), json(&session.runs[0]));
    let record = kept.record().unwrap();
    for figure in record.figures() {
        for extension in ["svg", "csv"] {
            assert!(
                directory
                    .path()
                    .join("specimen")
                    .join(&figure.name)
                    .with_extension(extension)
                    .is_file()
            );
        }
    }
    let left: Vec<_> = fs::read_dir(directory.path().join("specimen"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        left.iter()
            .all(|name| !name.to_string_lossy().starts_with('.')),
        "{left:?}"
    );

    // What was deleted comes back from the record.
    for name in left.iter().filter(|name| *name != "record.json") {
        fs::remove_file(directory.path().join("specimen").join(name)).unwrap();
    }
    let resumed = Options {
        resume: true,
        ..options(directory.path())
    };
    run(
        &experiments,
        &resumed,
        &Progress::hidden(),
        &Interrupt::new(),
    )
    .unwrap();
    assert_eq!(
        fs::read_dir(directory.path().join("specimen"))
            .unwrap()
            .count(),
        left.len()
    );
}

/// The values of an attribute in a page.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    page.split(&format!(" {attribute}=\""))
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[test]
fn the_page_is_whole_in_itself() {
    let directory = tempfile::tempdir().unwrap();
    let experiments: [Box<dyn Experiment>; 1] = [Box::new(Specimen)];
    let session = session(&experiments, &options(directory.path()));
    let page = fs::read_to_string(&session.index).unwrap();
    let identities = values(&page, "id");
    for href in values(&page, "href") {
        match href.strip_prefix('#') {
            Some(identity) => assert!(identities.contains(&identity), "{href} leads nowhere"),
            None if href.starts_with("https://doi.org/") || href == "data:," => {}
            None => assert!(directory.path().join(href).is_file(), "{href} is no file"),
        }
    }
    assert_eq!(
        identities.len(),
        identities
            .iter()
            .collect::<std::collections::HashSet<_>>()
            .len()
    );
    assert!(
        values(&page, "src").is_empty() && !page.contains("<script") && !page.contains("@import")
    );
    assert!(!page.contains("url(") && !page.contains("<link rel=\"stylesheet\""));
    for drawing in page.split("<svg").skip(1) {
        let drawing = format!("<svg{}</svg>", drawing.split("</svg>").next().unwrap());
        assert!(roxmltree::Document::parse(&drawing).is_ok());
    }
    assert!(page.contains("✓ holds") && page.contains("prefers-color-scheme:dark"));
}

/// An experiment of eight parts, which raises its interrupt after so many.
struct Parts {
    stop_after: usize,
    interrupt: Interrupt,
    made: Arc<AtomicUsize>,
}

impl Experiment for Parts {
    fn name(&self) -> &'static str {
        "parts"
    }
    fn title(&self) -> &'static str {
        "Parts"
    }
    fn question(&self) -> &'static str {
        "Which parts are made?"
    }
    fn run(&self, context: &Context) -> Result<Record, HarnessError> {
        let mut record = Record::new();
        for part in 0..8_u64 {
            context.check()?;
            let value: f64 = context.unit(format!("part {part}"), || {
                if self.made.fetch_add(1, Ordering::Relaxed) + 1 == self.stop_after {
                    self.interrupt.raise();
                }
                Ok(context.rng(part).random::<f64>() / 3.0)
            })?;
            record.claim(Claim::at_least("part", 0.0, value));
        }
        Ok(record)
    }
}

/// Runs it with these settings; how many parts were made, and the session.
fn parts(options: &Options, stop_after: usize) -> (usize, Session) {
    let (interrupt, made) = (Interrupt::new(), Arc::new(AtomicUsize::new(0)));
    let experiment: Box<dyn Experiment> = Box::new(Parts {
        stop_after,
        interrupt: interrupt.clone(),
        made: Arc::clone(&made),
    });
    let session = run(&[experiment], options, &Progress::hidden(), &interrupt).unwrap();
    (made.load(Ordering::Relaxed), session)
}

#[test]
fn an_experiment_goes_on_with_the_parts_that_are_done() {
    let directory = tempfile::tempdir().unwrap();
    let units = directory.path().join("parts/units");
    let fresh = options(directory.path());
    let resumed = Options {
        resume: true,
        ..fresh.clone()
    };
    let other_seed = Options {
        seed: 6,
        ..resumed.clone()
    };
    let (made, whole) = parts(&fresh, usize::MAX);
    assert_eq!(made, 8);
    assert!(
        !units.exists(),
        "a finished experiment needs its parts no more"
    );
    fs::remove_dir_all(directory.path().join("parts")).unwrap();

    assert_eq!(parts(&fresh, 3).0, 3);
    assert!(parts(&other_seed, 1).1.interrupted);
    // one of the parts is cut short, as a disk that fills up might
    let some = fs::read_dir(&units)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let bytes = fs::read(&some).unwrap();
    fs::write(&some, &bytes[..bytes.len() - 1]).unwrap();
    let (made, session) = parts(&resumed, usize::MAX);
    assert!(made == 5 || made == 6, "{made}"); // the one that is cut short may be that of the other seed
    assert_eq!(session.runs[0].outcome, whole.runs[0].outcome);
    assert!(!units.exists());

    // without being asked to, nothing goes on
    assert_eq!(parts(&fresh, 3).0, 3);
    assert_eq!(parts(&fresh, usize::MAX).0, 8);
}
