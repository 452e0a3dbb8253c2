//! How the Fisher metric degenerates where hidden units become redundant.

use crate::{Context, Experiment, HarnessError, Record, Source};

mod approach;
mod landscape;
mod nullity;
mod pair;

/// `singularities`: eigenvalue exponents, nullities and leaves of the strata of S/R.
#[derive(Debug)]
pub struct Singularities;

impl Experiment for Singularities {
    fn name(&self) -> &'static str {
        "singularities"
    }

    fn title(&self) -> &'static str {
        "Singularities: where the metric degenerates, and how fast"
    }

    fn question(&self) -> &'static str {
        "How do the eigenvalues of G vanish as two hidden units merge or one dies, and does theory know every null direction?"
    }

    fn sources(&self) -> Vec<Source> {
        vec![
            Source::new(
                "K. Fukumizu",
                1996,
                "A regularity condition of the information matrix of a multilayer perceptron network",
                "Neural Networks 9(5), 871–879",
            )
            .doi("10.1016/0893-6080(95)00119-0"),
            Source::new(
                "S. Amari, H. Park, T. Ozeki",
                2006,
                "Singularities affect dynamics of learning in neuromanifolds",
                "Neural Computation 18(5), 1007–1065",
            )
            .doi("10.1162/neco.2006.18.5.1007"),
        ]
    }

    fn run(&self, context: &Context) -> Result<Record, HarnessError> {
        let mut record = Record::new();
        record.paragraph(
            "A network of two erf units with biases on three inputs is moved towards a stratum of reducible parameters. Its \
             Fisher eigenvalues are squared singular values of the Jacobian, which is accurate far below the rounding of G \
             itself.",
        );
        approach::report(context, &mut record)?;
        landscape::report(context, &mut record)?;
        nullity::report(context, &mut record)?;
        landscape::leaf(context, &mut record)?;
        Ok(record)
    }
}
