//! What must hold of every parser, for any bytes: an answer without a panic, and what was read is written and read again to
//! the same bits. The ordinary tests run the same functions over the committed corpora.

pub mod arrays;
pub mod checkpoints;
pub mod networks;
pub mod tables;
