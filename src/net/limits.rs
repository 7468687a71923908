//! How many descriptors the process may open, and what follows for `maxclients`.
//!
//! Every client is a descriptor. The limit of the process is raised to what `maxclients` needs; where the system does
//! not allow that, `maxclients` is lowered to what it does allow, and the log says so.

use std::io;

use crate::config::Settings;

/// Descriptors that are not clients: listeners, event loops, the log, connections about to be refused.
const RESERVED: u64 = 32;

/// Raises the limit of open files to what `maxclients` needs, or lowers `maxclients`.
///
/// # Errors
/// Not even one client would fit.
pub(super) fn fit_file_limit(settings: &Settings) -> Result<(), String> {
    let wanted = settings.maxclients() as u64 + RESERVED;
    let Err(why) = raise_to(wanted) else {
        return Ok(());
    };
    let limit = current().map_or(1024, |limit| limit.rlim_cur);
    let clients = limit.saturating_sub(RESERVED);
    if clients == 0 {
        return Err(format!(
            "the limit of open files, {limit}, leaves no room for clients; raise it with 'ulimit -n'"
        ));
    }
    tracing::warn!(
        "You requested maxclients of {} requiring at least {wanted} max file descriptors.",
        settings.maxclients()
    );
    tracing::warn!("Server can't set maximum open files to {wanted} because of OS error: {why}.");
    let lowered = clients.to_string();
    settings
        .set(&[(b"maxclients", lowered.as_bytes())], true)
        .map_err(|why| why.to_string())?;
    tracing::warn!(
        "Current maximum open files is {limit}. maxclients has been reduced to {clients} to compensate for low ulimit. \
         If you need higher maxclients increase 'ulimit -n'."
    );
    Ok(())
}

/// What `CONFIG SET maxclients` needs: the limit raised, or the number that would fit.
///
/// # Errors
/// Redis's text for it.
pub(super) fn allow_clients(maxclients: usize) -> Result<(), String> {
    let fits = |limit: libc::rlimit| limit.rlim_cur.saturating_sub(RESERVED);
    match raise_to(maxclients as u64 + RESERVED) {
        Ok(()) => Ok(()),
        Err(_) => Err(format!(
            "The operating system is not able to handle the specified number of clients, try with {}",
            current().map_or(0, fits)
        )),
    }
}

/// Raises the soft limit (and the hard one, if we may) to at least `wanted`; as far as possible if not that far.
fn raise_to(wanted: u64) -> io::Result<()> {
    let present = current()?;
    if present.rlim_cur >= wanted {
        return Ok(());
    }
    let result = set(libc::rlimit {
        rlim_cur: wanted,
        rlim_max: present.rlim_max.max(wanted),
    });
    if result.is_err() && present.rlim_cur < present.rlim_max {
        // Better some than none: the caller asks for the limit that now holds.
        set(libc::rlimit {
            rlim_cur: present.rlim_max.min(wanted),
            ..present
        })?;
        if present.rlim_max >= wanted {
            return Ok(());
        }
    }
    result
}

fn current() -> io::Result<libc::rlimit> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer is to a local of the type that the call fills.
    match unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } {
        0 => Ok(limit),
        _ => Err(io::Error::last_os_error()),
    }
}

fn set(limit: libc::rlimit) -> io::Result<()> {
    // SAFETY: the pointer is to a local that the call only reads.
    match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_can_be_had_and_the_impossible_is_named() {
        allow_clients(1).unwrap();
        let error = allow_clients(usize::MAX / 2).unwrap_err();
        assert!(
            error.starts_with("The operating system is not able to handle"),
            "{error}"
        );
    }
}
