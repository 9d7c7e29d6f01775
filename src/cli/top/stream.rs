//! Listens to a gateway, and connects again when its stream of events breaks off. It asks now and then where no more may listen.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use http_body_util::BodyExt;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::events::Events;
use super::look::look;
use super::news::{ASK_EVERY, News, Stream, read};
use super::script::Script;
use crate::cli::gateway::{AdminListener, AllListen};
use crate::status::Series;

/// There is an event each second. After so long without any, something is broken.
const SILENCE: Duration = Duration::from_secs(5);

/// The waits between attempts double from the first number to the second.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Listens until nobody wants to know.
pub(super) async fn follow(gateway: AdminListener, script: Script, news: watch::Sender<News>) {
    let mut failures = 0;
    loop {
        let began = Instant::now();
        let Err(mut error) = listen(&gateway, script, &news).await;
        if error.is::<AllListen>() {
            match look(&gateway, script).await {
                Ok(status) => {
                    news.send_replace(News { status: Some(Arc::new(status)), stream: Stream::Asked });
                    tokio::select! {
                        () = sleep(ASK_EVERY) => continue,
                        () = news.closed() => return,
                    }
                }
                Err(why) => error = why,
            }
        }
        let was_live = matches!(news.borrow().stream, Stream::Live | Stream::Asked);
        failures = if was_live { 0 } else { failures + 1 };
        let pause = pause(failures);
        news.send_modify(|news| {
            let since = match news.stream {
                Stream::Broken { since, .. } => since,
                Stream::Live | Stream::Asked => Instant::now(),
                Stream::Connecting => began,
            };
            let why = script.clean(&format!("{error:#}"));
            news.stream = Stream::Broken { why, since, again: Instant::now() + pause };
        });
        tokio::select! {
            () = sleep(pause) => {}
            () = news.closed() => return,
        }
    }
}

fn pause(failures: u32) -> Duration {
    SHORTEST_PAUSE.saturating_mul(1 << failures.min(16)).min(LONGEST_PAUSE)
}

/// Listens to one stream until it breaks off.
async fn listen(
    gateway: &AdminListener,
    script: Script,
    news: &watch::Sender<News>,
) -> anyhow::Result<Infallible> {
    let mut body = gateway.get("/status/events").await?.into_body();
    let mut events = Events::default();
    // The first event has the whole series, and each later one what is new.
    let mut series = Series::default();
    loop {
        let frame = timeout(SILENCE, body.frame()).await;
        let frame = frame.map_err(|_| anyhow!("it has been silent for {} s", SILENCE.as_secs()))?;
        let frame = frame.context("it has ended the connection")?.context("the connection broke")?;
        if let Some(bytes) = frame.data_ref() {
            events.take(bytes)?;
        }
        while let Some(data) = events.next() {
            let mut status = read(&data, script)?;
            series.join(std::mem::take(&mut status.series));
            status.series = series.clone();
            news.send_replace(News { status: Some(Arc::new(status)), stream: Stream::Live });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_between_attempts_grow_and_are_bounded() {
        assert_eq!([0, 1, 2, 3, 4, 1000].map(|failures| pause(failures).as_secs()), [1, 2, 4, 8, 10, 10]);
    }
}
