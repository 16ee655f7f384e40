//! The command line of pstar.

use pstar_host::{ExitCode, Program};

fn main() -> ExitCode {
    pstar_host::main(Program::of_this_process())
}
