use pulp::{Arch, Simd, WithSimd};

/// Where the first NaN or infinity is.
///
/// Looking for the first of them one by one costs more than a forward pass of a single example; asking a block at a
/// time whether it has any does not.
pub(crate) fn first_non_finite(values: &[f64]) -> Option<usize> {
    let all_finite = Arch::new().dispatch(AllFinite(values));
    if all_finite {
        return None;
    }
    values.iter().position(|value| !value.is_finite())
}

struct AllFinite<'a>(&'a [f64]);

impl WithSimd for AllFinite<'_> {
    type Output = bool;
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        let Self(values) = self;
        values
            .iter()
            .fold(true, |all, value| all & value.is_finite())
    }
}
