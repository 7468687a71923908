//! How much memory there is: the machine's, or what the container may use of it.

use std::path::Path;

/// Physical memory of the machine, in bytes; 0 where it cannot be asked.
pub fn physical() -> usize {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = total.and_then(|rest| rest.trim().strip_suffix("kB"));
    kilobytes
        .and_then(|number| number.trim().parse::<usize>().ok())
        .unwrap_or(0)
        * 1024
}

/// What this process may use of it, in bytes: less than [`physical`] if it is in a control group with a limit. 0 where
/// neither can be asked.
pub fn available() -> usize {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limit = limit_of(&groups, |path| {
        std::fs::read_to_string(Path::new("/sys/fs/cgroup").join(path)).ok()
    });
    match (physical(), limit) {
        (0, limit) => limit.unwrap_or(0),
        (physical, limit) => limit.map_or(physical, |limit| limit.min(physical)),
    }
}

/// The lowest limit of the groups that a process is in, and of those around them. `groups` is its list of groups, `read`
/// reads a file by its path below where the groups are mounted.
fn limit_of(groups: &str, read: impl Fn(&str) -> Option<String>) -> Option<usize> {
    let mut lowest: Option<usize> = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        let (root, file) = match controllers {
            "" => ("", "memory.max"),
            names if names.split(',').any(|name| name == "memory") => {
                ("memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let mut path = path.trim_matches('/');
        loop {
            // Inside a container the mount often begins at the group itself: then only the last step is there.
            let steps = [root, path, file]
                .into_iter()
                .filter(|step| !step.is_empty());
            let text = read(&steps.collect::<Vec<_>>().join("/"));
            let limit = text.and_then(|text| text.trim().parse::<usize>().ok());
            lowest = match (lowest, limit) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            if path.is_empty() {
                break;
            }
            path = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
    }
    lowest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_limit_of_all_groups_around_holds() {
        let files = |files: &'static [(&str, &str)]| {
            move |path: &str| {
                let found = files.iter().find(|(name, _)| *name == path);
                found.map(|(_, text)| (*text).to_owned())
            }
        };
        let second = "0::/a/b\n";
        assert_eq!(
            limit_of(second, files(&[("a/b/memory.max", "max\n")])),
            None
        );
        let both = files(&[("a/b/memory.max", "700\n"), ("a/memory.max", "500\n")]);
        assert_eq!(limit_of(second, both), Some(500));
        assert_eq!(
            limit_of(second, files(&[("memory.max", "900\n")])),
            Some(900)
        );
        let first = "5:cpu:/x\n4:hugetlb,memory:/x\n0::/\n";
        let old = files(&[("memory/x/memory.limit_in_bytes", "42")]);
        assert_eq!(limit_of(first, old), Some(42));
        assert_eq!(limit_of("garbage", |_| None), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn there_is_some() {
        assert!(physical() > 1 << 20);
        assert!(available() > 0 && available() <= physical());
    }
}
