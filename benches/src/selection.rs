//! Which cases are wanted.

use crate::{BenchError, CASES, Case};

/// Filters such as `p1`, `P1/deep`, `p5a/adam`; all cases if there is none.
///
/// What stands before the first `/` begins the name of the case, whatever stands behind is part of it or of the optimiser's
/// name; capitals do not matter. A case is wanted if one of the filters fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    filters: Vec<Vec<String>>,
}

impl Selection {
    /// Reads the filters.
    ///
    /// # Errors
    /// [`BenchError::UnknownCase`] for one that chooses nothing.
    pub fn new<S: AsRef<str>>(filters: &[S]) -> Result<Self, BenchError> {
        for filter in filters {
            let filter = filter.as_ref();
            let alone = Self {
                filters: vec![parts(filter)],
            };
            if !CASES.iter().any(|case| alone.includes(case)) {
                return Err(BenchError::UnknownCase {
                    filter: filter.to_owned(),
                    known: CASES.iter().map(|case| case.name.to_owned()).collect(),
                });
            }
        }
        Ok(Self {
            filters: filters
                .iter()
                .map(|filter| parts(filter.as_ref()))
                .collect(),
        })
    }

    /// Whether anything of a case is wanted.
    #[must_use]
    pub fn includes(&self, case: &Case) -> bool {
        match case.optimizers {
            [] => self.wants(case.name, ""),
            optimizers => optimizers.iter().any(|o| self.wants(case.name, o)),
        }
    }

    /// Whether a case is wanted with an optimiser, or, for a name that is empty, as it is.
    #[must_use]
    pub fn wants(&self, case: &str, optimizer: &str) -> bool {
        let any = |filter: &Vec<String>| fits(filter, case, optimizer);
        self.filters.is_empty() || self.filters.iter().any(any)
    }
}

fn parts(filter: &str) -> Vec<String> {
    let parts = filter.split('/').map(str::to_lowercase);
    parts.collect()
}

fn fits(filter: &[String], case: &str, optimizer: &str) -> bool {
    let (case, optimizer) = (case.to_lowercase(), optimizer.to_lowercase());
    filter.split_first().is_some_and(|(first, rest)| {
        let inside = |part: &String| case.contains(part) || optimizer.contains(part);
        case.starts_with(first) && rest.iter().all(inside)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_choose_by_beginning_and_by_part() {
        let wants = |filter: &str, case: &str, optimizer: &str| {
            let selection = Selection::new(&[filter]).expect("a filter that chooses something");
            selection.wants(case, optimizer)
        };
        assert!(
            wants("p1", "P1_p1057_N10000_f64", "") && wants("P1/deep", "P1_deep8970_N2000_f64", "")
        );
        assert!(!wants("p1/deep", "P1_p1057_N10000_f64", ""));
        assert!(wants("p5a/", "p5a", "adam_full") && wants("p5/adam", "p5b", "adam_full"));
        assert!(!wants("p5a/adam", "p5a", "sgd_momentum") && !wants("p5a", "p5b", ""));
        assert!(Selection::default().wants("P3_woodbury_p20001_N512", ""));
    }

    #[test]
    fn a_filter_that_chooses_nothing_is_refused() {
        for filter in ["p9", "p1/nothing", "1", "p3/adam"] {
            let error = Selection::new(&["p1", filter]).expect_err("no such case");
            let text = error.to_string();
            assert!(
                text.contains(filter) && text.contains("P3_woodbury_p20001_N512"),
                "{text}"
            );
        }
    }
}
