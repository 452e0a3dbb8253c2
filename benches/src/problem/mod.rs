//! The problems that are measured: a network, its data, and where it starts.

mod file;
mod generated;

use std::path::{Path, PathBuf};

use neuromanifold_mlp::{Activation, Mlp, OnBatch};
use neuromanifold_model::{Categorical, Gaussian, Likelihood};

use crate::BenchError;

/// Where the numbers of a problem come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Computed here from fixed seeds and from the embedded data sets.
    Generated,
    /// Read from `.npy` files of a directory.
    Directory(PathBuf),
}

impl Source {
    /// The files of a directory, or generated numbers where it holds no `.npy` file at all.
    ///
    /// # Errors
    /// [`BenchError::Directory`] if it cannot be listed.
    pub fn of(directory: &Path) -> Result<Self, BenchError> {
        let refused = |source| BenchError::Directory {
            path: directory.to_owned(),
            source,
        };
        for entry in std::fs::read_dir(directory).map_err(refused)? {
            let path = entry.map_err(refused)?.path();
            if path.extension().is_some_and(|extension| extension == "npy") {
                return Ok(Self::Directory(directory.to_owned()));
            }
        }
        Ok(Self::Generated)
    }
}

/// The law of the targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// A number with Gaussian noise of σ = 1.
    Number,
    /// One of `K` classes.
    Class,
}

/// A problem by name: sizes, law, and how many initial vectors there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Specification {
    /// Beginning of the file names.
    pub tag: &'static str,
    /// Inputs, hidden widths, outputs.
    pub widths: &'static [usize],
    /// N, the examples to train on.
    pub examples: usize,
    /// Examples that are held out; 0 where there are none.
    pub held_out: usize,
    /// The law of the targets.
    pub law: Law,
    /// Initial parameter vectors.
    pub starts: usize,
    /// Seed of the inputs where they are random, otherwise of the order of examples.
    pub seed: u64,
    /// Seed of the first initial vector; the others follow.
    pub start_seed: u64,
}

const fn teacher(
    tag: &'static str,
    widths: &'static [usize],
    examples: usize,
    law: Law,
    seed: u64,
) -> Specification {
    Specification {
        tag,
        widths,
        examples,
        held_out: 0,
        law,
        starts: 1,
        seed,
        start_seed: seed + 2,
    }
}

/// 20-48-1, P = 1057, N = 10,000.
pub const P1057: Specification = teacher("p1057", &[20, 48, 1], 10_000, Law::Number, 1000);
/// 14-16-1, P = 257.
pub const P257: Specification = teacher("p257", &[14, 16, 1], 4_000, Law::Number, 1100);
/// 62-64-1, P = 4097.
pub const P4097: Specification = teacher("p4097", &[62, 64, 1], 1_000, Law::Number, 1200);
/// 38-500-1, P = 20,001, N = 512.
pub const P20001: Specification = teacher("p20001", &[38, 500, 1], 512, Law::Number, 1300);
/// 64-64-64-10, P = 8970, ten classes, N = 2000.
pub const DEEP: Specification = teacher("deep", &[64, 64, 64, 10], 2_000, Law::Class, 1400);

/// A noiseless soft committee machine of three units learned by a network of six, N = 4096.
pub const TEACHER_STUDENT: Specification = training("p5a", &[10, 6, 1], 4096, 0, 2000, 2100);
/// The Mackey–Glass series, 500 examples to train on and 500 held out.
pub const MACKEY_GLASS: Specification = training("p5b", &[4, 10, 1], 500, 500, 0, 2200);
/// Progression of diabetes, everything standardised, N = 442.
pub const DIABETES: Specification = training("diabetes", &[10, 8, 1], 442, 0, 0, 2300);
/// Handwritten digits, 1347 to train on and 450 held out.
pub const DIGITS: Specification = Specification {
    law: Law::Class,
    ..training("digits", &[64, 32, 10], 1347, 450, 2400, 2500)
};

/// All of them.
pub const ALL: [Specification; 9] = [
    P1057,
    P257,
    P4097,
    P20001,
    DEEP,
    TEACHER_STUDENT,
    MACKEY_GLASS,
    DIABETES,
    DIGITS,
];

const fn training(
    tag: &'static str,
    widths: &'static [usize],
    examples: usize,
    held_out: usize,
    seed: u64,
    start_seed: u64,
) -> Specification {
    Specification {
        tag,
        widths,
        examples,
        held_out,
        law: Law::Number,
        starts: 7,
        seed,
        start_seed,
    }
}

/// Inputs, one example after the other, and one target an example.
#[derive(Clone, Debug, PartialEq)]
pub struct Examples {
    /// `n` numbers an example.
    pub inputs: Vec<f64>,
    /// A number, or the index of a class.
    pub targets: Vec<f64>,
}

/// A network, its data, and where it starts.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Sizes and law.
    pub specification: Specification,
    /// The network: tanh between layers, the last layer linear.
    pub net: Mlp,
    /// What it learns from.
    pub train: Examples,
    /// What it is tested on, if anything is held out.
    pub test: Option<Examples>,
    /// Initial parameter vectors, at least one.
    pub starts: Vec<Vec<f64>>,
}

impl Problem {
    /// Reads or generates a problem.
    ///
    /// # Errors
    /// [`BenchError`] that names the file and what was expected in it.
    pub fn load(specification: Specification, source: &Source) -> Result<Self, BenchError> {
        let net = Mlp::new(specification.widths, Activation::Tanh)?;
        let (train, test, starts) = match source {
            Source::Generated => generated::problem(&specification)?,
            Source::Directory(directory) => file::problem(&specification, directory)?,
        };
        Ok(Self {
            specification,
            net,
            train,
            test,
            starts,
        })
    }

    /// The network on its training examples.
    ///
    /// # Errors
    /// [`BenchError::Mlp`] if the inputs do not fit.
    pub fn batch(&self) -> Result<OnBatch<'_>, BenchError> {
        Ok(self.net.on_slice(&self.train.inputs)?)
    }

    /// The law of the targets.
    #[must_use]
    pub fn likelihood(&self) -> &'static dyn Likelihood {
        match self.specification.law {
            Law::Number => &Gaussian::UNIT,
            Law::Class => &Categorical,
        }
    }

    /// The first initial vector.
    #[must_use]
    pub fn start(&self) -> &[f64] {
        &self.starts[0]
    }
}

/// Numbers of a network with these widths, `Σ out·(in + 1)`.
#[must_use]
pub fn parameters(widths: &[usize]) -> usize {
    widths.windows(2).map(|pair| pair[1] * (pair[0] + 1)).sum()
}
