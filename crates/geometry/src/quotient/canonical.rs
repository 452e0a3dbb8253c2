use super::ray::{Rays, largest};
use super::{QuotientError, Shallow, Tolerance, Unit};
use faer::Mat;
use neuromanifold_mlp::{Activation, Mlp};

/// What a network with one hidden layer computes, written in the one way that all equivalent parameters share:
/// `f(x) = c + L x + Σ_j a_j φ(w_j·x + b_j)` with distinct rays `(w_j, b_j)`, none constant, all `a_j ≠ 0`.
///
/// The affine part is where the identities of the activations put what they split off:
///
/// | φ | identity | goes to |
/// |---|---|---|
/// | tanh, erf | `φ(−u) = −φ(u)` | |
/// | logistic | `φ(−u) = 1 − φ(u)` | `c` |
/// | softplus, relu | `φ(−u) = φ(u) − u` | `L` and `c` |
/// | relu | `φ(au) = a φ(u)`, `a > 0` | |
/// | identity | everything | `L` and `c` |
///
/// Two parameters compute the same function exactly if their forms agree: for tanh and logistic units by Sussmann's
/// theorem, in general by the linear independence of `1`, `x_i` and the `φ(w_j·x + b_j)` on distinct rays.
///
/// # References
/// H. Sussmann, *Uniqueness of the weights for minimal feedforward nets with a given input–output map*, Neural Networks 5
/// (1992) 589–593, doi:10.1016/S0893-6080(05)80037-1. M. Farrugia-Roberts, *Functional equivalence and path connectivity
/// of reducible hyperbolic tangent networks*, NeurIPS 2023, arXiv:2305.05089.
#[derive(Clone, Debug)]
pub struct CanonicalForm {
    pub(crate) activation: Activation,
    pub(crate) inputs: usize,
    pub(crate) terms: Vec<Unit>,
    pub(crate) linear: Mat<f64>,
    pub(crate) constant: Vec<f64>,
    hidden_bias: bool,
    output_bias: bool,
    pub(crate) tolerance: Tolerance,
    /// What the tolerance moved or dropped, at most.
    rounded: f64,
    /// `Σ |terms|` beside each coefficient that is a sum: outgoing weights by term, the linear part and the constants.
    pub(crate) sizes: Sizes,
}

/// Beside every sum of a form, the sum of the sizes of what was added: what its rounding, or a cancellation, is judged by.
#[derive(Clone, Debug)]
pub(crate) struct Sizes {
    pub(crate) outgoing: Vec<Vec<f64>>,
    pub(crate) linear: Mat<f64>,
    pub(crate) constant: Vec<f64>,
}

impl CanonicalForm {
    /// The form of a parameter point.
    ///
    /// Constant units (`w = 0`) are added to `c`, not dropped; units on one ray are merged before those whose sum vanishes
    /// are removed. Where merging has moved rays closer together they are merged again, until nothing changes. Cost: `O(m log m)`
    /// comparisons of rays.
    ///
    /// # Errors
    /// As [`Shallow::new`].
    pub fn of(net: &Mlp, theta: &[f64], tolerance: Tolerance) -> Result<Self, QuotientError> {
        Ok(Self::of_shallow(&Shallow::new(net, theta)?, tolerance))
    }

