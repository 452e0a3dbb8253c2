//! The diagonal and the Kronecker-factored metrics against the dense one: equal where they claim it, and nearest where not.

#[path = "../case/mod.rs"]
mod case;
mod definition;
mod diagonal;
mod factors;
mod requests;
