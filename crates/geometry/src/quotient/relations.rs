use super::elimination::{Elimination, Sparse};
use super::null_space::NullDirection;
use super::ray::{Member, Ray, largest};
use super::relation::{Relation, combine, summed};
use super::{Cause, Shallow, Tolerance};
use neuromanifold_mlp::{Activation, Mlp};

/// Collects the relations of all rays.
pub(crate) struct Atoms<'a> {
    net: &'a Mlp,
    shallow: &'a Shallow,
    tolerance: Tolerance,
    relations: Vec<Relation>,
}

impl<'a> Atoms<'a> {
    pub(crate) fn new(net: &'a Mlp, shallow: &'a Shallow, tolerance: Tolerance) -> Self {
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

    /// The relations of a ray, whose orientation is that of its first member: if all members agree nothing is left in the
    /// shared atoms, not even rounding.
    pub(crate) fn on_ray(&mut self, ray: &Ray) {
        let turn = ray.members[0].sign;
        let mut ray = ray.clone();
        ray.direction.iter_mut().for_each(|d| *d *= turn);
        ray.members.iter_mut().for_each(|m| m.sign *= turn);
        let units: Vec<usize> = ray.members.iter().map(|m| m.unit).collect();
        self.outgoing_relations(&ray, &units);
        let spanning = self.incoming_relations(&ray, &units);
        if self.shallow.activation == Activation::Relu {
            self.scaling_relations(&ray, &spanning);
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
                    ray: Some(first.unit),
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
    ///
    /// Returns the members whose vectors span those of all.
    fn incoming_relations(&mut self, ray: &Ray, units: &[usize]) -> Vec<usize> {
        let (kernel, spanning) = self.outgoing_kernel(ray);
        for z in kernel {
            let left = if self.splits() {
                self.left_behind(ray, &z)
            } else {
                Vec::new()
            };
            let cause = match (z.len(), z.keys().next()) {
                (1, Some(member)) => Cause::Elimination {
                    unit: ray.members[*member].unit,
                },
                _ => Cause::Overlap {
                    units: units.to_vec(),
                },
            };
            for i in 0..self.coordinates() {
                let incoming =
                    |(m, z): (&usize, &f64)| Some((self.incoming(ray.members[*m].unit, i)?, *z));
                let entries = z.iter().filter_map(incoming).collect();
                let shared = left.iter().map(|(k, v)| (self.shared(i, *k), *v)).collect();
                self.relations.push(Relation {
                    ray: Some(ray.members[0].unit),
                    cause: cause.clone(),
                    entries,
                    shared,
                });
            }
        }
        spanning
    }

    /// `φ'(−u) = 1 − φ'(u)`: what the turned members of a combination leave in the shared atoms.
    fn left_behind(&self, ray: &Ray, z: &Sparse) -> Vec<(usize, f64)> {
        let mut left = Vec::new();
        for (member, z) in z {
            let Member { unit, sign, .. } = ray.members[*member];
            if sign < 0.0 {
                let v = self.shallow.units[unit].outgoing.iter().enumerate();
                left.extend(v.map(|(k, v)| (k, v * z)));
            }
        }
        left
    }

    /// Whether an opposite orientation leaves an affine part behind.
    fn splits(&self) -> bool {
        matches!(
            self.shallow.activation,
            Activation::Softplus | Activation::Relu
        )
    }

    /// A basis of `{z : Σ_α ± v_α z_α = 0}`, one vector for each member that others span, and the members that span all.
    ///
    /// Members of one orientation are related to each other first, so that they leave nothing behind.
    fn outgoing_kernel(&self, ray: &Ray) -> (Vec<Sparse>, Vec<usize>) {
        let members = &ray.members;
        let vector = |member: usize| &self.shallow.units[members[member].unit].outgoing;
        // for relu as if `(w, b)` had its standard length, since the unit can be scaled
        let dead = |m: &usize| members[*m].scale * largest(vector(*m)) <= self.tolerance.relative();
        let axis = |member| Sparse::from([(member, 1.0)]);
        let mut kernel: Vec<Sparse> = (0..members.len()).filter(dead).map(axis).collect();
        let mut spanning: Vec<usize> = Vec::new();
        for orientation in [1.0, -1.0] {
            let own = |m: &usize| !self.splits() || members[*m].sign * orientation > 0.0;
            if !self.splits() && orientation < 0.0 {
                break;
            }
            let alive: Vec<usize> = (0..members.len()).filter(|m| !dead(m) && own(m)).collect();
            let (relations, pivots) = self.span(&alive, |m| (vector(m), 1.0));
            kernel.extend(relations);
            spanning.extend(pivots);
        }
        let signed = |m: usize| (vector(m), if self.splits() { members[m].sign } else { 1.0 });
        let (between, pivots) = self.span(&spanning, signed);
        if self.splits() {
            kernel.extend(between);
        }
        (kernel, pivots)
    }

    /// Relations between some members' outgoing vectors, and which of them span the others.
    fn span<'v>(
        &self,
        members: &[usize],
        vector: impl Fn(usize) -> (&'v Vec<f64>, f64),
    ) -> (Vec<Sparse>, Vec<usize>) {
        let sparse = |(v, sign): (&Vec<f64>, f64)| {
            let entries = v.iter().enumerate().map(|(k, v)| (k, sign * v));
            entries.filter(|(_, v)| v.abs() > 0.0).collect()
        };
        let columns: Vec<Sparse> = members.iter().map(|m| sparse(vector(*m))).collect();
        let found = Elimination::of(&columns, self.tolerance.relative());
        let named = |z: &Sparse| z.iter().map(|(c, v)| (members[*c], *v)).collect();
        (
            found.kernel.iter().map(named).collect(),
            found.pivots.iter().map(|c| members[*c]).collect(),
        )
    }

    /// relu: `φ(u) = u φ'(u)`, so moving `(w, b)` along itself is moving `v`; one relation for each dimension of the span of
    /// the `v_α` of a ray.
    fn scaling_relations(&mut self, ray: &Ray, spanning: &[usize]) {
        let first = ray.members[0];
        for member in spanning.iter().map(|m| ray.members[*m]) {
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
                ray: Some(first.unit),
                cause: Cause::Scaling { unit: member.unit },
                entries,
                shared,
            });
        }
    }

    /// `w_α = 0`: the unit is `v φ(b)`, its derivatives are constants and linear functions.
    pub(crate) fn on_constants(&mut self, constants: &[usize]) {
        for unit in constants {
            let bias = self.shallow.units[*unit].bias;
            let (value, slope) = (self.shallow.value(bias), self.shallow.derivative(bias));
            let level: Vec<f64> = std::iter::repeat_n(0.0, self.shallow.inputs)
                .chain([value])
                .collect();
            self.affine_relations(*unit, &level, slope, |units| Cause::Constant { units });
        }
    }

    /// Linear units: all derivatives are affine functions.
    pub(crate) fn on_linear(&mut self, linear: &[usize]) {
        if self.net.layers().len() == 1 {
            return; // an affine map by itself: θ are its coefficients, nothing is null
        }
        for unit in linear {
            let ray = self.shallow.units[*unit].ray();
            self.affine_relations(*unit, &ray, 1.0, |units| Cause::Affine { units });
        }
    }

    /// A unit whose derivatives are all affine functions: `∂f/∂v_k = (level·(x, 1)) e_k`, `∂f/∂w_i = slope·v x_i`.
    fn affine_relations(
        &mut self,
        unit: usize,
        level: &[f64],
        slope: f64,
        cause: impl Fn(Vec<usize>) -> Cause,
    ) {
        for k in 0..self.outputs() {
            self.relations.push(Relation {
                ray: None,
                cause: cause(vec![unit]),
                entries: vec![(self.outgoing(unit, k), 1.0)],
                shared: self.affine(level, k, 1.0),
            });
        }
        let v = self.shallow.units[unit].outgoing.clone();
        let dead = largest(&v) <= self.tolerance.relative();
        let weight = if dead { 0.0 } else { slope };
        for i in 0..self.coordinates() {
            let Some(parameter) = self.incoming(unit, i) else {
                continue;
            };
            let shared = v.iter().enumerate();
            let shared = shared.map(|(k, v)| (self.shared(i, k), v * weight));
            self.relations.push(Relation {
                ray: None,
                cause: if dead {
                    Cause::Elimination { unit }
                } else {
                    cause(vec![unit])
                },
                entries: vec![(parameter, 1.0)],
                shared: shared.collect(),
            });
        }
    }

    /// The output bias makes every constant.
    pub(crate) fn on_output_bias(&mut self) {
        if self.net.layers().len() == 1 {
            return;
        }
        let Some(bias) = self.net.layers()[1].bias() else {
            return;
        };
        for k in 0..self.outputs() {
            self.relations.push(Relation {
                ray: None,
                cause: Cause::Constant { units: Vec::new() },
                entries: vec![(bias.start + k, 1.0)],
                shared: vec![(self.shared(self.shallow.inputs, k), 1.0)],
            });
        }
    }

    /// Relations that leave nothing in the shared atoms are null directions; of the others, the combinations that cancel.
    pub(crate) fn finish(self) -> Vec<NullDirection> {
        let mut null = Vec::new();
        // The output bias comes first: constants are told against it where it exists.
        let (mut open, mut columns) = (Vec::new(), Vec::new());
        let (bias, others): (Vec<_>, Vec<_>) = (self.relations.into_iter())
            .partition(|r| r.cause == Cause::Constant { units: Vec::new() });
        for relation in bias.into_iter().chain(others) {
            let shared = summed(&relation.shared);
            if shared.is_empty() {
                null.push(NullDirection {
                    cause: relation.cause,
                    entries: relation.entries,
                });
            } else {
                columns.push(shared);
                open.push(relation);
            }
        }
        let found = Elimination::of(&columns, self.tolerance.relative());
        null.extend(found.kernel.iter().map(|z| combine(&open, z)));
        null
    }
}
