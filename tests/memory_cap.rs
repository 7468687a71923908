//! The memory cap over a real socket: what is evicted, what is refused, and that the cap holds.

mod support;

use std::collections::HashMap;
use std::thread;

use support::{Client, Server};

/// INFO's fields of a section.
fn info(client: &mut Client, section: &str) -> HashMap<String, String> {
    let reply = client.call(&["INFO", section]);
    let text = support::show(&reply);
    text.split("\\r\\n")
        .flat_map(|part| part.split("\r\n"))
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
