//! Text files from outside.

use std::fs::File;
use std::io::{self, Read};
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
    /// The system refuses.
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The file is too long.
    #[error("`{}` must have at most {MOST_BYTES} bytes, found more", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
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
            Self::Unreadable { .. } => None,
            Self::TooLong { .. } => Some("large sets of data are corpora, which stand in files of their own"),
            Self::NoText { .. } => Some("save it as UTF-8"),
        }
    }
}

/// The text of a file, without a byte-order mark.
///
/// # Errors
/// If the file cannot be read, has more than 16 MiB, or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, TextFileError> {
    let unreadable = |source| TextFileError::Unreadable { path: path.into(), source };
    let file = File::open(path).map_err(unreadable)?;
    let too_long = || TextFileError::TooLong { path: path.into() };
    if file.metadata().map_err(unreadable)?.len() > MOST_BYTES {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    // What has no length of its own, or grows, is cut as well.
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(too_long());
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| TextFileError::NoText { path: path.into(), at: error.utf8_error().valid_up_to() })?;
    Ok(match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) => rest.to_string(),
        None => text,
    })
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
        assert!(matches!(read_text(Path::new("/dev/zero")), Err(TextFileError::TooLong { .. })));
    }
}
