//! Clearing away what dead processes left.

use std::fs;
use std::path::Path;

/// Removes the temporary files in a folder of the processes that are dead. What cannot be removed stays: it is in
/// nobody's way.
pub(crate) fn sweep(folder: &Path, is_dead: &mut dyn FnMut(&str) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(owner_of) else { continue };
        if is_dead(process) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The process whose temporary file this is: `.PROCESS.XXXXXX.tmp`.
pub(crate) fn owner_of(name: &str) -> Option<&str> {
    name.strip_prefix('.')?.strip_suffix(".tmp")?.split_once('.').map(|(process, _)| process)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_files_of_the_dead_go() {
        let folder = tempfile::tempdir().unwrap();
        let names = [".dead.a1B2c3.tmp", ".alive.a1B2c3.tmp", ".dead", "dead.x.tmp", "result.json"];
        for name in names {
            fs::write(folder.path().join(name), "").unwrap();
        }
        sweep(folder.path(), &mut |process| process == "dead");
        let left: Vec<bool> = names.iter().map(|name| folder.path().join(name).exists()).collect();
        assert_eq!(left, [false, true, true, true, true]);
    }
}
