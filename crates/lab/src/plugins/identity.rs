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
    /// Device, number, and when either content or name last changed.
    inode: [i64; 4],
}

impl Identity {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Ok(Self {
                length: metadata.len(),
                modified: [metadata.mtime(), metadata.mtime_nsec()],
                inode: [
                    metadata.dev().cast_signed(),
                    metadata.ino().cast_signed(),
                    metadata.ctime(),
                    metadata.ctime_nsec(),
                ],
            })
        }
        #[cfg(not(unix))]
        {
            let since = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            let modified = [since.as_secs().cast_signed(), i64::from(since.subsec_nanos())];
            Ok(Self { length: metadata.len(), modified, inode: [0; 4] })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_same_content_in_its_place_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&path, "same").unwrap();
        fs::write(&other, "same").unwrap();
        let before = Identity::of(&path).unwrap();
        assert_eq!(Identity::of(&path).unwrap(), before);
        fs::rename(&other, &path).unwrap();
        assert_ne!(Identity::of(&path).unwrap(), before);
    }
}
