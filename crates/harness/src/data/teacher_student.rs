use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use super::{DataError, Dataset, Task};

/// A regression whose answer is known: a teacher labels Gaussian inputs, a student is to imitate it.
///
/// x ~ N(0, I) in ℝⁿ and y = f(x) + σ ε with ε ~ N(0, I) in ℝᴷ. If the student's model class
/// contains the teacher f and its likelihood is Gaussian with the same σ, the least expected loss
/// is that of f.
///
/// ```
/// use neuromanifold_harness::data::{SoftCommittee, TeacherStudent};
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// let mut rng = ChaCha8Rng::seed_from_u64(1);
/// let teacher = SoftCommittee::random(3, 10, 1.5, f64::tanh, &mut rng)?;
/// let design = TeacherStudent { examples: 100, inputs: 10, outputs: 1, noise: 0.0 };
/// let data = design.generate(|x, y| y[0] = teacher.evaluate(x), &mut rng)?;
/// assert_eq!(data.targets()[7], teacher.evaluate(data.example(7).input));
/// # Ok::<(), neuromanifold_harness::data::DataError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TeacherStudent {
    /// N, the number of examples.
    pub examples: usize,
    /// n, the number of inputs.
    pub inputs: usize,
    /// K, the number of the teacher's outputs.
    pub outputs: usize,
    /// σ, the standard deviation of the noise; 0 for exact answers.
    pub noise: f64,
}

impl TeacherStudent {
    /// Draws a data set; `teacher` is given x (length n) and writes f(x) (length K).
    ///
    /// Draws n + K normal variates per example, in the order of the examples, even for σ = 0:
    /// inputs do not depend on the noise level.
    ///
    /// # Errors
    /// [`DataError::Parameter`] if σ is negative or not finite; [`DataError::Shape`] for no inputs
    /// or no outputs; [`DataError::NotFinite`] if the teacher's answer is not finite.
    pub fn generate<R: Rng + ?Sized>(
        &self,
        mut teacher: impl FnMut(&[f64], &mut [f64]),
        rng: &mut R,
    ) -> Result<Dataset, DataError> {
        let Self {
            examples,
            inputs: dimension,
            outputs,
            noise,
        } = *self;
        if !(noise >= 0.0 && noise.is_finite()) {
            let (object, parameter) = ("TeacherStudent", "noise");
            let requirement = "not negative and finite";
            return Err(DataError::Parameter {
                object,
                parameter,
                value: noise,
                requirement,
            });
        }
        let mut inputs = vec![0.0; examples * dimension];
        let mut targets = vec![0.0; examples * outputs];
        // Widths of at least 1 only so that the chunks exist; the constructor below refuses 0.
        let columns = inputs.chunks_exact_mut(dimension.max(1));
        for (input, target) in columns.zip(targets.chunks_exact_mut(outputs.max(1))) {
            input.fill_with(|| rng.sample(StandardNormal));
            teacher(input, target);
            for value in target {
                *value += noise * rng.sample::<f64, _>(StandardNormal);
            }
        }
        let task = Task::Regression { outputs };
        Dataset::from_columns("teacher-student", task, dimension, inputs, targets)
    }
}
