//! Real data compiled into the crate; sources and licences are in `data/README.md` beside its
//! manifest.

mod concrete;
mod diabetes;
mod digits;

pub use concrete::concrete;
pub use diabetes::diabetes;
pub use digits::digits;
