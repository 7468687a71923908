//! The `larder` program: reads its arguments and does what they ask for, which mostly is to serve.

use std::io::Write as _;
use std::process::ExitCode;

use larder::config::arguments::{self, Action};
use larder::config::load::{Loaded, load};
use larder::config::{check, log};
use larder::users;

mod import;
mod ping;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(message) => {
            let _ = writeln!(std::io::stderr(), "larder: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the arguments ask for. An error is one line for the person who started the program.
fn run() -> Result<ExitCode, String> {
    match arguments::parse(std::env::args_os(), |name| std::env::var(name).ok())? {
        Action::Serve(sources) => serve(load(&sources).map_err(|error| error.to_string())?)?,
        Action::Print(text) => say(&text),
        Action::Import(arguments) if import::import(&arguments)? => {}
        Action::Import(_) => return Ok(ExitCode::FAILURE),
        Action::Ping(target) => say(&format!("{}\n", ping::ping(&target)?)),
        Action::CheckConfig(file) => {
            let report =
                check::check(&file, users::check_definition).map_err(|error| error.to_string())?;
            say(&report.text);
            return Ok(if report.refused == 0 {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn serve(loaded: Loaded) -> Result<(), String> {
    log::init(&loaded.settings)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    larder::net::run(loaded.settings).map_err(|error| error.to_string())
}

/// Prints a text. Nobody left to read it is no error.
fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
