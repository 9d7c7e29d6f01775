//! The pace that the owner allows. It rises with use, and falls back without.

use super::settings::PaceSettings;

/// The pace that the owner allows at this moment.
#[derive(Debug)]
pub(super) struct Ceiling {
    /// So many turns a second.
    pub(super) allowed: f64,
    /// How many turns may be saved up.
    pub(super) burst: f64,
    least: f64,
    most: f64,
    /// By how much the pace changes in a second.
    slope: f64,
}

impl Ceiling {
    pub(super) fn new(most: f64, settings: &PaceSettings) -> Self {
        // A pace of less than a turn in a day is none.
        let most = most.max(1.0 / 86_400.0);
        let least = settings.free_per_second.clamp(most.min(1.0), most);
        // Without a ramp the most is there at once.
        let ramp = settings.ramp.as_secs_f64();
        let (least, slope) = if ramp > 0.0 { (least, (most - least) / ramp) } else { (most, 0.0) };
        Self { allowed: least, burst: settings.burst.min(most).max(1.0), least, most, slope }
    }

    /// So much time has passed, in seconds, of which turns were short for `used`. A bucket that is full says that the rest
    /// was not used.
    pub(super) fn used(&mut self, used: f64, passed: f64) {
        let change = self.slope * (2.0 * used - passed);
        self.allowed = (self.allowed + change).clamp(self.least, self.most);
    }
}
