use crate::case::{normals, smooth_case};
use crate::{STOPPING, at, dense, distance, norm};
use neuromanifold_geometry::{
    FisherOperator, GramFisher, Inverse, Metric, OutputFactor, RankTolerance, kullback_leibler,
};
use neuromanifold_mlp::{Activation, Mlp};
use neuromanifold_model::{Gaussian, OutputMap};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_metric_is_symmetric_and_semidefinite(case in smooth_case()) {
        let fisher = dense(&case);
        let matrix = fisher.matrix();
        for j in 0..fisher.dim() {
            for i in 0..j {
                prop_assert!(matrix[(i, j)].to_bits() == matrix[(j, i)].to_bits());
            }
        }
        let spectrum = fisher.spectrum().unwrap();
        let rounding = RankTolerance::rounding(fisher.dim()).threshold(spectrum.largest());
        prop_assert!(spectrum.eigenvalues()[0] >= -rounding, "{:?}", spectrum.eigenvalues());
        prop_assert!(fisher.norm_squared(&case.direction()) >= -rounding);
        // Rank is at most the number of independent columns.
        let columns = case.inputs.len() / case.net.inputs() * case.likelihood.factor_rank(case.net.outputs());
        prop_assert!(spectrum.rank(RankTolerance::rounding(fisher.dim())) <= columns);
    }

    #[test]
    fn the_metric_is_the_covariance_of_the_score(case in smooth_case()) {
        let direction = case.direction();
        let exact = dense(&case).norm_squared(&direction);
        let law = case.likelihood.as_ref();
        // vᵀ(scores scoresᵀ)v is a mean of squares, so its standard error is measured along with it.
        let batches = 50;
        let mut rng = case.rng();
        let (sum, squares) = at(&case, |l| {
            (0..batches).map(|_| {
                let factor = OutputFactor::monte_carlo(l, law, 200, &mut rng).unwrap();
                FisherOperator::from_factor(l, factor, STOPPING).unwrap().norm_squared(&direction)
            }).fold((0.0, 0.0), |(a, b), v| (a + v, b + v * v))
        });
        let n = f64::from(batches);
        let mean = sum / n;
        let error = ((squares / n - mean * mean).max(0.0) / n).sqrt();
        // Six standard errors estimated from 50 batches; a rare class may appear in none of the 10⁴ draws.
        let rare = 10.0 * (exact / 1e4).min(exact);
        prop_assert!((mean - exact).abs() <= 6.5 * error + rare + 1e-14, "{mean} ± {error} against {exact}");
    }

    #[test]
    fn matrix_free_and_sample_space_products_equal_the_dense_ones(case in smooth_case()) {
        let fisher = dense(&case);
        let law = case.likelihood.as_ref();
        let size = fisher.matrix().norm_max().max(f64::MIN_POSITIVE);
        at(&case, |l| {
            let operator = FisherOperator::new(l, law, STOPPING).unwrap();
            let gram = GramFisher::new(l, law).unwrap();
            for other in [operator.to_dense(), gram.to_dense()] {
                let error = (fisher.matrix() - &other).norm_max();
                prop_assert!(error <= 1e-13 * size, "{error} of {size}");
            }
            let v = case.direction();
            let own = fisher.norm_squared(&v);
            prop_assert!((operator.norm_squared(&v) - own).abs() <= 1e-13 * size);
            prop_assert!((gram.norm_squared(&v) - own).abs() <= 1e-13 * size);
            // G and K share their positive eigenvalues, so also the trace.
            let trace: f64 = (0..gram.columns()).map(|i| gram.gram()[(i, i)]).sum();
            prop_assert!((trace - fisher.trace()).abs() <= 1e-12 * trace);
            Ok(())
        })?;
    }

    #[test]
    fn damped_solves_agree_in_every_representation(case in smooth_case(), exponent in -4.0..1.0) {
        let fisher = dense(&case);
        let law = case.likelihood.as_ref();
        let lambda = 10f64.powf(exponent) * (fisher.trace() / fisher.dim() as f64).max(1e-6);
        let inverse = Inverse::damped(lambda);
        let condition = 1.0 + fisher.trace() / lambda;
        let gradient = normals(fisher.dim(), &mut case.rng());
        let solved = |metric: &dyn Metric| {
            let mut x = vec![0.0; gradient.len()];
            let solve = metric.raise(&gradient, inverse, &mut x).unwrap();
            assert!(solve.relative_residual < 1e-9, "{solve:?}");
            x
        };
        let reference = solved(&fisher);
        at(&case, |l| {
            let dual = solved(&GramFisher::new(l, law).unwrap());
            let iterated = solved(&FisherOperator::new(l, law, STOPPING).unwrap());
            // A direct solve is right to ε times the condition number, an iterated one to its residual times it.
            for (other, residual) in [(dual, 100.0 * f64::EPSILON), (iterated, 10.0 * STOPPING.tolerance)] {
                let error = distance(&reference, &other) / norm(&reference);
                prop_assert!(error <= residual * condition, "{error} at condition {condition}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn raising_by_sample_coordinates_is_raising_the_gradient(case in smooth_case(), exponent in -3.0..1.0) {
        let fisher = dense(&case);
        let law = case.likelihood.as_ref();
        let inverse = Inverse::damped(10f64.powf(exponent) * fisher.trace().max(1e-6));
        at(&case, |l| {
            let gram = GramFisher::new(l, law).unwrap();
            let white = normals(gram.columns(), &mut case.rng());
            // g = (1/N) Σ Jᵀ B w, through a factor without the 1/√N
            let (k, rank) = (case.net.outputs(), law.factor_rank(case.net.outputs()));
            let n = l.dims().examples;
            let mut cotangent = vec![0.0; k * n];
            let mut b = vec![0.0; k * rank];
            for s in 0..n {
                law.factor(&l.outputs()[s * k..][..k], &mut b);
                for j in 0..rank {
                    for i in 0..k {
                        cotangent[s * k + i] += b[j * k + i] * white[s * rank + j] / n as f64;
                    }
                }
            }
            let mut gradient = vec![0.0; fisher.dim()];
            l.vjp(&cotangent, &mut gradient);
            let (mut direct, mut dual) = (gradient.clone(), gradient.clone());
            fisher.raise(&gradient, inverse, &mut direct).unwrap();
            gram.raise_whitened(&white, inverse, &mut dual).unwrap();
            prop_assert!(distance(&direct, &dual) <= 1e-9 * norm(&direct) + 1e-14);

            let pseudo = Inverse::pseudo(1e-9);
            let whitened = gram.raise_whitened(&white, pseudo, &mut dual).unwrap();
            let ordinary = fisher.raise(&gradient, pseudo, &mut direct).unwrap();
            // Both drop the same eigenvalues unless one lies at the threshold itself.
            prop_assume!(whitened.rank == ordinary.rank && fisher.spectrum().unwrap().gap(RankTolerance::Relative(1e-9)) > 1e4);
            prop_assert!(distance(&direct, &dual) <= 1e-6 * norm(&direct) + 1e-14);
            Ok(())
        })?;
    }

    #[test]
    fn the_pseudo_inverse_is_one(case in smooth_case()) {
        let fisher = dense(&case);
        let tolerance = RankTolerance::Relative(1e-10);
        let spectrum = fisher.spectrum().unwrap();
        prop_assume!(spectrum.gap(tolerance) > 1e3 && spectrum.rank(tolerance) > 0);
        let inverse = Inverse::Pseudo { tolerance };
        let v = case.direction();
        // G G⁺ G v = G v, and G⁺ G v is the part of v outside the null space.
        let mut lowered = v.clone();
        fisher.lower(&v, &mut lowered);
        let mut raised = v.clone();
        let solve = fisher.raise(&lowered, inverse, &mut raised).unwrap();
        prop_assert!(solve.rank + spectrum.nullity(tolerance) == fisher.dim());
        let mut again = v.clone();
        fisher.lower(&raised, &mut again);
        // what was dropped, and the rounding of the products
        let dropped = 1.1 * tolerance.threshold(spectrum.largest());
        prop_assert!(distance(&again, &lowered) <= dropped, "{} of {dropped}", distance(&again, &lowered));
        for axis in spectrum.null_space(tolerance).col_iter() {
            let along: f64 = axis.iter().zip(&raised).map(|(n, r)| n * r).sum();
            prop_assert!(along.abs() < 1e-9, "{along}");
        }
        // the same through the examples
        at(&case, |l| {
            let gram = GramFisher::new(l, case.likelihood.as_ref()).unwrap();
            let mut dual = v.clone();
            let through = gram.raise(&lowered, inverse, &mut dual).unwrap();
            prop_assert!(through.rank == solve.rank);
// K has the eigenvalues of G, and its pseudo-inverse is applied twice to Aᵀg, whose rounding ε|A||g| comes
            // back through A multiplied by λ^{-3/2}.
            let smallest = spectrum.eigenvalues()[spectrum.nullity(tolerance)];
            let amplified = (spectrum.largest() / smallest).powf(1.5) * f64::EPSILON;
            prop_assert!(distance(&dual, &raised) <= 20.0 * amplified, "{} {amplified}", distance(&dual, &raised));
            Ok(())
        })?;
    }

    #[test]
    fn equivalent_parameters_are_at_distance_zero(
        inputs in 1..4usize, hidden in 2..6usize, outputs in 1..3usize, erf: bool, seed: u64,
    ) {
        use rand::SeedableRng;
        let activation = if erf { Activation::Erf } else { Activation::Tanh };
        let net = Mlp::new(&[inputs, hidden, outputs], activation).unwrap();
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let theta = normals(net.parameters(), &mut rng);
        let x = normals(7 * inputs, &mut rng);
        // rotate the hidden units by one and flip the sign of the one that comes first
        let (w, b) = (inputs * hidden, hidden);
        let mut moved = theta.clone();
        for unit in 0..hidden {
            let (from, sign) = ((unit + 1) % hidden, if unit == 0 { -1.0 } else { 1.0 });
            for i in 0..inputs {
                moved[unit * inputs + i] = sign * theta[from * inputs + i];
            }
            moved[w + unit] = sign * theta[w + from];
            for k in 0..outputs {
                moved[w + b + k * hidden + unit] = sign * theta[w + b + k * hidden + from];
            }
        }
        let batch = net.on_slice(&x).unwrap();
        let (mut one, mut other) = (vec![0.0; 7 * outputs], vec![0.0; 7 * outputs]);
        batch.outputs(&theta, &mut one).unwrap();
        batch.outputs(&moved, &mut other).unwrap();
        prop_assert!(distance(&one, &other) <= 1e-13 * (1.0 + norm(&one)));
        let divergence = kullback_leibler(&batch, &Gaussian::UNIT, &theta, &moved).unwrap();
        prop_assert!(divergence <= 1e-26 * (1.0 + norm(&one)), "{divergence}");
    }
}
