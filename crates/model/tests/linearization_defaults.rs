//! The defaults of `Linearization` and the checks, on a model small enough to know by hand.

use faer::Mat;
use neuromanifold_model::{
    AffineLayer, Cotangents, Dims, Layerwise, Linearization, ModelError, OutputMap, check,
};
use std::ops::Range;

/// `z_{s,k} = Σ_p M_{(s,k),p} (θ_p + θ_p³)`, optionally with a wrong derivative.
struct Cubic {
    matrix: Mat<f64>,
    outputs: usize,
    wrong: Option<&'static str>,
}

struct CubicAt<'a> {
    map: &'a Cubic,
    theta: &'a [f64],
    z: Vec<f64>,
}

impl Cubic {
    fn new(parameters: usize, outputs: usize, examples: usize) -> Self {
        let matrix = Mat::from_fn(outputs * examples, parameters, |i, j| {
            ((i * 31 + j * 17) as f64).sin()
        });
        Self {
            matrix,
            outputs,
            wrong: None,
        }
    }
}

impl OutputMap for Cubic {
    fn dims(&self) -> Dims {
        Dims {
            parameters: self.matrix.ncols(),
            outputs: self.outputs,
            examples: self.matrix.nrows() / self.outputs,
        }
    }
    fn linearize<'a>(
        &'a self,
        theta: &'a [f64],
    ) -> Result<Box<dyn Linearization + 'a>, ModelError> {
        ModelError::check_parameters(theta, self.dims())?;
        let z: Vec<f64> = (0..self.matrix.nrows())
            .map(|i| {
                (0..theta.len())
                    .map(|j| self.matrix[(i, j)] * (theta[j] + theta[j].powi(3)))
                    .sum()
            })
            .collect();
        ModelError::check_outputs(&z, self.dims())?;
        Ok(Box::new(CubicAt {
            map: self,
            theta,
            z,
        }))
    }
}

impl CubicAt<'_> {
    fn slope(&self, j: usize) -> f64 {
        1.0 + 3.0 * self.theta[j] * self.theta[j]
    }
    fn jacobian(&self) -> Mat<f64> {
        Mat::from_fn(self.z.len(), self.theta.len(), |i, j| {
            self.map.matrix[(i, j)] * self.slope(j)
        })
    }
}

impl Linearization for CubicAt<'_> {
    fn dims(&self) -> Dims {
        self.map.dims()
    }
    fn outputs(&self) -> &[f64] {
        &self.z
    }
    fn jvp(&self, tangent: &[f64], out: &mut [f64]) {
        let factor = if self.map.wrong == Some("jvp") {
            1.0001
        } else {
            1.0
        };
        for (i, o) in out.iter_mut().enumerate() {
            *o = (0..tangent.len())
                .map(|j| factor * self.map.matrix[(i, j)] * self.slope(j) * tangent[j])
                .sum();
        }
    }
    fn vjp(&self, cotangent: &[f64], out: &mut [f64]) {
        let factor = match self.map.wrong {
            Some("jvp" | "vjp") => 1.0001,
            _ => 1.0,
        };
        for (j, o) in out.iter_mut().enumerate() {
            *o = (0..cotangent.len())
                .map(|i| factor * self.map.matrix[(i, j)] * self.slope(j) * cotangent[i])
                .sum();
        }
    }
}

fn largest_difference(a: &Mat<f64>, b: &Mat<f64>) -> f64 {
    (a - b).norm_max()
}

#[test]
fn pullback_takes_either_route_to_the_same_columns() {
    // P = 3 is cheaper by tangents, P = 40 by cotangents.
    for parameters in [3, 40] {
        let map = Cubic::new(parameters, 2, 5);
        let theta: Vec<f64> = (0..parameters).map(|j| (j as f64).cos()).collect();
        let at = map.linearize(&theta).unwrap();
        let rank = 3;
        let values: Vec<f64> = (0..2 * rank * 5).map(|i| (i as f64 * 0.7).sin()).collect();
        let cotangents = Cotangents::new(&values, 2, rank);

        let exact = CubicAt {
            map: &map,
            theta: &theta,
            z: vec![0.0; 10],
        }
        .jacobian();
        let expected = Mat::from_fn(parameters, rank * 5, |p, column| {
            let (s, j) = (column / rank, column % rank);
            (0..2)
                .map(|k| exact[(2 * s + k, p)] * cotangents.column(s, j)[k])
                .sum::<f64>()
        });
        let mut all = Mat::zeros(parameters, rank * 5);
        at.pullback(cotangents, 0..5, all.as_mut());
        assert!(largest_difference(&all, &expected) < 1e-13);

        let mut some = Mat::zeros(parameters, rank * 2);
        at.pullback(cotangents, 2..4, some.as_mut());
        let slice = expected.subcols(2 * rank, 2 * rank).to_owned();
        assert!(largest_difference(&some, &slice) < 1e-13);

        let mut gram = Mat::zeros(rank * 5, rank * 5);
        at.gram(cotangents, gram.as_mut());
        let product = expected.transpose() * &expected;
        assert!(largest_difference(&gram, &product) < 1e-11);
    }
}

