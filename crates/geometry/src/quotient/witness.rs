use super::closeness::Closeness;
use super::form_matching::unmatched;
use super::gauge::{is_blind_to_shifts, refer_to_last};
use super::{CanonicalForm, QuotientError};
use faer::{Mat, MatRef};
use neuromanifold_mlp::Mlp;
use neuromanifold_model::Likelihood;

/// An input at which two functions, or two laws, differ.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Witness {
    /// The input.
    pub input: Vec<f64>,
    /// Outputs of the first network there.
    pub one: Vec<f64>,
    /// Outputs of the second.
    pub other: Vec<f64>,
    /// The largest difference of an output, as measured there; of an output relative to the last one if laws are compared that
    /// see no common shift. Zero where the forms differ by less than the rounding of the outputs.
    pub difference: f64,
    /// `D(p(·|x; θ) : p(·|x; θ'))` at the input in nats, if laws are compared.
    pub divergence: Option<f64>,
}

/// Two networks, their forms, and the law that is asked about, if any.
pub(crate) struct Different<'a> {
    pub(crate) one: (&'a Mlp, &'a [f64]),
    pub(crate) other: (&'a Mlp, &'a [f64]),
    pub(crate) forms: (&'a CanonicalForm, &'a CanonicalForm),
    pub(crate) law: Option<&'a dyn Likelihood>,
}

impl Different<'_> {
    /// The input of largest difference among points on the ridges of the terms that differ, and a spread of others.
    pub(crate) fn witness(&self, closeness: Closeness) -> Result<Witness, QuotientError> {
        let inputs = self.one.0.inputs();
        let mut points = spread(inputs);
        let (one, other) = self.forms;
        for (own, others) in [(one, other), (other, one)] {
            for term in unmatched(own, others, closeness).into_iter().take(64) {
                let squared: f64 = term.incoming.iter().map(|w| w * w).sum();
                for pre_activation in [-3.0, -1.0, -0.3, 0.3, 1.0, 3.0] {
                    // the point nearest the origin with this pre-activation
                    let along = (pre_activation - term.bias) / squared;
                    let point: Vec<f64> = term.incoming.iter().map(|w| along * w).collect();
                    // further out other units overflow
                    if point.iter().all(|x| x.abs() < FAR) {
                        points.extend(point);
                    }
                }
            }
        }
        let columns = MatRef::from_column_major_slice(&points, inputs, points.len() / inputs);
        let predict = |network: (&Mlp, &[f64])| network.0.predict(network.1, columns);
        let (first, second) = (predict(self.one)?, predict(self.other)?);
        let outputs = first.nrows();
        let blind = (self.law).is_some_and(|law| is_blind_to_shifts(law, outputs));
        let gap = |s: usize| {
            let both = first.col(s).iter().zip(second.col(s).iter());
            let mut gaps: Vec<f64> = both.map(|(a, b)| a - b).collect();
            if blind {
                refer_to_last(&mut gaps);
            }
            gaps.iter().fold(0.0, |m: f64, gap| m.max(gap.abs()))
        };
        // where outputs differ most, a law can be certain of the same on both sides
        let nats = |s: usize| {
            let column = |z: &Mat<f64>| z.col(s).iter().copied().collect::<Vec<_>>();
            (self.law).map(|law| law.divergence(&column(&first), &column(&second)))
        };
        let measured = (0..columns.ncols()).map(|s| (s, nats(s).unwrap_or(0.0), gap(s)));
        let best = measured
            .max_by(|a, b| a.1.total_cmp(&b.1).then(a.2.total_cmp(&b.2)))
            .map_or(0, |(s, ..)| s);
        let column = |matrix: MatRef<'_, f64>| matrix.col(best).iter().copied().collect();
        let (z, z_other): (Vec<f64>, Vec<f64>) = (column(first.as_ref()), column(second.as_ref()));
        Ok(Witness {
            input: column(columns),
            difference: gap(best),
            divergence: nats(best),
            one: z,
            other: z_other,
        })
    }
}

/// The largest entry of an input that is tried.
const FAR: f64 = 1e12;

/// The origin and 128 points in a cube, at two scales; equidistributed along the generalised golden ratio.
fn spread(inputs: usize) -> Vec<f64> {
    let mut root: f64 = 1.5; // of x^{n+1} = x + 1
    for _ in 0..60 {
        root = (1.0 + root).powf(1.0 / (inputs as f64 + 1.0));
    }
    let mut points = vec![0.0; inputs];
    for s in 1..=128u32 {
        let scale = if s % 2 == 0 { 6.0 } else { 1.5 };
        points.extend((1..=inputs).map(|i| {
            let position = (0.5 + f64::from(s) * root.powi(-(i.min(1000) as i32))).fract();
            scale * (2.0 * position - 1.0)
        }));
    }
    points
}
