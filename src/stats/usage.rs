//! Processor time, as the system accounts for it.

/// Processor time used, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuTime {
    /// In the program itself.
    pub user_micros: u64,
    /// In the kernel on its behalf.
    pub system_micros: u64,
}

/// What the process has used since it started, all threads together.
pub fn process() -> CpuTime {
    usage_of(libc::RUSAGE_SELF)
}

/// What the calling thread has used since it started; where the system does not tell threads apart, the whole process.
pub fn this_thread() -> CpuTime {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    return usage_of(libc::RUSAGE_THREAD);
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    process()
}

fn usage_of(who: libc::c_int) -> CpuTime {
    // SAFETY: getrusage fills the struct that it is given, and zeroes are a valid rusage.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(who, &raw mut usage);
        usage
    };
    let micros = |time: libc::timeval| {
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        seconds * 1_000_000 + u64::try_from(time.tv_usec).unwrap_or(0)
    };
    CpuTime {
        user_micros: micros(usage.ru_utime),
        system_micros: micros(usage.ru_stime),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_costs_time() {
        let before = this_thread();
        let started = std::time::Instant::now();
        let mut sum = 0_u64;
        while started.elapsed().as_millis() < 30 {
            sum = std::hint::black_box(sum + 1);
        }
        let (after, all) = (this_thread(), process());
        assert!(
            after.user_micros + after.system_micros > before.user_micros + before.system_micros
        );
        assert!(all.user_micros >= after.user_micros);
    }
}
