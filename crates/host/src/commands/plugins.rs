//! `host plugins`.

use super::{load_plugins, print};
use crate::cli::PluginsArgs;
use crate::failure::Failure;
use crate::output::print_text;
use pstar_loader::Listing;
use pstar_record::to_json;
use serde_json::{Value, json};
use std::process::ExitCode;

pub(super) fn plugins(args: &PluginsArgs) -> Result<ExitCode, Failure> {
    let registry = load_plugins(&args.plugins)?;
    let components = registry.components();
    if args.json {
        let listings: Vec<Value> = components.iter().map(as_json).collect();
        print(&to_json(&json!({ "components": listings })))?;
    } else {
        print_text(&components.iter().map(as_text).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
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
        "config": listing.fields,
    })
}

fn as_text(listing: &Listing<'_>) -> String {
    let Listing { kind, name, doc, plugin, .. } = listing;
    let mut lines = vec![format!("{kind} `{name}`: {doc} ({} {})", file_name(listing), plugin.version)];
    lines.extend(listing.fields.iter().map(|field| {
        let range = if field.range.is_empty() { String::new() } else { format!(", {}", field.range) };
        let default = match &field.default {
            Some(default) => format!("default {default}"),
            None => "must be given".into(),
        };
        format!("    {}: {}{range}; {default}; {}", field.name, field.kind, field.doc)
    }));
    lines.join("\n") + "\n"
}
