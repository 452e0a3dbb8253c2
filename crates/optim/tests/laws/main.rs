//! What must hold for every optimiser, whatever the model.

#![allow(clippy::unwrap_used)] // a failed assumption of a test is a failure of the test

mod models;

mod adaptive;
mod automatic;
mod estimate;
mod extended_kalman;
mod first_order;
mod levenberg_marquardt;
mod momentum;
mod natural_gradient;
mod resume;
mod robustness;
mod step_control;
mod stream;
mod uncertainty;
mod wind_up;
