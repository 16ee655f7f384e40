//! Files that a configuration names: read whole and within bounds, and remembered, so that a run's record can say
//! which bytes it was made from.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use thiserror::Error;

/// Greatest size in bytes of a file that a component reads: 256 MiB.
pub const MOST_BYTES: u64 = 1 << 28;

/// A file that a component read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRead {
    /// The path as it was configured.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of the bytes that were read, in hexadecimal digits.
    pub sha256: String,
}

/// Why a file was not read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is a folder, a pipe or a device, whose content has no end or is gone once read.
    #[error("it is {found}, expected a regular file")]
    NotRegular {
        /// What it is.
        found: &'static str,
    },
    /// It is larger than the limit.
    #[error("it has {found} bytes, expected at most {limit}")]
    TooLarge {
        /// Greatest size.
        limit: u64,
        /// Its size, or how much was read when the limit was passed.
        found: u64,
    },
    /// The system refused.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// The bytes of a regular file of at most `limit` bytes.
///
/// # Errors
/// If it is no regular file, larger, or cannot be read.
pub fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    // The file may be growing.
    open_regular(path, limit)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    let found = bytes.len() as u64;
    if found > limit { Err(ReadError::TooLarge { limit, found }) } else { Ok(bytes) }
}

/// A regular file of at most `limit` bytes, to be read as it comes.
///
/// # Errors
/// If it is no regular file, larger, or cannot be opened.
pub fn open_regular(path: &Path, limit: u64) -> Result<File, ReadError> {
    // Opening a pipe waits for its other end, so it is asked about first.
    regular(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    regular(&metadata)?;
    if metadata.len() > limit {
        return Err(ReadError::TooLarge { limit, found: metadata.len() });
    }
    Ok(file)
}

fn regular(metadata: &fs::Metadata) -> Result<(), ReadError> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(());
    }
    if kind.is_dir() {
        return Err(ReadError::NotRegular { found: "a directory" });
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Err(ReadError::NotRegular { found: "a pipe" });
        }
        if kind.is_char_device() || kind.is_block_device() {
            return Err(ReadError::NotRegular { found: "a device" });
        }
    }
    Err(ReadError::NotRegular { found: "a special file" })
}

/// SHA-256 of bytes.
pub fn sha256_bytes(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&sha256_bytes(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Which side of a copy failed.
#[derive(Debug, Error)]
pub enum CopyError {
    /// The source could not be read.
    #[error("reading: {0}")]
    Read(io::Error),
    /// The copy could not be written.
    #[error("writing: {0}")]
    Write(io::Error),
}

/// Writes what is left of a source to `out`, a part at a time, and gives its SHA-256 in hexadecimal digits and its number of
/// bytes. Models are larger than what should be held in memory twice.
///
/// # Errors
/// Of reading, or of writing.
pub fn copy_hashed(source: &mut impl Read, out: &mut impl Write) -> Result<(String, u64), CopyError> {
    let (mut hash, mut bytes, mut part) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        let count = match source.read(&mut part) {
            Ok(0) => return Ok((hexadecimal(&hash.finalize()), bytes)),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::Read(error)),
        };
        hash.update(&part[..count]);
        out.write_all(&part[..count]).map_err(CopyError::Write)?;
        bytes += count as u64;
    }
}

/// SHA-256 in hexadecimal digits and size of a regular file, which is not held in memory.
///
/// # Errors
/// If it is no regular file, or cannot be read.
pub fn sha256_file(path: &Path) -> Result<(String, u64), ReadError> {
    copy_hashed(&mut open_regular(path, u64::MAX)?, &mut io::sink()).map_err(|error| match error {
        CopyError::Read(error) | CopyError::Write(error) => error.into(),
    })
}

/// A path that a component asked for while it was made, and what was read from it through this crate.
struct Note {
    path: String,
    full: std::path::PathBuf,
    read: Option<FileRead>,
}

thread_local! {
    /// The notes on the component that is being made; a plugin has its own.
    static NOTES: RefCell<Vec<Note>> = const { RefCell::new(Vec::new()) };
}

/// Remembers that a component asked where a file is.
pub(crate) fn note_path(path: &Path, full: &Path) {
    let note = Note { path: path.to_string_lossy().into_owned(), full: full.to_path_buf(), read: None };
    NOTES.with(|notes| notes.borrow_mut().push(note));
}

