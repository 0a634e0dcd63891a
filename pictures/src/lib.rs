//! The pictures of the documents, as SVG: words and address spaces of the schema, and timing diagrams of what a run or
//! a block has recorded.
//!
//! The pictures are kept in the repository. `cargo xtask pictures` writes them; tests fail while one is stale.
#![forbid(unsafe_code)]

pub mod bit_fields;
mod drawing;
pub mod kept;
pub mod spaces;
pub mod timing;
pub mod way;
