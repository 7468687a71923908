//! `redis://[user:password@]host:port[/db]`

use std::fmt;
use std::str::FromStr;

/// Where a server is, and who wants to talk to it. Shown without the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) db: Option<usize>,
}

const PORT: u16 = 6379;

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("rediss://") {
            return Err("rediss://: TLS is not supported here; a local tunnel does it".into());
        }
        // A password must not end up in a log.
        let wrong = |what: &str| {
            format!(
                "the address is wrong: {what}; it is redis://[[user]:password@]host[:port][/db]"
            )
        };
        let rest = text
            .strip_prefix("redis://")
            .ok_or_else(|| wrong("it does not begin with redis://"))?;
        let (identity, place) = match rest.rsplit_once('@') {
            Some((identity, place)) => (Some(identity), place),
            None => (None, rest),
        };
        let (user, password) = match identity.map(|identity| identity.split_once(':')) {
            None => (None, None),
            Some(None) => return Err(wrong("there is a user without a password")),
            Some(Some((user, password))) => (
                Some(decoded(user).ok_or_else(|| wrong("the user"))?),
                Some(decoded(password).ok_or_else(|| wrong("the password"))?),
            ),
        };
        let (place, db) = match place.split_once('/') {
            None | Some((_, "")) => (place.trim_end_matches('/'), None),
            Some((place, db)) => (place, Some(db.parse().map_err(|_| wrong("the database"))?)),
        };
        let (host, port) = match place.rsplit_once(':') {
            // Colons within brackets belong to an IPv6 address.
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| wrong("the port"))?)
            }
            _ => (place, PORT),
        };
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        if host.is_empty() {
            return Err(wrong("there is no host"));
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            user: user.filter(|user| !user.is_empty()),
            password,
            db,
        })
    }
}

/// Text with its `%XX` decoded.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte == b'%' {
            let (digits, behind) = rest.split_at_checked(2)?;
            rest = behind;
            let digits = str::from_utf8(digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "redis://[{}]:{}", self.host, self.port)?;
        } else {
            write!(f, "redis://{}:{}", self.host, self.port)?;
        }
        match self.db {
            Some(db) => write!(f, "/{db}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_may_be_there_or_not() {
        let address: Address = "redis://me:p%40ss:word@db.example:7000/3".parse().unwrap();
        assert_eq!(
            address,
            Address {
                host: "db.example".into(),
                port: 7000,
                user: Some("me".into()),
                password: Some("p@ss:word".into()),
                db: Some(3),
            }
        );
        assert_eq!(address.to_string(), "redis://db.example:7000/3");
        for (text, shown) in [
            ("redis://localhost", "redis://localhost:6379"),
            ("redis://localhost/", "redis://localhost:6379"),
            ("redis://:secret@localhost:1", "redis://localhost:1"),
            ("redis://[::1]:7/0", "redis://[::1]:7/0"),
            ("redis://[::1]", "redis://[::1]:6379"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), shown);
        }
        assert_eq!("redis://:x@h".parse::<Address>().unwrap().user, None);
    }

    #[test]
    fn mistakes_are_told_without_the_password() {
        for text in [
            "localhost:6379",
            "redis://",
            "redis://h:x",
            "redis://h:70000",
            "redis://h/x",
            "redis://secret@h",
            "redis://u:secret%4@h",
            "rediss://u:secret@h",
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
