//! Random networks, batches and targets, and maps that change what another map does.

use faer::{Mat, MatRef};
use neuromanifold_mlp::{Activation, Initialization, Mlp};
use neuromanifold_model::{
    Bernoulli, Categorical, Dims, Gaussian, Likelihood, Linearization, ModelError, OutputMap,
};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use std::cell::Cell;
use std::ops::Range;

pub(crate) fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

pub(crate) fn normals(len: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..len).map(|_| StandardNormal.sample(rng)).collect()
}

/// A network, a batch and targets drawn from the law at another θ.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) net: Mlp,
    pub(crate) likelihood: Box<dyn Likelihood>,
    pub(crate) inputs: Vec<f64>,
    pub(crate) targets: Vec<f64>,
    pub(crate) theta: Vec<f64>,
    pub(crate) seed: u64,
}

impl Case {
    pub(crate) fn new(widths: &[usize], law: usize, examples: usize, seed: u64) -> Self {
        let net = Mlp::new(widths, Activation::Tanh).unwrap();
        let likelihood: Box<dyn Likelihood> = match law {
            0 => Box::new(Gaussian::new(0.7).unwrap()),
            1 => Box::new(Bernoulli),
            _ => Box::new(Categorical),
        };
        let mut rng = rng(seed);
        let inputs = normals(net.inputs() * examples, &mut rng);
        let truth = net.initialize_with_biases(Initialization::LeCun, 0.5, &mut rng);
        let theta = net.initialize_with_biases(Initialization::LeCun, 0.5, &mut rng);
        let mut z = vec![0.0; net.outputs() * examples];
        let batch = net.on_slice(&inputs).unwrap();
        batch.outputs(&truth, &mut z).unwrap();
        let width = likelihood.target_len(net.outputs());
        let mut targets = vec![0.0; width * examples];
        for (z, y) in z.chunks(net.outputs()).zip(targets.chunks_mut(width)) {
            likelihood.sample(z, &mut rng, y);
        }
        Self {
            net,
            likelihood,
            inputs,
            targets,
            theta,
            seed,
        }
    }
}

prop_compose! {
    /// One or no hidden layer; likelihood 0 is Gaussian, 1 Bernoulli, 2 categorical.
    pub(crate) fn case(laws: Range<usize>, examples: Range<usize>)(
        inputs in 1..4usize,
        hidden in 0..5usize,
        outputs in 1..4usize,
        law in laws,
        examples in examples,
        seed: u64,
    ) -> Case {
        let outputs = if law == 2 { outputs + 1 } else { outputs };
        let widths = [inputs, hidden, outputs];
        let widths: Vec<usize> = widths.into_iter().filter(|w| *w > 0).collect();
        Case::new(&widths, law, examples, seed)
    }
}

/// `φ ↦ Z(Mφ)`: another parametrisation of the same laws.
pub(crate) struct Reparametrised<'a> {
    pub(crate) map: &'a dyn OutputMap,
    pub(crate) matrix: MatRef<'a, f64>,
}

struct ReparametrisedAt {
    dims: Dims,
    outputs: Vec<f64>,
    /// `J M`, of size `KN × P`.
    jacobian: Mat<f64>,
}

pub(crate) fn product(matrix: MatRef<'_, f64>, vector: &[f64]) -> Vec<f64> {
    (matrix * faer::ColRef::from_slice(vector))
        .iter()
        .copied()
        .collect()
}

impl OutputMap for Reparametrised<'_> {
    fn dims(&self) -> Dims {
        self.map.dims()
    }
    fn linearize<'a>(&'a self, phi: &'a [f64]) -> Result<Box<dyn Linearization + 'a>, ModelError> {
        let theta = product(self.matrix, phi);
        let original = self.map.linearize(&theta)?;
        let dims = self.dims();
        let mut jacobian = Mat::zeros(dims.output_len(), dims.parameters);
        for (k, column) in jacobian.col_iter_mut().enumerate() {
            let tangent: Vec<f64> = self.matrix.col(k).iter().copied().collect();
            let out = column.try_as_col_major_mut().unwrap().as_slice_mut();
            original.jvp(&tangent, out);
        }
        Ok(Box::new(ReparametrisedAt {
            dims,
            outputs: original.outputs().to_vec(),
            jacobian,
        }))
    }
}

impl Linearization for ReparametrisedAt {
    fn dims(&self) -> Dims {
        self.dims
    }
    fn outputs(&self) -> &[f64] {
        &self.outputs
    }
    fn jvp(&self, tangent: &[f64], out: &mut [f64]) {
        out.copy_from_slice(&product(self.jacobian.as_ref(), tangent));
    }
    fn vjp(&self, cotangent: &[f64], out: &mut [f64]) {
        out.copy_from_slice(&product(self.jacobian.transpose(), cotangent));
    }
}

/// What a [`Faulty`] map does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    None,
    /// `Jᵀu` is NaN.
    Gradient,
    /// An output is NaN.
    Outputs,
    /// `Jᵀu` and `Jv` are so large that a step overflows.
    Slope,
}

/// A map that computes nonsense on demand.
pub(crate) struct Faulty<'a> {
    pub(crate) map: &'a dyn OutputMap,
    pub(crate) fault: Cell<Fault>,
}

struct FaultyAt<'a> {
    inner: Box<dyn Linearization + 'a>,
    outputs: Vec<f64>,
    fault: Fault,
}

impl OutputMap for Faulty<'_> {
    fn dims(&self) -> Dims {
        self.map.dims()
    }
    fn linearize<'a>(
        &'a self,
        theta: &'a [f64],
    ) -> Result<Box<dyn Linearization + 'a>, ModelError> {
        let inner = self.map.linearize(theta)?;
        let mut outputs = inner.outputs().to_vec();
        if self.fault.get() == Fault::Outputs {
            outputs[0] = f64::NAN;
        }
        Ok(Box::new(FaultyAt {
            inner,
            outputs,
            fault: self.fault.get(),
        }))
    }
}

impl FaultyAt<'_> {
    fn spoil(&self, out: &mut [f64]) {
        match self.fault {
            Fault::Gradient => out[0] = f64::NAN,
            Fault::Slope => out.fill(f64::MAX),
            Fault::None | Fault::Outputs => {}
        }
    }
}

impl Linearization for FaultyAt<'_> {
    fn dims(&self) -> Dims {
        self.inner.dims()
    }
    fn outputs(&self) -> &[f64] {
        &self.outputs
    }
    fn jvp(&self, tangent: &[f64], out: &mut [f64]) {
        self.inner.jvp(tangent, out);
        self.spoil(out);
    }
    fn vjp(&self, cotangent: &[f64], out: &mut [f64]) {
        self.inner.vjp(cotangent, out);
        self.spoil(out);
    }
}

/// `|a − b|/max(|a|, |b|)`, Euclidean.
pub(crate) fn relative_difference(a: &[f64], b: &[f64]) -> f64 {
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut a.iter().zip(b).map(|(a, b)| a - b));
    let size = norm(&mut a.iter().copied()).max(norm(&mut b.iter().copied()));
    if size > 0.0 {
        difference / size
    } else {
        difference
    }
}
