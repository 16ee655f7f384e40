//! Writes the report of a run, or one of its figures: `cargo run -p pstar-page --example page -- RUN OUT [FIGURE]`.

use pstar_record::RunData;
use std::env;
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (Some(run), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("expected a run's directory and a file to write".into());
    };
    let data = RunData::read(&run)?;
    let name = arguments.next().map(|name| name.to_string_lossy().into_owned());
    let text = match &name {
        None => pstar_page::page(&data),
        Some(name) => pstar_page::figure(&data, name).ok_or_else(|| {
            format!("no figure `{name}`, expected one of {:?}", pstar_page::figure_names(&data))
        })?,
    };
    Ok(std::fs::write(out, text)?)
}
