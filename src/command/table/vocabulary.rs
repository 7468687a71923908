//! What the rules of users can name, and what is asked of a user about a request.

use std::ops::Range;

use super::flags::{Acl, Flags, KeyFlags};
use super::keys::{Key, Keys};
use super::spec::{Channels, Command};
use super::{commands, find_path};
use crate::acl::{self, ChannelUse, KeyUse, Named, Permission};
use crate::resp::Args;

/// The table as the rules of users see it.
#[derive(Debug)]
pub struct Vocabulary;

impl acl::Vocabulary for Vocabulary {
    fn command(&self, name: &[u8]) -> Option<Named> {
        let command = find_path(name)?;
        Some(Named {
            name: command.full_name(),
            ids: ids(command),
        })
    }

    fn category(&self, name: &[u8]) -> Option<Vec<Range<usize>>> {
        let category = Acl::named(name)?;
        let of = |command: &Command| command.acl.contains(category);
        let each = commands().iter().flat_map(|command| {
            let whole = of(command).then(|| ids(command));
            let subcommands = command.subcommands.iter().filter(move |sub| of(sub));
            whole.into_iter().chain(subcommands.map(ids))
        });
        Some(each.collect())
    }
}

/// The number of a command, and behind it those of its subcommands.
fn ids(command: &Command) -> Range<usize> {
    command.id()..command.id() + 1 + command.subcommands.len()
}

/// What a user is asked about a request of `command`, whose arity has been checked. `keys` are what [`keys_of`] finds.
///
/// Where the arguments do not say where the keys are, there are none: the command will answer an error.
pub fn asked<'r>(
    command: &Command,
    args: Args<'r>,
    keys: &'r Keys,
) -> acl::Request<
    'r,
    impl Iterator<Item = KeyUse> + Clone + use<'r>,
    impl Iterator<Item = ChannelUse> + Clone + use<'r>,
> {
    let (channels, is_pattern) = match command.channels {
        Channels::None => (0..0, false),
        Channels::First => (1..args.len().min(2), false),
        Channels::All => (1..args.len(), false),
        Channels::Patterns => (1..args.len(), true),
    };
    acl::Request {
        command: command.id(),
        is_open: command.flags.contains(Flags::NO_AUTH),
        args,
        keys: keys.iter().map(key_use),
        channels: channels.map(move |index| ChannelUse { index, is_pattern }),
    }
}

fn key_use(key: Key) -> KeyUse {
    let writes = KeyFlags::of(&[KeyFlags::INSERT, KeyFlags::UPDATE, KeyFlags::DELETE]);
    KeyUse {
        index: key.index,
        needs: Permission {
            read: key.flags.contains(KeyFlags::ACCESS),
            write: key.flags.intersects(writes),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::Vocabulary as _;
    use crate::command::table::{count, keys_of};
    use crate::resp::OwnedArgs;

    #[test]
    fn every_command_has_a_number_that_users_know() {
        assert!(count() <= acl::MAX_COMMANDS);
    }

    #[test]
    fn containers_bring_their_subcommands_along() {
        let config = Vocabulary.command(b"Config").unwrap();
        let get = Vocabulary.command(b"CONFIG|get").unwrap();
        assert_eq!((config.name, get.name), ("config", "config|get"));
        assert!(config.ids.len() > 3 && config.ids.contains(&get.ids.start) && get.ids.len() == 1);
        assert!(Vocabulary.command(b"config|nosuch").is_none());
        let slow = Vocabulary.category(b"SLOW").unwrap();
        assert!(slow.contains(&config.ids) && slow.contains(&get.ids));
        assert!(Vocabulary.category(b"nosuch").is_none());
    }

    #[test]
    fn what_is_asked_about_a_request() {
        for (request, keys, channels) in [
            ("get k", "1r", ""),
            ("set k v", "1w", ""),
            ("set k v get", "1rw", ""),
            ("getset k v", "1rw", ""),
            ("del a b", "1w 2w", ""),
            ("exists a", "1", ""),
            ("copy a b", "1r 2w", ""),
            ("sort a by x store b", "1r 5w", ""),
            ("eval x 1 k a", "3rw", ""),
            ("eval_ro x 1 k a", "3r", ""),
            ("eval x nonsense k", "", ""),
            ("bitfield k get u4 0", "1r", ""),
            ("bitfield k set u4 0 1", "1rw", ""),
            ("keys *", "", ""),
            ("publish c m", "", "1"),
            ("spublish c m", "", "1"),
            ("subscribe a b", "", "1 2"),
            ("ssubscribe a b", "", "1 2"),
            ("psubscribe a b", "", "1p 2p"),
            ("unsubscribe a", "", ""),
            ("ping", "", ""),
        ] {
            let args: OwnedArgs = request.split(' ').collect();
            let command = crate::command::table::resolve(args.view()).unwrap();
            let found = keys_of(command, args.view()).unwrap_or_default();
            let asked = asked(command, args.view(), &found);
            let key = |key: KeyUse| {
                let read = if key.needs.read { "r" } else { "" };
                let write = if key.needs.write { "w" } else { "" };
                format!("{}{read}{write}", key.index)
            };
            let channel = |channel: ChannelUse| {
                format!(
                    "{}{}",
                    channel.index,
                    if channel.is_pattern { "p" } else { "" }
                )
            };
            let shown = asked.keys.map(key).collect::<Vec<_>>().join(" ");
            assert_eq!(shown, keys, "{request}");
            let shown = asked.channels.map(channel).collect::<Vec<_>>().join(" ");
            assert_eq!(shown, channels, "{request}");
        }
    }
}
