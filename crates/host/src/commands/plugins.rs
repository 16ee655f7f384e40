//! `host plugins`.

use super::{load_plugins, print};
use crate::cli::PluginsArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::print_text;
use crate::program::program;
use pstar_core::config::suggest;
use pstar_core::{INTERFACE_VERSION, shown};
use pstar_lab::experiment::{NOISY, NOISY_DOC, NOISY_FIELDS};
use pstar_loader::{Listing, LoadedPlugin, Registry};
use pstar_record::to_json;
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn plugins(args: &PluginsArgs) -> Result<ExitCode, Failure> {
    let registry = load_plugins(&args.plugins.plugin_dir)?;
    if args.json {
        print(&to_json(&listings(&registry, &args.names)?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let this_program = this_program();
    let components = chosen(all(&registry, &this_program), &args.names)?;
    if args.names.is_empty() {
        let lines: String = components.iter().map(|listing| headline(listing) + "\n").collect();
        let hint = "`host plugins NAME` shows a component's configuration in full, and the hash of its file.";
        print_text(&format!("{lines}\nfrom {}\n{hint}\n", folders(&components)))?;
    } else {
        print_text(&components.iter().map(in_full).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The components of these names, all if there are none, as programs read them.
///
/// # Errors
/// If nothing offers one of the names.
pub fn listings(registry: &Registry, names: &[String]) -> Result<Value, Failure> {
    let this_program = this_program();
    let listings: Vec<Value> = chosen(all(registry, &this_program), names)?.iter().map(as_json).collect();
    Ok(json!({ "components": listings }))
}

/// All that experiments can name, in order of kind and name.
fn all<'a>(registry: &'a Registry, this_program: &'a LoadedPlugin) -> Vec<Listing<'a>> {
    let mut all = registry.components();
    let after = |listing: &Listing<'_>| (listing.kind, listing.name) > ("verifier", NOISY);
    let place =
        all.iter().position(|listing| listing.kind == "verifier" && after(listing)).unwrap_or(all.len());
    all.insert(place, noisy(this_program));
    all
}

/// Where what no plugin file offers comes from.
fn this_program() -> LoadedPlugin {
    LoadedPlugin {
        path: program().code.clone().unwrap_or_else(|| program().executable.clone()),
        version: env!("CARGO_PKG_VERSION").into(),
        interface: INTERFACE_VERSION.into(),
        sha256: String::new(),
    }
}

/// The verifier that wraps another one.
fn noisy(plugin: &LoadedPlugin) -> Listing<'_> {
    Listing { kind: "verifier", name: NOISY, doc: NOISY_DOC, fields: NOISY_FIELDS, offers: &[], plugin }
}

/// The components of these names, all if there are none.
fn chosen<'r>(all: Vec<Listing<'r>>, names: &[String]) -> Result<Vec<Listing<'r>>, Failure> {
    let unknown = names.iter().find(|name| all.iter().all(|listing| listing.name != **name));
    if let Some(name) = unknown {
        let message = format!("no loaded plugin offers a component `{}`", shown(name));
        let hint = suggest(name, all.iter().map(|listing| listing.name));
        return Err(Failure::Unknown { message, hint });
    }
    let wanted = |listing: &Listing<'_>| names.is_empty() || names.iter().any(|name| name == listing.name);
    Ok(all.into_iter().filter(wanted).collect())
}

/// The folders that components come from, in order of the listing.
fn folders(components: &[Listing<'_>]) -> String {
    let mut folders: Vec<String> = Vec::new();
    for listing in components {
        let folder = listing.plugin.path.parent().unwrap_or(Path::new("")).display().to_string();
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders.join(", ")
}

fn file_name(listing: &Listing<'_>) -> String {
    listing.plugin.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn as_json(listing: &Listing<'_>) -> Value {
    json!({
        "kind": listing.kind,
        "name": listing.name,
        "doc": listing.doc,
        "version": listing.plugin.version,
        "interface": listing.plugin.interface,
        "file": listing.plugin.path.to_string_lossy(),
        "sha256": listing.plugin.sha256,
        "config": listing.fields,
        "offers": listing.offers,
    })
}

fn headline(listing: &Listing<'_>) -> String {
    let Listing { kind, name, doc, plugin, .. } = listing;
    format!("{kind} `{name}`: {doc} ({} {})", file_name(listing), plugin.version)
}

/// What a component is, what its fields mean, and its whole configuration as it can be copied into an experiment.
fn in_full(listing: &Listing<'_>) -> String {
    let (path, sha256) = (listing.plugin.path.display(), &listing.plugin.sha256);
    let mut lines = vec![headline(listing), format!("    from {path}, sha256:{sha256}")];
    if listing.kind == "verifier" && listing.offers.iter().any(|word| word == "answers") {
        lines.push("    tells which responses of different spellings give one answer".into());
    }
    lines.extend(listing.fields.iter().map(|field| {
        let range = if field.range.is_empty() { String::new() } else { format!(", {}", field.range) };
        let default = match &field.default {
            Some(default) => format!("default {default}"),
            None => "must be given".into(),
        };
        format!("    {}: {}{range}; {default}; {}", field.name, field.kind, field.doc)
    }));
    if !listing.fields.is_empty() {
        lines.push("in full:".into());
        lines.push("    (".into());
        lines.extend(listing.fields.iter().map(|field| match &field.default {
            Some(default) => format!("        {}: {default},", field.name),
            None => format!("        // {}: {},", field.name, field.kind),
        }));
        lines.push("    )".into());
    }
    lines.join("\n") + "\n"
}
