//! Whose code is loaded: a plugin does in this process whatever its author likes.

use crate::LoadFailure;
use std::path::Path;

/// What is wrong with a plugin file, or a folder of which every library is loaded, that everybody may write to; nothing of one
/// that cannot be asked. A sticky folder such as `/tmp` is no better: it keeps others from replacing a file, not from adding one.
#[cfg(unix)]
pub(super) fn fault(path: &Path) -> Option<LoadFailure> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path).ok()?;
    let mode = metadata.permissions().mode() & 0o7777;
    (mode & 0o002 != 0).then(|| {
        let what = if metadata.is_dir() { "plugin folder" } else { "plugin file" };
        LoadFailure::new(
            path,
            format!("everybody may write to the {what} (mode {mode:04o}), and what is in it is run"),
            format!("`chmod o-w {}`, or keep plugins in a folder that is yours alone", path.display()),
        )
    })
}

/// Permissions of other systems are not read.
#[cfg(not(unix))]
pub(super) fn fault(_path: &Path) -> Option<LoadFailure> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_everybody_may_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [folder.path(), &file] {
            for (mode, refused) in
                [(0o700, false), (0o755, false), (0o775, false), (0o777, true), (0o1777, true), (0o702, true)]
            {
                fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
                assert_eq!(fault(path).is_some(), refused, "{mode:o}");
            }
            fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
        }
        assert!(fault(&folder.path().join("missing")).is_none());
    }
}
