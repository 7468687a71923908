//! The section CPU: seconds of processor time, of the process and of the thread that answers.

use super::Source;
use super::text::Text;
use crate::stats::usage::{self, CpuTime};

pub(super) fn cpu(_: &mut Source<'_, '_>, text: &mut Text) {
    let mut times = |suffix: &str, time: CpuTime| {
        let seconds = |micros: u64| format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        text.field(
            format_args!("used_cpu_sys{suffix}"),
            seconds(time.system_micros),
        );
        text.field(
            format_args!("used_cpu_user{suffix}"),
            seconds(time.user_micros),
        );
    };
    let thread = usage::this_thread();
    times("", usage::process());
    times("_children", CpuTime::default());
    // There is no main thread: every worker is like this one.
    times("_main_thread", thread);
    let active = thread.system_micros + thread.user_micros;
    text.field(
        "used_active_time_main_thread",
        format_args!("{}.{:06}", active / 1_000_000, active % 1_000_000),
    );
}
