//! Text files from outside.

use pstar_core::files::{ReadError, read_regular};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Greatest number of bytes of an experiment or a list of prompts. Longer files are refused before they are read.
const MOST_BYTES: u64 = 16 << 20;

/// The mark that some editors put before a text.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

/// Why a file cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TextFileError {
    /// It is no regular file, too long, or the system refuses.
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: ReadError,
    },
    /// The file is not text.
    #[error("`{}` is not UTF-8 text: byte {} cannot be read", path.display(), at + 1)]
    NoText {
        /// The file.
        path: PathBuf,
        /// The first byte that is none, from 0.
        at: usize,
    },
}

impl TextFileError {
    /// What to do about it, if anything can be said.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unreadable { path, .. } if path.is_dir() => {
                Some("name a file, for example `experiments/compare.ron`")
            }
            Self::Unreadable { source: ReadError::TooLarge { .. }, .. } => {
                Some("large sets of data are corpora, which stand in files of their own")
            }
            Self::Unreadable { .. } => None,
            Self::NoText { .. } => Some("save it as UTF-8"),
        }
    }
}

/// The text of a file, without a byte-order mark.
///
/// # Errors
/// If the file is no regular one, has more than 16 MiB, is not UTF-8, or cannot be read.
pub fn read_text(path: &Path) -> Result<String, TextFileError> {
    text_of(path, &read_bytes(path)?).map(String::from)
}

/// The bytes of a text file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, TextFileError> {
    read_regular(path, MOST_BYTES).map_err(|source| TextFileError::Unreadable { path: path.into(), source })
}

/// Their text, without a byte-order mark.
pub(crate) fn text_of<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str, TextFileError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| TextFileError::NoText { path: path.into(), at: error.valid_up_to() })?;
    Ok(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_byte_order_mark_is_skipped_and_what_is_no_text_is_located() {
        let folder = tempfile::tempdir().unwrap();
        let read = |bytes: &[u8]| {
            let path = folder.path().join("file");
            fs::write(&path, bytes).unwrap();
            read_text(&path)
        };
        assert_eq!(read("\u{feff}ä\u{feff}".as_bytes()).unwrap(), "ä\u{feff}");
        assert!(matches!(read(b"a\xff"), Err(TextFileError::NoText { at: 1, .. })));
        assert!(matches!(read_text(folder.path()), Err(TextFileError::Unreadable { .. })));
        assert!(matches!(read_text(Path::new("/dev/zero")), Err(TextFileError::Unreadable { .. })));
    }
}
