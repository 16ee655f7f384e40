//! Whether a file is the one that it was a moment ago.

use std::fs;
use std::io;
use std::path::Path;

/// What changes where a file is replaced or written: the dynamic linker opens a file by itself, so that only this tells
/// that it met the bytes that were read before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    length: u64,
    modified: [i64; 2],
    /// Device and number.
    inode: [u64; 2],
    /// When anything about it last changed, if only that it got another name.
    changed: [i64; 2],
}

impl Identity {
    /// Whether it is the same file, which nobody has written since as far as its date tells.
    pub(super) fn is_of_same_file(self, other: Self) -> bool {
        Self { changed: other.changed, ..self } == other
    }

    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Ok(Self {
                length: metadata.len(),
                modified: [metadata.mtime(), metadata.mtime_nsec()],
                inode: [metadata.dev(), metadata.ino()],
                changed: [metadata.ctime(), metadata.ctime_nsec()],
            })
        }
        #[cfg(not(unix))]
        {
            let since = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            let modified = [since.as_secs().cast_signed(), i64::from(since.subsec_nanos())];
            Ok(Self { length: metadata.len(), modified, inode: [0; 2], changed: modified })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_name_makes_no_other_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "same").unwrap();
        let before = Identity::of(&path).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::hard_link(&path, folder.path().join("b")).unwrap();
        let after = Identity::of(&path).unwrap();
        assert!(after.is_of_same_file(before) && (after != before || cfg!(not(unix))));
    }

    #[test]
    fn a_file_of_the_same_content_in_its_place_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&path, "same").unwrap();
        fs::write(&other, "same").unwrap();
        let before = Identity::of(&path).unwrap();
        assert_eq!(Identity::of(&path).unwrap(), before);
        fs::rename(&other, &path).unwrap();
        assert!(!Identity::of(&path).unwrap().is_of_same_file(before) || cfg!(not(unix)));
    }
}
