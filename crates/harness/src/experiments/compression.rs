//! How small is a network, exactly and within a budget of nats?

use faer::MatRef;
use neuromanifold_geometry::quotient::{Compression, Probe, Tolerance, compress, reduce};
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{Categorical, Gaussian, Likelihood, OutputMap};
use neuromanifold_optim::{Adam, Damping, NaturalGradient, Objective, Optimizer, Schedule};
use rayon::prelude::*;

use super::inflation::{gaussians, inflated};
use crate::data::{Batches, Dataset, Fractions, Split, Standardizer, Task, concrete, digits};
use crate::{
    Axis, Claim, Column, Context, Experiment, Figure, HarnessError, Panel, Record, Series, Source,
    Table,
};

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
        recovery(context, &mut record)?;
        record.heading("Trained networks");
        record.paragraph(
            "A trained network is rarely reducible to the last bit. It is compressed by removing the hidden unit whose loss costs least, \
             refitting the outgoing weights of the others, and measuring the divergence from the original on the training inputs; the \
             test error is that of data neither the training nor the compression has seen.",
        );
        let mut curves = Vec::new();
        for (stream, problem) in [Trained::concrete(context)?, Trained::digits(context)?]
            .into_iter()
            .enumerate()
        {
            curves.push(problem.compress(&mut record, stream)?);
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

/// Thousands of random networks, inflated and reduced again.
fn recovery(context: &Context, record: &mut Record) -> Result<(), HarnessError> {
    let networks = context.pick(300, 3000, 20_000);
    let activations = [Activation::Tanh, Activation::Erf, Activation::Logistic];
    context.progress().begin("inflate and recover", networks);
    let outcomes: Vec<(bool, f64)> = (0..networks as u64)
        .into_par_iter()
        .map(|k| {
            context.check()?;
            let mut rng = context.rng(10_000 + k);
            let activation = activations[(k % 3) as usize];
            let (inputs, rank, outputs) = (
                2 + (k / 3 % 3) as usize,
                1 + (k / 9 % 4) as usize,
                1 + (k / 36 % 3) as usize,
            );
            let case = inflated(activation, inputs, rank, outputs, &mut rng)?;
            let points = gaussians(inputs * 40, &mut rng);
            let probe = Probe {
                inputs: MatRef::from_column_major_slice(&points, inputs, 40),
                likelihood: &Gaussian::UNIT,
            };
            let reduction = reduce(&case.large.0, &case.large.1, &probe, Tolerance::default())?;
            context.progress().advance(1);
            let recovered = reduction.widths[0].1 == rank
                && reduction.net.parameters() == case.small.0.parameters();
            Ok::<_, HarnessError>((recovered, reduction.difference.largest))
        })
        .collect::<Result<_, _>>()?;
    record.claim(Claim::equal(
        format!("random inflated networks, of {networks}, that are not reduced to the size they came from"),
        0_usize,
        outcomes.iter().filter(|(recovered, _)| !recovered).count(),
    ));
    let largest = outcomes.iter().map(|(_, gap)| *gap).fold(0.0, f64::max);
    record.claim(Claim::at_most(
        "largest change of an output by exact reduction",
        1e-12,
        largest,
    ));
    Ok(())
}

/// A network trained on real data.
struct Trained {
    name: &'static str,
    net: Mlp,
    theta: Vec<f64>,
    train: Dataset,
    test: Dataset,
    likelihood: Box<dyn Likelihood>,
    /// Units of the reported error for one unit of the network's.
    scale: f64,
    measure: (&'static str, &'static str),
}

impl Trained {
    /// 8-24-1 by natural gradient; σ is the residual of the fit, so that nats mean something.
    fn concrete(context: &Context) -> Result<Self, HarnessError> {
        context.progress().begin("training on concrete", 1);
        let mut rng = context.rng(1);
        let data = concrete()?;
        let parts = Split::random(data.len(), Fractions::new(0.0, 0.2)?, &mut rng)?.apply(&data);
        let standard = Standardizer::inputs_and_targets(&parts.train)?;
        let (train, test) = (standard.apply(&parts.train)?, standard.apply(&parts.test)?);
        let net = Mlp::new(&[8, 24, 1], Activation::Tanh)?;
        let mut theta = net.initialize(Initialization::LeCun, &mut rng);
        let mut optimizer = NaturalGradient::new(Damping::levenberg_marquardt())?;
        let batch = net.on(train.inputs())?;
        let objective = Objective::new(&batch, &Gaussian::UNIT, train.targets())?;
        for _ in 0..context.pick(15, 30, 60) {
            context.check()?;
            optimizer.step(&objective, &mut theta)?;
        }
        let residual = mean_square(&net, &theta, &train)?.sqrt();
        let scale = standard.target_scales()[0];
        Ok(Self {
            name: "concrete",
            net,
            theta,
            train,
            test,
            likelihood: Box::new(Gaussian::new(residual)?),
            scale,
            measure: ("test RMSE", "MPa"),
        })
    }

    /// 64-32-10 by Adam.
    fn digits(context: &Context) -> Result<Self, HarnessError> {
        let mut rng = context.rng(2);
        let data = digits()?;
        let parts = Split::random(data.len(), Fractions::new(0.0, 0.25)?, &mut rng)?.apply(&data);
        let net = Mlp::new(&[64, 32, 10], Activation::Tanh)?;
        let mut theta = net.initialize(Initialization::LeCun, &mut rng);
        let mut optimizer = Adam::new(Schedule::constant(3e-3)?);
        let epochs = context.pick(10, 30, 60);
        context.progress().begin("training on digits", epochs);
        let mut batches = Batches::new(&parts.train, 64)?;
        for _ in 0..epochs {
            context.check()?;
            batches.shuffle(&mut rng);
            while let Some(batch) = batches.next_batch() {
                let map = net.on(batch.inputs)?;
                optimizer.step(
                    &Objective::new(&map, &Categorical, batch.targets)?,
                    &mut theta,
                )?;
            }
            context.progress().advance(1);
        }
        Ok(Self {
            name: "digits",
            net,
            theta,
            train: parts.train,
            test: parts.test,
            likelihood: Box::new(Categorical),
            scale: 1.0,
            measure: ("test misclassification", "%"),
        })
    }

    fn probe(&self) -> Probe<'_> {
        Probe {
            inputs: self.train.inputs(),
            likelihood: self.likelihood.as_ref(),
        }
    }

    fn test_error(&self, net: &Mlp, theta: &[f64]) -> Result<f64, HarnessError> {
        match self.test.task() {
            Task::Classification { .. } => Ok(100.0 * misclassified(net, theta, &self.test)?),
            _ => Ok(self.scale * mean_square(net, theta, &self.test)?.sqrt()),
        }
    }

    /// Panels of divergence and test error against size, a table, and the claims.
    fn compress(&self, record: &mut Record, slot: usize) -> Result<(Panel, Panel), HarnessError> {
        let probe = self.probe();
        let original = self.test_error(&self.net, &self.theta)?;
        let full = compress(&self.net, &self.theta, &probe, 0.0)?;
        let (error_name, unit) = self.measure;
        let columns = [
            Column::new("budget").unit("nats"),
            Column::new("hidden units"),
            Column::new("parameters"),
            Column::new("divergence").unit("nats").digits(3),
            Column::new(error_name).unit(unit).digits(4),
        ];
        let caption = format!(
            "{} ({}): what fits into a budget; trained network first.",
            self.name, self.net
        );
        let mut table = Table::new(format!("{}-budgets", self.name), caption, columns);
        let hidden = |net: &Mlp| {
            net.layers()[..net.layers().len() - 1]
                .iter()
                .map(|l| l.outputs())
                .sum::<usize>()
        };
        let row = |budget: f64, c: &Compression| -> Result<_, HarnessError> {
            let error = self.test_error(&c.net, &c.theta)?;
            Ok([
                budget.into(),
                hidden(&c.net).into(),
                c.net.parameters().into(),
                c.difference.divergence.into(),
                error.into(),
            ])
        };
        let mut errors = Vec::new();
        table.row([
            0.0.into(),
            hidden(&self.net).into(),
            self.net.parameters().into(),
            0.0.into(),
            original.into(),
        ]);
        let mut kept = true;
        let mut sizes = vec![hidden(&self.net)];
        for budget in [1e-3, 1e-2, 0.1, 0.3, 1.0, 3.0] {
            let compressed = compress(&self.net, &self.theta, &probe, budget)?;
            kept &= compressed.difference.divergence <= budget;
            sizes.push(hidden(&compressed.net));
            table.row(row(budget, &compressed)?);
        }
        // the whole path, network by network: a budget just large enough for each step
        for step in full.path.iter().filter(|step| step.units > 0) {
            let there = compress(&self.net, &self.theta, &probe, step.difference.divergence)?;
            errors.push((
                hidden(&there.net) as f64,
                self.test_error(&there.net, &there.theta)?,
            ));
        }
        record.claim(Claim::that(
            format!(
                "{}: every compressed network is within its budget on the training inputs",
                self.name
            ),
            "all",
            if kept { "all" } else { "not all" },
            "exact",
            kept,
        ));
        record.claim(Claim::that(
            format!(
                "{}: a larger budget never gives a larger network",
                self.name
            ),
            "monotone",
            sizes
                .iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join(" ≥ "),
            "exact",
            sizes.windows(2).all(|pair| pair[0] >= pair[1]),
        ));
        record.table(table);
        let units = Axis::linear("hidden units");
        let path = full.path.iter().filter(|step| step.units > 0);
        let divergence = Panel::new(
            self.name,
            units.clone(),
            Axis::log("D(trained : compressed)").unit("nats"),
        )
        .with(
            Series::marked_line(
                self.name,
                path.clone().map(|s| s.units as f64),
                path.map(|s| s.difference.divergence),
            )
            .slot(slot),
        );
        errors.sort_by(|a, b| a.0.total_cmp(&b.0));
        errors.dedup();
        let error = Panel::new(self.name, units, Axis::linear(error_name).unit(unit))
            .with(
                Series::marked_line(
                    self.name,
                    errors.iter().map(|e| e.0),
                    errors.iter().map(|e| e.1),
                )
                .slot(slot),
            )
            .horizontal(original, "trained");
        Ok((divergence, error))
    }
}

fn outputs(net: &Mlp, theta: &[f64], data: &Dataset) -> Result<Vec<f64>, HarnessError> {
    let batch = net.on(data.inputs())?;
    let mut z = vec![0.0; batch.dims().output_len()];
    batch.outputs(theta, &mut z)?;
    Ok(z)
}

fn mean_square(net: &Mlp, theta: &[f64], data: &Dataset) -> Result<f64, HarnessError> {
    let z = outputs(net, theta, data)?;
    Ok(z.iter()
        .zip(data.targets())
        .map(|(z, y)| (z - y) * (z - y))
        .sum::<f64>()
        / z.len() as f64)
}

fn misclassified(net: &Mlp, theta: &[f64], data: &Dataset) -> Result<f64, HarnessError> {
    let z = outputs(net, theta, data)?;
    let wrong = z
        .chunks_exact(net.outputs())
        .zip(data.targets())
        .filter(|(z, y)| {
            let best = (0..z.len())
                .max_by(|a, b| z[*a].total_cmp(&z[*b]))
                .unwrap_or(0);
            best != **y as usize
        });
    Ok(wrong.count() as f64 / data.len() as f64)
}
