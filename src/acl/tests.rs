//! Rules and what they allow, over a handful of commands.

use proptest::prelude::*;

use super::*;
use crate::resp::OwnedArgs;

/// Five commands: a container with two subcommands, and three others.
struct Few;

const NAMES: [(&str, usize); 7] = [
    ("config", 3),
    ("config|get", 1),
    ("config|set", 1),
    ("get", 1),
    ("set", 1),
    ("select", 1),
    ("publish", 1),
];

impl Vocabulary for Few {
    fn command(&self, name: &[u8]) -> Option<Named> {
        let id = NAMES
            .iter()
            .position(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))?;
        let (name, len) = NAMES[id];
        Some(Named {
            name,
            ids: id..id + len,
        })
    }

    fn category(&self, name: &[u8]) -> Option<Vec<std::ops::Range<usize>>> {
        match name.to_ascii_lowercase().as_slice() {
            b"admin" => Some(vec![1..2, 2..3]),
            b"slow" => Some(vec![0..3, 1..2]),
            b"string" => Some(vec![3..4, 4..5]),
            _ => None,
        }
    }
}

const RULES: Rules<'static> = Rules {
    vocabulary: &Few,
    all_channels: false,
};

/// Applies rules that are separated by spaces.
fn apply(user: &mut User, rules: &str) -> Result<(), RuleError> {
    let merged = merge_selectors(rules.split(' ').map(str::as_bytes)).unwrap();
    merged.iter().try_for_each(|rule| user.apply(rule, &RULES))
}

fn user(rules: &str) -> User {
    let mut user = User::new("alice", false);
    apply(&mut user, rules).unwrap_or_else(|why| panic!("{rules}: {why:?}"));
    user
}

fn described(rules: &str) -> String {
    String::from_utf8(user(rules).describe()).unwrap()
}

fn commands(rules: &str) -> String {
    user(rules).root().describe_commands()
}

/// Asks for a command whose keys are those with a permission behind them: `get k:R`; `publish &ch` is about a channel,
/// `publish *ch` about a pattern.
fn check(user: &User, request: &str) -> Result<(), Denied> {
    let words: Vec<&str> = request.split(' ').collect();
    let (mut args, mut keys, mut channels) = (OwnedArgs::default(), Vec::new(), Vec::new());
    for (index, word) in words.iter().enumerate() {
        let mut text = *word;
        if let Some((key, needs)) = word.split_once(':') {
            text = key;
            let needs = Permission {
                read: needs.contains('R'),
                write: needs.contains('W'),
            };
            keys.push(KeyUse { index, needs });
        } else if index > 0 && (word.starts_with('&') || word.starts_with('*')) {
            text = &word[1..];
            let is_pattern = word.starts_with('*');
            channels.push(ChannelUse { index, is_pattern });
        }
        args.push(text.as_bytes());
    }
    user.check(&Request {
        command: Few.command(words[0].as_bytes()).unwrap().ids.start,
        is_open: false,
        args: args.view(),
        keys: keys.into_iter(),
        channels: channels.into_iter(),
    })
}

#[test]
fn a_new_user_may_do_nothing_and_the_first_everything() {
    let nobody = User::new("alice", false);
    assert_eq!(check(&nobody, "get k:R"), Err(Denied::Command));
    assert!(!nobody.accepts(b"") && !nobody.is_unrestricted());
    let default = User::almighty("default");
    assert_eq!(check(&default, "publish &ch k:RW"), Ok(()));
    assert!(default.accepts(b"anything") && default.is_unrestricted() && default.is_open());
    assert_eq!(
        default.line(),
        b"user default on nopass sanitize-payload ~* &* +@all"
    );
}

