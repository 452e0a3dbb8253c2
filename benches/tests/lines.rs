//! Lines of JSON have the keys of the scripts that time other libraries, and what they say is right.

use std::collections::BTreeSet;

use neuromanifold_benches::problem::Source;
use neuromanifold_benches::{BenchError, Listener, Measurement, Selection, Settings, run};
use serde_json::{Map, Value};

/// A line of another library for each case and metric: what readers of the files rely on.
const OTHERS: &str = r#"
{"peer": "numpy_openblas", "case": "P7_dgemm_n1024_t2", "metric": "rate", "value": 105.924, "unit": "GFLOP/s", "n_runs": 50, "threads": 2, "best": 106.7, "other_cpu": 0.01}
{"peer": "numpy_hand_jac_syrk", "case": "P1_p1057_N10000_f64", "metric": "time", "value": 139.787, "unit": "ms", "n_runs": 15, "threads": 2, "min": 139.2, "max": 141.4, "other_cpu": 0.0, "rel_err": 0.0}
{"peer": "numpy_hand_scipy_cho", "case": "P2_natgrad_p1057_N10000", "metric": "time_per_step", "value": 228.157, "unit": "ms", "n_runs": 8, "threads": 2, "min": 203.8, "max": 321.4, "other_cpu": 0.02, "rel_err": 0.0}
{"peer": "netket_srt_kernel", "case": "P3_woodbury_p20001_N512", "metric": "time_per_step", "value": 204.126, "unit": "ms", "n_runs": 10, "threads": 2, "min": 166.5, "max": 217.6, "other_cpu": 0.0, "rel_err": 8.6e-14}
{"peer": "jax_scan_fused", "case": "P4_ang_p257", "metric": "time_per_sample", "value": 16.8262, "unit": "us", "n_runs": 30, "threads": 2, "min": 14.79, "other_cpu": 0.01, "K": 2000, "check": 4.09808155331}
{"peer": "scipy_bfgs", "case": "p5a", "metric": "time_to_0.001", "value": 0.00976534, "unit": "s", "n_runs": 7, "threads": 2, "min": 0.008848, "iters": 24, "us_per_iter": 410, "reached": "7/7", "other_cpu": 0.0}
{"peer": "torch_lbfgs", "case": "p5b", "metric": "time_to_5e-06", "value": null, "unit": "s", "n_runs": 1, "threads": 2, "best_loss": 3.02e-05, "iters": 8483, "spent_s": 8.0, "reached": "0/1", "other_cpu": 0.01}
{"peer": "torch_lbfgs", "case": "p5b", "metric": "test_nrmse_at_end", "value": 0.0252512, "unit": "", "n_runs": 1, "threads": 2, "train_loss": 3.02e-05}
{"peer": "scipy_eigh_evd", "case": "P6_eigh_p1057", "metric": "time", "value": 102.0, "unit": "ms", "n_runs": 19, "threads": 2, "min": 100.0, "max": 105.0, "other_cpu": 0.0, "max_rel_to_top": 0.0, "top": 2.754073893}
{"peer": "jax_ggnvp", "case": "P6_ggnvp_deep8970", "metric": "time_per_product", "value": 4.1, "unit": "ms", "n_runs": 50, "threads": 2, "min": 4.0, "max": 4.4, "other_cpu": 0.0}
{"peer": "jax_ggnvp_scipy_eigsh", "case": "P6_lanczos20_deep8970", "metric": "time", "value": 377.0, "unit": "ms", "n_runs": 7, "threads": 2, "min": 370.0, "max": 390.0, "other_cpu": 0.0, "max_rel_to_top": 0.0, "top": 1.5, "matvecs": 81}
"#;

/// Keys that only our lines have.
const OWN: [&str; 7] = [
    "rel_err",
    "gemm_fraction",
    "read_fraction",
    "check",
    "max",
    "optimizer",
    "cap_s",
];

/// Keys that depend on what is measured, not on the format.
const TUNED: &str = "lr";

#[derive(Default)]
struct Kept(Vec<Map<String, Value>>);

impl Listener for Kept {
    fn begins(&mut self, _what: &str) {}

    fn measured(&mut self, measurement: &Measurement) -> Result<(), BenchError> {
        let line = serde_json::to_string(measurement).expect("a map of numbers and words");
        self.0
            .push(serde_json::from_str(&line).expect("one JSON object"));
        Ok(())
    }
}

/// Every case in one run of each measurement, except the one that takes long.
fn measured() -> Vec<Map<String, Value>> {
    let filters = [
        "p1/p1057",
        "p2",
        "p3",
        "p4/p257",
        "p5a/sgd",
        "p5b/sgd",
        "p6/eigh_p1057",
        "p6/ggnvp",
        "p6/lanczos",
    ];
    let selection = Selection::new(&filters).expect("known cases");
    let settings = Settings {
        runs: 1,
        cap: 0.05,
        budget: 0.0,
        probe: 0.01,
        ..Settings::default()
    };
    let mut kept = Kept::default();
    run(&selection, &Source::Generated, settings, 2, &mut kept)
        .expect("cases that can be measured");
    kept.0
}

#[test]
fn lines_have_the_keys_of_other_libraries_and_pass_their_checks() {
    let lines = measured();
    let others = OTHERS.lines().filter(|line| !line.is_empty());
    for other in others {
        let other: Map<String, Value> = serde_json::from_str(other).expect("a line of the fixture");
        let like = |key: &str| {
            lines
                .iter()
                .filter(|line| line[key] == other[key])
                .collect::<Vec<_>>()
        };
        let unreached = other["value"].is_null();
        let same = |line: &&Map<String, Value>| {
            line["case"] == other["case"]
                && line["metric"] == other["metric"]
                && line["value"].is_null() == unreached
        };
        let line = lines.iter().find(same);
        let line = line.unwrap_or_else(|| panic!("no line like {other:?} in {:?}", like("case")));
        let keys = |line: &Map<String, Value>| line.keys().cloned().collect::<BTreeSet<_>>();
        let (ours, theirs) = (keys(line), keys(&other));
        let missing: Vec<_> = theirs.difference(&ours).collect();
        assert!(missing.is_empty(), "{missing:?} missing in {line:?}");
        for extra in ours.difference(&theirs) {
            assert!(
                OWN.contains(&extra.as_str()) || extra == TUNED,
                "{extra} in {line:?}"
            );
        }
        assert_eq!(line["peer"], "neuromanifold");
        assert_eq!(line["unit"], other["unit"]);
        for key in theirs {
            let kind = |value: &Value| (value.is_number(), value.is_string(), value.is_null());
            let known = key != "other_cpu" || !line[&key].is_null(); // unknown where there is no /proc
            assert!(
                !known || kind(&line[&key]) == kind(&other[&key]),
                "{key} in {line:?}"
            );
        }
    }
    for line in &lines {
        let error = |key: &str| line.get(key).and_then(Value::as_f64);
        assert!(line["metric"] != "error", "{line:?}");
        for (key, most) in [("rel_err", 1e-11), ("max_rel_to_top", 1e-9)] {
            assert!(error(key).is_none_or(|error| error <= most), "{line:?}");
        }
    }
    // The norm of θ after the first 2000 steps, as all implementations find it.
    let adaptive = lines.iter().find(|line| line["case"] == "P4_ang_p257");
    let check = adaptive
        .and_then(|line| line["check"].as_f64())
        .expect("a norm");
    assert!((check - 4.098_081_553_31).abs() < 1e-10, "{check}");
}
