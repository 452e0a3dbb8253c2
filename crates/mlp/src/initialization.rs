use crate::{Layer, Mlp};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal, StandardUniform};

/// Named laws for random weights of a layer with `in` inputs and `out` units.
///
/// All have mean zero and are independent from weight to weight.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Initialization {
    /// `N(0, 1/in)`: preactivations of unit variance for inputs of unit variance.
    ///
    /// Y. LeCun, L. Bottou, G. Orr, K.-R. Müller, *Efficient BackProp* (1998),
    /// [doi:10.1007/3-540-49430-8_2](https://doi.org/10.1007/3-540-49430-8_2).
    LeCun,
    /// `N(0, 2/(in + out))`: a compromise between the forward and the backward variance.
    ///
    /// X. Glorot, Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks*, AISTATS
    /// (2010), <https://proceedings.mlr.press/v9/glorot10a.html>.
    Glorot,
    /// `N(0, 2/in)`: keeps the variance through ReLU layers.
    ///
    /// K. He, X. Zhang, S. Ren, J. Sun, *Delving deep into rectifiers* (2015),
    /// [arXiv:1502.01852](https://arxiv.org/abs/1502.01852).
    He,
    /// `N(0, std²)` whatever the fan-in.
    Normal {
        /// Standard deviation.
        std: f64,
    },
    /// Uniform on `[−bound, bound)` whatever the fan-in.
    Uniform {
        /// Largest magnitude.
        bound: f64,
    },
}

impl Initialization {
    /// One weight of a layer.
    fn sample<R: Rng + ?Sized>(self, layer: &Layer, rng: &mut R) -> f64 {
        let (inputs, outputs) = (layer.inputs as f64, layer.outputs as f64);
        match self {
            Self::LeCun => normal(rng) * (1.0 / inputs).sqrt(),
            Self::Glorot => normal(rng) * (2.0 / (inputs + outputs)).sqrt(),
            Self::He => normal(rng) * (2.0 / inputs).sqrt(),
            Self::Normal { std } => normal(rng) * std,
            Self::Uniform { bound } => {
                let unit: f64 = StandardUniform.sample(rng);
                (2.0 * unit - 1.0) * bound
            }
        }
    }
}

/// θ in its own order; without `bias_std` the biases are zero and draw nothing.
#[track_caller]
pub(crate) fn draw<R: Rng + ?Sized>(
    mlp: &Mlp,
    scheme: Initialization,
    bias_std: Option<f64>,
    rng: &mut R,
) -> Vec<f64> {
    if let Initialization::Normal { std: scale } | Initialization::Uniform { bound: scale } = scheme
    {
        assert!(scale.is_finite(), "the scale of {scheme:?} is not finite");
    }
    let mut theta = vec![0.0; mlp.parameters()];
    for layer in mlp.layers() {
        for weight in &mut theta[layer.weights()] {
            *weight = scheme.sample(layer, rng);
        }
        if let (Some(bias), Some(std)) = (layer.bias(), bias_std) {
            for entry in &mut theta[bias] {
                *entry = normal(rng) * std;
            }
        }
    }
    theta
}

fn normal<R: Rng + ?Sized>(rng: &mut R) -> f64 {
    StandardNormal.sample(rng)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Activation;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    /// A change of these numbers changes every seeded experiment.
    #[test]
    fn value_stability() {
        let mlp = Mlp::new(&[2, 1, 1], Activation::Tanh).unwrap();
        let schemes = [
            Initialization::LeCun,
            Initialization::Glorot,
            Initialization::He,
            Initialization::Normal { std: 0.5 },
            Initialization::Uniform { bound: 2.0 },
        ];
        let drawn = schemes.map(|scheme| {
            let mut rng = ChaCha8Rng::seed_from_u64(42);
            mlp.initialize_with_biases(scheme, 0.1, &mut rng)
        });
        assert_eq!(drawn, STABLE);
    }

    const STABLE: [[f64; 5]; 5] = [
        [
            0.337_983_774_917_950_95,
            0.943_330_375_076_586_9,
            -0.021_086_668_327_103_028,
            0.476_346_923_808_821_3,
            -0.051_209_062_205_616_34,
        ],
        [
            0.390_270_046_861_209_75,
            1.089_264_091_970_436_2,
            -0.021_086_668_327_103_028,
            0.476_346_923_808_821_3,
            -0.051_209_062_205_616_34,
        ],
        [
            0.477_981_238_351_021_74,
            1.334_070_610_231_807_8,
            -0.021_086_668_327_103_028,
            0.673_656_280_045_138_6,
            -0.051_209_062_205_616_34,
        ],
        [
            0.238_990_619_175_510_87,
            0.667_035_305_115_903_9,
            -0.021_086_668_327_103_028,
            0.238_173_461_904_410_66,
            -0.051_209_062_205_616_34,
        ],
        [
            0.727_584_769_226_685_7,
            1.801_101_630_689_936,
            -0.021_086_668_327_103_028,
            0.509_442_084_789_361_3,
            -0.051_209_062_205_616_34,
        ],
    ];

    #[test]
    fn variances_are_as_named() {
        let mlp = Mlp::new(&[300, 100, 1], Activation::Tanh).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let expected = [
            (Initialization::LeCun, 1.0 / 300.0),
            (Initialization::Glorot, 2.0 / 400.0),
            (Initialization::He, 2.0 / 300.0),
            (Initialization::Normal { std: 0.5 }, 0.25),
            (Initialization::Uniform { bound: 2.0 }, 4.0 / 3.0),
        ];
        for (scheme, expected) in expected {
            let theta = mlp.initialize(scheme, &mut rng);
            let weights = &theta[mlp.layers()[0].weights()];
            let count = weights.len() as f64;
            let mean = weights.iter().sum::<f64>() / count;
            let variance = weights.iter().map(|w| w * w).sum::<f64>() / count;
            // Five standard deviations of the estimates from 30 000 draws.
            assert!(
                mean.abs() < 5.0 * (expected / count).sqrt(),
                "{scheme:?}: mean {mean}"
            );
            let allowed = 5.0 * expected * (2.0 / count).sqrt();
            assert!(
                (variance - expected).abs() < allowed,
                "{scheme:?}: variance {variance}"
            );
        }
    }

    #[test]
    fn biases_are_zero_unless_asked_for_and_draw_nothing() {
        let mlp = Mlp::new(&[3, 2, 1], Activation::Tanh).unwrap();
        let bare = Mlp::committee(3, 2, Activation::Tanh).unwrap();
        let seeded = || ChaCha8Rng::seed_from_u64(9);
        let theta = mlp.initialize(Initialization::LeCun, &mut seeded());
        let weights = bare.initialize(Initialization::LeCun, &mut seeded());
        assert_eq!(theta[..6], weights[..6]);
        assert_eq!(theta[6..8], [0.0, 0.0]);
        assert_eq!(theta[8..10], weights[6..8]);
        assert_eq!(theta[10..], [0.0]);
        let theta = mlp.initialize_with_biases(Initialization::LeCun, 1.0, &mut seeded());
        assert!(theta[6..8].iter().all(|b| b.abs() > 1e-6));
    }
}
