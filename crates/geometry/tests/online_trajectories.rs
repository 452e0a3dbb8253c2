//! Solutions of the order-parameter equations: an independent implementation, another integrator, symmetries, known plateaus.

use neuromanifold_geometry::closed_form::online::{LearningRule, OrderParameters, SoftCommittee};
use neuromanifold_geometry::faer::{Mat, MatRef, mat};

const RULES: [(LearningRule, f64); 2] = [
    (LearningRule::GradientDescent, 1.0),
    (LearningRule::NaturalGradient, 0.2),
];

struct Case {
    start: OrderParameters,
    teacher: Mat<f64>,
    noise: f64,
}

/// α, generalisation error, Q, R.
type Point = (f64, f64, Mat<f64>, Mat<f64>);

impl Case {
    /// Against an implementation with explicit vectors and a dense metric, whose equations were integrated by a method of eighth
    /// order to 3e-13. The times lie between the ends of steps, so the continuous solution is tested as well.
    fn follow(&self, rule: LearningRule, rate: f64, points: [Point; 2]) {
        let committee =
            SoftCommittee::new(self.teacher.as_ref(), self.noise, rate, rule).expect("a solution");
        // for each digit that is asked for one digit is given, to within a factor of ten
        for (tolerance, bound) in [(1e-11, 1e-10), (1e-7, 1e-6)] {
            let trajectory = committee
                .trajectory(&self.start, 20.0, tolerance)
                .expect("a solution");
            for (alpha, error, students, overlaps) in &points {
                let at = trajectory.at(*alpha);
                near(at.students(), students.as_ref(), bound);
                near(at.overlaps(), overlaps.as_ref(), bound);
                assert!(
                    (committee.generalization_error(&at).expect("overlaps") - error).abs() < bound
                );
            }
        }
    }
}

#[track_caller]
fn near(found: MatRef<'_, f64>, expected: MatRef<'_, f64>, bound: f64) {
    let error = (found - expected).norm_max();
    assert!(error < bound, "{error:e}\n{found:?}\n{expected:?}");
}

#[test]
fn two_students_of_two_teachers() {
    let case = Case {
        start: OrderParameters::new(
            mat![[0.5, 0.1], [0.1, 0.4]].as_ref(),
            mat![[0.2, 0.05], [-0.1, 0.3]].as_ref(),
        )
        .unwrap(),
        teacher: mat![[1.0, 0.2], [0.2, 0.8]],
        noise: 0.01,
    };
    case.follow(
        LearningRule::GradientDescent,
        1.5,
        [
            (
                2.0,
                0.10283050916832526,
                mat![
                    [0.8966916427797346, 0.33403140368780965],
                    [0.33403140368780954, 0.8502383973211599]
                ],
                mat![
                    [0.7212697662065325, 0.32331777034652165],
                    [0.36132762776543137, 0.6363297708037772]
                ],
            ),
            (
                20.0,
                0.015551169816350102,
                mat![
                    [0.9472911465327762, 0.2505657238110036],
                    [0.2505657238110004, 0.834663640995763]
                ],
                mat![
                    [0.917350792786734, 0.24896000811713792],
                    [0.2783559611978038, 0.7637057225235974]
                ],
            ),
        ],
    );
    case.follow(
        LearningRule::NaturalGradient,
        0.3,
        [
            (
                2.0,
                0.18547196017580603,
                mat![
                    [1.196078409774207, -0.7305553835820865],
                    [-0.7305553835820867, 1.1795830048170914]
                ],
                mat![
                    [0.36508016127603227, 0.17191439572052247],
                    [0.15230780938875882, 0.40342653231677866]
                ],
            ),
            (
                20.0,
                0.024153932549168394,
                mat![
                    [0.7986195250467382, 0.0014652526001046704],
                    [0.0014652526000965434, 0.7620564425420225]
                ],
                mat![
                    [0.5940122848415189, 0.35080934117758206],
                    [0.3996072949654744, 0.5006150674656045]
                ],
            ),
        ],
    );
}

