//! The parameters that take several words, and the normal form of each.
//!
//! Every function reads the new words (and the text so far, where a part of it stays) and gives the text that CONFIG GET
//! shows. The errors are those of CONFIG SET.

use crate::config::settings::OutputLimit;
use crate::config::value::{parse_integer, parse_memory};

/// The client classes of `client-output-buffer-limit`, as CONFIG GET names them.
pub(in crate::config) const BUFFER_CLASSES: [&str; 3] = ["normal", "slave", "pubsub"];

/// The most addresses that `bind` takes.
const BIND_MAX: usize = 16;

/// A single empty word stands for no words at all.
fn without_empty<'a, 'b>(words: &'a [&'b str]) -> &'a [&'b str] {
    if words == [""] { &[] } else { words }
}

/// `bind`: addresses to listen on.
pub(super) fn bind(words: &[&str], _: &str) -> Result<String, String> {
    if words.len() > BIND_MAX {
        return Err("Too many bind addresses specified.".into());
    }
    let is_foreign =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '\\');
    if words.iter().any(|word| word.contains(is_foreign)) {
        return Err("an address has no spaces and no quotes".into());
    }
    let words: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| !word.is_empty())
        .collect();
    Ok(words.join(" "))
}

/// `save`: pairs of seconds and changes.
pub(super) fn save(words: &[&str], _: &str) -> Result<String, String> {
    let words = without_empty(words);
    let pair = |pair: &[&str]| {
        let [seconds, changes] = pair else {
            return None;
        };
        let (seconds, changes) = (parse_integer(seconds)?, parse_integer(changes)?);
        (seconds >= 1 && (0..=i64::from(i32::MAX)).contains(&changes))
            .then(|| format!("{seconds} {changes}"))
    };
    let pairs: Option<Vec<String>> = words.chunks(2).map(pair).collect();
    Ok(pairs.ok_or("Invalid save parameters")?.join(" "))
}

/// `client-output-buffer-limit`: groups of class, hard limit, soft limit and seconds. Classes that are not named stay.
pub(super) fn client_output_buffer_limit(words: &[&str], current: &str) -> Result<String, String> {
    if !words.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    }
    let mut limits = buffer_limits(current);
    for group in words.chunks(4) {
        let class = match group[0].to_ascii_lowercase().as_str() {
            "normal" => 0,
            "slave" | "replica" => 1,
            "pubsub" => 2,
            _ => {
                return Err("Invalid client class specified in buffer limit configuration.".into());
            }
        };
        let seconds = parse_integer(group[3]).and_then(|seconds| u32::try_from(seconds).ok());
        let (Some(hard), Some(soft), Some(soft_seconds)) =
            (parse_memory(group[1]), parse_memory(group[2]), seconds)
        else {
            return Err(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.".into(),
            );
        };
        limits[class] = OutputLimit {
            hard,
            soft,
            soft_seconds,
        };
    }
    let shown = BUFFER_CLASSES.iter().zip(limits);
    let shown = shown.map(|(class, limit)| {
        format!(
            "{class} {} {} {}",
            limit.hard, limit.soft, limit.soft_seconds
        )
    });
    Ok(shown.collect::<Vec<_>>().join(" "))
}

/// The limits of the three classes from the normal form of `client-output-buffer-limit`.
pub(in crate::config) fn buffer_limits(text: &str) -> [OutputLimit; 3] {
    let numbers = text.split(' ').filter_map(|word| word.parse::<u64>().ok());
    let mut limits = [OutputLimit::default(); 3];
    for (position, number) in numbers.enumerate().take(9) {
        let limit = &mut limits[position / 3];
        match position % 3 {
            0 => limit.hard = number,
            1 => limit.soft = number,
            _ => limit.soft_seconds = u32::try_from(number).unwrap_or(u32::MAX),
        }
    }
    limits
}

/// `oom-score-adj-values`: three numbers.
pub(super) fn oom_score_adj_values(words: &[&str], _: &str) -> Result<String, String> {
    if words.len() != 3 {
        return Err("wrong number of arguments".into());
    }
    for word in words {
        if !parse_integer(word).is_some_and(|value| (-2000..=2000).contains(&value)) {
            return Err(
                "Invalid oom-score-adj-values, elements must be between -2000 and 2000.".into(),
            );
        }
    }
    Ok(words.join(" "))
}

/// `latency-tracking-info-percentiles`: numbers from 0 to 100.
pub(super) fn percentiles(words: &[&str], _: &str) -> Result<String, String> {
    let mut shown = Vec::new();
    for word in without_empty(words) {
        let value: f64 = match word.parse() {
            Ok(value) if !f64::is_nan(value) => value,
            _ => return Err("Invalid latency-tracking-info-percentiles parameters".into()),
        };
        if !(0.0..=100.0).contains(&value) {
            return Err(
                "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"
                    .into(),
            );
        }
        let digits = format!("{value:.6}");
        shown.push(
            digits
                .trim_end_matches('0')
                .trim_end_matches('.')
                .to_owned(),
        );
    }
    Ok(shown.join(" "))
}

/// `replicaof`: a host and a port, or `no one`.
pub(super) fn replicaof(words: &[&str], _: &str) -> Result<String, String> {
    match without_empty(words) {
        [] => Ok(String::new()),
        [no, one] if no.eq_ignore_ascii_case("no") && one.eq_ignore_ascii_case("one") => {
            Ok(String::new())
        }
        [host, port] if port.parse::<u16>().is_ok() => Ok(format!("{host} {port}")),
        [_, _] => Err("Invalid primary port".into()),
        _ => Err("wrong number of arguments".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn save_takes_pairs_or_nothing() {
        assert_eq!(
            save(&["3600", "1", "300", "100"], ""),
            Ok("3600 1 300 100".into())
        );
        assert_eq!(save(&[""], "60 1"), Ok(String::new()));
        for words in [
            &["60"][..],
            &["0", "1"],
            &["60", "-1"],
            &["60", "x"],
            &["", ""],
        ] {
            assert_eq!(save(words, ""), Err("Invalid save parameters".into()));
        }
    }

    #[test]
    fn output_limits_of_classes_not_named_stay() {
        let all = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60";
        let new = client_output_buffer_limit(&["replica", "1mb", "512kb", "5"], all).unwrap();
        assert_eq!(
            new,
            "normal 0 0 0 slave 1048576 524288 5 pubsub 33554432 8388608 60"
        );
        assert_eq!(
            buffer_limits(&new)[1],
            OutputLimit {
                hard: 1 << 20,
                soft: 512 << 10,
                soft_seconds: 5
            }
        );
        for words in [
            &["normal"][..],
            &["master", "0", "0", "0"],
            &["normal", "x", "0", "0"],
            &["normal", "0", "0", "-1"],
        ] {
            assert!(client_output_buffer_limit(words, all).is_err());
        }
    }

    #[test]
    fn percentiles_lose_their_zeros() {
        assert_eq!(
            percentiles(&["50", "99.0", "99.90"], ""),
            Ok("50 99 99.9".into())
        );
        assert_eq!(percentiles(&[""], ""), Ok(String::new()));
        assert!(percentiles(&["101"], "").is_err());
        assert!(percentiles(&["nan"], "").is_err());
    }

    #[test]
    fn a_primary_has_a_host_and_a_port() {
        assert_eq!(replicaof(&["NO", "one"], ""), Ok(String::new()));
        assert_eq!(replicaof(&["db", "6379"], ""), Ok("db 6379".into()));
        assert!(replicaof(&["db", "66666"], "").is_err());
    }
}
