//! `host new KIND NAME`.

use super::{load_plugins, print};
use crate::cli::NewArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::tell;
use crate::program::program;
use crate::shell::quoted;
use crate::template::{core_folder, fault, package, write_new};
use pstar_core::escaped;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Writes a package of one component, and tells what to do with it.
pub(super) fn new(args: &NewArgs) -> Result<ExitCode, Failure> {
    let name = &*args.name;
    if let Some(message) = fault(name) {
        let hint = Some("a name such as `my-verifier` is one of a component, a package and a library".into());
        return Err(Failure::Usage { message, hint });
    }
    refuse_known(args)?;
    let core = core_folder(args.core.as_deref())?;
    let folder = args.at.clone().unwrap_or_else(|| PathBuf::from(name));
    let mut files = package(args.kind, name, &core.to_string_lossy());
    // The versions that this pstar is tested with, which are downloaded already where it was built.
    files.extend(fs::read_to_string(core.join("../../Cargo.lock")).ok().map(|lock| ("Cargo.lock", lock)));
    write_new(&folder, &files).map_err(|error| unwritten(&folder, &error))?;
    let told = escaped(&folder.display().to_string());
    let host = quoted(&myself());
    print(&format!(
        "written to {told}: what is yours to change is src/lib.rs, src/tests.rs (`cargo test`) and experiment.ron\n\nnext:\n  \
         cd {} && cargo build --release\n  {host} check {name} --experiment experiment.ron --plugin-dir target/release\n  \
         {host} run experiment.ron --plugin-dir target/release\n",
        quoted(&told)
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses the name of a component that is there: no two plugins can offer one.
fn refuse_known(args: &NewArgs) -> Result<(), Failure> {
    let Ok(registry) = load_plugins(&args.plugins.plugin_dir) else {
        tell("warning: not all plugins could be loaded, so that nobody knows which names are taken");
        return Ok(());
    };
    let kind = args.kind.component();
    let Some(plugin) = registry.plugin_of(kind, &args.name) else { return Ok(()) };
    Err(Failure::Usage {
        message: format!("there is a {kind} `{}` already, in {}", args.name, plugin.path.display()),
        hint: Some("take another name: no experiment could tell the two apart".into()),
    })
}

fn unwritten(folder: &Path, error: &io::Error) -> Failure {
    let told = escaped(&folder.display().to_string());
    let (message, hint) = match error.kind() {
        io::ErrorKind::AlreadyExists => (format!("`{told}` exists"), "name another folder with `--at`"),
        _ => (
            format!("the folder `{told}` cannot be written: {error}"),
            "name a folder with `--at` whose parent exists and can be written",
        ),
    };
    Failure::Usage { message, hint: Some(hint.into()) }
}

/// How this program is called: by its name where the shell found it, else by a path that is right in any folder.
fn myself() -> String {
    let called = &program().called;
    let is_path = Path::new(called).components().nth(1).is_some() || called.is_empty();
    let path = Some(&program().executable).filter(|_| is_path && program().leading.is_empty());
    path.map_or(called.to_string_lossy().into_owned(), |path| path.display().to_string())
}