#[test]
fn two_students_of_three_teachers() {
    let case = Case {
        start: OrderParameters::new(
            mat![[0.5, 0.1], [0.1, 0.4]].as_ref(),
            mat![[0.2, 0.05, -0.3], [-0.1, 0.3, 0.1]].as_ref(),
        )
        .unwrap(),
        teacher: mat![[1.0, 0.0, 0.0], [0.0, 0.7, 0.0], [0.0, 0.0, 0.4]],
        noise: 0.02,
    };
    case.follow(
        LearningRule::GradientDescent,
        1.0,
        [
            (
                3.0,
                0.05974171371162851,
                mat![
                    [0.5838358866327823, 0.2592698489405983],
                    [0.2592698489405983, 0.8264436949592376]
                ],
                mat![
                    [
                        0.6335055447915818,
                        0.21657888737419712,
                        -0.019366988937605037
                    ],
                    [0.21435538944345475, 0.44719996008141755, 0.3945680057614765]
                ],
            ),
            (
                15.0,
                0.02119263487984828,
                mat![
                    [0.7517660288857295, 0.2851913994056847],
                    [0.28519139940568294, 0.8050417620612534]
                ],
                mat![
                    [0.7836179046775769, 0.2315619769205892, 0.037449473059226315],
                    [0.15326879020658304, 0.4694008040591393, 0.4041819813656614]
                ],
            ),
        ],
    );
    case.follow(
        LearningRule::NaturalGradient,
        0.2,
        [
            (
                3.0,
                0.20444678882984185,
                mat![
                    [1.0209296409833524, -0.6821723919691993],
                    [-0.6821723919691995, 1.1497535448145686]
                ],
                mat![
                    [
                        0.35136875815403146,
                        0.12593406474093286,
                        -0.08548835458487548
                    ],
                    [0.07721804348116491, 0.339001805656237, 0.17820057943490986]
                ],
            ),
            (
                15.0,
                0.036124110520637985,
                mat![
                    [0.7999274850189239, -0.07191170129087043],
                    [-0.0719117012908684, 0.769533453581042]
                ],
                mat![
                    [0.4974543927184643, 0.23735651090302093, 0.1476233862488028],
                    [0.2732432421066351, 0.35109776151209954, 0.2085786683102286]
                ],
            ),
        ],
    );
}

#[test]
fn three_students_of_two_teachers() {
    let case = Case {
        start: OrderParameters::new(
            mat![[0.5, 0.1, -0.05], [0.1, 0.4, 0.08], [-0.05, 0.08, 0.6]].as_ref(),
            mat![[0.2, 0.05], [-0.1, 0.3], [0.15, -0.2]].as_ref(),
        )
        .unwrap(),
        teacher: mat![[1.0, 0.2], [0.2, 0.8]],
        noise: 0.0,
    };
    case.follow(
        LearningRule::GradientDescent,
        0.8,
        [
            (
                3.0,
                0.056920102263544436,
                mat![
                    [0.6543173805200166, 0.1856909030277845, -0.10184318706162014],
                    [
                        0.18569090302778457,
                        0.5533318614148874,
                        0.007067605497931609
                    ],
                    [
                        -0.10184318706162011,
                        0.007067605497931953,
                        0.5734927388010748
                    ]
                ],
                mat![
                    [0.46721361393577365, 0.2868784196500658],
                    [0.15622517284453055, 0.5926767286741765],
                    [0.43637018440301273, 0.018997756010082117]
                ],
            ),
            (
                15.0,
                0.016240977777373933,
                mat![
                    [
                        0.5425994738370239,
                        0.1714101744599483,
                        -0.028912669658663563
                    ],
                    [
                        0.17141017445994763,
                        0.5936101306965564,
                        -0.017919953870373814
                    ],
                    [
                        -0.028912669658662984,
                        -0.017919953870373675,
                        0.4733526146866363
                    ]
                ],
                mat![
                    [0.4740386728180134, 0.26741011798075165],
                    [0.13903555375076349, 0.6454765591665289],
                    [0.4557730659320874, 0.02085801617014296]
                ],
            ),
        ],
    );
    case.follow(
        LearningRule::NaturalGradient,
        0.1,
        [
            (
                3.0,
                0.32521170888098516,
                mat![
                    [
                        0.8152673131792172,
                        -0.13244196542791226,
                        -0.2934075343873156
                    ],
                    [
                        -0.13244196542791337,
                        0.7509569367852347,
                        -0.21380485438126265
                    ],
                    [
                        -0.29340753438731587,
                        -0.21380485438126334,
                        0.8679585937909706
                    ]
                ],
                mat![
                    [0.25183422727442356, 0.1008874832837326],
                    [0.00500758191362599, 0.36792059294146917],
                    [0.19080340498460946, -0.12569265770815735]
                ],
            ),
            (
                15.0,
                0.05922208545055202,
                mat![
                    [
                        0.6664580318758556,
                        -0.04712261269993771,
                        -0.20079197214470987
                    ],
                    [
                        -0.04712261269994208,
                        0.7167739299743386,
                        -0.18936487006938635
                    ],
                    [
                        -0.20079197214470595,
                        -0.18936487006939023,
                        0.6087560560387573
                    ]
                ],
                mat![
                    [0.3641819844048119, 0.21496460854872204],
                    [0.1837012875410111, 0.4593984650170501],
                    [0.2666241838532889, 0.02823563508772455]
                ],
            ),
        ],
    );
}

