use super::plan::Driver;
use super::problem::{EPOCHS, START, stream};
use super::{Checkpoint, Curve, Look, Part, Plan, Problem, TrainingError};
use crate::data::Batches;
use crate::fnv::Fnv;
use neuromanifold_mlp::Initialization;
use neuromanifold_optim::{Objective, Step};
use serde::{Deserialize, Serialize};

/// A run: a network that is being trained.
pub struct Training<'p> {
    problem: &'p Problem,
    plan: Plan,
    fingerprint: u64,
    driver: Driver,
    batches: Batches<'p>,
    steps: u64,
    theta: Vec<f64>,
    best: Best,
    curve: Curve,
    ending: Option<Ending>,
}

/// The best parameters that were seen, by the loss on the validation part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The parameters, for standardised data.
    pub theta: Vec<f64>,
    /// Their loss on the validation part; on the training part if there is none.
    pub loss: f64,
    /// The epoch after which they were found; 0 for those the run began with.
    pub epoch: u64,
}

/// Why a run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Ending {
    /// All epochs are done.
    Epochs,
    /// All steps are done.
    Steps,
    /// The loss is small enough.
    Target,
    /// The loss on the validation part has not become smaller for too long.
    Patience,
    /// No step makes the loss on the training part smaller: a minimum to the precision of `f64`.
    Minimum,
}

impl<'p> Training<'p> {
    /// A run from the beginning, with weights drawn after LeCun and biases of deviation 0.1.
    ///
    /// # Errors
    /// [`TrainingError`] if the network cannot be evaluated at its first parameters.
    pub fn new(problem: &'p Problem, plan: &Plan) -> Result<Self, TrainingError> {
        let mut rng = stream(problem.seed(), START);
        let net = problem.net();
        let theta = net.initialize_with_biases(Initialization::LeCun, 0.1, &mut rng);
        let look = look(problem, &theta, 0, 0)?;
        let best = Best {
            theta: theta.clone(),
            loss: look.validation,
            epoch: 0,
        };
        let mut training = Self::at(problem, plan, theta, best)?;
        training.curve.push(look);
        Ok(training)
    }

    /// Goes on from a checkpoint of a run on the same problem with the same plan, where when to stop is not part of the plan.
    ///
    /// # Errors
    /// [`TrainingError::OtherRun`] for a checkpoint of another one; [`TrainingError::State`] or
    /// [`TrainingError::Contradiction`] for one that no run can have made.
    pub fn resume(
        problem: &'p Problem,
        plan: &Plan,
        checkpoint: Checkpoint,
    ) -> Result<Self, TrainingError> {
        let Checkpoint {
            fingerprint,
            steps,
            theta,
            optimizer,
            best,
            curve,
            ending,
        } = checkpoint;
        let mut training = Self::at(problem, plan, theta, best)?;
        if fingerprint != training.fingerprint {
            return Err(TrainingError::OtherRun {
                expected: training.fingerprint,
                found: fingerprint,
            });
        }
        let parameters = problem.net().parameters();
        let sound =
            |theta: &[f64]| theta.len() == parameters && theta.iter().all(|t| t.is_finite());
        let per_epoch = training.steps_per_epoch();
        let contradictions = [
            (
                !sound(&training.theta),
                "the parameters are not those of the network",
            ),
            (
                !sound(&training.best.theta),
                "the best parameters are not those of the network",
            ),
            (training.best.loss.is_nan(), "the best loss is not a number"),
            (steps > 1 << 53, "there are more steps than can be counted"),
            (
                training.best.epoch > steps / per_epoch,
                "the best epoch is still to come",
            ),
            (
                !curve.is_possible(steps / per_epoch),
                "the learning curve is none",
            ),
        ];
        if let Some((_, what)) = contradictions.into_iter().find(|(found, _)| *found) {
            return Err(TrainingError::Contradiction { what });
        }
        training.driver.restore(optimizer, parameters)?;
        training.steps = steps;
        training.curve = curve;
        // A minimum stays one; the other reasons are those of the present plan.
        training.ending = ending.filter(|ending| *ending == Ending::Minimum);
        training.seek();
        Ok(training)
    }

    fn at(
        problem: &'p Problem,
        plan: &Plan,
        theta: Vec<f64>,
        best: Best,
    ) -> Result<Self, TrainingError> {
        let train = problem.part(Part::Training);
        let batches = Batches::new(train, plan.examples(train.len()))?;
        let hash = Fnv::new().word(problem.fingerprint());
        Ok(Self {
            problem,
            plan: plan.clone(),
            fingerprint: plan.fingerprint(hash, train.len()).finish(),
            driver: plan.optimizer(batches.per_epoch() as u64, train.task())?,
            batches,
            steps: 0,
            theta,
            best,
            curve: Curve::new(),
            ending: None,
        })
    }

