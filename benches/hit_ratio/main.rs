//! Hit ratios: traces and generated workloads against every policy of the server, and against exact policies from the literature.
//!
//!     cargo bench --bench hit_ratio -- [--traces DIR] [--write README.md] [--svg docs/hit-ratio.svg]
//!
//! Caches have from a thousandth to half of the bytes of all keys that a workload uses. A read that misses sets its key: the hit
//! ratio counts reads alone. The public traces are not part of the tree; `--traces` or `LARDER_TRACES` names a directory that has
//! them, and without them the generated workloads are replayed alone.

mod generate;
mod plot;
mod reference;
mod replay;
mod server;
mod table;
mod trace;
mod workload;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Parser;

use replay::Policy;
use table::{Results, Row};
use workload::Workload;

/// Shares of the bytes that a cache has.
const SHARES: [f64; 7] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5];
/// Requests of a trace that are replayed, at the most and at full scale.
const LONGEST: f64 = 5_000_000.0;

/// Hit ratios of the server's policies and of exact ones.
#[derive(Parser, Debug)]
struct Options {
    /// A directory with the public traces; `LARDER_TRACES` if it is not given.
    #[arg(long)]
    traces: Option<PathBuf>,
    /// The requests and keys of generated workloads, and the length of long traces, are multiplied by this.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Only these workloads, by name.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The Markdown file whose table between the markers is replaced.
    #[arg(long)]
    write: Option<PathBuf>,
    /// The file that the plot is written to.
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Threads; as many as there are processors if 0.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Everything once, and small: only to see that it runs.
    #[arg(long)]
    test: bool,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> std::io::Result<()> {
    let options = Options::parse();
    let scale = if options.test { 0.01 } else { options.scale };
    let directory = options.traces;
    let directory = directory.or_else(|| std::env::var_os("LARDER_TRACES").map(PathBuf::from));
    let mut workloads = match &directory {
        Some(directory) => trace::read(directory, (LONGEST * scale) as usize)?,
        None => Vec::new(),
    };
    workloads.extend(generate::all(scale));
    workloads.retain(|workload| {
        options.only.is_empty() || options.only.iter().any(|name| name == workload.name)
    });

    let results = run(&workloads, threads(options.threads));
    print!("{}", table::complete(&results));
    let summary = table::summary(&results);
    println!("\n{summary}\n{}", table::verdict(&results));
    if let Some(file) = options.write {
        table::write(&file, &summary)?;
    }
    if let Some(file) = options.svg {
        std::fs::write(file, plot::draw(&results))?;
    }
    Ok(())
}

fn threads(asked: usize) -> usize {
    match asked {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        asked => asked,
    }
}

/// Replays everything. What is next is taken by whichever thread is free.
fn run(workloads: &[Workload], threads: usize) -> Results {
    let policies = Policy::all();
    let cells: Vec<_> = (0..workloads.len())
        .flat_map(|workload| SHARES.map(|share| (workload, share)))
        .collect();
    let progress = Progress::new(cells.len() * policies.len());
    let (next, rows) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(&(at, share)) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let workload = &workloads[at];
                    let bounds = replay::bounds(workload, share);
                    let ratios = policies
                        .iter()
                        .map(|policy| {
                            let ratio = policy.replay(workload, &bounds);
                            progress.step(workload.name, share);
                            ratio
                        })
                        .collect();
                    let row = Row {
                        workload: workload.name,
                        about: workload.about,
                        share,
                        ratios,
                    };
                    rows.lock()
                        .expect("no thread panics with it")
                        .push((at, row));
                }
            });
        }
    });
    progress.end();
    let mut rows = rows.into_inner().expect("all threads have ended");
    rows.sort_by(|(a, left), (b, right)| a.cmp(b).then(left.share.total_cmp(&right.share)));
    Results {
        policies,
        rows: rows.into_iter().map(|(_, row)| row).collect(),
    }
}

/// A bar on the terminal.
struct Progress {
    done: AtomicUsize,
    total: usize,
}

impl Progress {
    const WIDTH: usize = 40;

    fn new(total: usize) -> Self {
        Self {
            done: AtomicUsize::new(0),
            total,
        }
    }

    fn step(&self, workload: &str, share: f64) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let mut output = std::io::stderr();
        if output.is_terminal() {
            let filled = "#".repeat(Self::WIDTH * done / self.total);
            let width = Self::WIDTH;
            let percent = share * 100.0;
            // What cannot be shown is not worth failing for.
            let _ = write!(
                output,
                "\r[{filled:width$}] {done}/{} {workload} {percent}%\x1b[K",
                self.total
            );
        }
    }

    fn end(&self) {
        if std::io::stderr().is_terminal() {
            eprintln!("\r\x1b[K");
        }
    }
}
