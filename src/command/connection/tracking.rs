//! CLIENT TRACKING, CACHING, GETREDIR, TRACKINGINFO.

use bytes::Bytes;

use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::tracking::stop;
use crate::mailbox::ClientId;
use crate::resp::{Args, ReplyError};
use crate::session::{ClientFlags, Tracking, TrackingMode};
use crate::value::number;

const OTHER_MODE: ReplyError = ReplyError::fixed(
    "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.",
);
const OTHER_OPTION: ReplyError = ReplyError::fixed(
    "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.",
);

/// What `CLIENT TRACKING` is told beside ON.
#[derive(Default)]
struct Options<'a> {
    redirect: Option<ClientId>,
    prefixes: Vec<&'a [u8]>,
    broadcast: bool,
    opt_in: bool,
    opt_out: bool,
    noloop: bool,
}

impl<'a> Options<'a> {
    fn parse(ctx: &Context<'_>, words: Args<'a>) -> Result<Self, ReplyError> {
        let mut options = Self::default();
        let mut at = 0;
        while let Some(word) = words.get(at) {
            at += 1;
            let next = words.get(at);
            match (word.to_ascii_uppercase().as_slice(), next) {
                (b"REDIRECT", Some(id)) => {
                    at += 1;
                    options.set_redirect(ctx, id)?;
                }
                (b"PREFIX", Some(prefix)) => {
                    at += 1;
                    options.prefixes.push(prefix);
                }
                (b"BCAST", _) => options.broadcast = true,
                (b"OPTIN", _) => options.opt_in = true,
                (b"OPTOUT", _) => options.opt_out = true,
                (b"NOLOOP", _) => options.noloop = true,
                _ => return Err(ReplyError::SYNTAX),
            }
        }
        Ok(options)
    }

    fn set_redirect(&mut self, ctx: &Context<'_>, id: &[u8]) -> Result<(), ReplyError> {
        if self.redirect.is_some() {
            return Err(ReplyError::fixed(
                "ERR A client can only redirect to a single other client",
            ));
        }
        let id = number::parse_i64(id).ok_or(ReplyError::NOT_INTEGER)?;
        let found = ClientId::try_from(id)
            .ok()
            .and_then(|id| ctx.server.clients.get(id));
        let Some(found) = found else {
            return Err(ReplyError::fixed(
                "ERR The client ID you want redirect to does not exist",
            ));
        };
        self.redirect = Some(found.id);
        Ok(())
    }

    /// Whether they agree with each other, and with what holds already.
    fn check(&self, present: Option<&Tracking>) -> Result<(), ReplyError> {
        if !self.broadcast && !self.prefixes.is_empty() {
            return Err(ReplyError::fixed(
                "ERR PREFIX option requires BCAST mode to be enabled",
            ));
        }
        let mode = present.map(|tracking| &tracking.mode);
        if mode.is_some_and(|mode| self.broadcast != matches!(mode, TrackingMode::Broadcast(_))) {
            return Err(OTHER_MODE);
        }
        if self.broadcast && (self.opt_in || self.opt_out) {
            return Err(ReplyError::fixed(
                "ERR OPTIN and OPTOUT are not compatible with BCAST",
            ));
        }
        if self.opt_in && self.opt_out {
            return Err(ReplyError::fixed(
                "ERR You can't use both OPTIN mode and OPTOUT mode",
            ));
        }
        match mode {
            Some(TrackingMode::OptOut) if self.opt_in => Err(OTHER_OPTION),
            Some(TrackingMode::OptIn) if self.opt_out => Err(OTHER_OPTION),
            _ => self.check_overlaps(present.map_or(&[], Tracking::prefixes)),
        }
    }

    /// A key may begin with one prefix of a client at the most.
    fn check_overlaps(&self, present: &[Bytes]) -> Result<(), ReplyError> {
        for (i, prefix) in self.prefixes.iter().enumerate() {
            let overlaps = |other: &[u8]| prefix.starts_with(other) || other.starts_with(prefix);
            if let Some(other) = present.iter().find(|other| overlaps(other)) {
                return Err(overlap(prefix, "an existing", other));
            }
            if let Some(other) = self.prefixes[i + 1..].iter().find(|other| overlaps(other)) {
                return Err(overlap(prefix, "another provided", other));
            }
        }
        Ok(())
    }
}

fn overlap(prefix: &[u8], which: &str, other: &[u8]) -> ReplyError {
    let text = [
        b"ERR Prefix '",
        prefix,
        b"' overlaps with ",
        which.as_bytes(),
        b" prefix '",
        other,
        b"'. Prefixes for a single client must not overlap.",
    ];
    ReplyError::from_bytes(text.concat())
}

