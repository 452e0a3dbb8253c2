use super::{Best, Curve, Ending};
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

/// Why bytes are no [`Checkpoint`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// They are something else.
    #[error("this is not a checkpoint: it does not begin with the word `NMTRAIN`")]
    Magic,
    /// They are of another version of the format.
    #[error("the checkpoint has format {found}; this version reads format {expected}")]
    Version {
        /// The format that is read.
        expected: u32,
        /// The format found.
        found: u32,
    },
    /// Something was cut off or added.
    #[error("the checkpoint is {found} bytes long; it says that it has {expected}")]
    Length {
        /// The bytes that the header speaks of, itself included.
        expected: u64,
        /// The bytes that there are.
        found: u64,
    },
    /// Something was changed.
    #[error("the checkpoint is damaged: its checksum is {found:08x} in place of {expected:08x}")]
    Checksum {
        /// The checksum that was written.
        expected: u32,
        /// That of the bytes.
        found: u32,
    },
    /// The bytes are whole, but do not say what they should.
    #[error("the checkpoint cannot be decoded: {0}")]
    Decoding(#[from] postcard::Error),
}

const MAGIC: [u8; 8] = *b"NMTRAIN\n";
const FORMAT: u32 = 1;
/// Magic word, format, checksum, length of the rest.
const HEADER: usize = 8 + 4 + 4 + 8;

impl Checkpoint {
    /// The bytes of a file. Cost: a copy.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        // Into memory, of a type that says its lengths: there is nothing that could fail.
        match postcard::to_extend(self, bytes) {
            Ok(written) => bytes = written,
            Err(_) => return Vec::new(),
        }
        let (header, body) = bytes.split_at_mut(HEADER);
        header[..8].copy_from_slice(&MAGIC);
        header[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        header[12..16].copy_from_slice(&crc32fast::hash(body).to_le_bytes());
        header[16..].copy_from_slice(&(body.len() as u64).to_le_bytes());
        bytes
    }

    /// The checkpoint that bytes hold. Memory: some times as many bytes at most, whatever they say.
    ///
    /// # Errors
    /// [`CheckpointError`] for anything that [`to_bytes`](Self::to_bytes) has not made. Whether the numbers make sense for a
    /// run is looked at where it [goes on](super::Training::resume).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let cut = |expected: u64| CheckpointError::Length {
            expected,
            found: bytes.len() as u64,
        };
        let beginning = &bytes[..bytes.len().min(MAGIC.len())];
        if beginning.is_empty() || !MAGIC.starts_with(beginning) {
            return Err(CheckpointError::Magic);
        }
        let Some((header, body)) = bytes.split_at_checked(HEADER) else {
            return Err(cut(HEADER as u64));
        };
        let mut fields = header[8..]
            .chunks_exact(4)
            .map(|field| u32::from_le_bytes([field[0], field[1], field[2], field[3]]));
        let mut next = || fields.next().unwrap_or_default();
        let (found, checksum, low, high) = (next(), next(), next(), next());
        if found != FORMAT {
            return Err(CheckpointError::Version {
                expected: FORMAT,
                found,
            });
        }
        let length = u64::from(high) << 32 | u64::from(low);
        if length != body.len() as u64 {
            return Err(cut(length.saturating_add(HEADER as u64)));
        }
        let found = crc32fast::hash(body);
        if found != checksum {
            return Err(CheckpointError::Checksum {
                expected: checksum,
                found,
            });
        }
        let (checkpoint, rest) = postcard::take_from_bytes::<Self>(body)?;
        if rest.is_empty() {
            return Ok(checkpoint);
        }
        Err(cut(bytes.len() as u64 - rest.len() as u64))
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
        assert!(matches!(told, Err(CheckpointError::Length { .. })));
        let told = Checkpoint::from_bytes(b"PK\x03\x04");
        assert_eq!(told, Err(CheckpointError::Magic));
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
