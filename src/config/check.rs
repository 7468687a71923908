//! `larder --check-config FILE`: what becomes of each directive of a file.

use std::fmt::Write as _;
use std::path::Path;

use super::directive::{Directive, LoadError};
use super::load::{Loader, Verdict, read_file};
use super::redis_conf;
use super::table::{TABLE, USER, find};

/// The outcome of a check.
pub struct Report {
    /// One line per directive: verdict, place, directive, and what there is to know.
    pub text: String,
    /// Directives that would stop the start.
    pub refused: usize,
}

/// Judges every directive of a file and of what it includes, going on after those that are refused. `check_user` knows what is
/// wrong with the name and the rules of a user.
///
/// # Errors
/// The file cannot be read as a whole.
pub fn check(
    file: &Path,
    check_user: impl Fn(&[String]) -> Result<(), String>,
) -> Result<Report, LoadError> {
    let mut loader = Loader::new();
    let mut report = Report {
        text: String::new(),
        refused: 0,
    };
    let mut counts = [0_usize; 2];
    for directive in read_file(file)? {
        let users = loader.settings.users().len();
        let mut judgement = loader.judge(&directive);
        if let Some(user) = loader.settings.users().get(users)
            && let Err(why) = check_user(user)
        {
            judgement = Verdict::Refused(format!("{USER}: {why}"));
        }
        let (verdict, note) = match judgement {
            Verdict::Honoured => ("honoured", String::new()),
            Verdict::Kept => ("kept", String::new()),
            Verdict::Warned(why) => ("kept", format!("  ({why})")),
            Verdict::Refused(why) => ("refused", format!("  ({why})")),
        };
        match verdict {
            "refused" => report.refused += 1,
            kept_or_honoured => counts[usize::from(kept_or_honoured == "kept")] += 1,
        }
        // Writing to a string cannot fail.
        let _ = writeln!(
            report.text,
            "{verdict:8}  {}: {}{note}",
            directive.origin,
            shown(&directive)
        );
    }
    let _ = writeln!(
        report.text,
        "{} honoured, {} kept without an effect, {} refused",
        counts[0], counts[1], report.refused
    );
    Ok(report)
}

/// A directive as it was written, its secrets hidden.
fn shown(directive: &Directive) -> String {
    let sensitive = find(&directive.name).is_some_and(|position| TABLE[position].sensitive);
    let secret = sensitive || directive.name.eq_ignore_ascii_case(USER);
    let words: Vec<String> = directive
        .words
        .iter()
        .map(|word| redis_conf::quote(word))
        .collect();
    let words = if secret {
        "(hidden)".to_owned()
    } else {
        words.join(" ")
    };
    format!("{} {words}", directive.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_gets_its_verdict_and_no_secret_is_shown() {
        let path = std::env::temp_dir().join(format!("larder-check-{}.conf", std::process::id()));
        std::fs::write(&path, "port 1\nrdbcompression no\nsave 60 1\nrequirepass hunter2\nuser alice >hunter3\nuser bob nonsense\ncluster-enabled yes\nnonsense\n").unwrap();
        let report = check(&path, |words| match words[1].as_str() {
            "nonsense" => Err("Syntax error".into()),
            _ => Ok(()),
        })
        .unwrap();
        std::fs::remove_file(&path).unwrap();
        let verdicts: Vec<_> = report
            .text
            .lines()
            .map(|line| line.split(' ').next().unwrap())
            .collect();
        assert_eq!(
            verdicts,
            [
                "honoured", "kept", "kept", "honoured", "honoured", "refused", "refused",
                "refused", "3"
            ]
        );
        assert_eq!(report.refused, 3);
        assert!(!report.text.contains("hunter"));
        assert!(report.text.contains("(user: Syntax error)"));
        assert!(report.text.contains(
            "line 7: cluster-enabled yes  (cluster-enabled: cluster mode is not supported)"
        ));
    }
}
