//! An optimiser that is put down between two steps and taken up again goes on to the bit.

use crate::models::{Case, case};
use crate::stream::batches;
use neuromanifold_geometry::ConjugateGradients;
use neuromanifold_optim::{
    Adam, AdaptiveNaturalGradient, Damping, Escape, ExtendedKalmanFilter, GainRule,
    LevenbergMarquardt, Momentum, NaturalGradient, NaturalMomentum, Objective, Representation,
    Resumable, Rule, Schedule, Sgd, StateError, Step, Storage, WindUp,
};
use proptest::prelude::*;

/// Settings and the size of a batch; 0 for all examples.
type Contender = (fn() -> Box<dyn Resumable>, usize);

fn adaptive() -> AdaptiveNaturalGradient {
    let rate = Schedule::inverse_time(1.0, 5.0).unwrap();
    AdaptiveNaturalGradient::new(Rule::ShermanMorrison, rate, rate)
}

fn natural(rule: LevenbergMarquardt) -> NaturalGradient {
    NaturalGradient::new(Damping::LevenbergMarquardt(rule)).unwrap()
}

const CONTENDERS: [Contender; 12] = [
    (|| Box::new(Sgd::new(Schedule::constant(0.05).unwrap())), 2),
    (
        || {
            let sgd = Sgd::new(Schedule::cosine(0.1, 0.01, 9).unwrap());
            Box::new(sgd.with_momentum(Momentum::Nesterov(0.9)).unwrap())
        },
        2,
    ),
    (|| Box::new(Adam::new(Schedule::constant(0.05).unwrap())), 2),
    (
        || {
            let escape = Escape::default().with_patience(2, 0.9).unwrap();
            Box::new(NaturalGradient::auto().with_escape(escape.with_hops(4)))
        },
        0,
    ),
    (
        || {
            let martens = GainRule::Martens {
                omega: 0.95,
                period: 5,
            };
            Box::new(natural(
                LevenbergMarquardt::default().with_rule(martens).unwrap(),
            ))
        },
        0,
    ),
    (
        || {
            let stopping = ConjugateGradients {
                tolerance: 0.3,
                max_products: 3,
            };
            let natural = natural(LevenbergMarquardt::default())
                .with_representation(Representation::MatrixFree(stopping));
            Box::new(natural.with_momentum(NaturalMomentum::Plane).unwrap())
        },
        0,
    ),
    (
        || {
            let natural = NaturalGradient::new(Damping::Fixed(0.1)).unwrap();
            Box::new(natural.with_momentum(NaturalMomentum::Spring(0.9)).unwrap())
        },
        2,
    ),
    (|| Box::new(adaptive().with_delay(3)), 1),
    (|| Box::new(adaptive().with_storage(Storage::Single)), 2),
    (
        || {
            let cap = WindUp::Cap {
                mean_eigenvalue: 1.5,
            };
            Box::new(adaptive().with_wind_up(cap).unwrap().with_delay(4))
        },
        1,
    ),
    (
        || {
            let leakage = WindUp::Leakage { lambda: 0.1 };
            Box::new(adaptive().with_wind_up(leakage).unwrap())
        },
        1,
    ),
    (
        || {
            let filter = ExtendedKalmanFilter::new(2.0).unwrap();
            Box::new(filter.with_fading(0.99).unwrap())
        },
        2,
    ),
];

/// What is seen of a step, by its bits.
fn bits(step: &Step, theta: &[f64]) -> (String, Vec<u64>) {
    (
        format!("{step:?}"),
        theta.iter().map(|t| t.to_bits()).collect(),
    )
}

/// Steps `from..to` on the stream of a case.
fn learn(
    optimizer: &mut dyn Resumable,
    case: &Case,
    theta: &mut [f64],
    size: usize,
    steps: std::ops::Range<usize>,
) -> Vec<(String, Vec<u64>)> {
    let examples = case.inputs.len() / case.net.inputs();
    let size = if size == 0 { examples } else { size };
    let stream = batches(case, size).skip(steps.start).take(steps.len());
    stream
        .map(|(x, y)| {
            let batch = case.net.on_slice(x).unwrap();
            let objective = Objective::new(&batch, case.likelihood.as_ref(), y).unwrap();
            let step = optimizer.step(&objective, theta).unwrap();
            bits(&step, theta)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Stopped after each of its steps and gone on in a new optimiser, a run is the run that never stopped.
    #[test]
    fn a_run_goes_on_to_the_bit(case in case(0..3, 6..14), contender in 0..CONTENDERS.len()) {
        const STEPS: usize = 24;
        let (make, size) = CONTENDERS[contender];
        let mut whole = make();
        let mut theta = case.theta.clone();
        let expected = learn(whole.as_mut(), &case, &mut theta, size, 0..STEPS);
        let mut theta = case.theta.clone();
        let mut optimizer = make();
        for (t, expected) in expected.iter().enumerate() {
            let mut next = make();
            let state = optimizer.state();
            next.restore(state.clone(), theta.len()).unwrap();
            prop_assert_eq!(&next.state(), &state);
            optimizer = next;
            let got = learn(optimizer.as_mut(), &case, &mut theta, size, t..t + 1);
            prop_assert_eq!(&got[0], expected, "step {}", t);
        }
    }
}

/// A matrix of several slabs, some of whose columns wait.
#[test]
fn an_estimate_of_several_slabs_goes_on_to_the_bit() {
    let case = Case::new(&[12, 24, 2], 0, 40, 5);
    for make in [CONTENDERS[8].0, CONTENDERS[11].0] {
        let mut theta = case.theta.clone();
        let mut whole = make();
        learn(whole.as_mut(), &case, &mut theta, 2, 0..13);
        let mut resumed = make();
        resumed.restore(whole.state(), theta.len()).unwrap();
        let mut other = theta.clone();
        let expected = learn(whole.as_mut(), &case, &mut theta, 2, 13..40);
        assert!(learn(resumed.as_mut(), &case, &mut other, 2, 13..40) == expected);
    }
}

/// A state of another optimiser, of other settings or of another model is refused, and nothing is changed by it.
#[test]
fn what_does_not_belong_is_refused() {
    let case = Case::new(&[2, 3, 1], 0, 8, 3);
    let parameters = case.theta.len();
    let trained = |contender: usize| {
        let (make, size) = CONTENDERS[contender];
        let mut optimizer = make();
        learn(
            optimizer.as_mut(),
            &case,
            &mut case.theta.clone(),
            size,
            0..8,
        );
        optimizer.state()
    };
    for (into, (make, _)) in CONTENDERS.iter().enumerate() {
        let mut optimizer = make();
        let before = optimizer.state();
        let refused = optimizer.restore(trained((into + 5) % CONTENDERS.len()), parameters);
        assert!(refused.is_err(), "{into}");
        let wrong = optimizer.restore(trained(into), parameters + 9);
        let by_length = matches!(wrong, Err(StateError::Length { .. }));
        // λ alone fits any model
        assert!(by_length || into == 4, "{into}: {wrong:?}");
        if by_length {
            assert_eq!(optimizer.state(), before, "{into}");
        }
    }
    let mut double = adaptive();
    let single = trained(8);
    assert!(matches!(
        double.restore(single, parameters),
        Err(StateError::Settings { .. })
    ));
}
