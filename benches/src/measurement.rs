//! One measurement, one line of JSON.

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Value;

use crate::Timing;

/// A value with its name, unit and circumstances: the line of JSON that the scripts for other libraries print as well.
///
/// `peer, case, metric, value, unit, n_runs, threads`, then what the case adds: `min` and `max` of the runs, `other_cpu`,
/// checks of correctness, the fraction of a rate of the machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// What was done to what.
    pub case: String,
    /// What the value is.
    pub metric: String,
    /// The median; a message for the metric `error`; null for a target that was never reached.
    pub value: Value,
    /// Its unit.
    pub unit: &'static str,
    /// Runs behind the median.
    pub runs: usize,
    /// Threads of the pool.
    pub threads: usize,
    /// Everything else, in the order of the line.
    pub extra: Vec<(&'static str, Value)>,
}

/// Who is measured.
const PEER: &str = "neuromanifold";

impl Measurement {
    /// A value.
    #[must_use]
    pub fn new(
        case: &str,
        metric: &str,
        value: f64,
        unit: &'static str,
        runs: usize,
        threads: usize,
    ) -> Self {
        Self {
            case: case.to_owned(),
            metric: metric.to_owned(),
            value: rounded(value, 6),
            unit,
            runs,
            threads,
            extra: Vec::new(),
        }
    }

    /// A duration in units of `1/scale` seconds.
    pub(crate) fn timed(
        case: &str,
        metric: &str,
        timing: Timing,
        (unit, scale): (&'static str, f64),
        threads: usize,
    ) -> Self {
        Self::new(
            case,
            metric,
            timing.median * scale,
            unit,
            timing.runs,
            threads,
        )
        .with("min", rounded(timing.min * scale, 4))
        .with("max", rounded(timing.max * scale, 4))
        .with("other_cpu", timing.other_cpu)
    }

    /// Why there is no value.
    pub(crate) fn failure(case: &str, message: String, threads: usize) -> Self {
        Self {
            value: Value::from(message),
            ..Self::new(case, "error", f64::NAN, "", 0, threads)
        }
    }

    /// Adds a key.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.extra.push((key, value.into()));
        self
    }

    /// Adds what a check of the result has found: an error and the size that other implementations find too.
    #[must_use]
    pub(crate) fn checked(self, [error, size]: [(&'static str, f64); 2]) -> Self {
        self.with(error.0, rounded(error.1, 2))
            .with(size.0, rounded(size.1, 12))
    }

    /// A key that was added.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        let found = self.extra.iter().find(|(name, _)| *name == key);
        found.map(|(_, value)| value)
    }

    /// Whether it says that a case failed.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.metric == "error"
    }
}

impl Serialize for Measurement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(7 + self.extra.len()))?;
        map.serialize_entry("peer", PEER)?;
        map.serialize_entry("case", &self.case)?;
        map.serialize_entry("metric", &self.metric)?;
        map.serialize_entry("value", &self.value)?;
        map.serialize_entry("unit", self.unit)?;
        map.serialize_entry("n_runs", &self.runs)?;
        map.serialize_entry("threads", &self.threads)?;
        for (key, value) in &self.extra {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// So many significant digits; null for what is not finite.
pub(crate) fn rounded(value: f64, digits: usize) -> Value {
    let text = format!("{value:.*e}", digits.max(1) - 1);
    text.parse::<f64>().map_or(Value::Null, Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_its_keys_in_order() {
        let timing = Timing::of(vec![0.25, 0.125, 0.5], Some(0.01));
        let line = Measurement::timed("case", "time", timing, ("ms", 1e3), 2).with("rel_err", 0.0);
        assert_eq!(
            serde_json::to_string(&line).expect("a map of numbers and words"),
            r#"{"peer":"neuromanifold","case":"case","metric":"time","value":250.0,"unit":"ms","n_runs":3,"threads":2,"min":125.0,"max":500.0,"other_cpu":0.01,"rel_err":0.0}"#
        );
    }

    #[test]
    fn rounding_keeps_significant_digits_and_knows_no_nan() {
        assert_eq!(rounded(123.456_789, 4), Value::from(123.5));
        assert_eq!(rounded(1.234_567e-12, 2), Value::from(1.2e-12));
        assert_eq!(rounded(f64::NAN, 3), Value::Null);
    }
}
