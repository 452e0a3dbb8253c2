use super::components::Components;
use super::ray::{Rays, largest};
use super::relations::Atoms;
use super::{Cause, QuotientError, Shallow, Tolerance, gauge};
use faer::Mat;
use neuromanifold_mlp::Mlp;
use neuromanifold_model::Likelihood;
use std::collections::HashMap;

/// A sparse tangent vector along which no prediction changes, with its cause.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NullDirection {
    /// Why.
    pub cause: Cause,
    /// Index in θ and entry; all others are 0.
    pub entries: Vec<(usize, f64)>,
}

/// The null space of the Fisher metric as the theory knows it: for every θ of a network with one hidden layer, whatever the
/// inputs, as long as they are rich enough to tell functions apart.
///
/// The derivatives of the network with respect to its parameters are combinations of a few *atoms*: on each ray
/// `φ(u) e_k`, `φ'(u) x_i e_k` and `φ'(u) e_k`, and shared by all rays `e_k` and `x_i e_k`. Atoms are linearly independent
/// functions (for tanh, erf, logistic and softplus; for relu after `φ(u) = u φ'(u)`), so the null directions are the
/// linear relations between columns of atom coefficients: small problems ray by ray, and one small problem for the shared
/// atoms. A ray that carries `q` units with outgoing weights of rank `ρ` has `(q−1)K + (q−ρ)(n+1)` of them.
///
/// Cost: `O(m (K + n))` sparse columns, each against at most `K (n + 1)` pivots.
///
/// # References
/// K. Fukumizu, *A regularity condition of the information matrix of a multilayer perceptron network*, Neural Networks 9
/// (1996) 871–879, doi:10.1016/0893-6080(95)00119-0.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct AnalyticNullSpace {
    parameters: usize,
    directions: Vec<NullDirection>,
    rounded: f64,
}

impl AnalyticNullSpace {
    /// Finds all null directions of a parameter point.
    ///
    /// # Errors
    /// As [`Shallow::new`].
    pub fn of(net: &Mlp, theta: &[f64], tolerance: Tolerance) -> Result<Self, QuotientError> {
        let shallow = Shallow::new(net, theta)?;
        let (directions, rounded) = relations(net, &shallow, tolerance);
        Ok(Self {
            parameters: net.parameters(),
            directions,
            rounded,
        })
    }

    /// The same for the Fisher metric of a likelihood, which may not see all of the outputs.
    ///
    /// Where the factor of the likelihood has rank `K − 1` (the logits of a softmax), a shift of all outputs changes no
    /// prediction. The metric is then that of the `K − 1` differences `z_k − z_K`, pulled back by a linear map of θ whose kernel is
    /// spanned by `Σ_k ∂/∂v_{kα}` and `Σ_k ∂/∂c_k`, the [gauge](Cause::Gauge). The null space is the sum of the two, and direct:
    /// a unit with equal weights to all logits counts as eliminated, and its gauge is counted besides.
    ///
    /// # Errors
    /// As [`Shallow::new`].
    pub fn of_likelihood(
        net: &Mlp,
        theta: &[f64],
        likelihood: &dyn Likelihood,
        tolerance: Tolerance,
    ) -> Result<Self, QuotientError> {
        let outputs = net.outputs();
        if !gauge::is_blind_to_shifts(likelihood, outputs) {
            return Self::of(net, theta, tolerance);
        }
        let mut shallow = Shallow::new(net, theta)?;
        for unit in &mut shallow.units {
            differences(&mut unit.outgoing);
        }
        differences(&mut shallow.constant);
        let (mut directions, rounded) = relations(net, &shallow, tolerance);
        let output = &net.layers()[net.layers().len() - 1];
        let weights = (0..output.inputs()).map(|unit| {
            let parameters = (0..outputs).map(|k| output.incoming(k).start + unit);
            let unit = (net.layers().len() > 1).then_some(unit);
            (unit, parameters.collect::<Vec<_>>())
        });
        let bias = output.bias().map(|bias| (None, bias.collect()));
        directions.extend(weights.chain(bias).map(|(unit, parameters)| NullDirection {
            cause: Cause::Gauge { unit },
            entries: parameters.into_iter().map(|p| (p, 1.0)).collect(),
        }));
        Ok(Self {
            parameters: net.parameters(),
            directions,
            rounded,
        })
    }

    /// The nullity of `G`.
    #[must_use]
    pub fn nullity(&self) -> usize {
        self.directions.len()
    }

