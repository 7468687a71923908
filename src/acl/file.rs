//! A file of users (`aclfile`): one `user name rules` a line, and nothing else but empty lines.

use std::fmt::{self, Write};

use super::rule::{RuleError, Rules, is_name, merge_selectors};
use super::user::User;

/// Everything that is wrong with a file, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError(String);

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The users of a file, whose text is given. `file` is its name in errors.
///
/// # Errors
/// All mistakes of all lines. Passwords are not quoted.
pub fn parse(text: &[u8], file: &str, rules: &Rules<'_>) -> Result<Vec<User>, FileError> {
    let mut users: Vec<User> = Vec::new();
    let mut mistakes = String::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let place = format!("{file}:{}", index + 1);
        match parse_line(line, &place, rules, &mut mistakes) {
            Some(user) if users.iter().any(|other| other.name() == user.name()) => {
                let _ = write!(
                    mistakes,
                    "WARNING: Duplicate user '{}' found on line {}. ",
                    user.name(),
                    index + 1
                );
            }
            Some(user) => users.push(user),
            None => {}
        }
    }
    if mistakes.is_empty() {
        Ok(users)
    } else {
        mistakes.push_str(
            "WARNING: ACL errors detected, no change to the previously active ACL rules was performed",
        );
        Err(FileError(mistakes))
    }
}

/// The user of a line. What is wrong with it is added to `mistakes`; writing to a string cannot fail.
fn parse_line(line: &[u8], place: &str, rules: &Rules<'_>, mistakes: &mut String) -> Option<User> {
    let mut words = line.split(|byte| *byte == b' ');
    let (keyword, name) = (words.next(), words.next());
    let (Some(b"user"), Some(name)) = (keyword, name) else {
        let _ = write!(
            mistakes,
            "{place} should start with user keyword followed by the username. "
        );
        return None;
    };
    let Some(name) = std::str::from_utf8(name).ok().filter(|_| is_name(name)) else {
        let name = String::from_utf8_lossy(name);
        let _ = write!(
            mistakes,
            "'{place}: username '{name}' contains invalid characters. "
        );
        return None;
    };
    let Ok(merged) = merge_selectors(words) else {
        let _ = write!(
            mistakes,
            "{place}: Unmatched parenthesis in selector definition."
        );
        return None;
    };
    let mut user = User::new(name, rules.all_channels);
    let mut has_other_mistake = false;
    for rule in merged {
        match user.apply(rule.trim_ascii(), rules) {
            Ok(()) => {}
            // Names of commands are no secrets.
            Err(why @ RuleError::Unknown) => {
                let rule = String::from_utf8_lossy(&rule);
                let _ = write!(
                    mistakes,
                    "{place}: Error in applying operation '{rule}': {}. ",
                    why.text()
                );
            }
            // What follows the first of the others may be wrong because of it.
            Err(why) if !has_other_mistake => {
                has_other_mistake = true;
                let _ = write!(mistakes, "{place}: {}. ", why.text());
            }
            Err(_) => {}
        }
    }
    Some(user)
}