    /// Takes one step, and after the last of an epoch a look at both parts of the data. Says why, if the run is over; then, or
    /// if it was over before, nothing is done.
    ///
    /// # Errors
    /// [`TrainingError::Optim`] if no step could be taken; the run is then as it was before, with its best parameters.
    pub fn step(&mut self) -> Result<Option<Ending>, TrainingError> {
        self.ending = self.ending.or_else(|| self.ends());
        if self.ending.is_some() {
            return Ok(self.ending);
        }
        if self.steps.is_multiple_of(self.steps_per_epoch()) {
            self.seek();
        }
        let step = match self.advance() {
            Ok(step) => step,
            Err(error) => {
                self.seek(); // as if it had not been tried
                return Err(error);
            }
        };
        self.steps += 1;
        if self.steps.is_multiple_of(self.steps_per_epoch()) {
            self.look()?;
        }
        let stuck = self.plan.method.is_whole_batch() && !step.accepted && !step.exploring;
        self.ending = stuck.then_some(Ending::Minimum).or_else(|| self.ends());
        Ok(self.ending)
    }

    /// The run as it is now; the best time is between two steps. Cost: a copy.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        // Every field is named, so that a new one has to say here whether it is kept.
        let Self {
            problem: _,
            plan: _,
            fingerprint,
            driver,
            batches: _, // follow from the steps
            steps,
            theta,
            best,
            curve,
            ending,
        } = self;
        Checkpoint {
            fingerprint: *fingerprint,
            steps: *steps,
            theta: theta.clone(),
            optimizer: driver.state(),
            best: best.clone(),
            curve: curve.clone(),
            ending: *ending,
        }
    }

    /// The steps so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The epochs that are done.
    #[must_use]
    pub fn epochs(&self) -> u64 {
        self.steps / self.steps_per_epoch()
    }

    /// Steps of an epoch.
    #[must_use]
    pub fn steps_per_epoch(&self) -> u64 {
        self.batches.per_epoch() as u64
    }

    /// The parameters after the last step, for standardised data.
    #[must_use]
    pub fn theta(&self) -> &[f64] {
        &self.theta
    }

    /// The best parameters so far, the present ones among them: what to keep where the run ends between two looks. Looks, and
    /// leaves the run as it is.
    ///
    /// # Errors
    /// [`TrainingError::Model`] if the present parameters cannot be evaluated.
    pub fn result(&self) -> Result<Best, TrainingError> {
        let loss = self.problem.loss(Part::Validation, &self.theta)?;
        if loss < self.best.loss {
            let (theta, epoch) = (self.theta.clone(), self.epochs());
            return Ok(Best { theta, loss, epoch });
        }
        Ok(self.best.clone())
    }

    /// The best parameters that were seen after an epoch.
    #[must_use]
    pub fn best(&self) -> &Best {
        &self.best
    }

    /// The losses after the epochs.
    #[must_use]
    pub fn curve(&self) -> &Curve {
        &self.curve
    }

    /// Why it is over, if it is.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }

    fn advance(&mut self) -> Result<Step, TrainingError> {
        let (train, whole) = (self.problem.part(Part::Training), self.is_whole());
        let batch = match self.batches.next_batch() {
            Some(batch) if !whole => (batch.inputs, batch.targets),
            _ => (train.inputs(), train.targets()), // in the order of the data
        };
        let map = self.problem.net().on(batch.0)?;
        let objective = Objective::new(&map, self.problem.likelihood(), batch.1)?;
        Ok(self.driver.optimizer().step(&objective, &mut self.theta)?)
    }

    fn is_whole(&self) -> bool {
        self.batches.per_epoch() == 1
    }

    /// Puts the examples in the order of the present epoch, and those of its steps so far behind.
    fn seek(&mut self) {
        if self.is_whole() {
            return self.batches.in_order();
        }
        let epoch = EPOCHS.wrapping_add(self.epochs());
        self.batches
            .shuffle(&mut stream(self.problem.seed(), epoch));
        for _ in 0..self.steps % self.steps_per_epoch() {
            self.batches.next_batch();
        }
    }

    /// Judges the present parameters. Such as cannot be evaluated are no better than what there is.
    fn look(&mut self) -> Result<(), TrainingError> {
        let epoch = self.epochs();
        let look = look(self.problem, &self.theta, epoch, self.steps)?;
        if look.validation < self.best.loss {
            self.best.theta.clone_from(&self.theta);
            (self.best.loss, self.best.epoch) = (look.validation, epoch);
        }
        self.curve.push(look);
        Ok(())
    }

    /// Whether the plan says that it is over.
    fn ends(&self) -> Option<Ending> {
        let (plan, epochs) = (&self.plan, self.epochs());
        if self.best.loss <= plan.target {
            Some(Ending::Target)
        } else if epochs >= plan.epochs {
            Some(Ending::Epochs)
        } else if self.steps >= plan.steps {
            Some(Ending::Steps)
        } else if plan
            .patience
            .is_some_and(|most| epochs - self.best.epoch >= most)
        {
            Some(Ending::Patience)
        } else {
            None
        }
    }
}

