use super::{Best, Curve, Ending};
use crate::sealed::{Seal, SealError};
use neuromanifold_optim::State;
use serde::{Deserialize, Serialize};

/// All that the later steps of a [`Training`](super::Training) depend on, and what it has found so far.
///
/// As bytes it is a header, with a magic word, the version of the format, the length and a checksum, followed by the numbers
/// in the [postcard](https://docs.rs/postcard) format, bit by bit. What was cut off or changed is told from what was not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub(super) fingerprint: u64,
    pub(super) steps: u64,
    pub(super) theta: Vec<f64>,
    pub(super) optimizer: Option<State>,
    pub(super) best: Best,
    pub(super) curve: Curve,
    pub(super) ending: Option<Ending>,
}

const SEAL: Seal = Seal {
    word: "NMTRAIN",
    format: 1,
};

impl Checkpoint {
    /// The bytes of a file. Cost: a copy.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        SEAL.close(self)
    }

    /// The checkpoint that bytes hold. Memory: some times as many bytes at most, whatever they say.
    ///
    /// # Errors
    /// [`SealError`] for anything that [`to_bytes`](Self::to_bytes) has not made. Whether the numbers make sense for a
    /// run is looked at where it [goes on](super::Training::resume).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        SEAL.open(bytes)
    }

    /// The steps of the run so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::diabetes;
    use crate::training::{Method, Plan, Problem, Training, TrainingError};
    use neuromanifold_mlp::{Activation, Mlp};

    fn problem(seed: u64) -> Problem {
        let net = Mlp::new(&[10, 2, 1], Activation::Tanh).unwrap();
        Problem::new(&diabetes().unwrap(), net, 0.2, seed).unwrap()
    }

    fn checkpoint(problem: &Problem, plan: &Plan) -> Checkpoint {
        let mut training = Training::new(problem, plan).unwrap();
        for _ in 0..3 {
            training.step().unwrap();
        }
        training.checkpoint()
    }

    /// Any byte changed, and any number of bytes cut off or added, is told; nothing panics.
    #[test]
    fn damage_is_told() {
        let bytes = checkpoint(&problem(1), &Plan::new(Method::Adaptive)).to_bytes();
        assert!(Checkpoint::from_bytes(&bytes).is_ok());
        for length in (0..bytes.len()).step_by(7).chain([8, 24, bytes.len() - 1]) {
            assert!(
                Checkpoint::from_bytes(&bytes[..length]).is_err(),
                "{length}"
            );
        }
        for place in (0..bytes.len()).step_by(5) {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x10;
            assert!(Checkpoint::from_bytes(&damaged).is_err(), "{place}");
        }
        let longer = [&bytes[..], &[0]].concat();
        let told = Checkpoint::from_bytes(&longer);
        assert!(matches!(told, Err(SealError::Length { .. })));
        let told = Checkpoint::from_bytes(b"PK\x03\x04");
        assert!(matches!(told, Err(SealError::Magic { .. })));
    }

    /// With a checksum that is right, wrong numbers are still found where they matter.
    #[test]
    fn lies_are_told() {
        let (problem, plan) = (problem(1), Plan::new(Method::Adam));
        let good = checkpoint(&problem, &plan);
        assert!(Training::resume(&problem, &plan, good.clone()).is_ok());
        let lies: [fn(&mut Checkpoint); 7] = [
            |c| c.theta.push(0.0),
            |c| c.theta[0] = f64::NAN,
            |c| c.best.theta.clear(),
            |c| c.best.loss = f64::NAN,
            |c| c.best.epoch = 99,
            |c| c.steps = u64::MAX,
            |c| c.optimizer = None,
        ];
        for (number, lie) in lies.into_iter().enumerate() {
            let mut liar = good.clone();
            lie(&mut liar);
            let told = Training::resume(&problem, &plan, liar);
            let found = matches!(told, Err(TrainingError::Contradiction { .. }));
            assert!(found, "{number}: {told:?}");
        }
        let mut other = good;
        other.optimizer = checkpoint(&problem, &Plan::new(Method::Sgd)).optimizer;
        let told = Training::resume(&problem, &plan, other);
        assert!(matches!(told, Err(TrainingError::State(_))));
    }

    /// Other data, another network, another seed or other settings are another run; when to stop is not.
    #[test]
    fn another_run_is_refused() {
        let plan = Plan::new(Method::Adam);
        let kept = checkpoint(&problem(1), &plan);
        let refused = |problem: &Problem, plan: &Plan| {
            let told = Training::resume(problem, plan, kept.clone());
            matches!(told, Err(TrainingError::OtherRun { .. }))
        };
        assert!(refused(&problem(2), &plan));
        assert!(refused(&problem(1), &Plan::new(Method::Sgd)));
        assert!(refused(&problem(1), &plan.clone().epochs(7))); // the rate falls until then
        assert!(refused(&problem(1), &plan.clone().batch(5).unwrap()));
        assert!(!refused(&problem(1), &plan.clone().patience(3)));
    }
}
