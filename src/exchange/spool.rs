//! A list that may grow without end: JSON items written one after another to memory, and past a mebibyte to disk.

use std::io::{self, Read, Seek, Write};

use serde::Serialize;
use tempfile::SpooledTempFile;

/// JSON items, separated by commas, ready to stand inside a JSON array.
pub struct Spool {
    file: SpooledTempFile,
    count: u64,
}

impl Default for Spool {
    fn default() -> Self {
        Self { file: SpooledTempFile::new(1 << 20), count: 0 }
    }
}

impl Spool {
    /// Adds an item.
    ///
    /// # Errors
    /// Where the disk is full.
    pub fn push(&mut self, item: &impl Serialize) -> io::Result<()> {
        if self.count > 0 {
            self.file.write_all(b",")?;
        }
        self.count += 1;
        serde_json::to_writer(&mut self.file, item).map_err(io::Error::from)
    }

    /// How many items there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The items' text, from the first.
    ///
    /// # Errors
    /// Where the file cannot be read back.
    pub fn into_reader(mut self) -> io::Result<impl Read + Send + 'static> {
        self.file.rewind()?;
        Ok(self.file)
    }
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Spool({} items)", self.count)
    }
}
