//! What the packages of this workspace may depend on, and which of them the tests build.

use crate::support::root;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// A package: its folder within the workspace, and the packages of this workspace that it depends on.
struct Package {
    name: String,
    folder: String,
    dependencies: BTreeSet<String>,
    dev_dependencies: BTreeSet<String>,
}

impl Package {
    /// What the contributing guide calls it.
    fn called(&self) -> &str {
        self.folder.strip_prefix("crates/").unwrap_or("plugins")
    }
}

fn packages() -> Vec<Package> {
    let output = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let workspace = Path::new(metadata["workspace_root"].as_str().unwrap());
    let package = |package: &Value| {
        let of_kind = |kind: &Value| {
            let all = package["dependencies"].as_array().unwrap().iter();
            let own = all.filter(|dependency| dependency["kind"] == *kind && dependency["path"].is_string());
            own.map(|dependency| dependency["name"].as_str().unwrap().to_string()).collect()
        };
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        Package {
            name: package["name"].as_str().unwrap().into(),
            folder: manifest.parent().unwrap().strip_prefix(workspace).unwrap().to_str().unwrap().into(),
            dependencies: of_kind(&Value::Null),
            dev_dependencies: of_kind(&"dev".into()),
        }
    };
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

/// The arrows of the contributing guide: what each kind of package depends on; `None` stands for all.
fn arrows() -> BTreeMap<String, Option<BTreeSet<String>>> {
    let guide = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let (_, behind) = guide.split_once("Arrows point one way: ").unwrap();
    let (sentence, _) = behind.split_once('.').unwrap();
    let list = |text: &str| text.split(',').map(|name| name.trim().to_string()).collect::<BTreeSet<_>>();
    let mut arrows = BTreeMap::new();
    for clause in sentence.split(';') {
        let (from, to) = clause.split_once('→').unwrap();
        for name in list(from) {
            let to = (to.trim() != "all").then(|| list(to));
            assert!(arrows.insert(name.clone(), to).is_none(), "`{name}` has two arrows");
        }
    }
    arrows
}

/// The guide says exactly what the manifests say, so that neither can change alone.
#[test]
fn arrows_point_as_the_contributing_guide_says() {
    let packages = packages();
    let arrows = arrows();
    let called: BTreeSet<&str> = packages.iter().map(Package::called).collect();
    let named: BTreeSet<&str> = arrows.keys().map(String::as_str).chain(["core"]).collect();
    assert_eq!(called, named, "the packages, and those that the guide names");
    for package in &packages {
        let expected = match arrows.get(package.called()) {
            Some(None) => continue,
            Some(Some(names)) => names.clone(),
            None => BTreeSet::new(),
        };
        let own =
            |name: &String| packages.iter().find(|package| &package.name == name).unwrap().called().into();
        let found: BTreeSet<String> = package.dependencies.iter().map(own).collect();
        if package.called() == "plugins" {
            // Not every plugin is made of blocks.
            assert!(found.is_subset(&expected) && found.contains("core"), "{}: {found:?}", package.name);
            continue;
        }
        assert_eq!(found, expected, "{}", package.name);
    }
}

/// Tests and benches load libraries that cargo builds only as dependencies of the host's.
#[test]
fn every_plugin_is_built_for_the_tests() {
    let packages = packages();
    let plugins = packages.iter().filter(|package| package.called() == "plugins");
    let plugins: BTreeSet<&String> = plugins.map(|package| &package.name).collect();
    let host = packages.iter().find(|package| package.name == "pstar-host").unwrap();
    let is_library = |name: &&String| {
        !packages.iter().any(|package| package.name == **name && package.folder.starts_with("crates/"))
    };
    let built: BTreeSet<&String> = host.dev_dependencies.iter().filter(is_library).collect();
    assert_eq!(built, plugins);
    for package in &packages {
        let folder = Path::new(&package.folder).file_name().unwrap().to_str().unwrap();
        let prefix = match package.folder.split('/').next().unwrap() {
            "plugins" => "pstar-plugin-",
            "tests" => "pstar-test-",
            _ => "pstar-",
        };
        assert_eq!(package.name, format!("{prefix}{folder}"));
    }
}
