use super::ray::{Ray, Rays};
use super::{QuotientError, Shallow, Tolerance};
use faer::Mat;
use neuromanifold_mlp::{Activation, Mlp};
use std::collections::BTreeMap;

/// Why a direction of parameter space changes no prediction.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// `v_α = 0`: the unit contributes nothing, so its incoming weights are free.
    Elimination {
        /// The unit.
        unit: usize,
    },
    /// `w_α = 0`: the unit is a constant, which other constants (biases, constant units) can make up for.
    Constant {
        /// All units involved.
        units: Vec<usize>,
    },
    /// `(w_α, b_α) = ±(w_β, b_β)`: only the sum or difference of what the units contribute matters.
    Overlap {
        /// All units on the ray.
        units: Vec<usize>,
    },
    /// A relu unit: `(a w, a b, v/a)` computes the same for every `a > 0`.
    Scaling {
        /// The unit.
        unit: usize,
    },
    /// Units whose affine parts depend on each other: opposite rays of relu or softplus (`φ(u) − φ(−u) = u`), linear
    /// units.
    Affine {
        /// All units involved.
        units: Vec<usize>,
    },
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Elimination { unit } => write!(f, "unit {unit} has no outgoing weight"),
            Self::Constant { units } if units.len() == 1 => {
                write!(f, "unit {} is constant", units[0])
            }
            Self::Constant { units } => write!(f, "{} are constant", listed(units)),
            Self::Overlap { units } => write!(f, "{} overlap", listed(units)),
            Self::Scaling { unit } => write!(f, "unit {unit} can be rescaled"),
            Self::Affine { units } => write!(f, "{} have dependent affine parts", listed(units)),
        }
    }
}

fn listed(units: &[usize]) -> String {
    let names: Vec<String> = units.iter().take(8).map(usize::to_string).collect();
    match units.len().checked_sub(8) {
        Some(more @ 1..) => format!("units {} and {more} more", names.join(", ")),
        _ => format!("units {}", names.join(", ")),
    }
}

/// A sparse tangent vector along which no prediction changes, with its cause.
#[derive(Clone, Debug)]
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
/// Cost: `O(m (K + n))` numbers and the ranks of `K × q` matrices.
///
/// # References
/// K. Fukumizu, *A regularity condition of the information matrix of a multilayer perceptron network*, Neural Networks 9
/// (1996) 871–879, doi:10.1016/0893-6080(95)00119-0.
#[derive(Clone, Debug)]
pub struct AnalyticNullSpace {
    parameters: usize,
    directions: Vec<NullDirection>,
}

