//! One scalar kernel, every instruction set.
//!
//! The kernels of this module are functions of one `f64` without branches, so that a loop over a slice becomes
//! a loop over vectors as wide as the machine offers. Here the widest instruction set is chosen, once a call.
//! Elements that do not fill a vector pass through the same operations one by one, and each operation is
//! rounded as IEEE 754 demands; so the bits of a result depend on its argument alone, neither on its place in
//! the slice nor on the machine. A processor without fused multiply-add gets the same bits from a slow routine.

use pulp::{Arch, Simd, WithSimd};
use std::marker::PhantomData;

/// A function of one variable, to be applied to slices by [`map`].
///
/// Implementations must be `#[inline(always)]`, as must all they call: what is not inlined into the loop is
/// compiled for the least of the processors. (Closures would not do: they cannot be marked on stable Rust.)
pub(super) trait Kernel {
    fn value(x: f64) -> f64;
}

/// A function together with its derivative, to be applied to slices by [`map_with_derivative`].
///
/// The same condition holds as for [`Kernel`].
pub(super) trait DifferentiableKernel {
    fn value_and_derivative(x: f64) -> (f64, f64);
}

/// Writes K(xᵢ) to `outᵢ`.
#[track_caller]
pub(super) fn map<K: Kernel>(x: &[f64], out: &mut [f64]) {
    check_length("out", x, out);
    Arch::new().dispatch(Map::<K>(x, out, PhantomData));
}

/// Writes K(xᵢ) to `valueᵢ` and K'(xᵢ) to `derivativeᵢ`.
#[track_caller]
pub(super) fn map_with_derivative<K: DifferentiableKernel>(
    x: &[f64],
    value: &mut [f64],
    derivative: &mut [f64],
) {
    check_length("value", x, value);
    check_length("derivative", x, derivative);
    Arch::new().dispatch(MapWithDerivative::<K>(x, value, derivative, PhantomData));
}

#[track_caller]
fn check_length(name: &str, x: &[f64], out: &[f64]) {
    assert!(
        x.len() == out.len(),
        "slices differ in length: {} arguments, {} elements of {name}",
        x.len(),
        out.len()
    );
}

struct Map<'a, K>(&'a [f64], &'a mut [f64], PhantomData<K>);

impl<K: Kernel> WithSimd for Map<'_, K> {
    type Output = ();

    // Inlined into a function compiled for the chosen instruction set; there LLVM vectorises the loop.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self(x, out, _) = self;
        for (x, out) in x.iter().zip(out) {
            *out = K::value(*x);
        }
    }
}

struct MapWithDerivative<'a, K>(&'a [f64], &'a mut [f64], &'a mut [f64], PhantomData<K>);

impl<K: DifferentiableKernel> WithSimd for MapWithDerivative<'_, K> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self(x, value, derivative, _) = self;
        for ((x, value), derivative) in x.iter().zip(value).zip(derivative) {
            (*value, *derivative) = K::value_and_derivative(*x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elementary::{
        erf::{Erf, ErfScaled},
        exp::Exp,
        logistic::Logistic,
        softplus::Softplus,
        tanh::Tanh,
    };

    fn arguments() -> Vec<f64> {
        let grid = (-4000..4000).map(|i| f64::from(i) * 0.2);
        let fine = (-4000..4000).map(|i| f64::from(i) * 0.002);
        grid.chain(fine).chain([f64::NAN, f64::INFINITY]).collect()
    }

    /// With the instruction sets this machine has, from the least to the best; the least is the fallback.
    fn values_by_instruction_set<K: Kernel>(x: &[f64]) -> Vec<Vec<u64>> {
        let mut all = Vec::new();
        let mut record = |run: &dyn Fn(Map<'_, K>)| {
            let mut out = vec![0.0; x.len()];
            run(Map(x, &mut out, PhantomData));
            // NaN has many patterns of bits, which the fallback's routine may choose differently.
            all.push(
                out.iter()
                    .map(|y| if y.is_nan() { 0 } else { y.to_bits() })
                    .collect(),
            );
        };
        record(&|map| pulp::Scalar.vectorize(map));
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        if let Some(avx2) = pulp::x86::V3::try_new() {
            record(&|map| Simd::vectorize(avx2, map));
        }
        record(&|map| Arch::new().dispatch(map));
        all
    }

    #[track_caller]
    fn assert_same_bits<K: Kernel>() {
        let x = arguments();
        let all = values_by_instruction_set::<K>(&x);
        for other in &all[1..] {
            assert!(all[0] == *other);
        }
    }

    #[test]
    fn instruction_sets_agree_to_the_bit() {
        assert_same_bits::<Exp>();
        assert_same_bits::<Tanh>();
        assert_same_bits::<Erf>();
        assert_same_bits::<ErfScaled>();
        assert_same_bits::<Logistic>();
        assert_same_bits::<Softplus>();
    }
}
