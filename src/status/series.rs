//! The last half hour: a sample every few seconds, of which the oldest leaves for the newest.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::moment;
use super::word::Word;
use crate::push::Outcome;

/// How often a sample is taken.
pub(crate) const SAMPLE_EVERY: Duration = Duration::from_secs(5);

/// So many samples are half an hour.
const MOST: usize = 360;

/// What happened in one interval.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// When it ended.
    pub(crate) at: SystemTime,
    /// How long it was, which is longer than it should be where the machine was busy or slept.
    pub(crate) lasted: Duration,
    /// How many pushes had their verdict, in the order of `Outcome::ALL`.
    pub(crate) outcomes: [u64; Outcome::ALL.len()],
    /// How long half of the pushes took, nine tenths, and 99 of 100, in milliseconds.
    pub(crate) percentiles: [Option<f64>; 3],
}

/// The samples of the last half hour.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// How many were ever taken, which is the number of the newest.
    taken: u64,
    kept: VecDeque<Sample>,
}

/// Samples as columns. Those of one position are of the same interval, the oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Series {
    /// How long an interval is, in seconds.
    pub(crate) every_seconds: u64,
    /// The number of the first sample; they are counted from the start of the gateway.
    pub(crate) first: u64,
    /// When each interval ended, in seconds since the Unix epoch.
    pub(crate) at: Vec<u64>,
    /// Pushes a second that had their verdict, by outcome. Outcomes without any are left out.
    pub(crate) per_second: BTreeMap<Word, Vec<f64>>,
    /// How long half of the pushes took from the first work on them to their verdict, in milliseconds.
    pub(crate) p50_ms: Vec<Option<f64>>,
    /// The same for 90 of 100.
    pub(crate) p90_ms: Vec<Option<f64>>,
    /// The same for 99 of 100.
    pub(crate) p99_ms: Vec<Option<f64>>,
}

impl Samples {
    /// Keeps a sample.
    pub(crate) fn take(&mut self, sample: Sample) {
        self.taken += 1;
        self.kept.push_back(sample);
        if self.kept.len() > MOST {
            self.kept.pop_front();
        }
    }

    /// All of them, as columns.
    pub(crate) fn series(&self) -> Series {
        let samples: Vec<_> = self.kept.iter().collect();
        let mut per_second = BTreeMap::new();
        for outcome in Outcome::ALL {
            let count = |sample: &&Sample| sample.outcomes.get(outcome as usize).copied().unwrap_or_default();
            if samples.iter().any(|sample| count(sample) > 0) {
                let rate = |sample| rounded(count(sample) as f64 / sample.lasted.as_secs_f64().max(0.001));
                per_second.insert(outcome.name().into(), samples.iter().map(rate).collect());
            }
        }
        let column = |at: usize| samples.iter().map(|it| it.percentiles.get(at).copied().flatten()).collect();
        Series {
            every_seconds: SAMPLE_EVERY.as_secs(),
            first: self.taken + 1 - samples.len() as u64,
            at: samples.iter().map(|sample| moment::seconds(sample.at)).collect(),
            per_second,
            p50_ms: column(0),
            p90_ms: column(1),
            p99_ms: column(2),
        }
    }
}

impl Series {
    /// The number of its newest sample.
    pub(crate) fn newest(&self) -> u64 {
        self.first.saturating_add(self.at.len() as u64).saturating_sub(1)
    }

    /// Adds the samples that follow on these, and forgets those that are older than half an hour. Samples that do not follow
    /// take the place of all.
    pub(crate) fn join(&mut self, news: Self) {
        if self.at.is_empty() || news.first != self.newest().saturating_add(1) {
            *self = news;
            return;
        }
        let (known, fresh) = (self.at.len(), news.at.len());
        let outcomes: BTreeSet<_> = self.per_second.keys().chain(news.per_second.keys()).cloned().collect();
        let Self { at, mut per_second, p50_ms, p90_ms, p99_ms, .. } = news;
        for outcome in outcomes {
            let fresh_rates = per_second.remove(&outcome).unwrap_or_default();
            append(self.per_second.entry(outcome).or_default(), known, fresh_rates, fresh);
        }
        self.per_second.retain(|_, rates| rates.iter().any(|rate| *rate > 0.0));
        append(&mut self.p50_ms, known, p50_ms, fresh);
        append(&mut self.p90_ms, known, p90_ms, fresh);
        append(&mut self.p99_ms, known, p99_ms, fresh);
        append(&mut self.at, known, at, fresh);
        self.first = self.first.saturating_add((known + fresh - self.at.len()) as u64);
    }