/// Reads a file for a component, and remembers it.
pub(crate) fn read_noted(path: &Path, full: &Path) -> Result<Vec<u8>, ReadError> {
    let bytes = read_regular(full, MOST_BYTES)?;
    let path = path.to_string_lossy().into_owned();
    let read = FileRead { path: path.clone(), bytes: bytes.len() as u64, sha256: sha256(&bytes) };
    let note = Note { path, full: full.to_path_buf(), read: Some(read) };
    NOTES.with(|notes| notes.borrow_mut().push(note));
    Ok(bytes)
}

/// Makes a component, and tells which files it read meanwhile.
///
/// Of a file that it only asked the place of, and so read in its own way, the bytes are those found right afterwards.
pub(crate) fn noted<T, E>(make: impl FnOnce() -> Result<T, E>) -> Result<(T, Vec<FileRead>), E> {
    NOTES.with(|notes| notes.borrow_mut().clear());
    let made = make()?;
    let notes = NOTES.with(|notes| std::mem::take(&mut *notes.borrow_mut()));
    let mut files: Vec<FileRead> = Vec::new();
    for note in &notes {
        let known = files.iter().any(|file| file.path == note.path);
        files.extend(note.read.clone().filter(|_| !known));
    }
    for Note { path, full, .. } in notes {
        if files.iter().all(|file| file.path != path)
            && let Ok((sha256, bytes)) = sha256_file(&full)
        {
            files.push(FileRead { path, bytes, sha256 });
        }
    }
    Ok((made, files))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-2, appendix B.1.
    const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn file(name: &str, content: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("pstar-core-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        path
    }

    #[test]
    fn what_was_read_is_told_whatever_the_file_holds_later() {
        let (full, path) = (file("read", "abc"), Path::new("data/read.txt"));
        let make = || {
            note_path(path, &full);
            let bytes = read_noted(path, &full)?;
            fs::write(&full, "changed")?;
            Ok::<_, ReadError>(bytes)
        };
        let (bytes, files) = noted(make).unwrap();
        let expected = FileRead { path: "data/read.txt".into(), bytes: 3, sha256: OF_ABC.into() };
        assert_eq!((bytes.as_slice(), files), (&b"abc"[..], vec![expected]));
        fs::remove_file(full).unwrap();
    }

    #[test]
    fn a_file_that_was_read_in_another_way_is_told_too() {
        let full = file("asked", "abc");
        let make = || {
            note_path(Path::new("asked"), &full);
            note_path(Path::new("missing"), &full.join("missing"));
            Ok::<_, ReadError>(())
        };
        let ((), files) = noted(make).unwrap();
        assert_eq!(
            files.iter().map(|file| (&*file.path, &*file.sha256)).collect::<Vec<_>>(),
            [("asked", OF_ABC)]
        );
        let ((), none) = noted(|| Ok::<_, ReadError>(())).unwrap();
        assert_eq!(none, []);
        fs::remove_file(full).unwrap();
    }

    /// Of several parts, the last of which is not full, from a source that gives less than it is asked for.
    #[test]
    fn what_is_copied_in_parts_has_the_hash_of_the_whole() {
        let bytes: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let (first, second) = bytes.split_at(100_001);
        let mut copy = Vec::new();
        let found = copy_hashed(&mut first.chain(second), &mut copy).unwrap();
        assert_eq!(found, (sha256(&bytes), 800_000));
        assert!(copy == bytes);
        // Each side by its name: a folder cannot be read, and there is no room in three bytes.
        let mut folder = File::open(std::env::temp_dir()).unwrap();
        assert!(matches!(copy_hashed(&mut folder, &mut copy), Err(CopyError::Read(_))));
        let (mut source, mut room) = (&bytes[..], [0; 3]);
        assert!(matches!(copy_hashed(&mut source, &mut &mut room[..]), Err(CopyError::Write(_))));
        let path = file("hashed", "abc");
        assert_eq!(sha256_file(&path).unwrap(), (OF_ABC.into(), 3));
        assert!(matches!(sha256_file(&std::env::temp_dir()), Err(ReadError::NotRegular { .. })));
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn only_regular_files_within_the_limit_are_read() {
        let path = file("limit", "abcd");
        assert_eq!(read_regular(&path, 4).unwrap(), b"abcd");
        let error = read_regular(&path, 3).unwrap_err();
        assert_eq!(error.to_string(), "it has 4 bytes, expected at most 3");
        let error = read_regular(&std::env::temp_dir(), 3).unwrap_err();
        assert_eq!(error.to_string(), "it is a directory, expected a regular file");
        if cfg!(target_os = "linux") {
            let error = read_regular(Path::new("/dev/zero"), 3).unwrap_err();
            assert_eq!(error.to_string(), "it is a device, expected a regular file");
        }
        fs::remove_file(path).unwrap();
    }
}
