//! Figures as people read them.

use std::fmt;
use std::time::Duration;

/// A number of bytes: `17 B`, `4.2 MiB`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        // Tenths of the unit, so that no float is needed and nothing is rounded up to 1024.0.
        let (mut tenths, mut unit) = (u128::from(self.0) * 10 / 1024, UNITS[0]);
        for larger in &UNITS[1..] {
            if tenths < 10_240 {
                break;
            }
            (tenths, unit) = (tenths / 1024, larger);
        }
        write!(f, "{}.{} {unit}", tenths / 10, tenths % 10)
    }
}

/// A count with its noun: `1 object`, `12 objects`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count(pub(crate) u64, pub(crate) &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0 == 1 { "" } else { "s" };
        write!(f, "{} {}{plural}", self.0, self.1)
    }
}

/// How long something took: `0.32 s`, `7.1 s`, `2 min 5 s`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Took(pub(crate) Duration);

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            0 => write!(f, "{:.2} s", self.0.as_secs_f64()),
            seconds if seconds < 60 => write!(f, "{:.1} s", self.0.as_secs_f64()),
            seconds if seconds < 3600 => write!(f, "{} min {} s", seconds / 60, seconds % 60),
            seconds => write!(f, "{} h {} min", seconds / 3600, seconds % 3600 / 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_digit_behind_the_point() {
        let told =
            [0, 1023, 1024, 1_048_575, 1_048_576, 1_500_000_000, u64::MAX].map(|n| Bytes(n).to_string());
        assert_eq!(
            told,
            [
                "0 B",
                "1023 B",
                "1.0 KiB",
                "1023.9 KiB",
                "1.0 MiB",
                "1.3 GiB",
                "15.9 EiB"
            ]
        );
    }

    #[test]
    fn times_and_counts_read_naturally() {
        assert_eq!(Took(Duration::from_millis(320)).to_string(), "0.32 s");
        assert_eq!(Took(Duration::from_secs(125)).to_string(), "2 min 5 s");
        assert_eq!(Took(Duration::from_secs(7_260)).to_string(), "2 h 1 min");
        assert_eq!(Count(1, "object").to_string(), "1 object");
        assert_eq!(Count(0, "object").to_string(), "0 objects");
    }
}
