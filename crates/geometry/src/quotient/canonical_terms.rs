use super::canonical::is_odd;
use super::ray::{Rays, largest};
use super::{CanonicalForm, Shallow, Tolerance, Unit};
use faer::Mat;
use neuromanifold_mlp::Activation;

/// Beside every sum of a form, the sum of the sizes of what was added: what its rounding, or a cancellation, is judged by.
#[derive(Clone, Debug)]
pub(crate) struct Sizes {
    pub(crate) outgoing: Vec<Vec<f64>>,
    pub(crate) linear: Mat<f64>,
    pub(crate) constant: Vec<f64>,
}

impl Sizes {
    /// Of the coefficients of a network: one outgoing vector a unit, and no linear part yet.
    pub(crate) fn of(shallow: &Shallow) -> Self {
        let of = |v: &[f64]| v.iter().map(|v| v.abs()).collect::<Vec<_>>();
        Self::from_each(shallow, of)
    }

    /// Of their differences to the last output.
    pub(crate) fn of_differences(shallow: &Shallow) -> Self {
        let of = |v: &[f64]| {
            let last = v.last().map_or(0.0, |v| v.abs());
            v.iter().map(|v| v.abs() + last).collect::<Vec<_>>()
        };
        Self::from_each(shallow, of)
    }

    fn from_each(shallow: &Shallow, of: impl Fn(&[f64]) -> Vec<f64>) -> Self {
        Self {
            outgoing: shallow
                .units
                .iter()
                .map(|unit| of(&unit.outgoing))
                .collect(),
            linear: Mat::zeros(shallow.outputs(), shallow.inputs),
            constant: of(&shallow.constant),
        }
    }
}

impl CanonicalForm {
    /// Merges units until no two rays are close any more.
    pub(crate) fn merge(shallow: &Shallow, sizes: Sizes, tolerance: Tolerance) -> Self {
        let mut form = Self::merged(shallow, &sizes, tolerance);
        while form.rounded > 0.0 {
            let terms = Shallow {
                units: form.terms.clone(),
                constant: form.constant.clone(),
                ..shallow.clone()
            };
            let mut next = Self::merged(&terms, &form.sizes, tolerance);
            if next.rank() == form.rank() {
                break;
            }
            next.linear += &form.linear;
            next.sizes.linear += &form.sizes.linear;
            next.rounded += form.rounded;
            form = next;
        }
        form.drop_residues(shallow.units.len());
        form
    }

    /// Sums that cancelled to rounding, or to less than the tolerance, of what was added become zero.
    fn drop_residues(&mut self, added: usize) {
        let rounding = 4.0 * (added + 2) as f64 * f64::EPSILON;
        let relative = self.tolerance.relative() + rounding;
        let sums = (self.constant.iter_mut()).zip(&self.sizes.constant);
        for (sum, size) in sums {
            if sum.abs() <= relative * size {
                // only if terms did cancel: a sum of one is as large as its size
                self.rounded = self.rounded.max(if sum.abs() > rounding * size {
                    sum.abs()
                } else {
                    0.0
                });
                *sum = 0.0;
            }
        }
        for k in 0..self.linear.nrows() {
            for i in 0..self.inputs {
                let (sum, size) = (self.linear[(k, i)].abs(), self.sizes.linear[(k, i)]);
                if sum <= relative * size {
                    if sum > rounding * size {
                        self.rounded = self.rounded.max(sum);
                    }
                    self.linear[(k, i)] = 0.0;
                }
            }
        }
    }