#[test]
fn users_are_described_as_redis_does() {
    for (rules, expected) in [
        ("reset", "off sanitize-payload resetchannels -@all"),
        (
            "on nopass ~* &* +@all",
            "on nopass sanitize-payload ~* &* +@all",
        ),
        (
            "ON %RW~a %W~b %R~b %r~c ~d &x &y &x +get",
            "on sanitize-payload ~a ~b %R~c ~d resetchannels &x &y -@all +get",
        ),
        (
            "skip-sanitize-payload allkeys allchannels allcommands",
            "off skip-sanitize-payload ~* &* +@all",
        ),
        (
            "(+get ~x) (%R~y &z +@string -SET)",
            "off sanitize-payload resetchannels -@all (~x resetchannels -@all +get) \
             (%R~y resetchannels &z -@all +@string -set)",
        ),
        (
            "(+get ~x) clearselectors",
            "off sanitize-payload resetchannels -@all",
        ),
        (
            "nopass >x",
            "off sanitize-payload \
             #2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 resetchannels -@all",
        ),
        (">x >x >y <x <y", "off sanitize-payload resetchannels -@all"),
    ] {
        assert_eq!(described(rules), expected, "{rules}");
    }
}

#[test]
fn rules_about_commands_are_kept_in_order_and_compacted() {
    for (rules, expected) in [
        ("+@all -@string +GET", "+@all -@string +get"),
        ("+@all -@STRING +get -@string", "+@all +get -@string"),
        ("+config|get +config", "-@all +config"),
        (
            "+config|get -config|set +config|get",
            "-@all -config|set +config|get",
        ),
        ("+config +config|get -config|set +config", "-@all +config"),
        ("+get -set +set -get", "-@all +set -get"),
        ("+select|0 +select|0 +select|A", "-@all +select|0 +select|a"),
        ("+select|0 +select", "-@all +select"),
        ("+@all +get", "+@all +get"),
        ("+get +@all", "+@all"),
        ("+@all -get nocommands", "-@all"),
    ] {
        assert_eq!(commands(rules), expected, "{rules}");
    }
}

#[test]
fn what_is_wrong_with_a_rule() {
    use RuleError::*;
    let hash = format!("#{}", "0".repeat(63));
    for (rules, why) in [
        ("foo", Syntax),
        ("~a\tb", Syntax),
        ("&a\0", Syntax),
        ("%~a", Syntax),
        ("%RR~a", Syntax),
        ("%R", Syntax),
        ("%X~a", Syntax),
        ("(foo)", Syntax),
        ("+", Unknown),
        ("+nosuch", Unknown),
        ("-nosuch", Unknown),
        ("+@nosuch", Unknown),
        ("+config|nosuch", Unknown),
        ("-config|nosuch", Unknown),
        ("-select|0", Unknown),
        ("+get|a|b", Unknown),
        ("+get|", Syntax),
        ("+get|a\nb", Syntax),
        ("+config|get|a", FirstArgOfSubcommand),
        ("~* ~a", PatternAfterAllKeys),
        ("&* &a", PatternAfterAllChannels),
        ("<x", NoSuchPassword),
        ("#abc", BadHash),
        ("!abc", BadHash),
        (&hash, BadHash),
    ] {
        let mut user = User::new("alice", false);
        assert_eq!(apply(&mut user, rules), Err(why), "{rules}");
    }
    assert!(merge_selectors(["+a", "(+get", "~k"].map(str::as_bytes).into_iter()).is_err());
}

#[test]
fn commands_are_allowed_by_rules_in_their_order() {
    for (rules, allowed, denied) in [
        ("+get allkeys", "get k:R", "set k:W"),
        ("+@string allkeys -set", "get k:R", "set k:W"),
        ("+@all -@string allkeys", "select 0", "get k:R"),
        (
            "+config|get",
            "config|get config get",
            "config|set config set",
        ),
        (
            "+config -config|set",
            "config|get config get",
            "config|set config set",
        ),
        (
            "+@slow -config",
            "config|get config get",
            "config|get config get",
        ),
        ("+select|0", "select 0", "select 1"),
        ("+select|0 +select", "select 1", "get k:R"),
        ("+select|0 -select +select|2", "select 2", "select 0"),
    ] {
        let user = user(rules);
        if allowed != denied {
            assert_eq!(check(&user, allowed), Ok(()), "{rules}");
        }
        assert_eq!(check(&user, denied), Err(Denied::Command), "{rules}");
    }
    assert_eq!(check(&user("+select|0"), "select"), Err(Denied::Command));
}

