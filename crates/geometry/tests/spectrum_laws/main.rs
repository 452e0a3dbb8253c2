//! Eigenvalues: a few, all, and estimated ones tell the same story.

#[path = "../case/mod.rs"]
mod case;
mod density;
mod eigenvalues;
mod known;
