//! Finding and loading plugin files.

use crate::support::{
    command, folder, host, installation, libraries, library, registry, shown, test_library,
};
use pstar_core::INTERFACE_VERSION;
use pstar_loader::Registry;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

#[test]
fn several_plugins_of_every_kind_live_in_one_process() {
    let names = |registry: &Registry| -> BTreeSet<(&str, String)> {
        registry.components().iter().map(|listing| (listing.kind, listing.name.to_string())).collect()
    };
    let together = names(registry());
    let alone = libraries().into_iter().map(|library| names(&Registry::load(&[library]).unwrap()));
    assert_eq!(together, alone.flatten().collect());
    let kinds: BTreeSet<&str> = together.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, BTreeSet::from(["base model", "objective", "policy", "verifier"]));
    // One of each, lest the listing be empty.
    for name in ["ngram", "regex", "kl-control"] {
        assert!(together.iter().any(|(_, found)| found == name), "{together:?}");
    }
}

/// Everything that is wrong, in one list, a sentence each; and no truncated file ends the process.
#[test]
fn all_failures_are_listed_together() {
    let folder = folder();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name).with_extension(std::env::consts::DLL_EXTENSION);
        fs::write(&path, bytes).unwrap();
    };
    let regex = fs::read(library("regex")).unwrap();
    put("a_truncated", &regex[..regex.len() * 2 / 3]);
    put("b_text", b"this is no library");
    put("c_empty", b"");
    let duplicate = fs::read(test_library("duplicate")).unwrap();
    put("d_duplicate", &duplicate);
    let output = host(folder.path(), &["plugins", "--plugin-dir", ".", "--plugin-dir", "missing"]);
    insta::assert_snapshot!(shown(&output, folder.path()));
    let output = host(folder.path(), &["plugins", "--plugin-dir", "."]);
    insta::with_settings!({filters => vec![(r"\d{4,} bytes", "[many] bytes")]}, {
        insta::assert_snapshot!(shown(&output, folder.path()));
    });
}

/// The folder of the sources is an easy mistake.
#[test]
fn a_folder_without_libraries_is_told() {
    let folder = folder();
    let output = host(folder.path(), &["plugins", "--plugin-dir", "."]);
    assert_eq!(output.status.code(), Some(3));
    let text = shown(&output, folder.path());
    assert!(
        text.contains("there is no file of a dynamic library") && text.contains("target/release"),
        "{text}"
    );
}

/// The standard library's own dynamic library: sound, but no plugin.
#[test]
fn a_library_that_is_no_plugin_is_told() {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap().stdout;
    let sysroot = String::from_utf8(sysroot).unwrap();
    let folder = folder();
    let found = walk(&std::path::Path::new(sysroot.trim()).join("lib"));
    let name = format!("stranger.{}", std::env::consts::DLL_EXTENSION);
    fs::copy(found.expect("the toolchain has a dynamic library"), folder.path().join(name)).unwrap();
    let output = host(folder.path(), &["plugins", "--plugin-dir", "."]);
    let text = shown(&output, folder.path());
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("no plugin of this project") || text.contains("dynamic linker"), "{text}");
}

fn walk(folder: &std::path::Path) -> Option<std::path::PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder).ok()?.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries.iter().find_map(|path| {
        let name = path.file_name()?.to_str()?;
        let is_std = name.starts_with("libstd-") && name.ends_with(std::env::consts::DLL_SUFFIX);
        if path.is_dir() { walk(path) } else { is_std.then(|| path.clone()) }
    })
}

/// The version of the interface stands in the file as text; a file that claims another major version is refused
/// before anything of it runs.
#[test]
fn an_incompatible_interface_is_told() {
    let folder = folder();
    let mut bytes = fs::read(library("regex")).unwrap();
    let (ours, theirs) = (INTERFACE_VERSION.as_bytes(), b"9.0.0");
    let found: Vec<usize> = (0..bytes.len() - 5).filter(|&i| &bytes[i..i + 5] == ours).collect();
    assert!(!found.is_empty());
    for at in found {
        bytes[at..at + 5].copy_from_slice(theirs);
    }
    let name = format!("future.{}", std::env::consts::DLL_EXTENSION);
    fs::write(folder.path().join(name), bytes).unwrap();
    let output = host(folder.path(), &["plugins", "--plugin-dir", "."]);
    insta::assert_snapshot!(shown(&output, folder.path()));
}

