use super::gauge::{self, refer_to_last};
use super::{CanonicalForm, Difference, Probe, QuotientError, Tolerance};
use neuromanifold_mlp::Mlp;

/// The canonical representative of a class, and how far it is from the network it came from.
#[derive(Clone, Debug)]
pub struct Canonicalization {
    /// The architecture.
    pub net: Mlp,
    /// Its parameters.
    pub theta: Vec<f64>,
    /// The form it computes, with what the tolerance was [used](CanonicalForm::rounded) for.
    pub form: CanonicalForm,
    /// How far the two are apart on the probe: rounding, unless the tolerance was used.
    pub difference: Difference,
}

/// The canonical representative of all parameters with the same function: idempotent, and the same for all of them.
///
/// The network is the smallest for tanh, erf and logistic units; see [`reduce`](super::reduce()) for the others.
///
/// # Errors
/// As [`Shallow::new`](super::Shallow::new); those of the [`Probe`].
///
/// ```
/// use neuromanifold_geometry::quotient::{canonicalize, Probe, Tolerance};
/// use neuromanifold_mlp::{Activation, Mlp};
/// use neuromanifold_model::Gaussian;
///
/// // tanh(2x) + 3 tanh(−2x) + 5 tanh(0·x + 1) = −2 tanh(2x) + 5 tanh(1)
/// let net = Mlp::new(&[1, 3, 1], Activation::Tanh)?;
/// let theta = [2.0, -2.0, 0.0, 0.0, 0.0, 1.0, 1.0, 3.0, 5.0, 0.0];
/// let inputs = [-1.0, 0.0, 1.0, 2.0];
/// let probe = Probe {
///     inputs: neuromanifold_geometry::faer::MatRef::from_column_major_slice(&inputs, 1, 4),
///     likelihood: &Gaussian::UNIT,
/// };
/// let canonical = canonicalize(&net, &theta, &probe, Tolerance::EXACT)?;
/// assert_eq!(canonical.net.layers()[0].outputs(), 1);
/// assert_eq!(canonical.theta[..2], [2.0, -2.0]); // w and v; no bias is needed
/// assert!((canonical.theta[2] - 5.0 * 1f64.tanh()).abs() < 1e-15);
/// assert!(canonical.difference.largest < 1e-14);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn canonicalize(
    net: &Mlp,
    theta: &[f64],
    probe: &Probe<'_>,
    tolerance: Tolerance,
) -> Result<Canonicalization, QuotientError> {
    let form = CanonicalForm::of(net, theta, tolerance)?;
    let (small, small_theta) = form.network()?;
    let difference = probe.difference((net, theta), (&small, &small_theta))?;
    Ok(Canonicalization {
        net: small,
        theta: small_theta,
        form,
        difference,
    })
}

/// The canonical representative of all parameters with the same law `p(y | x; θ)` under the likelihood of the probe.
///
/// As [`canonicalize`], unless the likelihood sees no common shift of the outputs; then the last output of the representative is
/// identically 0, and the difference of outputs is measured after both are referred to their last.
///
/// # Errors
/// As [`canonicalize`].
pub fn canonicalize_law(
    net: &Mlp,
    theta: &[f64],
    probe: &Probe<'_>,
    tolerance: Tolerance,
) -> Result<Canonicalization, QuotientError> {
    let form = CanonicalForm::of_likelihood(net, theta, probe.likelihood, tolerance)?;
    let (small, small_theta) = form.network()?;
    let outputs = net.outputs();
    let mut z = probe.outputs((net, theta))?;
    if gauge::is_blind_to_shifts(probe.likelihood, outputs) {
        z.chunks_exact_mut(outputs).for_each(refer_to_last);
    }
    let difference = probe.compare(&z, &probe.outputs((&small, &small_theta))?, outputs)?;
    Ok(Canonicalization {
        net: small,
        theta: small_theta,
        form,
        difference,
    })
}
