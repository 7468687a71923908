//! The log: text or JSON, to standard output or a file, at a level that CONFIG SET can change.
//!
//! The level is that of Larder's own events. Libraries are heard from warnings up, whatever the level: what they say
//! below that is about themselves.

use std::fs::OpenOptions;
use std::io::IsTerminal as _;
use std::sync::Mutex;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{fmt, registry, reload};

use super::choice::{LogFormat, LogLevel};
use super::settings::Settings;

/// Starts the log as the settings say, and lets `loglevel` change it later. To be called once in a process; later calls
/// leave the first log in place.
///
/// # Errors
/// The log file cannot be opened: one line that says why.
pub fn init(settings: &Settings) -> Result<(), String> {
    let logfile = settings.logfile();
    let (writer, colours) = if logfile.is_empty() {
        (
            BoxMakeWriter::new(std::io::stdout),
            std::io::stdout().is_terminal(),
        )
    } else {
        let file = OpenOptions::new().append(true).create(true).open(&*logfile);
        let file = file.map_err(|why| format!("logfile: cannot open '{logfile}': {why}"))?;
        (BoxMakeWriter::new(Mutex::new(file)), false)
    };
    let (filter, handle) = reload::Layer::new(filter(settings.loglevel()));
    // A log that cannot be written must not end the server, nor fill the standard error.
    let lines = fmt::layer()
        .with_writer(writer)
        .with_ansi(colours)
        .with_target(false)
        .log_internal_errors(false);
    let started = match settings.log_format() {
        LogFormat::Json => registry()
            .with(filter)
            .with(lines.json().flatten_event(true))
            .try_init(),
        LogFormat::Text | LogFormat::Legacy => registry().with(filter).with(lines).try_init(),
    };
    if started.is_ok() {
        settings.on_change(&["loglevel"], move |settings| {
            handle
                .reload(filter_of(settings))
                .map_err(|_| "the log has ended".to_owned())
        });
    }
    Ok(())
}

fn filter_of(settings: &Settings) -> Targets {
    filter(settings.loglevel())
}

fn filter(level: LogLevel) -> Targets {
    let own = match level {
        LogLevel::Debug => LevelFilter::TRACE,
        LogLevel::Verbose => LevelFilter::DEBUG,
        LogLevel::Notice => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Nothing => LevelFilter::OFF,
    };
    Targets::new()
        .with_target(env!("CARGO_CRATE_NAME"), own)
        .with_default(own.min(LevelFilter::WARN))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn libraries_are_heard_from_warnings_up() {
        let debug = filter(LogLevel::Debug);
        assert!(debug.would_enable("larder::net", &Level::TRACE));
        assert!(debug.would_enable("rustls", &Level::WARN));
        assert!(!debug.would_enable("rustls", &Level::INFO));
        assert!(!filter(LogLevel::Nothing).would_enable("larder", &Level::ERROR));
        assert!(!filter(LogLevel::Notice).would_enable("larder", &Level::DEBUG));
    }

    #[test]
    fn a_log_file_that_cannot_be_opened_is_named() {
        let settings = Settings::new();
        let position = crate::config::table::position("logfile");
        settings.store(
            position,
            crate::config::value::Value::Text("/no/such/directory/larder.log".into()),
        );
        assert!(
            init(&settings)
                .unwrap_err()
                .starts_with("logfile: cannot open '/no/such/directory/larder.log': ")
        );
    }
}
