use super::Cause;
use super::canonical::is_odd;
use super::elimination::{Elimination, Sparse};
use super::ray::{Member, Ray, largest};
use super::relation::Relation;
use super::relations::Atoms;
use neuromanifold_mlp::Activation;

impl Atoms<'_> {
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
                    let odd = is_odd(self.shallow.activation);
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
        let reach = ray.reach(self.shallow.activation);
        let size = |m: usize| members[m].scale * largest(vector(m)) * reach;
        let dead = |m: &usize| size(*m) <= self.tolerance.relative();
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
}
