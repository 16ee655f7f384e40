//! Writing a file under another name first.

use crate::claims::Owner;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};
use thiserror::Error;

/// A file or folder that cannot be written.
#[derive(Debug, Error)]
#[error("`{}` cannot be written", path.display())]
pub struct Unwritable {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl Unwritable {
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        |source| Self { path, source }
    }
}

/// Writes files under temporary names that tell whose they are, so that others can sweep them when it is dead.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    prefix: String,
}

impl Writer {
    /// Of a process, by its name among all that ever wrote here.
    pub(crate) fn new(process: &str) -> Self {
        Self { prefix: format!(".{process}.") }
    }

    /// Writes a file, whole or not at all: under a temporary name beside it, onto the disk, and then to its place.
    pub(crate) fn write(&self, path: &Path, content: &[u8]) -> Result<(), Unwritable> {
        self.write_with(path, &mut |file| file.write_all(content))
    }

    /// The same of content that is made while it is written.
    pub(crate) fn write_with(
        &self,
        path: &Path,
        fill: &mut dyn FnMut(&mut File) -> io::Result<()>,
    ) -> Result<(), Unwritable> {
        let mut write = || -> io::Result<()> {
            let mut file = self.beside(path)?;
            fill(file.as_file_mut())?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            sync_folder(folder_of(path))
        };
        write().map_err(Unwritable::at(path))
    }

    /// As [`write`](Self::write), for what is of no worth once the machine has ended, or can be told when it is not
    /// whole: it is left to the system when it comes onto the disk.
    pub(crate) fn write_lightly(&self, path: &Path, content: &[u8]) -> Result<(), Unwritable> {
        let write = || -> io::Result<()> {
            let mut file = self.beside(path)?;
            file.write_all(content)?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(Unwritable::at(path))
    }

    /// Makes a file that nobody else makes: false if it is there already. Of any number of processes that try, on any
    /// number of machines, one succeeds, and nobody ever sees a part of it.
    pub(crate) fn create(&self, path: &Path, content: &[u8]) -> Result<bool, Unwritable> {
        let create = || -> io::Result<bool> {
            let mut file = self.beside(path)?;
            file.write_all(content)?;
            match fs::hard_link(file.path(), path) {
                Ok(()) => Ok(true),
                // A server's answer can be lost: the link was made all the same if the file has two names now.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(names(file.as_file())? > 1),
                Err(_) => create_by_renaming(file, path, content),
            }
        };
        create().map_err(Unwritable::at(path))
    }

    fn beside(&self, path: &Path) -> io::Result<NamedTempFile> {
        let mut builder = Builder::new();
        builder.prefix(&self.prefix).suffix(".tmp");
        #[cfg(unix)]
        {
            // Those of any other file: what the user's mask leaves.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        builder.tempfile_in(folder_of(path))
    }
}

/// Where a file can have one name only: whole at once all the same, if names can be given without taking them from others.
fn create_by_renaming(file: NamedTempFile, path: &Path, content: &[u8]) -> io::Result<bool> {
    match file.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(_) => create_in_place(path, content),
    }
}

/// Exclusive too, but not whole at once.
fn create_in_place(path: &Path, content: &[u8]) -> io::Result<bool> {
    match File::options().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(content).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn names(file: &File) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    Ok(file.metadata()?.nlink())
}

#[cfg(not(unix))]
fn names(_file: &File) -> io::Result<u64> {
    Ok(1)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Brings the names in a folder onto the disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Writes a file that is whole or what it was before, whenever the program ends.
///
/// # Errors
/// If it cannot be written.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<(), Unwritable> {
    Writer::of(&Owner::of_this_process()).write(path, content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_many_creates() {
        assert_one_creates(&|writer, path, text| writer.create(path, text).unwrap());
    }

    #[test]
    fn one_of_many_creates_where_files_have_one_name() {
        let renames = |writer: &Writer, path: &Path, text: &[u8]| {
            let mut file = writer.beside(path).unwrap();
            file.write_all(text).unwrap();
            create_by_renaming(file, path, text).unwrap()
        };
        assert_one_creates(&renames);
        assert_one_creates(&|_, path, text| create_in_place(path, text).unwrap());
    }

    fn assert_one_creates(create: &(dyn Fn(&Writer, &Path, &[u8]) -> bool + Sync)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let created: Vec<bool> = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..16)
                .map(|i| {
                    let path = &path;
                    scope.spawn(move || {
                        let text = format!("{i}");
                        create(&Writer::new(&text), path, text.as_bytes())
                    })
                })
                .collect();
            tries.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(created.iter().filter(|created| **created).count(), 1);
        let winner = created.iter().position(|created| *created).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), winner.to_string());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let writer = Writer::new("p");
        writer.write(&path, b"old").unwrap();
        let failed = writer.write_with(&path, &mut |file| {
            file.write_all(b"ne")?;
            Err(io::Error::other("full"))
        });
        assert_eq!(failed.unwrap_err().to_string(), format!("`{}` cannot be written", path.display()));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn files_follow_the_mask() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        fs::write(folder.path().join("plain"), "").unwrap();
        let writer = Writer::new("p");
        writer.write(&folder.path().join("whole"), b"").unwrap();
        writer.create(&folder.path().join("created"), b"").unwrap();
        assert_eq!((mode("whole"), mode("created")), (mode("plain"), mode("plain")));
    }
}