    pub(crate) fn of_shallow(shallow: &Shallow, tolerance: Tolerance) -> Self {
        let mut form = Self::merged(shallow, tolerance);
        while form.rounded > 0.0 {
            let terms = Shallow {
                units: form.terms.clone(),
                constant: form.constant.clone(),
                ..shallow.clone()
            };
            let mut next = Self::merged(&terms, tolerance);
            if next.rank() == form.rank() {
                break;
            }
            next.linear += &form.linear;
            next.sizes.linear += &form.sizes.linear;
            for (size, before) in next.sizes.constant.iter_mut().zip(&form.sizes.constant) {
                *size += before;
            }
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
    fn merged(shallow: &Shallow, tolerance: Tolerance) -> Self {
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
                constant: shallow.constant.iter().map(|c| c.abs()).collect(),
            },
        };
        let rays = Rays::of(shallow, tolerance);
        for unit in rays.constants.iter().map(|u| &shallow.units[*u]) {
            let weight = largest(&unit.outgoing).max(1.0);
            form.rounded = form.rounded.max(weight * largest(&unit.incoming));
            form.add_affine(&unit.outgoing, shallow.value(unit.bias), &[]);
        }
        for unit in rays.linear.iter().map(|u| &shallow.units[*u]) {
            form.add_affine(&unit.outgoing, unit.bias, &unit.incoming);
        }
        for ray in &rays.rays {
            let (incoming, bias) = ray.direction.split_at(shallow.inputs);
            let mut outgoing = vec![0.0; outputs];
            let mut sizes = vec![0.0; outputs];
            for member in &ray.members {
                let own = &shallow.units[member.unit].outgoing;
                let turned = member.sign < 0.0;
                let weight = if turned && is_odd(form.activation) {
                    -1.0
                } else {
                    1.0
                } * member.scale;
                for ((sum, size), v) in outgoing.iter_mut().zip(&mut sizes).zip(own) {
                    *sum += weight * v;
                    *size += (weight * v).abs();
                }
                match form.activation {
                    Activation::Logistic if turned => form.add_affine(own, 1.0, &[]),
                    Activation::Softplus | Activation::Relu if turned => {
                        let scaled: Vec<f64> = own.iter().map(|v| -member.scale * v).collect();
                        form.add_affine(&scaled, bias[0], incoming);
                    }
                    _ => {}
                }
            }
            form.rounded = form.rounded.max(ray.spread * largest(&sizes).max(1.0));
            let rounding = 4.0 * ray.members.len() as f64 * f64::EPSILON * largest(&sizes);
            if largest(&outgoing) <= rounding || tolerance.vanishes(&outgoing, largest(&sizes)) {
                form.rounded = form.rounded.max(largest(&outgoing));
                continue;
            }
            form.sizes.outgoing.push(sizes);
            form.terms.push(Unit {
                incoming: incoming.to_vec(),
                bias: bias[0],
                outgoing,
            });
        }
        form
    }

    /// `c += a·value`, `L += a wᵀ`.
    fn add_affine(&mut self, outgoing: &[f64], value: f64, incoming: &[f64]) {
        for (k, a) in outgoing.iter().enumerate() {
            self.constant[k] += a * value;
            self.sizes.constant[k] += (a * value).abs();
            for (i, w) in incoming.iter().enumerate() {
                self.linear[(k, i)] += a * w;
                self.sizes.linear[(k, i)] += (a * w).abs();
            }
        }
    }

