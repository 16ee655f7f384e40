//! Writes the report of a run that nobody ran, with its record: `cargo run -p pstar-page --example made -- DIRECTORY [hostile]`. For
//! whoever changes the page, and for the test in a browser.

#[path = "../tests/common/mod.rs"]
#[expect(dead_code, reason = "tests use the rest")]
mod common;

use pstar_record::to_json;
use std::env;
use std::fs;
use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let directory = PathBuf::from(env::args_os().nth(1).unwrap_or("made".into()));
    let mut data = common::run(common::COMPARE);
    if env::args().nth(2).is_some() {
        common::rename(&mut data, &common::HOSTILE);
    }
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("summary.json"), to_json(&data.record))?;
    fs::write(directory.join("report.html"), pstar_page::page(&data))
}
