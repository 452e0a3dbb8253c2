//! The command as a user runs it.

mod answers;
mod help;
mod refusals;
mod scene;