    /// Writes one term with the opposite orientation of its ray, by the identity of its activation.
    pub(crate) fn turn(&mut self, index: usize) {
        let term = self.terms[index].clone();
        let outgoing = term.outgoing;
        match self.activation {
            Activation::Logistic => self.add_affine(&outgoing, 1.0, &[]),
            Activation::Softplus | Activation::Relu => {
                self.add_affine(&outgoing, term.bias, &term.incoming);
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

    /// The number of terms `a_j φ(w_j·x + b_j)`: the rank of a network with odd units, 0 for an affine function.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.terms.len()
    }

    /// The terms, sorted by their rays.
    #[must_use]
    pub fn terms(&self) -> &[Unit] {
        &self.terms
    }

    /// `L`, `K × n`: zero unless φ is relu, softplus or the identity.
    #[must_use]
    pub fn linear(&self) -> faer::MatRef<'_, f64> {
        self.linear.as_ref()
    }

    /// `c`, length `K`.
    #[must_use]
    pub fn constant(&self) -> &[f64] {
        &self.constant
    }

    /// What the tolerance was used for, at most: the change of an incoming weight or bias times the outgoing weight behind it (at
    /// least 1), or an outgoing weight, linear coefficient or constant that was dropped. In units of the outputs per unit of an
    /// input; 0 if nothing was merged or dropped that was not equal to the last bit, up to the rounding of sums and norms.
    #[must_use]
    pub fn rounded(&self) -> f64 {
        self.rounded
    }

    /// The tolerance behind the form.
    #[must_use]
    pub fn tolerance(&self) -> Tolerance {
        self.tolerance
    }

    /// A network that computes the form: one unit a term and, where there is a linear part, one unit (identity) or two
    /// (softplus, relu: `u = φ(u) − φ(−u)`) for each of its dimensions. An output bias is added if `c ≠ 0`.
    ///
    /// The same for all equivalent parameters, up to the rounding of sums.
    #[must_use]
    pub fn shallow(&self) -> Shallow {
        let mut units = self.terms.clone();
        for (outgoing, incoming) in row_echelon(&self.linear, self.tolerance) {
            let negated = |v: &[f64]| v.iter().map(|v| -v).collect::<Vec<_>>();
            if self.activation != Activation::Identity {
                units.push(Unit {
                    incoming: negated(&incoming),
                    bias: 0.0,
                    outgoing: negated(&outgoing),
                });
            }
            units.push(Unit {
                incoming,
                bias: 0.0,
                outgoing,
            });
        }
        Shallow {
            activation: self.activation,
            inputs: self.inputs,
            hidden_bias: self.hidden_bias,
            output_bias: self.output_bias || self.constant.iter().any(|c| c.abs() > 0.0),
            units,
            constant: self.constant.iter().map(|c| c + 0.0).collect(),
        }
    }

    /// As [`shallow`](Self::shallow), as a network.
    ///
    /// # Errors
    /// [`QuotientError::Mlp`].
    pub fn network(&self) -> Result<(Mlp, Vec<f64>), QuotientError> {
        self.shallow().network()
    }
}

/// Odd up to a constant: turning the ray changes the sign of the outgoing weights.
pub(crate) fn is_odd(activation: Activation) -> bool {
    matches!(
        activation,
        Activation::Tanh | Activation::Erf | Activation::Logistic
    )
}

/// `L = Σ_r a_r w_rᵀ` with the rows `w_r` of the reduced row echelon form: unique, so the same for equal `L`.
fn row_echelon(matrix: &Mat<f64>, tolerance: Tolerance) -> Vec<(Vec<f64>, Vec<f64>)> {
    let (rows, columns) = (matrix.nrows(), matrix.ncols());
    let mut work = matrix.clone();
    let noise = (tolerance.relative() + 4.0 * f64::EPSILON * columns as f64) * matrix.norm_max();
    let mut pivots = Vec::new();
    for column in 0..columns {
        let top = pivots.len();
        let Some(best) = (top..rows).max_by(|a, b| {
            work[(*a, column)]
                .abs()
                .total_cmp(&work[(*b, column)].abs())
        }) else {
            break;
        };
        if work[(best, column)].abs() <= noise {
            continue;
        }
        for j in 0..columns {
            let swapped = work[(best, j)];
            work[(best, j)] = work[(top, j)];
            work[(top, j)] = swapped;
        }
        let pivot = work[(top, column)];
        for j in 0..columns {
            work[(top, j)] /= pivot;
        }
        for i in (0..rows).filter(|i| *i != top) {
            let factor = work[(i, column)];
            for j in 0..columns {
                let subtracted = factor * work[(top, j)];
                work[(i, j)] -= subtracted;
            }
        }
        pivots.push(column);
    }
    let row = |r: usize| (0..columns).map(|j| work[(r, j)]).collect();
    let outgoing = |column: usize| (0..rows).map(|k| matrix[(k, column)]).collect();
    let pairs = pivots.iter().enumerate();
    pairs
        .map(|(r, column)| (outgoing(*column), row(r)))
        .collect()
}

/// The canonical representative of a class: idempotent, and the same for all equivalent parameters.
///
/// The network is the smallest for tanh, erf and logistic units; see [`reduce`](super::reduce()) for the others.
///
/// # Errors
/// As [`Shallow::new`].
///
/// ```
/// use neuromanifold_geometry::quotient::{canonicalize, Tolerance};
/// use neuromanifold_mlp::{Activation, Mlp};
///
/// // tanh(2x) + 3 tanh(−2x) + 5 tanh(0·x + 1) = −2 tanh(2x) + 5 tanh(1)
/// let net = Mlp::new(&[1, 3, 1], Activation::Tanh)?;
/// let theta = [2.0, -2.0, 0.0, 0.0, 0.0, 1.0, 1.0, 3.0, 5.0, 0.0];
/// let (small, canonical) = canonicalize(&net, &theta, Tolerance::EXACT)?;
/// assert_eq!(small.layers()[0].outputs(), 1);
/// assert_eq!(canonical[..3], [2.0, 0.0, -2.0]);
/// assert!((canonical[3] - 5.0 * 1f64.tanh()).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn canonicalize(
    net: &Mlp,
    theta: &[f64],
    tolerance: Tolerance,
) -> Result<(Mlp, Vec<f64>), QuotientError> {
    CanonicalForm::of(net, theta, tolerance)?.network()
}