    /// One pass: units on one ray become one term.
    fn merged(shallow: &Shallow, sizes: &Sizes, tolerance: Tolerance) -> Self {
        let outputs = shallow.outputs();
        let mut form = Self {
            activation: shallow.activation,
            inputs: shallow.inputs,
            terms: Vec::new(),
            linear: Mat::zeros(outputs, shallow.inputs),
            constant: shallow.constant.clone(),
            hidden_bias: shallow.hidden_bias,
            output_bias: shallow.output_bias,
            tolerance,
            rounded: 0.0,
            sizes: Sizes {
                outgoing: Vec::new(),
                linear: Mat::zeros(outputs, shallow.inputs),
                constant: sizes.constant.clone(),
            },
        };
        let rays = Rays::of(shallow, tolerance);
        let source = |unit: usize| (&shallow.units[unit], &sizes.outgoing[unit]);
        for (unit, sizes) in rays.constants.iter().map(|u| source(*u)) {
            let weight = largest(&unit.outgoing).max(1.0);
            form.rounded = form.rounded.max(weight * largest(&unit.incoming));
            form.add_affine((&unit.outgoing, sizes), shallow.value(unit.bias), &[]);
        }
        for (unit, sizes) in rays.linear.iter().map(|u| source(*u)) {
            form.add_affine((&unit.outgoing, sizes), unit.bias, &unit.incoming);
        }
        for ray in &rays.rays {
            let (incoming, bias) = ray.direction.split_at(shallow.inputs);
            let mut outgoing = vec![0.0; outputs];
            let mut total = vec![0.0; outputs];
            for member in &ray.members {
                let (unit, sizes) = source(member.unit);
                let own = &unit.outgoing;
                let turned = member.sign < 0.0;
                let weight = if turned && is_odd(form.activation) {
                    -1.0
                } else {
                    1.0
                } * member.scale;
                for (sum, v) in outgoing.iter_mut().zip(own) {
                    *sum += weight * v;
                }
                for (total, size) in total.iter_mut().zip(sizes) {
                    *total += member.scale * size;
                }
                match form.activation {
                    Activation::Logistic if turned => form.add_affine((own, sizes), 1.0, &[]),
                    Activation::Softplus | Activation::Relu if turned => {
                        let scaled =
                            |v: &[f64], by: f64| v.iter().map(|v| by * v).collect::<Vec<_>>();
                        let (own, sizes) =
                            (scaled(own, -member.scale), scaled(sizes, member.scale));
                        form.add_affine((&own, &sizes), bias[0], incoming);
                    }
                    _ => {}
                }
            }
            form.rounded = form.rounded.max(ray.spread * largest(&total).max(1.0));
            let rounding = 4.0 * ray.members.len() as f64 * f64::EPSILON * largest(&total);
            let reach = ray.reach(form.activation);
            if largest(&outgoing) <= rounding
                || tolerance.vanishes(&outgoing, largest(&total), reach)
            {
                form.rounded = form.rounded.max(reach * largest(&outgoing));
                continue;
            }
            form.sizes.outgoing.push(total);
            form.terms.push(Unit {
                incoming: incoming.to_vec(),
                bias: bias[0],
                outgoing,
            });
        }
        form
    }

    /// `c += a·value`, `L += a wᵀ`, for outgoing weights and their sizes.
    fn add_affine(&mut self, (outgoing, sizes): (&[f64], &[f64]), value: f64, incoming: &[f64]) {
        for (k, (a, size)) in outgoing.iter().zip(sizes).enumerate() {
            self.constant[k] += a * value;
            self.sizes.constant[k] += size * value.abs();
            for (i, w) in incoming.iter().enumerate() {
                self.linear[(k, i)] += a * w;
                self.sizes.linear[(k, i)] += size * w.abs();
            }
        }
    }

    /// Writes one term with the opposite orientation of its ray, by the identity of its activation.
    pub(crate) fn turn(&mut self, index: usize) {
        let term = self.terms[index].clone();
        let outgoing = term.outgoing;
        let sizes = self.sizes.outgoing[index].clone();
        match self.activation {
            Activation::Logistic => self.add_affine((&outgoing, &sizes), 1.0, &[]),
            Activation::Softplus | Activation::Relu => {
                self.add_affine((&outgoing, &sizes), term.bias, &term.incoming);
            }
            _ => {}
        }
        let odd = is_odd(self.activation);
        self.terms[index] = Unit {
            incoming: term.incoming.iter().map(|w| -w).collect(),
            bias: -term.bias,
            outgoing: outgoing.iter().map(|v| if odd { -v } else { *v }).collect(),
        };
    }
}
