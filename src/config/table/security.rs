//! Who may do what.

use super::Section;
use crate::config::choice::{AclPubsubDefault, ProtectedAction};
use crate::config::parameter::{LONG, choice, number, text, yes_no};

pub(super) const SECTION: Section = Section {
    name: "security",
    title: "Security",
    parameters: &[
        text("requirepass", "")
            .secret()
            .honoured("Password of the default user; empty means none."),
        yes_no("protected-mode", "yes")
            .honoured("Without a password, refuse clients from other machines."),
        choice::<ProtectedAction>("enable-debug-command", "no")
            .fixed()
            .honoured("Who may use DEBUG: no, yes, or local (this machine)."),
        choice::<ProtectedAction>("enable-protected-configs", "no")
            .fixed()
            .honoured(
                "Who may set protected parameters by CONFIG SET: no, yes, or local (this machine).",
            ),
        choice::<ProtectedAction>("enable-module-command", "no")
            .fixed()
            .kept("Who may use MODULE; there are no modules."),
        choice::<AclPubsubDefault>("acl-pubsub-default", "resetchannels")
        .honoured("Channels that a new user may use."),
        text("aclfile", "")
            .fixed()
            .honoured("File of users, for ACL LOAD and ACL SAVE; a relative name is looked for in dir, if that is set."),
        number("acllog-max-len", 0, LONG, "128").honoured("Entries of ACL LOG."),
    ],
};
