//! The command `cipher-test`.

use std::process::ExitCode;

fn main() -> ExitCode {
    cipher_test::cli::main()
}