    /// The rank of `G`.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.parameters - self.directions.len()
    }

    /// The directions, linearly independent; not normalised.
    #[must_use]
    pub fn directions(&self) -> &[NullDirection] {
        &self.directions
    }

    /// What the tolerance was used for, at most: the change of an incoming weight times the outgoing weight behind it (at least 1),
    /// or an outgoing weight that counted as zero. 0 if all equalities held to the last bit.
    #[must_use]
    pub fn rounded(&self) -> f64 {
        self.rounded
    }

    /// The causes, each with the number of directions it accounts for.
    #[must_use]
    pub fn causes(&self) -> Vec<(Cause, usize)> {
        let mut counted: Vec<(Cause, usize)> = Vec::new();
        let mut place: HashMap<&Cause, usize> = HashMap::new();
        for NullDirection { cause, .. } in &self.directions {
            let at = *place.entry(cause).or_insert(counted.len());
            match counted.get_mut(at) {
                Some((_, count)) => *count += 1,
                None => counted.push((cause.clone(), 1)),
            }
        }
        counted
    }

    /// An orthonormal basis, `P × nullity`; column `d` belongs to a block that has direction `d`.
    ///
    /// Directions that share no parameter are orthogonal, so each connected block is orthogonalised by itself, on its own parameters.
    /// Cost: `Σ p_b d_b²` multiplications over blocks with `d_b` directions among `p_b` parameters, and the dense result.
    #[must_use]
    pub fn basis(&self) -> Mat<f64> {
        let mut basis = Mat::<f64>::zeros(self.parameters, self.directions.len());
        for block in self.blocks() {
            let entries = block.iter().flat_map(|d| &self.directions[*d].entries);
            let mut parameters: Vec<usize> = entries.map(|(p, _)| *p).collect();
            parameters.sort_unstable();
            parameters.dedup();
            let mut columns = Mat::<f64>::zeros(parameters.len(), block.len());
            for (column, d) in block.iter().enumerate() {
                for (p, value) in &self.directions[*d].entries {
                    if let Ok(row) = parameters.binary_search(p) {
                        columns[(row, column)] += value;
                    }
                }
            }
            let orthonormal = columns.qr().compute_thin_Q();
            for (column, d) in block.iter().enumerate() {
                for (row, p) in parameters.iter().enumerate() {
                    basis[(*p, *d)] = orthonormal[(row, column)];
                }
            }
        }
        basis
    }

    /// Directions that share parameters, directly or through others.
    fn blocks(&self) -> Vec<Vec<usize>> {
        let mut components = Components::new(self.directions.len());
        let mut owner: HashMap<usize, usize> = HashMap::new();
        for (d, direction) in self.directions.iter().enumerate() {
            for (p, _) in &direction.entries {
                components.join(*owner.entry(*p).or_insert(d), d);
            }
        }
        components.members()
    }
}

/// All null directions of a network as a function.
fn relations(net: &Mlp, shallow: &Shallow, tolerance: Tolerance) -> (Vec<NullDirection>, f64) {
    let rays = Rays::of(shallow, tolerance);
    let mut atoms = Atoms::new(net, shallow, tolerance);
    for ray in &rays.rays {
        atoms.on_ray(ray);
    }
    atoms.on_constants(&rays.constants);
    atoms.on_linear(&rays.linear);
    atoms.on_output_bias();
    (atoms.finish(), rounded(shallow, &rays, tolerance))
}

/// What counted as equal or as zero without being it.
fn rounded(shallow: &Shallow, rays: &Rays, tolerance: Tolerance) -> f64 {
    let outgoing = |unit: usize| largest(&shallow.units[unit].outgoing);
    let constants = rays.constants.iter().map(|unit| {
        let w = largest(&shallow.units[*unit].incoming);
        w * outgoing(*unit).max(1.0)
    });
    let members = rays.rays.iter().flat_map(|ray| {
        ray.members.iter().map(|member| {
            let weight = member.scale * outgoing(member.unit);
            let dropped = weight <= tolerance.relative();
            (ray.spread * weight.max(1.0)).max(if dropped { weight } else { 0.0 })
        })
    });
    constants.chain(members).fold(0.0, f64::max)
}

/// `z_k − z_K` for all but the last.
fn differences(outputs: &mut Vec<f64>) {
    if let Some(last) = outputs.pop() {
        outputs.iter_mut().for_each(|z| *z -= last);
    }
}
