use super::ClosedFormError;

/// The joint Gaussian law of two pre-activations `u_a`, `u_b`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairLaw {
    pub(crate) means: [f64; 2],
    pub(crate) variances: [f64; 2],
    pub(crate) covariance: f64,
    /// `Q_aa Q_bb − Q_ab²`, kept apart because the difference cancels for nearly parallel units.
    pub(crate) determinant: f64,
}

impl PairLaw {
    /// Means `E u`, variances `Q_aa`, `Q_bb` and covariance `Q_ab`.
    ///
    /// # Errors
    /// [`ClosedFormError::NotFinite`]; [`ClosedFormError::NotPositiveDefinite`] for negative variances, or a covariance larger
    /// than the variances allow (beyond rounding).
    pub fn new(
        means: [f64; 2],
        variances: [f64; 2],
        covariance: f64,
    ) -> Result<Self, ClosedFormError> {
        let numbers = [means[0], means[1], variances[0], variances[1], covariance];
        if let Some(index) = numbers.iter().position(|x| !x.is_finite()) {
            return Err(ClosedFormError::NotFinite {
                what: "law of the pre-activations",
                index,
                value: numbers[index],
            });
        }
        let product = variances[0] * variances[1];
        let determinant = product - covariance * covariance;
        let smallest = variances[0]
            .min(variances[1])
            .min(determinant + 4.0 * f64::EPSILON * product);
        if smallest < 0.0 {
            return Err(ClosedFormError::NotPositiveDefinite {
                index: 0,
                value: smallest,
                largest: variances[0].max(variances[1]),
            });
        }
        Ok(Self {
            means,
            variances,
            covariance,
            determinant: determinant.max(0.0),
        })
    }

    /// Passes if there is a normal law of one pre-activation with this mean and variance.
    pub(crate) fn check_unit(mean: f64, variance: f64) -> Result<(), ClosedFormError> {
        Self::new([mean; 2], [variance; 2], 0.0).map(|_| ())
    }

    /// The law of `w_a·z + b_a` and `w_b·z + b_b` for standard normal `z`.
    ///
    /// The determinant is that of what is left of the longer vector beside the shorter one: accurate where the two are nearly
    /// parallel.
    pub(crate) fn of_weights(a: &[f64], b: &[f64], means: [f64; 2]) -> Self {
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let variances = [dot(a, a), dot(b, b)];
        let covariance = dot(a, b);
        let (base, other) = if variances[0] >= variances[1] {
            (a, b)
        } else {
            (b, a)
        };
        let longest = variances[0].max(variances[1]);
        let determinant = if longest > 0.0 {
            let slope = covariance / longest;
            let square = |(x, y): (&f64, &f64)| (y - slope * x).powi(2);
            longest * base.iter().zip(other).map(square).sum::<f64>()
        } else {
            0.0
        };
        Self {
            means,
            variances,
            covariance,
            determinant,
        }
    }

    /// The law of `(c_a u_a, c_b u_b)`.
    pub(crate) fn scaled(&self, a: f64, b: f64) -> Self {
        let square = a * b;
        Self {
            means: [a * self.means[0], b * self.means[1]],
            variances: [a * a * self.variances[0], b * b * self.variances[1]],
            covariance: square * self.covariance,
            determinant: square * square * self.determinant,
        }
    }

    /// The same law with the two exchanged.
    #[must_use]
    pub fn swapped(&self) -> Self {
        Self {
            means: [self.means[1], self.means[0]],
            variances: [self.variances[1], self.variances[0]],
            ..*self
        }
    }
}

/// `E[φ(u)]`, `E[φ'(u)]`, `E[φ''(u)]` of one Gaussian pre-activation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct UnitMoments {
    /// `E[φ]`.
    pub e0: f64,
    /// `E[φ']`.
    pub e1: f64,
    /// `E[φ'']`.
    pub e2: f64,
}

/// The averages of products of derivatives, `e_ij = E[φ⁽ⁱ⁾(u_a) φ⁽ʲ⁾(u_b)]`, that Stein's lemma asks for.
///
/// For a standard normal `z` and `u_a = w_a·z + b_a`, `u_b = w_b·z + b_b`, integration by parts gives
///
/// ```text
/// E[φ'_a φ_b  z]   = e20 w_a + e11 w_b
/// E[φ'_a φ'_b z]   = e21 w_a + e12 w_b
/// E[φ'_a φ'_b zzᵀ] = e11 I + e31 w_a w_aᵀ + e22 (w_a w_bᵀ + w_b w_aᵀ) + e13 w_b w_bᵀ
/// ```
///
/// so that every block of the metric is made of these eleven numbers and of the weights. They are smooth functions of the
/// weights where φ is smooth, at parallel units too. For a rectifier, `φ''` is Dirac's δ.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PairMoments {
    /// `E[φ φ]`.
    pub e00: f64,
    /// `E[φ φ']`.
    pub e01: f64,
    /// `E[φ' φ]`.
    pub e10: f64,
    /// `E[φ' φ']`.
    pub e11: f64,
    /// `E[φ φ'']`.
    pub e02: f64,
    /// `E[φ'' φ]`.
    pub e20: f64,
    /// `E[φ' φ'']`.
    pub e12: f64,
    /// `E[φ'' φ']`.
    pub e21: f64,
    /// `E[φ'' φ'']`.
    pub e22: f64,
    /// `E[φ' φ''']`.
    pub e13: f64,
    /// `E[φ''' φ']`.
    pub e31: f64,
}

impl PairMoments {
    /// Which derivatives each average multiplies, in the order of [`to_array`](Self::to_array).
    pub const ORDERS: [(usize, usize); 11] = [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
        (0, 2),
        (2, 0),
        (1, 2),
        (2, 1),
        (2, 2),
        (1, 3),
        (3, 1),
    ];

    /// The averages in the order of [`ORDERS`](Self::ORDERS).
    #[must_use]
    pub fn to_array(&self) -> [f64; 11] {
        [
            self.e00, self.e01, self.e10, self.e11, self.e02, self.e20, self.e12, self.e21,
            self.e22, self.e13, self.e31,
        ]
    }

    /// The averages from their array.
    #[must_use]
    pub fn from_array(array: [f64; 11]) -> Self {
        let [e00, e01, e10, e11, e02, e20, e12, e21, e22, e13, e31] = array;
        Self {
            e00,
            e01,
            e10,
            e11,
            e02,
            e20,
            e12,
            e21,
            e22,
            e13,
            e31,
        }
    }

    /// The averages of the pair with its units exchanged.
    #[must_use]
    pub fn swapped(&self) -> Self {
        Self {
            e01: self.e10,
            e10: self.e01,
            e02: self.e20,
            e20: self.e02,
            e12: self.e21,
            e21: self.e12,
            e13: self.e31,
            e31: self.e13,
            ..*self
        }
    }
}
