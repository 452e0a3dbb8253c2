use crate::{Dims, Linearization, ModelError};

/// A model together with its batch: `θ ↦ Z(θ) ∈ R^{K×N}`.
///
/// The only trait a user's own model must implement. The batch (inputs, collocation points, time stamps, …) belongs to
/// the implementor; evaluating another batch means making another map, which should be cheap (a reference to the model
/// and a view of the inputs).
pub trait OutputMap {
    /// `P`, `K`, `N`.
    fn dims(&self) -> Dims;

    /// Runs the forward pass at θ and keeps what products with the Jacobian need.
    ///
    /// `theta` has length `P`. An implementor should refuse a point at which its outputs are not finite:
    /// [`ModelError::check_parameters`] and [`ModelError::check_outputs`] do it in one line each.
    ///
    /// # Errors
    /// When the map cannot be evaluated at θ.
    fn linearize<'a>(&'a self, theta: &'a [f64])
    -> Result<Box<dyn Linearization + 'a>, ModelError>;

    /// Writes `Z(θ)` into `out` (length `K·N`, one example after the other).
    ///
    /// The default goes through [`linearize`](Self::linearize); a model that can evaluate without keeping anything
    /// should override it.
    ///
    /// # Errors
    /// When the map cannot be evaluated at θ.
    ///
    /// # Panics
    /// If `out` does not have length `K·N`.
    fn outputs(&self, theta: &[f64], out: &mut [f64]) -> Result<(), ModelError> {
        out.copy_from_slice(self.linearize(theta)?.outputs());
        Ok(())
    }
}
