//! Reading a file that may be anything, without taking in more of it than asked.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// The whole of a regular file of at most `limit` bytes, and its metadata as of the opening.
///
/// # Errors
/// What the system says, and `InvalidData` for a file that is too large or no regular file (a pipe would be waited for
/// without end).
pub(super) fn read(path: &Path, limit: u64) -> io::Result<(Vec<u8>, Metadata)> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a regular file"));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut content = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut content)?;
    if u64::try_from(content.len()).map_or(true, |length| length > limit) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is larger than {limit} bytes")));
    }
    Ok((content, metadata))
}
