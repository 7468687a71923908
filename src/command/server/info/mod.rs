//! INFO: what the server knows of itself, as lines of `name:value` in sections.
//!
//! Sections and fields have the names and formats that Valkey 9.1 gives them in a single node, because dashboards and
//! exporters split these lines; a field about something that Larder does not have (replication, scripts, forks) is
//! there with the value of "none". What only Larder has is in the section `Larder`.
//!
//! A section is a function in one of the files beside this one, and an entry of [`SECTIONS`].

mod clients;
mod commands;
mod cpu;
mod databases;
mod larder;
mod memory;
mod persistence;
mod replication;
mod server;
mod stats;
mod text;

use crate::clock::UnixMillis;
use crate::command::{CommandResult, Context, Outcome};
use crate::keyspace::Access;
use crate::keyspace::whole::DatabaseFigures;
use crate::resp::Args;
use crate::server::Server;
use crate::session::Session;
use text::Text;

/// One section.
struct Section {
    /// What a request calls it.
    name: &'static str,
    /// What stands above it.
    title: &'static str,
    /// Whether it is there when no section is asked for.
    by_default: bool,
    write: fn(&mut Source<'_, '_>, &mut Text),
}

impl Section {
    const fn new(
        name: &'static str,
        title: &'static str,
        write: fn(&mut Source<'_, '_>, &mut Text),
    ) -> Self {
        Self {
            name,
            title,
            by_default: true,
            write,
        }
    }

    const fn on_demand(mut self) -> Self {
        self.by_default = false;
        self
    }

    /// Whether a word of the request names it.
    fn is_asked_for(&self, word: &[u8]) -> bool {
        word.eq_ignore_ascii_case(self.name.as_bytes())
            || word.eq_ignore_ascii_case(b"all")
            || word.eq_ignore_ascii_case(b"everything")
            || (self.by_default && word.eq_ignore_ascii_case(b"default"))
    }
}

/// All sections, in the order in which they are written.
const SECTIONS: &[Section] = &[
    Section::new("server", "Server", server::server),
    Section::new("tls", "TLS", server::tls).on_demand(),
    Section::new("clients", "Clients", clients::clients),
    Section::new("memory", "Memory", memory::memory),
    Section::new("persistence", "Persistence", persistence::persistence),
    Section::new("stats", "Stats", stats::stats),
    Section::new("replication", "Replication", replication::replication),
    Section::new("cpu", "CPU", cpu::cpu),
    Section::new("modules", "Modules", nothing),
    Section::new("commandstats", "Commandstats", commands::calls).on_demand(),
    Section::new("errorstats", "Errorstats", commands::errors),
    Section::new("latencystats", "Latencystats", commands::latencies).on_demand(),
    Section::new("cluster", "Cluster", replication::cluster),
    Section::new("cluster_info", "Cluster Info", nothing).on_demand(),
    Section::new(
        "scriptingengines",
        "Scripting Engines",
        replication::scripting_engines,
    )
    .on_demand(),
    Section::new("keyspace", "Keyspace", databases::databases),
    Section::new("larder", "Larder", larder::larder),
];

/// A section that has a title and no lines.
fn nothing(_: &mut Source<'_, '_>, _: &mut Text) {}

/// Where the sections get their figures from.
struct Source<'a, 'k> {
    server: &'a Server,
    session: &'a Session,
    keys: &'a mut Access<'k>,
    now: UnixMillis,
    databases: Option<Vec<DatabaseFigures>>,
}

impl Source<'_, '_> {
    /// The figures of every database; the walk over the shards is made once for all sections.
    fn databases(&mut self) -> &[DatabaseFigures] {
        self.databases.get_or_insert_with(|| self.keys.figures())
    }

    /// A setting as CONFIG GET shows it.
    fn setting(&self, name: &str) -> String {
        let found = self.server.settings.get(&[name.as_bytes()]);
        found
            .into_iter()
            .next()
            .map(|(_, value)| value)
            .unwrap_or_default()
    }
}

/// `INFO [section ...]`
pub(super) fn info(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let words = args.rest(1);
    let is_wanted = |section: &&Section| {
        if words.is_empty() {
            section.by_default
        } else {
            words.iter().any(|word| section.is_asked_for(word))
        }
    };
    let mut source = Source {
        server: ctx.server,
        session: ctx.session,
        keys: &mut ctx.keys,
        now: ctx.now,
        databases: None,
    };
    let mut text = Text::default();
    for section in SECTIONS.iter().filter(is_wanted) {
        text.title(section.title);
        (section.write)(&mut source, &mut text);
    }
    ctx.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_asked_for_by_name_or_by_class() {
        let names = |word: &str| -> Vec<_> {
            let asked = SECTIONS
                .iter()
                .filter(|section| section.is_asked_for(word.as_bytes()));
            asked.map(|section| section.name).collect()
        };
        assert_eq!(names("CPU"), ["cpu"]);
        assert_eq!(names("nosuch"), [""; 0]);
        assert_eq!(names("all").len(), SECTIONS.len());
        assert_eq!(names("Everything").len(), SECTIONS.len());
        assert!(!names("default").contains(&"commandstats"));
        assert!(names("default").contains(&"errorstats"));
    }
}