#[test]
fn plugins_come_from_beside_the_host_a_flag_and_the_environment() {
    let folder = folder();
    let plugin = test_library("faulty");
    let name = plugin.file_name().unwrap();
    fs::copy(&plugin, folder.path().join(name)).unwrap();
    let by_flag = host(folder.path(), &["plugins", "--plugin-dir", "."]);
    let by_environment =
        command(installation(), &["plugins"]).env("PSTAR_PLUGIN_PATH", folder.path()).output().unwrap();
    // One file that is found twice is one plugin.
    let both = command(installation(), &["plugins", "--plugin-dir"])
        .arg(folder.path())
        .env("PSTAR_PLUGIN_PATH", folder.path())
        .output()
        .unwrap();
    for output in [by_flag, by_environment, both] {
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success());
        for component in ["arithmetic-sum", "misbehaving", "panicking"] {
            assert_eq!(text.matches(component).count(), 1, "{text}");
        }
    }
}

/// A folder of a build may lie beside one that was installed from it.
#[test]
fn a_copy_is_the_same_plugin_and_another_build_is_not() {
    let folder = folder();
    let plugin = library("policy_gradient");
    let copy = folder.path().join(plugin.file_name().unwrap());
    fs::copy(&plugin, &copy).unwrap();
    let output = host(folder.path(), &["plugins", "rloo", "--plugin-dir", "."]);
    assert!(output.status.success(), "{}", shown(&output, folder.path()));
    // What follows the last section is nobody's: the same library in other bytes.
    fs::write(&copy, [fs::read(&plugin).unwrap(), b"another build".to_vec()].concat()).unwrap();
    let output = host(folder.path(), &["plugins", "rloo", "--plugin-dir", "."]);
    let text = shown(&output, folder.path());
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("more components") && text.contains("two builds of one plugin"), "{text}");
    assert_eq!(text.matches("it offers").count(), 1, "{text}");
}

#[test]
fn loading_twice_gives_the_same_components() {
    let again = Registry::load(&libraries()).unwrap();
    assert_eq!(again.components().len(), registry().components().len());
}

/// Whoever may write to a plugin folder, or to a plugin, has this program run what he likes.
#[cfg(unix)]
#[test]
fn what_everybody_may_write_to_is_not_loaded() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let plugins = folder.path().join("plugins");
    fs::create_dir(&plugins).unwrap();
    let file = plugins.join(library("regex").file_name().unwrap());
    fs::copy(test_library("faulty"), &file).unwrap();
    let mode = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let ask = || {
        let flag = host(folder.path(), &["plugins", "--plugin-dir", "plugins"]);
        let mut command = command(installation(), &["plugins"]);
        let variable =
            command.env("PSTAR_PLUGIN_PATH", "plugins").current_dir(folder.path()).output().unwrap();
        [flag, variable].map(|output| (output.status.code(), shown(&output, folder.path())))
    };
    mode(&plugins, 0o755);
    assert!(ask().iter().all(|(code, _)| *code == Some(0)), "{:?}", ask());
    for (refused, sound) in [(0o777, 0o755), (0o1777, 0o755)] {
        mode(&plugins, refused);
        for (code, text) in ask() {
            assert_eq!(code, Some(3), "{text}");
            let words = format!("plugins: everybody may write to the plugin folder (mode {refused:04o})");
            assert!(text.contains(&words) && text.contains("`chmod o-w plugins`"), "{text}");
        }
        mode(&plugins, sound);
    }
    mode(&file, 0o666);
    for (code, text) in ask() {
        assert!(code == Some(3) && text.contains("everybody may write to the plugin file"), "{text}");
    }
}