impl std::fmt::Debug for Training<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Training")
            .field("plan", &self.plan)
            .field("steps", &self.steps)
            .field("best", &self.best.loss)
            .field("ending", &self.ending)
            .finish_non_exhaustive()
    }
}

fn look(problem: &Problem, theta: &[f64], epoch: u64, steps: u64) -> Result<Look, TrainingError> {
    let training = problem.loss(Part::Training, theta)?;
    let validation = match problem.validates() {
        true => problem.loss(Part::Validation, theta)?,
        false => training,
    };
    Ok(Look {
        epoch,
        steps,
        training,
        validation,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{diabetes, digits};
    use crate::training::Method;
    use neuromanifold_mlp::{Activation, Mlp};

    const METHODS: [Method; 6] = [
        Method::Auto,
        Method::Natural,
        Method::Adaptive,
        Method::ExtendedKalman,
        Method::Adam,
        Method::Sgd,
    ];

    /// Whether a whole run is what it is with bytes in between, after every step.
    fn goes_on(problem: &Problem, plan: &Plan) {
        let mut whole = Training::new(problem, plan).unwrap();
        while whole.step().unwrap().is_none() {}
        let mut part = Training::new(problem, plan).unwrap();
        loop {
            let bytes = part.checkpoint().to_bytes();
            let kept = Checkpoint::from_bytes(&bytes).unwrap();
            part = Training::resume(problem, plan, kept).unwrap();
            if part.step().unwrap().is_some() {
                break;
            }
        }
        assert!(whole.checkpoint() == part.checkpoint(), "{plan:?}");
        assert!(
            whole.result().unwrap().loss < whole.curve().looks()[0].validation,
            "{plan:?}"
        );
    }

    #[test]
    fn a_run_that_is_stopped_at_every_step_ends_in_the_same_bits() {
        let net = Mlp::new(&[10, 3, 1], Activation::Tanh).unwrap();
        let regression = Problem::new(&diabetes().unwrap(), net, 0.25, 3).unwrap();
        let few: Vec<usize> = (0..150).collect();
        let net = Mlp::new(&[64, 3, 10], Activation::Tanh).unwrap();
        let classes = Problem::new(&digits().unwrap().select(&few), net, 0.0, 4).unwrap();
        for method in METHODS {
            let plan = Plan::new(method);
            let epochs = if method.is_whole_batch() { 30 } else { 2 };
            let steps = if method == Method::ExtendedKalman {
                40
            } else {
                u64::MAX
            };
            goes_on(&regression, &plan.clone().epochs(epochs).steps(steps));
            goes_on(&classes, &plan.epochs(epochs.min(8)).steps(steps.min(12)));
        }
    }

    /// Each rule ends a run, and a longer plan takes it up again.
    #[test]
    fn a_run_ends_as_planned() {
        let net = Mlp::new(&[10, 3, 1], Activation::Tanh).unwrap();
        let problem = Problem::new(&diabetes().unwrap(), net, 0.2, 5).unwrap();
        let run = |plan: &Plan| {
            let mut training = Training::new(&problem, plan).unwrap();
            while training.step().unwrap().is_none() {}
            training
        };
        let plan = Plan::new(Method::Natural);
        assert_eq!(run(&plan.clone().epochs(3)).ending(), Some(Ending::Epochs));
        assert_eq!(run(&plan.clone().steps(3)).ending(), Some(Ending::Steps));
        assert_eq!(
            run(&plan.clone().target_loss(0.7)).ending(),
            Some(Ending::Target)
        );
        let patient = run(&plan.clone().patience(4));
        assert_eq!(patient.ending(), Some(Ending::Patience));
        assert_eq!(patient.epochs(), patient.best().epoch + 4);
        let net = Mlp::new(&[10, 1], Activation::Tanh).unwrap();
        let line = Problem::new(&diabetes().unwrap(), net, 0.0, 5).unwrap();
        let mut training = Training::new(&line, &plan).unwrap();
        while training.step().unwrap().is_none() {}
        assert_eq!(training.ending(), Some(Ending::Minimum));

        let short = run(&plan.clone().epochs(3));
        let mut longer =
            Training::resume(&problem, &plan.clone().epochs(6), short.checkpoint()).unwrap();
        while longer.step().unwrap().is_none() {}
        let whole = run(&plan.epochs(6));
        assert!(longer.checkpoint() == whole.checkpoint());
    }
}
