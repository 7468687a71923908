//! Dialogues: requests as lines of words, replies on one line each.

use super::Client;

/// Sends lines of words and expects the replies, given as [`show`] writes them.
///
/// # Panics
/// If a reply is another one.
#[track_caller]
pub fn talk(client: &mut Client, lines: &[(&str, &str)]) {
    for (request, expected) in lines {
        let words: Vec<_> = request.split(' ').collect();
        client.request(&words);
        assert_eq!(show(client), *expected, "{request}");
    }
}

/// The next reply on one line: bulk strings as they are, arrays in brackets, maps in braces, no value as `nil`, no array
/// as `nil*`.
///
/// # Panics
/// If no reply comes.
#[track_caller]
pub fn show(client: &mut Client) -> String {
    let line = client.line();
    let (kind, rest) = line.split_at(1);
    let several = |client: &mut Client, count: usize| {
        let elements: Vec<_> = (0..count).map(|_| show(client)).collect();
        elements.join(" ")
    };
    match kind {
        "$" if rest == "-1" => "nil".into(),
        "*" if rest == "-1" => "nil*".into(),
        "_" => "nil".into(),
        "$" => {
            let len: usize = rest.parse().expect("a length");
            let bytes = client.take(len + 2);
            String::from_utf8_lossy(&bytes[..len]).into_owned()
        }
        "*" => {
            let count = rest.parse().expect("a length");
            format!("[{}]", several(client, count))
        }
        "%" => {
            let count: usize = rest.parse().expect("a length");
            format!("{{{}}}", several(client, count * 2))
        }
        _ => line,
    }
}