    /// Leaves only the samples after that one.
    pub(crate) fn keep_after(&mut self, newest_known: u64) {
        let known = usize::try_from((newest_known + 1).saturating_sub(self.first)).unwrap_or(usize::MAX);
        let known = known.min(self.at.len());
        self.first += known as u64;
        self.at.drain(..known);
        self.per_second.values_mut().for_each(|column| drop(column.drain(..known)));
        for column in [&mut self.p50_ms, &mut self.p90_ms, &mut self.p99_ms] {
            column.drain(..known);
        }
    }
}

/// Makes both columns as long as they must be, adds the one to the other, and keeps the newest half hour.
fn append<T: Default + Clone>(column: &mut Vec<T>, known: usize, mut news: Vec<T>, fresh: usize) {
    column.resize(known, T::default());
    news.resize(fresh, T::default());
    column.append(&mut news);
    column.drain(..column.len().saturating_sub(MOST));
}

/// Rates are told to a tenth, which is enough for a plot.
fn rounded(rate: f64) -> f64 {
    (rate * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn sample(number: u64) -> Sample {
        let mut outcomes = [0; Outcome::ALL.len()];
        outcomes[Outcome::Accepted as usize] = number;
        let at = UNIX_EPOCH + Duration::from_secs(number);
        Sample { at, lasted: Duration::from_secs(1), outcomes, percentiles: [Some(1.5), None, None] }
    }

    #[test]
    fn half_an_hour_is_kept_and_whoever_knows_a_part_is_told_the_rest() {
        let mut samples = Samples::default();
        let none = samples.series();
        assert_eq!((none.first, none.newest(), none.at.len()), (1, 0, 0));
        (1..=MOST as u64 + 5).for_each(|number| samples.take(sample(number)));
        let mut series = samples.series();
        assert_eq!((series.first, series.newest(), series.at.len()), (6, MOST as u64 + 5, MOST));
        series.keep_after(MOST as u64 + 3);
        assert_eq!((series.first, series.newest()), (MOST as u64 + 4, MOST as u64 + 5));
        assert_eq!(series.at, [MOST as u64 + 4, MOST as u64 + 5]);
        assert_eq!(series.per_second["accepted"], [MOST as f64 + 4.0, MOST as f64 + 5.0]);
        assert_eq!((series.p50_ms, series.p99_ms), (vec![Some(1.5); 2], vec![None; 2]));
        let mut known = samples.series();
        known.keep_after(MOST as u64 + 5);
        assert_eq!((known.at.len(), known.newest()), (0, MOST as u64 + 5));
        let mut none_known = samples.series();
        none_known.keep_after(0);
        assert_eq!(none_known.at.len(), MOST);
    }

    #[test]
    fn a_reader_who_joins_what_it_is_told_has_the_whole_half_hour() {
        let mut samples = Samples::default();
        let mut read = Series::default();
        let mut known = 0;
        for number in 1..=MOST as u64 + 50 {
            samples.take(sample(number));
            if number % 7 == 0 || number == MOST as u64 + 50 {
                let mut news = samples.series();
                let newest = news.newest();
                news.keep_after(known);
                known = newest;
                read.join(serde_json::from_str(&serde_json::to_string(&news).unwrap()).unwrap());
            }
        }
        let json = |series: &Series| serde_json::to_value(series).unwrap();
        assert_eq!(json(&read), json(&samples.series()));
        // A gateway that was started again begins anew, and columns of another length harm nobody.
        let other = Series { first: 1, at: vec![1, 2], p50_ms: vec![Some(1.0)], ..Series::default() };
        read.join(other.clone());
        assert_eq!((read.first, read.at.len()), (1, 2));
        read.join(Series { first: 3, at: vec![3], ..other });
        assert_eq!((read.at, read.p50_ms), (vec![1, 2, 3], vec![Some(1.0), None, Some(1.0)]));
    }
}
