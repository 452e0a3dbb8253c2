//! The reader of checkpoints.

use neuromanifold_harness::data::diabetes;
use neuromanifold_harness::training::{Checkpoint, Method, Plan, Problem, Training};
use neuromanifold_mlp::{Activation, Mlp};

/// The methods whose states differ.
pub const METHODS: [Method; 6] = [
    Method::Auto,
    Method::Natural,
    Method::Adaptive,
    Method::ExtendedKalman,
    Method::Adam,
    Method::Sgd,
];

thread_local! {
    static PROBLEM: &'static Problem = {
        let few: Vec<usize> = (0..24).collect();
        let data = diabetes().expect("it is embedded").select(&few);
        let net = Mlp::new(&[10, 2, 1], Activation::Tanh).expect("it has layers");
        let problem = Problem::new(&data, net, 0.25, 1).expect("network and data go together");
        Box::leak(Box::new(problem))
    };
}

/// A problem that is small, and always the same.
pub fn problem() -> &'static Problem {
    PROBLEM.with(|problem| *problem)
}

/// What a run of so many steps keeps.
pub fn kept(method: Method, steps: usize) -> Vec<u8> {
    let mut training = Training::new(problem(), &Plan::new(method)).expect("it can begin");
    for _ in 0..steps {
        training.step().expect("it can go on");
    }
    training.checkpoint().to_bytes()
}

/// Reads a checkpoint and, where it is of the run above, goes on from it; whether it was one. Once more with a header that
/// goes with the rest, which chance would not find.
pub fn checkpoint(bytes: &[u8]) -> bool {
    let read = Checkpoint::from_bytes(bytes);
    if let Ok(checkpoint) = &read {
        assert_eq!(
            checkpoint.to_bytes(),
            bytes,
            "what was read is written again"
        );
    }
    let was_one = read.is_ok();
    for checkpoint in [read, Checkpoint::from_bytes(&sealed(bytes))]
        .into_iter()
        .flatten()
    {
        for method in METHODS {
            let plan = Plan::new(method);
            let Ok(mut training) = Training::resume(problem(), &plan, checkpoint.clone()) else {
                continue;
            };
            for _ in 0..3 {
                if training.step().is_err() {
                    break;
                }
            }
            assert!(training.theta().iter().all(|theta| theta.is_finite()));
        }
    }
    was_one
}

/// The bytes with length and checksum set right.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut sealed = bytes.to_vec();
    if let Some((header, body)) = sealed.split_at_mut_checked(24) {
        header[12..16].copy_from_slice(&crc32fast::hash(body).to_le_bytes());
        header[16..].copy_from_slice(&(body.len() as u64).to_le_bytes());
    }
    sealed
}
