//! `train` and `predict` from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod learning;
mod resume;
mod runs;
