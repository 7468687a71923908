//! Results as text: the whole table, a summary for the README, and whether the goals were met.

use std::fmt::Write;
use std::io;
use std::path::Path;

use super::reference::Reference;
use super::replay::Policy;

/// All hit ratios.
pub struct Results {
    /// The columns.
    pub policies: Vec<Policy>,
    /// The rows, in the order of the workloads and of the sizes.
    pub rows: Vec<Row>,
}

/// One workload at one size.
pub struct Row {
    /// The workload's name.
    pub workload: &'static str,
    /// A line about it.
    pub about: &'static str,
    /// The share of all bytes that the cache has.
    pub share: f64,
    /// The hit ratios in percent, by column.
    pub ratios: Vec<Option<f64>>,
}

/// What the new policy is compared with.
const OURS: Policy = Policy::Server("allkeys-lhd");
const SAMPLED_LRU: Policy = Policy::Server("allkeys-lru");

const BEGIN: &str = "<!-- hit-ratio:begin -->";
const END: &str = "<!-- hit-ratio:end -->";

impl Results {
    /// The workloads in their order, with what is said about them.
    pub fn workloads(&self) -> Vec<(&'static str, &'static str)> {
        let mut names: Vec<_> = self
            .rows
            .iter()
            .map(|row| (row.workload, row.about))
            .collect();
        names.dedup();
        names
    }

    /// The rows of one workload.
    pub fn of<'a>(&'a self, workload: &'a str) -> impl Iterator<Item = &'a Row> + Clone {
        self.rows.iter().filter(move |row| row.workload == workload)
    }

    fn column(&self, policy: Policy) -> usize {
        let at = self.policies.iter().position(|other| *other == policy);
        at.expect("every policy has a column")
    }

    fn mean<'a>(&self, rows: impl Iterator<Item = &'a Row> + Clone, column: usize) -> Option<f64> {
        let known = rows.filter_map(|row| row.ratios[column]);
        let (sum, count) = known.fold((0.0, 0), |(sum, count), ratio| (sum + ratio, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    }
}

fn cell(ratio: Option<f64>, digits: usize) -> String {
    ratio.map_or("–".into(), |ratio| format!("{ratio:.digits$}"))
}

/// Every row, for the terminal.
pub fn complete(results: &Results) -> String {
    let mut text = format!("{:>10} {:>6}", "", "size");
    for policy in &results.policies {
        write!(text, " {:>14}", policy.name()).expect("a string takes everything");
    }
    text.push('\n');
    for row in &results.rows {
        write!(text, "{:>10} {:>5}%", row.workload, row.share * 100.0)
            .expect("a string takes everything");
        for ratio in &row.ratios {
            write!(text, " {:>14}", cell(*ratio, 2)).expect("a string takes everything");
        }
        text.push('\n');
    }
    text
}

/// The mean over the sizes for each workload, as Markdown.
pub fn summary(results: &Results) -> String {
    let mut text = String::from("| hits in 100 reads |");
    for policy in &results.policies {
        let name = policy.name();
        match policy {
            Policy::Server(_) => write!(text, " `{name}` |"),
            Policy::Exact(_) => write!(text, " {name} |"),
        }
        .expect("a string takes everything");
    }
    text.push_str("\n|---|");
    text.push_str(&"--:|".repeat(results.policies.len()));
    text.push('\n');
    for (workload, about) in results.workloads() {
        write!(text, "| {workload}: {about} |").expect("a string takes everything");
        for column in 0..results.policies.len() {
            let mean = results.mean(results.of(workload), column);
            write!(text, " {} |", cell(mean, 1)).expect("a string takes everything");
        }
        text.push('\n');
    }
    text.push_str("| **mean** |");
    for (column, policy) in results.policies.iter().enumerate() {
        let everywhere = results.rows.iter().all(|row| row.ratios[column].is_some());
        let mean = results
            .mean(results.rows.iter(), column)
            .filter(|_| everywhere);
        let mark = if *policy == OURS { "**" } else { "" };
        write!(text, " {mark}{}{mark} |", cell(mean, 1)).expect("a string takes everything");
    }
    text.push('\n');
    text
}

/// What the policy is held to.
pub fn verdict(results: &Results) -> String {
    let column = |policy| results.column(policy);
    let (ours, lru) = (column(OURS), column(SAMPLED_LRU));
    let difference = |row: &Row, other: usize| {
        row.ratios[ours].unwrap_or(0.0) - row.ratios[other].unwrap_or(0.0)
    };
    let mean = |other: usize| {
        let all = results.rows.iter().map(|row| difference(row, other));
        all.sum::<f64>() / results.rows.len().max(1) as f64
    };
    let worst = results
        .rows
        .iter()
        .min_by(|a, b| difference(a, lru).total_cmp(&difference(b, lru)));
    let best_exact = [Reference::S3Fifo, Reference::TinyLfu]
        .map(|reference| mean(column(Policy::Exact(reference))))
        .into_iter()
        .fold(f64::INFINITY, f64::min);
    let Some(worst) = worst else {
        return String::new();
    };
    format!(
        "{} against {}: {:+.2} points on average, {:+.2} at the worst ({} at {}%); against the better of exact S3-FIFO and \
         W-TinyLFU: {best_exact:+.2} on average",
        OURS.name(),
        SAMPLED_LRU.name(),
        mean(lru),
        difference(worst, lru),
        worst.workload,
        worst.share * 100.0,
    )
}

/// Replaces what is between the markers of a file.
pub fn write(file: &Path, table: &str) -> io::Result<()> {
    let text = std::fs::read_to_string(file)?;
    let (Some(begin), Some(end)) = (text.find(BEGIN), text.find(END)) else {
        return Err(io::Error::other(format!(
            "{file:?} has no place for the table"
        )));
    };
    let (before, after) = (&text[..begin + BEGIN.len()], &text[end..]);
    std::fs::write(file, format!("{before}\n{table}{after}"))
}