#[test]
fn keys_are_allowed_by_what_is_done_with_them() {
    let user = user("+@all %R~r* %W~w* ~b*");
    for (request, expected) in [
        ("get r1:R", Ok(())),
        ("get r1:W", Err(Denied::Key(1))),
        ("set w1:W", Ok(())),
        ("set w1:RW", Err(Denied::Key(1))),
        ("set b1:RW", Ok(())),
        ("set b1:W r1:R x:R", Err(Denied::Key(3))),
        // Merely to know whether it is there needs a pattern all the same.
        ("get w1:", Ok(())),
        ("get x:", Err(Denied::Key(1))),
    ] {
        assert_eq!(check(&user, request), expected, "{request}");
    }
    let all = |rules: &str, needed| {
        let args = OwnedArgs::from_iter(["get"]);
        super::tests::user(rules).allows_on_any_key(
            &Request {
                command: 3,
                is_open: false,
                args: args.view(),
                keys: std::iter::empty::<KeyUse>(),
                channels: std::iter::empty::<ChannelUse>(),
            },
            needed,
        )
    };
    assert!(all("+get %R~*", Permission::READ) && !all("+get %R~*", Permission::ALL));
    assert!(all("+get ~*", Permission::ALL) && !all("~*", Permission::READ));
    assert!(!all("+get ~a* (%R~* +set)", Permission::READ));
    assert!(all("+get ~a* (%R~* +get)", Permission::READ));
}

#[test]
fn channels_are_matched_and_patterns_compared() {
    let user = user("+@all &news.* &a");
    for (request, expected) in [
        ("publish &news.x", Ok(())),
        ("publish &a", Ok(())),
        ("publish &b", Err(Denied::Channel(1))),
        ("publish *news.*", Ok(())),
        ("publish *news.x", Err(Denied::Channel(1))),
        ("publish *a &a &c", Err(Denied::Channel(3))),
    ] {
        assert_eq!(check(&user, request), expected, "{request}");
    }
}

#[test]
fn channels_are_kept_if_the_rules_still_have_them() {
    for (old, new, kept) in [
        ("&a", "&a &b", true),
        ("&a &b", "&b", false),
        ("&a", "allchannels", true),
        ("allchannels", "&*a", false),
        ("&a (&b)", "(&a) (&b)", true),
        ("&a", "&?", false),
        ("", "", true),
    ] {
        assert_eq!(
            user(new).keeps_channels_of(&user(old)),
            kept,
            "{old}, {new}"
        );
    }
}

#[test]
fn one_selector_has_to_allow_all_of_a_request() {
    let user = user("+get ~a (+set ~b &c) (+set ~c)");
    for (request, expected) in [
        ("get a:R", Ok(())),
        ("get b:R", Err(Denied::Key(1))),
        ("set b:W", Ok(())),
        ("set c:W", Ok(())),
        ("set b:W c:W", Err(Denied::Key(2))),
        ("set x:W &c", Err(Denied::Key(1))),
        ("select 0", Err(Denied::Command)),
    ] {
        assert_eq!(check(&user, request), expected, "{request}");
    }
    assert!(user.allows_channel(b"c", false) && !user.allows_channel(b"d", false));
    assert!(!user.is_unrestricted());
    assert!(super::tests::user("(~* &* +@all)").is_unrestricted());
    assert!(!super::tests::user("~* &* +@all -get +get").is_unrestricted());
}

