//! The picture: a panel for each workload, the cache's size to the right, the hit ratio upwards, a line for each policy.

use std::fmt::Write;

use super::reference::Reference;
use super::replay::Policy;
use super::table::{Results, Row};

const COLUMNS: usize = 4;
const PANEL: (f64, f64) = (220.0, 150.0);
const GAP: (f64, f64) = (46.0, 58.0);
const MARGIN: (f64, f64) = (44.0, 64.0);

/// A line's colour, width and dashes; `None` for a policy that is not drawn.
fn style(policy: Policy) -> Option<(&'static str, f64, &'static str)> {
    Some(match policy {
        Policy::Server("allkeys-lhd") => ("#c0392b", 2.4, ""),
        Policy::Server("allkeys-lru") => ("#2471a3", 1.5, ""),
        Policy::Server("allkeys-lfu") => ("#1e8449", 1.5, ""),
        Policy::Exact(Reference::S3Fifo) => ("#d68910", 1.3, "5 3"),
        Policy::Exact(Reference::TinyLfu) => ("#7d3c98", 1.3, "5 3"),
        Policy::Exact(Reference::Belady) => ("#909497", 1.1, "2 2"),
        Policy::Server(_) | Policy::Exact(_) => return None,
    })
}

/// All panels, as SVG.
pub fn draw(results: &Results) -> String {
    let workloads = results.workloads();
    let rows = workloads.len().div_ceil(COLUMNS);
    let width = MARGIN.0 + COLUMNS as f64 * (PANEL.0 + GAP.0);
    let height = MARGIN.1 + rows as f64 * (PANEL.1 + GAP.1);
    let mut svg = String::new();
    line(
        &mut svg,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" \
             font-size=\"10\" fill=\"#333\">"
        ),
    );
    line(
        &mut svg,
        format_args!("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"),
    );
    legend(&mut svg, &results.policies);
    for (number, (workload, _)) in workloads.iter().enumerate() {
        let x = MARGIN.0 + (number % COLUMNS) as f64 * (PANEL.0 + GAP.0);
        let y = MARGIN.1 + (number / COLUMNS) as f64 * (PANEL.1 + GAP.1);
        let rows: Vec<_> = results.of(workload).collect();
        Panel { x, y, rows }.draw(&mut svg, workload, &results.policies);
    }
    svg.push_str("</svg>\n");
    svg
}

fn line(svg: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(svg, "{text}").expect("a string takes everything");
}

fn legend(svg: &mut String, policies: &[Policy]) {
    let mut x = MARGIN.0;
    for policy in policies {
        let Some((colour, width, dashes)) = style(*policy) else {
            continue;
        };
        line(
            svg,
            format_args!(
                "<path d=\"M{x:.0} 22h26\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-dasharray=\"{dashes}\"/>"
            ),
        );
        let (at, name) = (x + 32.0, policy.name());
        let weight = if width > 2.0 { "bold" } else { "normal" };
        line(
            svg,
            format_args!(
                "<text x=\"{at:.0}\" y=\"26\" font-size=\"12\" font-weight=\"{weight}\">{name}</text>"
            ),
        );
        x += 62.0 + 7.5 * name.len() as f64;
    }
}

struct Panel<'r> {
    x: f64,
    y: f64,
    rows: Vec<&'r Row>,
}

impl Panel<'_> {
    fn draw(&self, svg: &mut String, title: &str, policies: &[Policy]) {
        let (x, y) = (self.x, self.y);
        let (width, height) = PANEL;
        line(
            svg,
            format_args!(
                "<text x=\"{x:.0}\" y=\"{:.0}\" font-size=\"12\" font-weight=\"bold\">{title}</text>",
                y - 6.0
            ),
        );
        let top = self.top();
        for step in 0..=4 {
            let ratio = top * f64::from(step) / 4.0;
            let at = y + height - height * f64::from(step) / 4.0;
            line(
                svg,
                format_args!("<path d=\"M{x:.1} {at:.1}h{width}\" stroke=\"#e5e7e9\"/>"),
            );
            line(
                svg,
                format_args!(
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{ratio:.0}</text>",
                    x - 5.0,
                    at + 3.0
                ),
            );
        }
        for row in &self.rows {
            let at = self.across(row.share);
            line(
                svg,
                format_args!(
                    "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}%</text>",
                    y + height + 14.0,
                    row.share * 100.0
                ),
            );
        }
        // The first policy lies on top of the others.
        for (column, policy) in policies.iter().enumerate().rev() {
            let Some((colour, width, dashes)) = style(*policy) else {
                continue;
            };
            let mut points = String::new();
            for row in &self.rows {
                if let Some(ratio) = row.ratios[column] {
                    let up = y + height - height * ratio / top;
                    write!(points, "{:.1},{up:.1} ", self.across(row.share))
                        .expect("a string takes everything");
                }
            }
            line(
                svg,
                format_args!(
                    "<polyline fill=\"none\" points=\"{}\" stroke=\"{colour}\" stroke-width=\"{width}\" \
                     stroke-dasharray=\"{dashes}\"/>",
                    points.trim_end()
                ),
            );
        }
    }

    /// The ratio at the upper edge.
    fn top(&self) -> f64 {
        let ratios = self.rows.iter().flat_map(|row| row.ratios.iter().flatten());
        let most = ratios.fold(0.0_f64, |most, ratio| most.max(*ratio));
        [4.0, 8.0, 20.0, 40.0, 60.0, 80.0]
            .into_iter()
            .find(|top| *top >= most)
            .unwrap_or(100.0)
    }

    /// Sizes lie at the distance of their logarithms.
    fn across(&self, share: f64) -> f64 {
        let ends = |row: Option<&&Row>| row.map_or(share, |row| row.share).ln();
        let (first, last) = (ends(self.rows.first()), ends(self.rows.last()));
        let wide = (last - first).max(f64::MIN_POSITIVE);
        self.x + PANEL.0 * ((share.ln() - first) / wide)
    }
}
