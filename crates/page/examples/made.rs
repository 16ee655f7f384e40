//! Writes a report that needs no run: `cargo run -p pstar-page --example made -- OUT.html`. For whoever changes the page.

#[path = "../tests/common/mod.rs"]
#[expect(dead_code, reason = "tests use the rest")]
mod common;

fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or("made.html".into());
    std::fs::write(path, pstar_page::page(&common::run(common::COMPARE)))
}
