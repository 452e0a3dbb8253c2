use neuromanifold_mlp::Activation;

/// The identity by which an activation reads `−u`: what a unit `v φ(u)` leaves behind when its incoming weights change sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reflection {
    /// `φ(−u) = −φ(u)`: nothing.
    Odd,
    /// `φ(−u) = 1 − φ(u)`: the constant `v`.
    Complement,
    /// `φ(−u) = φ(u) − u`: the affine function `v u`.
    Affine,
    /// No such identity is known.
    Absent,
}

impl Reflection {
    /// The identity of an activation.
    pub(crate) fn of(activation: Activation) -> Self {
        match activation {
            Activation::Tanh | Activation::Erf | Activation::Identity => Self::Odd,
            Activation::Logistic => Self::Complement,
            Activation::Softplus | Activation::Relu => Self::Affine,
            _ => Self::Absent,
        }
    }
}

/// Whether `φ(s u) = s φ(u)` for `s > 0`.
pub(crate) fn is_homogeneous(activation: Activation) -> bool {
    matches!(activation, Activation::Relu | Activation::Identity)
}

/// What the outgoing weights of a unit are divided by where its incoming ones are multiplied by `factor`.
pub(crate) fn outgoing_divisor(activation: Activation, factor: f64) -> f64 {
    match Reflection::of(activation) {
        Reflection::Affine => factor.abs(),
        Reflection::Odd | Reflection::Complement | Reflection::Absent => factor,
    }
}

/// Whether the activation allows the factor, in some company.
#[allow(clippy::float_cmp)] // signs are exactly ±1
pub(crate) fn allows(activation: Activation, factor: f64) -> bool {
    let size = is_homogeneous(activation) || factor.abs() == 1.0;
    let sign = factor > 0.0 || Reflection::of(activation) != Reflection::Absent;
    factor.is_finite() && factor.abs() > 0.0 && size && sign
}

/// The factors an activation allows, in words.
pub(crate) fn allowed(activation: Activation) -> &'static str {
    match Reflection::of(activation) {
        _ if is_homogeneous(activation) => "factors other than 0",
        Reflection::Absent => "only 1",
        _ => "1 and −1",
    }
}