#[test]
fn checks_pass_a_right_model_and_catch_wrong_ones() {
    let mut map = Cubic::new(4, 2, 3);
    let theta = [0.3, -0.2, 0.9, -1.1];
    let report = check::finite_difference(&map, &theta).unwrap();
    assert!(report.relative_error < 1e-9, "{report:?}");
    map.wrong = Some("vjp");
    let error = check::finite_difference(&map, &theta).unwrap_err();
    assert!(
        matches!(error, check::CheckError::Adjoint { .. }),
        "{error}"
    );
    map.wrong = Some("jvp");
    let error = check::finite_difference(&map, &theta).unwrap_err();
    assert!(
        matches!(error, check::CheckError::Derivative { .. }),
        "{error}"
    );
}

#[test]
fn non_finite_points_are_refused_with_their_place() {
    let map = Cubic::new(2, 2, 2);
    let refused = |theta: &[f64]| map.linearize(theta).err().unwrap().to_string();
    assert_eq!(
        refused(&[0.0, f64::NAN]),
        "parameter 1 of θ is NaN; every parameter must be finite"
    );
    assert_eq!(
        refused(&[0.0]),
        "θ has 1 entries, the model has 2 parameters"
    );
    // 0 · ∞ in the first row
    assert!(refused(&[1e200, 0.0]).starts_with("output 0 of example 0 is NaN"));
}

/// One affine layer `z = W x + b` of two inputs and two outputs, which may misreport itself.
struct Affine {
    x: Vec<f64>,
    z: Vec<f64>,
    start: usize,
    scale: f64,
}

impl Affine {
    fn new(start: usize, scale: f64) -> Self {
        Self {
            x: vec![0.3, -1.2, 0.8, 0.5, -0.7, 2.0],
            z: vec![0.0; 6],
            start,
            scale,
        }
    }
}

impl Linearization for Affine {
    fn dims(&self) -> Dims {
        Dims {
            parameters: 6,
            outputs: 2,
            examples: 3,
        }
    }
    fn outputs(&self) -> &[f64] {
        &self.z
    }
    fn jvp(&self, v: &[f64], out: &mut [f64]) {
        for (z, x) in out.chunks_exact_mut(2).zip(self.x.chunks_exact(2)) {
            for (k, z) in z.iter_mut().enumerate() {
                *z = v[2 * k] * x[0] + v[2 * k + 1] * x[1] + v[4 + k];
            }
        }
    }
    fn vjp(&self, u: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for (u, x) in u.chunks_exact(2).zip(self.x.chunks_exact(2)) {
            for k in 0..2 {
                out[2 * k] += u[k] * x[0];
                out[2 * k + 1] += u[k] * x[1];
                out[4 + k] += u[k];
            }
        }
    }
    fn layers(&self) -> Option<&dyn Layerwise> {
        Some(self)
    }
}

impl Layerwise for Affine {
    fn depth(&self) -> usize {
        1
    }
    fn layer(&self, _: usize) -> AffineLayer {
        AffineLayer {
            inputs: 2,
            outputs: 2,
            has_bias: true,
            start: self.start,
        }
    }
    fn panel(&self) -> usize {
        1
    }
    fn inputs_of(&self, _: usize, examples: Range<usize>, out: &mut [f64]) {
        out.copy_from_slice(&self.x[2 * examples.start..2 * examples.end]);
    }
    fn carry_back(&self, cotangents: Cotangents<'_>, examples: Range<usize>, out: &mut [f64]) {
        let length = 2 * cotangents.rank();
        out.copy_from_slice(&cotangents.values()[length * examples.start..length * examples.end]);
        out.iter_mut().for_each(|delta| *delta *= self.scale);
    }
}

#[test]
fn layers_are_checked_against_the_other_products() {
    let report = check::layerwise(&Affine::new(0, 1.0)).unwrap();
    assert!(report.relative_error < 1e-14, "{report:?}");
    let error = check::layerwise(&Affine::new(1, 1.0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "parameter 0 of 6 belongs to 0 affine layers; it must belong to exactly one"
    );
    let error = check::layerwise(&Affine::new(0, 1.01)).unwrap_err();
    assert!(
        matches!(error, check::CheckError::OuterProduct { example: 0, .. }),
        "{error}"
    );
    // a map that offers none has nothing to be wrong
    let map = Cubic::new(4, 2, 3);
    let at = map.linearize(&[0.1; 4]).unwrap();
    assert!(check::layerwise(at.as_ref()).is_ok());
}