fn asymmetric() -> OrderParameters {
    let students = mat![[0.5, 0.1], [0.1, 0.4]];
    OrderParameters::new(students.as_ref(), mat![[0.2, 0.05], [-0.1, 0.3]].as_ref())
        .expect("overlaps")
}

/// `a + factor · b`.
fn plus(a: &OrderParameters, factor: f64, b: &OrderParameters) -> OrderParameters {
    let students = a.students() + b.students() * factor;
    let overlaps = a.overlaps() + b.overlaps() * factor;
    OrderParameters::new(students.as_ref(), overlaps.as_ref()).expect("overlaps")
}

/// The classical rule of fourth order with fixed steps: it tends to the adaptive solution, as the fourth power of its step.
#[test]
fn fixed_steps() {
    let teacher = mat![[1.0, 0.2], [0.2, 0.8]];
    for (rule, rate) in RULES {
        let committee = SoftCommittee::new(teacher.as_ref(), 0.01, rate, rule).unwrap();
        let run = |steps: i32| {
            let step = 2.0 / f64::from(steps);
            let mut at = asymmetric();
            for _ in 0..steps {
                let one = committee.drift(&at).unwrap();
                let two = committee.drift(&plus(&at, 0.5 * step, &one)).unwrap();
                let three = committee.drift(&plus(&at, 0.5 * step, &two)).unwrap();
                let four = committee.drift(&plus(&at, step, &three)).unwrap();
                for (weight, stage) in [(1.0, one), (2.0, two), (2.0, three), (1.0, four)] {
                    at = plus(&at, weight * step / 6.0, &stage);
                }
            }
            at
        };
        let exact = committee
            .trajectory(&asymmetric(), 2.0, 1e-13)
            .unwrap()
            .last();
        let error = |steps| (run(steps).students() - exact.students()).norm_max();
        let order = (error(20) / error(40)).log2();
        assert!((order - 4.0).abs() < 0.5, "{rule:?}: {order}");
        assert!(error(320) < 1e-9, "{rule:?}: {:e}", error(320));
    }
}

/// A student that is its teacher has nothing to learn without noise, and forgets with it.
#[test]
fn the_teacher_stays_itself() {
    let teacher = mat![[1.0, 0.2], [0.2, 0.8]];
    let perfect = OrderParameters::new(teacher.as_ref(), teacher.as_ref()).unwrap();
    for (rule, rate) in RULES {
        let still = SoftCommittee::new(teacher.as_ref(), 0.0, rate, rule).unwrap();
        let last = still.trajectory(&perfect, 10.0, 1e-9).unwrap().last();
        near(last.students(), teacher.as_ref(), 1e-13);
        near(last.overlaps(), teacher.as_ref(), 1e-13);
        let noisy = SoftCommittee::new(teacher.as_ref(), 0.01, rate, rule).unwrap();
        let last = noisy.trajectory(&perfect, 10.0, 1e-9).unwrap().last();
        assert!(noisy.generalization_error(&last).expect("overlaps") > 1e-4);
    }
}

/// Students that are exchanged, and teachers that are, have exchanged trajectories; students that are alike stay alike.
#[test]
fn symmetries_are_kept() {
    let identity = Mat::<f64>::identity(2, 2);
    let exchange = mat![[0.0, 1.0], [1.0, 0.0]];
    for (rule, rate) in RULES {
        let committee = SoftCommittee::new(identity.as_ref(), 0.0, rate, rule).unwrap();
        let last = |students: MatRef<'_, f64>, overlaps: MatRef<'_, f64>| {
            let start = OrderParameters::new(students, overlaps).unwrap();
            committee.trajectory(&start, 10.0, 1e-8).unwrap().last()
        };
        let (q, r) = (
            asymmetric().students().to_owned(),
            asymmetric().overlaps().to_owned(),
        );
        let plain = last(q.as_ref(), r.as_ref());
        let (swapped_q, swapped_r) = (&exchange * &q * &exchange, &exchange * &r * &exchange);
        let swapped = last(swapped_q.as_ref(), swapped_r.as_ref());
        near(
            swapped.students(),
            (&exchange * plain.students() * &exchange).as_ref(),
            1e-12,
        );
        near(
            swapped.overlaps(),
            (&exchange * plain.overlaps() * &exchange).as_ref(),
            1e-12,
        );

        let alike = last(
            mat![[0.25, 0.0], [0.0, 0.25]].as_ref(),
            mat![[0.1, 0.1], [0.1, 0.1]].as_ref(),
        );
        let [first, second] = [0, 1].map(|i| (alike.students()[(i, i)], alike.overlaps()[(i, 0)]));
        assert!((first.0 - second.0).abs() < 1e-12 && (first.1 - second.1).abs() < 1e-12);
    }
}

