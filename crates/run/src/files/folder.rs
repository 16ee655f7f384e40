//! Folders that others may remove at any time.

use super::Unwritable;
use std::{fs, io, path::Path};

/// Makes a folder, and those above it, if they are not there. One that another process removes just now is made again.
pub(crate) fn make_folder(path: &Path) -> Result<(), Unwritable> {
    loop {
        match fs::create_dir_all(path) {
            // It was there when it was to be made, and gone when it was looked at.
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists && (path.is_dir() || !path.exists()) => {}
            made => return made.map_err(Unwritable::at(path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_folder_that_comes_and_goes_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it");
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let _ = fs::remove_dir(&path);
                }
            });
            for _ in 0..20_000 {
                if let Err(error) = make_folder(&path) {
                    over.store(true, Ordering::Relaxed);
                    panic!("{error}: {}", error.source);
                }
            }
            over.store(true, Ordering::Relaxed);
        });
        fs::remove_dir(&path).unwrap_or(());
        fs::write(&path, "").unwrap();
        assert!(make_folder(&path).is_err());
    }
}
