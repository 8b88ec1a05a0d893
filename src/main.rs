//! The `waymark` program: reads the settings and runs the command.

fn main() -> std::process::ExitCode {
    waymark::cli::run(waymark::config::read())
}
