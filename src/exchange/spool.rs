//! A list that may grow without end: JSON items written one after another to memory, and past a mebibyte to disk.

use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};
use serde::{Deserializer as _, Serialize};
use tempfile::SpooledTempFile;

/// How much is kept in memory before the disk is used.
const IN_MEMORY: usize = 1 << 20;
/// How much goes to the disk at a time: an item is written in many small pieces.
const AT_A_TIME: usize = 64 << 10;

/// JSON items, separated by commas, ready to be inside a JSON array.
pub struct Spool {
    file: BufWriter<SpooledTempFile>,
    count: u64,
}

impl Default for Spool {
    fn default() -> Self {
        Self { file: BufWriter::with_capacity(AT_A_TIME, SpooledTempFile::new(IN_MEMORY)), count: 0 }
    }
}

impl Spool {
    /// Adds an item.
    ///
    /// # Errors
    /// If the disk is full.
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

    /// How many bytes their text has.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn bytes(&mut self) -> io::Result<u64> {
        // Whatever was written was written at the end.
        self.file.stream_position()
    }

    /// The items, in memory.
    ///
    /// # Errors
    /// If the disk is full or cannot be read, or an item is not one of these.
    pub fn items<T: DeserializeOwned>(&mut self) -> io::Result<Vec<T>> {
        self.file.flush()?;
        let file = self.file.get_mut();
        file.rewind()?;
        // What is read to its end is written on at its end.
        let text = (&b"["[..]).chain(BufReader::new(file)).chain(&b"]"[..]);
        serde_json::from_reader(text).map_err(io::Error::from)
    }

    /// Gives the items one by one, from the first.
    ///
    /// # Errors
    /// If the disk is full or cannot be read, or an item is not one of these; and the first error that `visit` gives.
    pub fn each<T: DeserializeOwned>(&mut self, visit: impl FnMut(T) -> io::Result<()>) -> io::Result<()> {
        self.file.flush()?;
        let file = self.file.get_mut();
        file.rewind()?;
        let text = (&b"["[..]).chain(BufReader::new(file)).chain(&b"]"[..]);
        let visitor = Each { visit, item: PhantomData };
        serde_json::Deserializer::from_reader(text).deserialize_seq(visitor).map_err(io::Error::from)
    }

    /// The items' text, from the first.
    ///
    /// # Errors
    /// If the file cannot be written to its end and read back.
    pub fn into_reader(self) -> io::Result<impl Read + Send + 'static> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(file)
    }
}

/// Reads the items of an array one at a time.
struct Each<T, F> {
    visit: F,
    item: PhantomData<T>,
}

impl<'de, T: DeserializeOwned, F: FnMut(T) -> io::Result<()>> Visitor<'de> for Each<T, F> {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("items")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            (self.visit)(item).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Spool({} items)", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_however_much_it_is() {
        for items in [0_u32, 1, 300_000] {
            let mut spool = Spool::default();
            (0..items).for_each(|item| spool.push(&item).unwrap());
            assert_eq!(spool.count(), u64::from(items));
            let bytes = spool.bytes().unwrap();
            assert!(spool.items::<u32>().unwrap().into_iter().eq(0..items));
            let mut next = 0;
            spool
                .each(|item: u32| {
                    assert_eq!(item, next);
                    next += 1;
                    Ok(())
                })
                .unwrap();
            assert_eq!(next, items);
            let mut text = String::new();
            spool.into_reader().unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(bytes, u64::try_from(text.len()).unwrap());
            let read: Vec<u32> = serde_json::from_str(&format!("[{text}]")).unwrap();
            assert!(read.into_iter().eq(0..items));
        }
    }
}
