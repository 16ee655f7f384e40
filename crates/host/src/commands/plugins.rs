//! `host plugins`.

use super::{load_plugins, print};
use crate::cli::PluginArgs;
use crate::failure::Failure;
use std::process::ExitCode;

pub(super) fn plugins(args: &PluginArgs) -> Result<ExitCode, Failure> {
    let registry = load_plugins(args)?;
    let components = registry.components();
    let kinds = components.iter().map(|row| row.0.len()).max().unwrap_or(0);
    let names = components.iter().map(|row| row.1.len()).max().unwrap_or(0);
    let lines = components.iter().map(|(kind, name, doc, plugin)| {
        let file = plugin.path.file_name().unwrap_or_default().to_string_lossy();
        format!("{kind:kinds$}  {name:names$}  {doc} ({file} {})\n", plugin.version)
    });
    print(&lines.collect::<String>())?;
    Ok(ExitCode::SUCCESS)
}
