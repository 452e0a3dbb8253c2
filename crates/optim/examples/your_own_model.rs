//! A model that is not a perceptron, `y = a·exp(−b·x) + c`, fitted by natural gradient.
//!
//! Two small implementations are all it takes; what follows them works for any model. Run it with
//! `cargo run --example your_own_model -p neuromanifold-optim`.

#![allow(clippy::print_stdout)] // an example has a reader

use neuromanifold_geometry::{DenseFisher, Inverse, Metric};
use neuromanifold_model::{Dims, Gaussian, Linearization, ModelError, OutputMap, check};
use neuromanifold_optim::{Damping, NaturalGradient, Objective, Stopping, fit};
use std::error::Error;
use std::ops::ControlFlow;

/// `z_s = a·exp(−b·x_s) + c` at the times `x_s`, with θ = (a, b, c).
#[derive(Debug)]
struct Decay {
    times: Vec<f64>,
}

/// The same near one θ: the map, its outputs, and the rows `(e_s, −a·x_s·e_s, 1)` of its Jacobian, `e_s = exp(−b·x_s)`.
struct DecayAt<'a>(&'a Decay, Vec<f64>, Vec<[f64; 3]>);

impl OutputMap for Decay {
    fn dims(&self) -> Dims {
        Dims {
            parameters: 3,
            outputs: 1,
            examples: self.times.len(),
        }
    }
    fn linearize<'a>(
        &'a self,
        theta: &'a [f64],
    ) -> Result<Box<dyn Linearization + 'a>, ModelError> {
        ModelError::check_parameters(theta, self.dims())?;
        let (a, b, c) = (theta[0], theta[1], theta[2]);
        let exponentials = self.times.iter().map(|x| (x, (-b * x).exp()));
        let rows: Vec<_> = exponentials.map(|(x, e)| [e, -a * x * e, 1.0]).collect();
        let outputs: Vec<_> = rows.iter().map(|row| a * row[0] + c).collect();
        ModelError::check_outputs(&outputs, self.dims())?;
        Ok(Box::new(DecayAt(self, outputs, rows)))
    }
}

impl Linearization for DecayAt<'_> {
    fn dims(&self) -> Dims {
        self.0.dims()
    }
    fn outputs(&self) -> &[f64] {
        &self.1
    }
    fn jvp(&self, v: &[f64], out: &mut [f64]) {
        for (o, row) in out.iter_mut().zip(&self.2) {
            *o = row[0] * v[0] + row[1] * v[1] + row[2] * v[2];
        }
    }
    fn vjp(&self, u: &[f64], out: &mut [f64]) {
        for (k, o) in out.iter_mut().enumerate() {
            *o = self.2.iter().zip(u).map(|(row, u)| row[k] * u).sum();
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let decay = Decay {
        times: vec![0.0, 0.3, 0.6, 1.0, 1.5, 2.0, 2.6, 3.3, 4.1, 5.0, 6.0, 7.0],
    };
    let measured = [
        3.48, 2.73, 2.28, 1.70, 1.28, 1.06, 0.74, 0.67, 0.58, 0.55, 0.47, 0.53,
    ];
    let noise = Gaussian::new(0.05)?;

    // Is the Jacobian right?
    let mut theta = [1.0, 1.0, 0.0];
    let report = check::finite_difference(&decay, &theta)?;
    println!("derivatives agree to {:.1e}", report.relative_error);

    let objective = Objective::new(&decay, &noise, &measured)?;
    let mut optimizer = NaturalGradient::new(Damping::levenberg_marquardt())?;
    let stopping = Stopping::after(50).at_predicted_decrease(1e-12);
    let report = fit(
        &mut optimizer,
        &objective,
        &mut theta,
        &stopping,
        |t, step, _| {
            println!(
                "step {t}: loss {:.6} nats, left to gain {:.1e}",
                step.loss, step.predicted_decrease
            );
            ControlFlow::Continue(())
        },
    )?;
    println!(
        "stopped by {:?} at loss {:.6} nats",
        report.reason, report.loss
    );

    // The covariance of the fitted parameters is (N·G)⁻¹: the metric knows the error bars.
    let fisher = DenseFisher::new(decay.linearize(&theta)?.as_ref(), &noise)?;
    for (k, name) in ["a", "b", "c"].into_iter().enumerate() {
        let (mut axis, mut column) = ([0.0; 3], [0.0; 3]);
        axis[k] = 1.0;
        fisher.raise(&axis, Inverse::Exact, &mut column)?;
        let error = (column[k] / decay.times.len() as f64).sqrt();
        println!("{name} = {:.3} ± {error:.3}", theta[k]);
    }
    Ok(())
}