#[test]
fn passwords_let_in_only_who_is_enabled() {
    let mut user = user(">a >b");
    assert!(!user.accepts(b"a"));
    apply(&mut user, "on").unwrap();
    assert!(user.accepts(b"a") && user.accepts(b"b") && !user.accepts(b"c"));
    apply(&mut user, "<a").unwrap();
    assert!(!user.accepts(b"a"));
    apply(&mut user, "nopass").unwrap();
    assert!(user.accepts(b"whatever") && user.passwords().len() == 0);
    apply(&mut user, "resetpass").unwrap();
    assert!(!user.accepts(b"b") && !user.accepts(b""));
    user.set_password(b"s");
    assert!(user.accepts(b"s") && !user.accepts(b"b"));
    user.set_password(b"");
    assert!(user.accepts(b"x"));
}

#[test]
fn a_file_is_taken_as_a_whole_or_not_at_all() {
    let parsed = |text: &str| parse_file(text.as_bytes(), "users.acl", &RULES);
    let names = |text| -> Vec<String> {
        let users = parsed(text).unwrap();
        users.iter().map(|user| user.name().to_string()).collect()
    };
    assert_eq!(
        names("user b on >x (+get ~k)\r\n\n  user a  ~* +@all \n"),
        ["b", "a"]
    );
    let tail =
        "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";
    for (text, expected) in [
        (
            "user a\nuser a",
            "WARNING: Duplicate user 'a' found on line 2. ",
        ),
        (
            "# no",
            "users.acl:1 should start with user keyword followed by the username. ",
        ),
        (
            "user a (+get",
            "users.acl:1: Unmatched parenthesis in selector definition.",
        ),
        (
            "user a +nosuch foo bar\nnonsense",
            "users.acl:1: Error in applying operation '+nosuch': Unknown command or category name in ACL. \
             users.acl:1: Syntax error. \
             users.acl:2 should start with user keyword followed by the username. ",
        ),
    ] {
        let error = parsed(text).unwrap_err().to_string();
        assert_eq!(error, format!("{expected}{tail}"), "{text}");
    }
    assert!(
        !parsed("user a <secret")
            .unwrap_err()
            .to_string()
            .contains("secret")
    );
}

/// Rules of which most make sense.
fn rule() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("on".into()),
        Just("nopass".into()),
        Just("allkeys".into()),
        Just("resetkeys".into()),
        Just("resetchannels".into()),
        Just("allchannels".into()),
        Just("clearselectors".into()),
        Just("skip-sanitize-payload".into()),
        "[+-]@(all|admin|slow|string)",
        "[+-](config|config\\|get|config\\|set|get|set|select|publish)",
        "\\+select\\|[0-3]",
        "(~|%R~|%W~|&)[a-c*?]{1,3}",
        "[>#<!][a-f0-9]{1,64}",
        "\\((\\+get|-@all|~[a-c*]{1,2}|&x)( (\\+@string|%R~[a-c]|-config))?\\)",
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn a_described_user_is_made_again(rules in proptest::collection::vec(rule(), 0..20)) {
        let mut user = User::new("alice", false);
        for rule in &rules {
            let mut copy = user.clone();
            if copy.apply(rule.as_bytes(), &RULES).is_ok() {
                user = copy;
            }
        }
        let line = user.line();
        let again = parse_file(&line, "x", &RULES).unwrap_or_else(|why| panic!("{why}")).remove(0);
        prop_assert_eq!(again.line(), line);
        for request in ["get a:R", "get c:W", "set ab:RW", "select 1", "config|get config get", "publish &x", "publish *a"] {
            prop_assert_eq!(check(&again, request), check(&user, request), "{}", request);
        }
    }

    #[test]
    fn no_file_panics(text in proptest::collection::vec(any::<u8>(), 0..200), words in "(user|a|on| |\n|\\(|\\)|~x|\\+get){0,30}") {
        let _ = parse_file(&text, "x", &RULES);
        let _ = parse_file(words.as_bytes(), "x", &RULES);
    }
}
