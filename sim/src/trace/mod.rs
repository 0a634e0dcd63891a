//! What crosses a node's ports: logs to read, and a hash that tells runs apart.
//!
//! | item | what it is |
//! |---|---|
//! | [`TraceRecord`] | a packet at the host port, for whoever listens |
//! | [`packet_log()`] | the host port's transaction-layer packets, a line each |
//! | [`LinkLog`] | the link's frames, a line each |
//! | [`TraceHash`] | one number over everything |

mod hash;
mod link_log;
mod packet_log;
mod record;

pub use hash::TraceHash;
pub use link_log::LinkLog;
pub use packet_log::packet_log;
pub use record::{Direction, TraceListener, TraceRecord};

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// A text file that begins with its columns' meaning.
fn start_log(path: &Path, columns: &str) -> std::io::Result<BufWriter<File>> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "# {columns}")?;
    Ok(file)
}
