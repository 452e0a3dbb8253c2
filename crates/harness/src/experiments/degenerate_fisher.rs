//! What natural gradient does where the Fisher matrix is degenerate.

use crate::{Context, Experiment, HarnessError, Record, Source};

mod near_the_set;
mod on_the_set;
mod problem;
mod random_networks;
mod trajectories;

use problem::Problem;

/// `degenerate-fisher`: pseudo-inverse, damping, sample space and reduction at and near a reducible point.
#[derive(Debug)]
pub struct DegenerateFisher;

impl Experiment for DegenerateFisher {
    fn name(&self) -> &'static str {
        "degenerate-fisher"
    }

    fn title(&self) -> &'static str {
        "And if the Fisher matrix is degenerate?"
    }

    fn question(&self) -> &'static str {
        "What is the natural gradient at a point where G has no inverse, and what happens close to one?"
    }

    fn sources(&self) -> Vec<Source> {
        vec![
            Source::new(
                "J. van Oostrum, J. Müller, N. Ay",
                2023,
                "Invariance properties of the natural gradient in overparametrised systems",
                "Information Geometry 6, 51–67",
            )
            .arxiv("2206.15273"),
            Source::new(
                "H. Wei, J. Zhang, F. Cousseau, T. Ozeki, S. Amari",
                2008,
                "Dynamics of learning near singularities in layered networks",
                "Neural Computation 20(3), 813–843",
            )
            .doi("10.1162/neco.2007.12-06-414"),
        ]
    }

    fn run(&self, context: &Context) -> Result<Record, HarnessError> {
        let mut record = Record::new();
        let problem = Problem::new(context)?;
        record.paragraph(
            "A tanh network is put on the critical set: two of its units are equal. Plain G^{−1} does not exist there. What does \
             exist is the set of laws nearby, and a step among those. The *function-space step* J δ says how the outputs move; it is \
             what different answers are compared by, since along null directions parameters move without effect.",
        );
        on_the_set::report(&problem, &mut record)?;
        random_networks::report(context, &mut record)?;
        near_the_set::report(&problem, context, &mut record)?;
        trajectories::report(context, &mut record)?;
        Ok(record)
    }
}
