//! A folder that is sent as one ZIP archive, put on disk again.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use zip::ZipArchive;

/// The most files that an archive may hold.
const MOST_FILES: usize = 5_000;
/// The most bytes that its files may have together.
const MOST_BYTES: u64 = 512 << 20;

/// Why an archive could not be put on disk.
#[derive(Debug)]
pub enum ArchiveFault {
    /// It is no archive, or a damaged one, or too large; what to do.
    Wrong(String),
    /// The disk.
    Disk(io::Error),
}

impl From<io::Error> for ArchiveFault {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

fn wrong(detail: &str) -> ArchiveFault {
    ArchiveFault::Wrong(detail.to_owned())
}

/// What keeps a file from being made: what the archive calls it, or the disk.
fn of_names(error: io::Error) -> ArchiveFault {
    use io::ErrorKind::{AlreadyExists, InvalidFilename, InvalidInput, IsADirectory, NotADirectory};
    match error.kind() {
        AlreadyExists | NotADirectory | IsADirectory | InvalidFilename | InvalidInput => {
            wrong("The archive holds names that no folder can have; pack the folder again and send that.")
        }
        _ => ArchiveFault::Disk(error),
    }
}

/// Puts the files of an archive into a folder that is there and empty. If all of them lie in one folder, that is left out: an
/// archive of a folder has its name before each file.
///
/// # Errors
/// [`ArchiveFault`]; files may then be there.
pub fn unpack(archive: File, into: &Path) -> Result<(), ArchiveFault> {
    let damaged = |_fault| wrong("The file is no ZIP archive, or a damaged one; pack the folder again and send that.");
    let mut archive = ZipArchive::new(archive).map_err(damaged)?;
    if archive.len() > MOST_FILES {
        return Err(ArchiveFault::Wrong(format!("The archive holds more than {MOST_FILES} files.")));
    }
    let names: Result<Vec<String>, _> = archive.file_names().map(|name| name.map(Cow::into_owned)).collect();
    let names = names.map_err(damaged)?;
    let outer = outer_folder(&names);
    let mut left = MOST_BYTES;
    for place in 0..archive.len() {
        let file = archive.by_index(place).map_err(damaged)?;
        let Some(path) = file.enclosed_name() else {
            return Err(wrong(
                "The archive holds a file whose name leads out of it; pack the folder again and send that.",
            ));
        };
        let path = outer.map_or(path.as_path(), |outer| path.strip_prefix(outer).unwrap_or(&path));
        let target = into.join(path);
        if file.is_dir() {
            std::fs::create_dir_all(&target).map_err(of_names)?;
            continue;
        }
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).map_err(of_names)?;
        }
        let mut written = BufWriter::new(File::create(&target).map_err(of_names)?);
        // What it says of its size is not believed.
        let length = io::copy(&mut file.take(left + 1), &mut written)
            .map_err(|_fault| wrong("The archive is damaged; pack the folder again and send that."))?;
        written.flush()?;
        left = left
            .checked_sub(length)
            .ok_or_else(|| wrong("The files in the archive are larger than 512 MiB together."))?;
    }
    Ok(())
}

/// The folder that all files lie in, if there is one.
fn outer_folder(names: &[String]) -> Option<&str> {
    let first = names.first()?.split_once('/')?.0;
    let is_within = |name: &String| name.strip_prefix(first).is_some_and(|rest| rest.starts_with('/'));
    names.iter().all(is_within).then_some(first)
}

#[cfg(test)]
mod tests {
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn packed(files: &[(&str, &str)]) -> File {
        let mut zip = ZipWriter::new(tempfile::tempfile().unwrap());
        for (name, content) in files {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
        zip.finish().unwrap()
    }

    #[test]
    fn a_folder_comes_back_without_its_own_name() {
        for prefix in ["", "plan/"] {
            let into = tempfile::tempdir().unwrap();
            let (first, second) = (format!("{prefix}plan.csv"), format!("{prefix}readings/2009-07-30.csv"));
            unpack(packed(&[(&first, "a"), (&second, "b")]), into.path()).unwrap();
            assert_eq!(std::fs::read_to_string(into.path().join("plan.csv")).unwrap(), "a");
            assert_eq!(std::fs::read_to_string(into.path().join("readings/2009-07-30.csv")).unwrap(), "b");
        }
    }

    #[test]
    fn names_that_no_folder_can_have_are_refused() {
        let long = format!("{}.csv", "a".repeat(300));
        for files in
            [&[("a", "x"), ("a/b", "y")][..], &[("a/b", "y"), ("a", "x"), ("c", "z")], &[(&long, "x"), ("b", "y")]]
        {
            let into = tempfile::tempdir().unwrap();
            let fault = unpack(packed(files), into.path()).unwrap_err();
            assert!(
                matches!(&fault, ArchiveFault::Wrong(detail) if detail.contains("no folder can have")),
                "{fault:?}"
            );
        }
    }

    #[test]
    fn what_leads_out_of_the_folder_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        let into = outer.path().join("in");
        std::fs::create_dir(&into).unwrap();
        let fault = unpack(packed(&[("../out.csv", "a")]), &into).unwrap_err();
        assert!(matches!(&fault, ArchiveFault::Wrong(detail) if detail.contains("leads out of it")), "{fault:?}");
        assert!(!outer.path().join("out.csv").exists());
        let mut text = tempfile::tempfile().unwrap();
        text.write_all(b"kpi,period\n").unwrap();
        let fault = unpack(text, &into).unwrap_err();
        assert!(matches!(&fault, ArchiveFault::Wrong(detail) if detail.contains("no ZIP archive")), "{fault:?}");
    }
}
