use super::elimination::Elimination;
use super::null_space::NullDirection;
use super::ray::largest;
use super::relation::{Relation, combine, summed};
use super::{Cause, Shallow, Tolerance};
use neuromanifold_mlp::Mlp;

/// Collects the relations of all rays.
pub(crate) struct Atoms<'a> {
    net: &'a Mlp,
    pub(crate) shallow: &'a Shallow,
    pub(crate) tolerance: Tolerance,
    pub(crate) relations: Vec<Relation>,
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

    pub(crate) fn outputs(&self) -> usize {
        self.shallow.outputs()
    }

    /// Index in θ of `v_{k,α}`.
    pub(crate) fn outgoing(&self, unit: usize, k: usize) -> usize {
        let last = &self.net.layers()[self.net.layers().len() - 1];
        last.incoming(k).start + unit
    }

    /// Index in θ of entry `i` of `(w, b)`; `None` for a bias that does not exist.
    pub(crate) fn incoming(&self, unit: usize, i: usize) -> Option<usize> {
        let layer = &self.net.layers()[0];
        if i < self.shallow.inputs {
            Some(layer.incoming(unit).start + i)
        } else {
            layer.bias().map(|bias| bias.start + unit)
        }
    }

    /// Entries of `(w, b)` that are parameters.
    pub(crate) fn coordinates(&self) -> usize {
        self.shallow.inputs + usize::from(self.shallow.hidden_bias)
    }

    /// Index of the shared atom `x_i e_k`, or `e_k` for `i = n`.
    pub(crate) fn shared(&self, i: usize, k: usize) -> usize {
        k * (self.shallow.inputs + 1) + i
    }

    /// `weight · (direction·(x, 1)) e_k` in shared atoms.
    pub(crate) fn affine(&self, direction: &[f64], k: usize, weight: f64) -> Vec<(usize, f64)> {
        let entries = direction.iter().enumerate();
        entries
            .map(|(i, d)| (self.shared(i, k), weight * d))
            .collect()
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
