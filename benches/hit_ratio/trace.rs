//! The public traces: sequences of key numbers. They are not part of the tree; without them the generated workloads are replayed.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::process::Command;

use super::workload::{Key, Op, Request, Workload};

/// All keys alike: the traces know no sizes.
const KEY: Key = Key {
    name: 16,
    value: 967,
    ttl: 0,
};

struct File {
    name: &'static str,
    file: &'static str,
    about: &'static str,
}

const FILES: [File; 5] = [
    File {
        name: "web07",
        file: "web07.trace.xz",
        about: "product views of a web shop",
    },
    File {
        name: "orm-night",
        file: "orm-night.trace.xz",
        about: "an object-relational mapper's nightly batch",
    },
    File {
        name: "sprite",
        file: "sprite.trace.gz",
        about: "a network file system",
    },
    File {
        name: "multi2",
        file: "multi2.trace.gz",
        about: "three programs at once",
    },
    File {
        name: "loop",
        file: "loop.trace.gz",
        about: "a loop over a thousand keys",
    },
];

/// The traces in `directory`, each cut off after `most` requests.
pub fn read(directory: &Path, most: usize) -> io::Result<Vec<Workload>> {
    let mut workloads = Vec::new();
    for file in &FILES {
        let path = directory.join(file.file);
        if !path.exists() {
            continue;
        }
        let packed_numbers = path.extension().is_some_and(|end| end == "xz");
        let bytes = unpack(&path, if packed_numbers { "xz" } else { "gzip" })?;
        let numbers: Vec<u32> = if packed_numbers {
            let (words, _) = bytes.as_chunks();
            words.iter().map(|word| u32::from_be_bytes(*word)).collect()
        } else {
            let text = String::from_utf8_lossy(&bytes);
            let words = text.split_ascii_whitespace();
            words.filter_map(|word| word.parse().ok()).collect()
        };
        let mut known = HashMap::new();
        let requests = numbers
            .into_iter()
            .take(most)
            .map(|number| {
                let next = known.len() as u32;
                Request {
                    key: *known.entry(number).or_insert(next),
                    op: Op::Get,
                }
            })
            .collect();
        workloads.push(Workload {
            name: file.name,
            about: file.about,
            requests,
            keys: vec![KEY; known.len()],
            millis: 0,
        });
    }
    Ok(workloads)
}

fn unpack(path: &Path, tool: &str) -> io::Result<Vec<u8>> {
    let output = Command::new(tool).arg("-dc").arg(path).output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("{tool} cannot read {path:?}")));
    }
    Ok(output.stdout)
}