impl AnalyticNullSpace {
    /// Finds all null directions of a parameter point.
    ///
    /// # Errors
    /// As [`Shallow::new`].
    pub fn of(net: &Mlp, theta: &[f64], tolerance: Tolerance) -> Result<Self, QuotientError> {
        let shallow = Shallow::new(net, theta)?;
        let rays = Rays::of(&shallow, tolerance);
        let mut atoms = Atoms::new(net, &shallow, tolerance);
        for ray in &rays.rays {
            atoms.on_ray(ray);
        }
        atoms.on_constants(&rays.constants);
        atoms.on_linear(&rays.linear);
        atoms.on_output_bias();
        Ok(Self {
            parameters: net.parameters(),
            directions: atoms.finish(),
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

    /// The causes, each with the number of directions it accounts for.
    #[must_use]
    pub fn causes(&self) -> Vec<(Cause, usize)> {
        let mut counted: Vec<(Cause, usize)> = Vec::new();
        for direction in &self.directions {
            match counted
                .iter_mut()
                .find(|(cause, _)| *cause == direction.cause)
            {
                Some((_, count)) => *count += 1,
                None => counted.push((direction.cause.clone(), 1)),
            }
        }
        counted
    }

    /// An orthonormal basis, `P × nullity`. Cost: `P·nullity²` multiplications.
    #[must_use]
    pub fn basis(&self) -> Mat<f64> {
        let mut columns = Mat::<f64>::zeros(self.parameters, self.directions.len());
        for (d, direction) in self.directions.iter().enumerate() {
            for (p, value) in &direction.entries {
                columns[(*p, d)] += value;
            }
        }
        columns.qr().compute_thin_Q()
    }
}

/// A relation that holds on its own ray; what it leaves in the shared atoms has to cancel against the others.
struct Relation {
    cause: Cause,
    entries: Vec<(usize, f64)>,
    /// Coefficients of the shared atoms, by index.
    shared: Vec<(usize, f64)>,
}

/// Collects the relations of all rays.
struct Atoms<'a> {
    net: &'a Mlp,
    shallow: &'a Shallow,
    tolerance: Tolerance,
    relations: Vec<Relation>,
}

impl<'a> Atoms<'a> {
    fn new(net: &'a Mlp, shallow: &'a Shallow, tolerance: Tolerance) -> Self {
        Self {
            net,
            shallow,
            tolerance,
            relations: Vec::new(),
        }
    }

    fn outputs(&self) -> usize {
        self.shallow.outputs()
    }

    /// Index in θ of `v_{k,α}`.
    fn outgoing(&self, unit: usize, k: usize) -> usize {
        let last = &self.net.layers()[self.net.layers().len() - 1];
        last.incoming(k).start + unit
    }

    /// Index in θ of entry `i` of `(w, b)`; `None` for a bias that does not exist.
    fn incoming(&self, unit: usize, i: usize) -> Option<usize> {
        let layer = &self.net.layers()[0];
        if i < self.shallow.inputs {
            Some(layer.incoming(unit).start + i)
        } else {
            layer.bias().map(|bias| bias.start + unit)
        }
    }

    /// Entries of `(w, b)` that are parameters.
    fn coordinates(&self) -> usize {
        self.shallow.inputs + usize::from(self.shallow.hidden_bias)
    }

    /// Index of the shared atom `x_i e_k`, or `e_k` for `i = n`.
    fn shared(&self, i: usize, k: usize) -> usize {
        k * (self.shallow.inputs + 1) + i
    }

    /// `weight · (direction·(x, 1)) e_k` in shared atoms.
    fn affine(&self, direction: &[f64], k: usize, weight: f64) -> Vec<(usize, f64)> {
        let entries = direction.iter().enumerate();
        entries
            .map(|(i, d)| (self.shared(i, k), weight * d))
            .collect()
    }

    fn on_ray(&mut self, ray: &Ray) {
        let units: Vec<usize> = ray.members.iter().map(|m| m.unit).collect();
        self.outgoing_relations(ray, &units);
        self.incoming_relations(ray, &units);
        if self.shallow.activation == Activation::Relu {
            self.scaling_relations(ray);
        }
    }

    /// `∂f/∂v_{αk} = φ(±u) e_k` is the same function for all units of a ray, up to sign and shared atoms.
    fn outgoing_relations(&mut self, ray: &Ray, units: &[usize]) {
        let first = ray.members[0];
        for member in &ray.members[1..] {
            for k in 0..self.outputs() {
                let (mut entries, mut shared) = (Vec::new(), Vec::new());
                for (m, sign) in [(member, 1.0), (&first, -1.0)] {
                    let turned = m.sign < 0.0;
                    let odd = super::canonical::is_odd(self.shallow.activation);
                    // weight · ∂f/∂v = φ(u) + shared
                    let weight = sign * if odd { m.sign } else { 1.0 } / m.scale;
                    entries.push((self.outgoing(m.unit, k), weight));
                    match self.shallow.activation {
                        // −φ(−u) = φ(u) − 1
                        Activation::Logistic if turned => {
                            shared.push((self.shared(self.shallow.inputs, k), -sign));
                        }
                        // φ(−u) = φ(u) − u
                        Activation::Softplus | Activation::Relu if turned => {
                            shared.extend(self.affine(&ray.direction, k, -sign));
                        }
                        _ => {}
                    }
                }
                self.relations.push(Relation {
                    cause: Cause::Overlap {
                        units: units.to_vec(),
                    },
                    entries,
                    shared,
                });
            }
        }
    }

    /// `∂f/∂w_{αi} = v_α φ'(±u) x_i`: null combinations of the vectors `v_α` are null for every coordinate.
    fn incoming_relations(&mut self, ray: &Ray, units: &[usize]) {
        for (z, cause) in self.outgoing_kernel(ray, units) {
            for i in 0..self.coordinates() {
                let (mut entries, mut shared) = (Vec::new(), Vec::new());
                for (member, z) in ray.members.iter().zip(&z) {
                    entries.extend(self.incoming(member.unit, i).map(|p| (p, *z)));
                    if member.sign < 0.0 && self.splits() {
                        // φ'(−u) = 1 − φ'(u)
                        let v = &self.shallow.units[member.unit].outgoing;
                        shared.extend(
                            v.iter()
                                .enumerate()
                                .map(|(k, v)| (self.shared(i, k), v * z)),
                        );
                    }
                }
                entries.retain(|(_, value)| value.abs() > 0.0);
                self.relations.push(Relation {
                    cause: cause.clone(),
                    entries,
                    shared,
                });
            }
        }
    }

    /// Whether an opposite orientation leaves an affine part behind.
    fn splits(&self) -> bool {
        matches!(
            self.shallow.activation,
            Activation::Softplus | Activation::Relu
        )
    }

    /// A basis of `{z : Σ_α ± v_α z_α = 0}`, sparse where a single `v_α` vanishes.
    fn outgoing_kernel(&self, ray: &Ray, units: &[usize]) -> Vec<(Vec<f64>, Cause)> {
        let scale = self.shallow.scale();
        let vector = |member: usize| &self.shallow.units[ray.members[member].unit].outgoing;
        let dead = |member: &usize| self.tolerance.vanishes(vector(*member), scale);
        let all = 0..ray.members.len();
        let mut kernel: Vec<(Vec<f64>, Cause)> = (all.clone().filter(dead))
            .map(|member| {
                let axis = all
                    .clone()
                    .map(|other| f64::from(other == member))
                    .collect();
                let unit = ray.members[member].unit;
                (axis, Cause::Elimination { unit })
            })
            .collect();
        let alive: Vec<usize> = all.clone().filter(|member| !dead(member)).collect();
        if alive.len() < 2 {
            return kernel;
        }
        let signed = |member: usize| {
            if self.splits() {
                ray.members[member].sign
            } else {
                1.0
            }
        };
        let columns = Mat::from_fn(self.outputs(), alive.len(), |k, a| {
            signed(alive[a]) * vector(alive[a])[k]
        });
        for combination in kernel_of(&columns, self.tolerance) {
            let mut z = vec![0.0; ray.members.len()];
            for (member, value) in alive.iter().zip(combination) {
                z[*member] = value;
            }
            let cause = Cause::Overlap {
                units: units.to_vec(),
            };
            kernel.push((z, cause));
        }
        kernel
    }

    /// relu: `φ(u) = u φ'(u)`, so moving `(w, b)` along itself is moving `v`; one relation for each dimension of the span of
    /// the `v_α` of a ray.
    fn scaling_relations(&mut self, ray: &Ray) {
        let first = ray.members[0];
        for member in independent(self.shallow, ray, self.tolerance) {
            let v = self.shallow.units[member.unit].outgoing.clone();
            let (mut entries, mut shared) = (Vec::new(), Vec::new());
            for i in 0..self.coordinates() {
                // Σ_i d_i ∂f/∂(w,b)_i = v φ'(±u) u = v (±1) φ(±u)
                entries.extend(self.incoming(member.unit, i).map(|p| (p, ray.direction[i])));
            }
            for (k, v) in v.iter().enumerate() {
                // minus the same as a change of the first unit's outgoing weight: φ(u) up to its own orientation
                entries.push((self.outgoing(first.unit, k), -member.sign * v / first.scale));
                if member.sign < 0.0 {
                    // −φ(−u) = −φ(u) + u
                    shared.extend(self.affine(&ray.direction, k, *v));
                }
                if first.sign < 0.0 {
                    shared.extend(self.affine(&ray.direction, k, member.sign * v));
                }
            }
            self.relations.push(Relation {
                cause: Cause::Scaling { unit: member.unit },
                entries,
                shared,
            });
        }
    }

    /// `w_α = 0`: the unit is `v φ(b)`, its derivatives are constants and linear functions.
    fn on_constants(&mut self, constants: &[usize]) {
        let cause = Cause::Constant {
            units: constants.to_vec(),
        };
        for unit in constants {
            let (bias, v) = {
                let unit = &self.shallow.units[*unit];
                (unit.bias, unit.outgoing.clone())
            };
            let value = self.shallow.value(bias);
            let slope = self.shallow.derivative(bias);
            let constant = self.shallow.inputs;
            for k in 0..self.outputs() {
                self.relations.push(Relation {
                    cause: cause.clone(),
                    entries: vec![(self.outgoing(*unit, k), 1.0)],
                    shared: vec![(self.shared(constant, k), value)],
                });
            }
            for i in 0..self.coordinates() {
                let shared = v
                    .iter()
                    .enumerate()
                    .map(|(k, v)| (self.shared(i, k), v * slope));
                let shared = shared.collect();
                self.relations.push(Relation {
                    cause: cause.clone(),
                    entries: self
                        .incoming(*unit, i)
                        .map(|p| (p, 1.0))
                        .into_iter()
                        .collect(),
                    shared,
                });
            }
        }
    }

    /// Linear units: all derivatives are affine functions.
    fn on_linear(&mut self, linear: &[usize]) {
        if self.net.layers().len() == 1 {
            return; // an affine map by itself: θ are its coefficients, nothing is null
        }
        let cause = Cause::Affine {
            units: linear.to_vec(),
        };
        for unit in linear {
            let (ray, v) = {
                let unit = &self.shallow.units[*unit];
                (unit.ray(), unit.outgoing.clone())
            };
            for k in 0..self.outputs() {
                self.relations.push(Relation {
                    cause: cause.clone(),
                    entries: vec![(self.outgoing(*unit, k), 1.0)],
                    shared: self.affine(&ray, k, 1.0),
                });
            }
            for i in 0..self.coordinates() {
                let shared = v.iter().enumerate().map(|(k, v)| (self.shared(i, k), *v));
                let shared = shared.collect();
                self.relations.push(Relation {
                    cause: cause.clone(),
                    entries: self
                        .incoming(*unit, i)
                        .map(|p| (p, 1.0))
                        .into_iter()
                        .collect(),
                    shared,
                });
            }
        }
    }

    /// The output bias makes every constant.
    fn on_output_bias(&mut self) {
        if self.net.layers().len() == 1 {
            return;
        }
        let Some(bias) = self.net.layers()[1].bias() else {
            return;
        };
        for k in 0..self.outputs() {
            self.relations.push(Relation {
                cause: Cause::Constant { units: Vec::new() },
                entries: vec![(bias.start + k, 1.0)],
                shared: vec![(self.shared(self.shallow.inputs, k), 1.0)],
            });
        }
    }

    /// Relations that leave nothing in the shared atoms are null directions; of the others, the combinations that cancel.
    fn finish(mut self) -> Vec<NullDirection> {
        for relation in &mut self.relations {
            relation.shared = summed(&relation.shared);
        }
        let leaves = |r: &Relation| !r.shared.is_empty();
        let (open, closed): (Vec<_>, Vec<_>) = self.relations.into_iter().partition(leaves);
        let mut null: Vec<NullDirection> = closed
            .into_iter()
            .map(|r| NullDirection {
                cause: r.cause,
                entries: r.entries,
            })
            .collect();
        let mut rows = BTreeMap::new();
        for (atom, _) in open.iter().flat_map(|r| &r.shared) {
            let next = rows.len();
            rows.entry(*atom).or_insert(next);
        }
        let mut columns = Mat::<f64>::zeros(rows.len(), open.len());
        for (column, relation) in open.iter().enumerate() {
            for (atom, value) in &relation.shared {
                columns[(rows[atom], column)] += value;
            }
        }
        for combination in kernel_of(&columns, self.tolerance) {
            null.push(combine(&open, &combination));
        }
        null
    }
}

/// Adds up entries with the same index, and drops those that cancel to rounding.
fn summed(entries: &[(usize, f64)]) -> Vec<(usize, f64)> {
    let mut sums: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for (index, value) in entries {
        let (sum, size) = sums.entry(*index).or_default();
        *sum += value;
        *size = size.max(value.abs());
    }
    (sums.into_iter())
        .filter(|(_, (sum, size))| sum.abs() > 8.0 * f64::EPSILON * size)
        .map(|(index, (sum, _))| (index, sum))
        .collect()
}

/// A combination of relations as one direction, whose cause names all units that take part.
fn combine(relations: &[Relation], combination: &[f64]) -> NullDirection {
    let mut entries: BTreeMap<usize, f64> = BTreeMap::new();
    let (mut units, mut all_constant, mut causes) = (Vec::new(), true, Vec::new());
    let largest = super::ray::largest(combination);
    for (relation, weight) in relations.iter().zip(combination) {
        if weight.abs() <= 1e-12 * largest {
            continue;
        }
        for (p, value) in &relation.entries {
            *entries.entry(*p).or_default() += weight * value;
        }
        match &relation.cause {
            Cause::Constant { units: own } => units.extend(own),
            Cause::Overlap { units: own } | Cause::Affine { units: own } => {
                all_constant = false;
                units.extend(own);
            }
            Cause::Elimination { unit } | Cause::Scaling { unit } => {
                all_constant = false;
                units.push(*unit);
            }
        }
        if !causes.contains(&relation.cause) {
            causes.push(relation.cause.clone());
        }
    }
    units.sort_unstable();
    units.dedup();
    let cause = match (causes.len(), all_constant) {
        (1, _) => causes.remove(0),
        (_, true) => Cause::Constant { units },
        _ => Cause::Affine { units },
    };
    NullDirection {
        cause,
        entries: entries.into_iter().filter(|(_, v)| v.abs() > 0.0).collect(),
    }
}

/// Members of a ray whose (signed) outgoing vectors are linearly independent and span those of all.
fn independent(shallow: &Shallow, ray: &Ray, tolerance: Tolerance) -> Vec<super::ray::Member> {
    let mut chosen: Vec<super::ray::Member> = Vec::new();
    for member in &ray.members {
        let tried: Vec<_> = chosen.iter().chain(std::iter::once(member)).collect();
        let columns = Mat::from_fn(shallow.outputs(), tried.len(), |k, a| {
            shallow.units[tried[a].unit].outgoing[k]
        });
        let dead = tolerance.vanishes(&shallow.units[member.unit].outgoing, shallow.scale());
        if !dead && kernel_of(&columns, tolerance).is_empty() {
            chosen.push(*member);
        }
    }
    chosen
}

/// A basis of the null space of a small matrix, by its singular values; columns are balanced first, so that units of very
/// different size are judged alike.
fn kernel_of(matrix: &Mat<f64>, tolerance: Tolerance) -> Vec<Vec<f64>> {
    let (rows, columns) = (matrix.nrows(), matrix.ncols());
    if columns == 0 {
        return Vec::new();
    }
    if rows == 0 {
        return (0..columns)
            .map(|c| (0..columns).map(|j| f64::from(j == c)).collect())
            .collect();
    }
    let norms: Vec<f64> = (0..columns)
        .map(|c| matrix.col(c).norm_l2())
        .map(|norm| if norm > 0.0 { norm } else { 1.0 })
        .collect();
    // padded with zero rows, so that the full right basis comes out of a thin decomposition
    let balanced = Mat::from_fn(rows.max(columns), columns, |i, c| {
        if i < rows {
            matrix[(i, c)] / norms[c]
        } else {
            0.0
        }
    });
    let Ok(svd) = balanced.thin_svd() else {
        return Vec::new();
    };
    let (values, right) = (svd.S().column_vector(), svd.V());
    let threshold =
        (tolerance.relative() + 16.0 * columns as f64 * f64::EPSILON) * values[0].max(1.0);
    (0..columns)
        .filter(|r| values[*r] <= threshold)
        .map(|r| (0..columns).map(|c| right[(c, r)] / norms[c]).collect())
        .collect()
}