/// A trajectory is continuous, begins at its start, and does not depend on whether an event is waited for.
#[test]
fn between_steps_and_at_events() {
    let teacher = Mat::<f64>::identity(2, 2);
    let committee =
        SoftCommittee::new(teacher.as_ref(), 0.0, 0.2, LearningRule::NaturalGradient).unwrap();
    let start = asymmetric();
    let whole = committee.trajectory(&start, 30.0, 1e-9).unwrap();
    near(whole.at(0.0).students(), start.students(), 1e-15);
    assert!(whole.event().is_none() && (whole.end() - 30.0).abs() < 1e-15);
    assert!(whole.steps() > 10 && whole.rejected() < whole.steps());

    let level = 0.02;
    let above = |at: &OrderParameters| committee.generalization_error(at).unwrap() - level;
    let until = committee
        .trajectory_until(&start, 30.0, 1e-9, above)
        .unwrap();
    let event = until.event().unwrap();
    assert!((until.end() - event).abs() < 1e-15);
    assert!(above(&until.last()).abs() < 1e-12);
    near(until.last().students(), whole.at(event).students(), 1e-14);
    assert_eq!(
        committee.escape(&start, level, 30.0, 1e-9).unwrap(),
        Some(event)
    );
    // the event is there from the beginning, or never
    assert_eq!(
        committee.escape(&start, 1.0, 30.0, 1e-9).unwrap(),
        Some(0.0)
    );
    assert_eq!(committee.escape(&start, 1e-9, 3.0, 1e-9).unwrap(), None);
    assert_eq!(committee.trajectory(&start, 0.0, 1e-9).unwrap().steps(), 0);
}

/// Two students of two teachers from nearly symmetric starts: the time to ε_g < 1e-3, against the same event of an independent
/// implementation at a tolerance of 1e-11.
#[test]
fn plateaus() {
    let near_symmetric = |asymmetry: f64| {
        let overlaps = mat![[1.0, 0.3], [0.2, 0.9]] * asymmetry;
        OrderParameters::new(mat![[0.25, 0.0], [0.0, 0.25]].as_ref(), overlaps.as_ref()).unwrap()
    };
    let escape = |rule, rate, asymmetry, end| {
        let committee = SoftCommittee::new(Mat::identity(2, 2).as_ref(), 0.0, rate, rule).unwrap();
        committee
            .escape(&near_symmetric(asymmetry), 1e-3, end, 1e-10)
            .unwrap()
    };
    for (asymmetry, times) in [
        (1e-2, [89.935_663_87, 64.507_899_75, 70.070_377_17]),
        (1e-4, [150.399_995_65, 86.637_643_62, 106.136_032_18]),
        (1e-6, [210.709_220_73, 107.898_595_04, 141.991_084_57]),
    ] {
        for ((rule, rate), expected) in [
            (LearningRule::GradientDescent, 1.5),
            (LearningRule::NaturalGradient, 0.1),
            (LearningRule::NaturalGradient, 0.3),
        ]
        .into_iter()
        .zip(times)
        {
            let found = escape(rule, rate, asymmetry, 300.0).unwrap();
            // errors of a step are multiplied by the growth of asymmetries, up to 1e6
            assert!(
                (found - expected).abs() < 1e-4,
                "{rule:?} {rate}: {found} {expected}"
            );
        }
    }
    // no plateau is a statement about small rates: with larger ones the student stands still
    for (rate, still) in [(0.5, 0.052_23), (1.0, 0.115_69)] {
        let rule = LearningRule::NaturalGradient;
        let committee = SoftCommittee::new(Mat::identity(2, 2).as_ref(), 0.0, rate, rule).unwrap();
        let start = near_symmetric(1e-2);
        let last = committee.trajectory(&start, 150.0, 1e-10).unwrap().last();
        let error = committee.generalization_error(&last).expect("overlaps");
        assert!((error - still).abs() < 1e-5, "{rate}: {error}");
        assert_eq!(
            escape(LearningRule::NaturalGradient, rate, 1e-2, 150.0),
            None
        );
    }
}