/// `CLIENT TRACKING <ON | OFF> [REDIRECT client-id] [PREFIX prefix]... [BCAST] [OPTIN] [OPTOUT] [NOLOOP]`
pub(super) fn tracking(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let options = Options::parse(ctx, args.rest(3))?;
    if args.at(2).eq_ignore_ascii_case(b"OFF") {
        stop(ctx.session, ctx.server);
    } else if args.at(2).eq_ignore_ascii_case(b"ON") {
        options.check(ctx.session.tracking.as_deref())?;
        start(ctx, &options);
    } else {
        return Err(ReplyError::SYNTAX);
    }
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// Options that were checked take the place of those before; prefixes are added to those before.
fn start(ctx: &mut Context<'_>, options: &Options<'_>) {
    let (server, session) = (ctx.server, &mut *ctx.session);
    let before = session.tracking.take();
    if before.is_none() {
        server.tracking.count(true);
    }
    let mode = if options.broadcast {
        let mut prefixes = before.map_or_else(Vec::new, |tracking| tracking.prefixes().to_vec());
        let everything = options.prefixes.is_empty() && !prefixes.iter().any(Bytes::is_empty);
        let new = options.prefixes.iter().copied();
        for prefix in new.chain(everything.then_some(&b""[..])) {
            let prefix = Bytes::copy_from_slice(prefix);
            server.tracking.join(&prefix, session.subscriber());
            prefixes.push(prefix);
        }
        TrackingMode::Broadcast(prefixes)
    } else if options.opt_in {
        TrackingMode::OptIn
    } else if options.opt_out {
        TrackingMode::OptOut
    } else {
        TrackingMode::Read
    };
    session.tracking = Some(Box::new(Tracking {
        mode,
        noloop: options.noloop,
        redirect: options.redirect,
        caching: false,
        gave_way: false,
        held: Vec::new(),
    }));
    session.publish_tracking();
}

/// `CLIENT CACHING <YES | NO>`
pub(super) fn caching(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let Some(tracking) = &mut ctx.session.tracking else {
        return Err(ReplyError::fixed(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
        ));
    };
    let word = args.at(2);
    let (mode, refusal) = if word.eq_ignore_ascii_case(b"YES") {
        (
            TrackingMode::OptIn,
            "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
        )
    } else if word.eq_ignore_ascii_case(b"NO") {
        (
            TrackingMode::OptOut,
            "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
        )
    } else {
        return Err(ReplyError::SYNTAX);
    };
    if tracking.mode != mode {
        return Err(ReplyError::fixed(refusal));
    }
    tracking.caching = true;
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// The connection that hears of changes instead of this one: 0 if none does, -1 if this one does not keep what it reads.
fn redirect(ctx: &Context<'_>) -> i64 {
    let tracking = ctx.session.tracking.as_ref();
    tracking.map_or(-1, |tracking| {
        i64::try_from(tracking.redirect.unwrap_or(0)).unwrap_or(i64::MAX)
    })
}

/// `CLIENT GETREDIR`
pub(super) fn getredir(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    ctx.reply.int(redirect(ctx));
    Ok(Outcome::Done)
}

/// `CLIENT TRACKINGINFO`
pub(super) fn trackinginfo(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let redirect = redirect(ctx);
    let tracking = ctx.session.tracking.as_deref();
    let mut flags = vec![if tracking.is_some() { "on" } else { "off" }];
    if let Some(tracking) = tracking {
        match tracking.mode {
            TrackingMode::Read => {}
            TrackingMode::Broadcast(_) => flags.push("bcast"),
            TrackingMode::OptIn => flags.push("optin"),
            TrackingMode::OptOut => flags.push("optout"),
        }
        match tracking.mode {
            TrackingMode::OptIn if tracking.caching => flags.push("caching-yes"),
            TrackingMode::OptOut if tracking.caching => flags.push("caching-no"),
            _ => {}
        }
        if tracking.noloop {
            flags.push("noloop");
        }
        let shown = ctx.session.client().flags();
        if shown.contains(ClientFlags::BROKEN_REDIRECTION) {
            flags.push("broken_redirect");
        }
    }
    let reply = &mut *ctx.reply;
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.bulk(flag.as_bytes()));
    reply.bulk(b"redirect");
    reply.int(redirect);
    reply.bulk(b"prefixes");
    let prefixes = tracking.map_or(&[][..], Tracking::prefixes);
    reply.array(prefixes.len());
    prefixes.iter().for_each(|prefix| reply.bulk(prefix));
    Ok(Outcome::Done)
}
