//! How small is a network, exactly and within a budget of nats?

use crate::{Context, Experiment, Figure, HarnessError, Panel, Record, Source};

mod curve;
mod recovery;
mod trained;

use trained::Trained;

/// `compression`: inflate-and-recover, and size against divergence on trained networks.
#[derive(Debug)]
pub struct Compress;

impl Experiment for Compress {
    fn name(&self) -> &'static str {
        "compression"
    }

    fn title(&self) -> &'static str {
        "Exact reduction and compression within a budget of nats"
    }

    fn question(&self) -> &'static str {
        "Is the smallest equivalent network always found, and how many hidden units of a trained network can go for how many nats?"
    }

    fn sources(&self) -> Vec<Source> {
        vec![
            Source::new(
                "H. J. Sussmann",
                1992,
                "Uniqueness of the weights for minimal feedforward nets with a given input–output map",
                "Neural Networks 5(4), 589–593",
            )
            .doi("10.1016/S0893-6080(05)80037-1"),
            Source::new(
                "M. Farrugia-Roberts",
                2023,
                "Functional equivalence and path connectivity of reducible hyperbolic tangent networks",
                "NeurIPS 36",
            )
            .arxiv("2305.05089"),
        ]
    }

    fn run(&self, context: &Context) -> Result<Record, HarnessError> {
        let mut record = Record::new();
        recovery::report(context, &mut record)?;
        record.heading("Trained networks");
        record.paragraph(
            "A trained network is rarely reducible to the last bit. It is compressed by removing or merging the hidden units whose loss costs \
             fewest nats, refitting the outgoing weights of the others, and measuring the divergence from the original on the training inputs; the \
             test error is that of data neither the training nor the compression has seen.",
        );
        let mut curves = Vec::new();
        for (stream, problem) in [Trained::concrete(context)?, Trained::digits(context)?]
            .into_iter()
            .enumerate()
        {
            curves.push(curve::report(&problem, &mut record, stream)?);
        }
        let (divergences, errors): (Vec<Panel>, Vec<Panel>) = curves.into_iter().unzip();
        record.figure(Figure::multiples(
            "size-against-divergence",
            "Divergence from the trained network on the training inputs against the number of hidden units left.",
            divergences,
        ));
        record.figure(Figure::multiples(
            "size-against-test-error",
            "Test error against the number of hidden units left; the line is the error of the trained network.",
            errors,
        ));
        Ok(record)
    }
}
