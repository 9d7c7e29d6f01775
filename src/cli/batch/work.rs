//! How a worker works: it sends over one stream at a time, and connects again when a stream has ended.

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::bail;
use tokio::time::Instant;

use super::call::StreamEnd;
use super::gateways::{Gateways, backoff};
use super::stream::BatchStream;
use super::worker::Worker;
use crate::cli::gateway::GatewayConnection;

impl Worker {
    /// Sends until the input has ended, or the worker has to give up.
    ///
    /// # Errors
    /// Says in one sentence why the worker gave up.
    pub(super) async fn work(
        mut self,
        gateways: Gateways,
        first: Option<GatewayConnection>,
    ) -> anyhow::Result<()> {
        let ended = self.send_all(gateways, first).await;
        // An item that may have been sent before and was not sent again gets the verdict UNCONFIRMED, so that no later run
        // repeats it unasked.
        let (in_doubt, unsent): (VecDeque<_>, VecDeque<_>) =
            self.queue.drain(..).partition(|item| item.in_doubt);
        self.queue = unsent;
        let why = "the gateway was lost before its verdict, and the run ended before it was sent again";
        let in_doubt = in_doubt.iter().map(|item| item.unconfirmed(why)).collect();
        self.run.results.record(in_doubt).await?;
        if !self.queue.is_empty() || (ended.is_err() && !self.exhausted) {
            self.run.progress.leave();
        }
        if let Some(error) = self.unreadable {
            self.run.progress.leave();
            return Err(anyhow::Error::from(error).context("the rest of the input cannot be read"));
        }
        ended
    }

    async fn send_all(
        &mut self,
        mut gateways: Gateways,
        mut first: Option<GatewayConnection>,
    ) -> anyhow::Result<()> {
        let run = Arc::clone(&self.run);
        let mut failures = 0;
        // The time since which no gateway gave a verdict.
        let mut without = None;
        loop {
            let idle = Instant::now();
            if !self.has_work().await? {
                break;
            }
            // Time in which there was nothing to send does not count, because no gateway was looked for.
            without = without.map(|since: Instant| since + idle.elapsed());
            let connection = match first.take() {
                Some(connection) => Ok(connection),
                None => tokio::select! {
                    connection = gateways.connect() => connection,
                    () = run.stop.cancelled() => continue,
                },
            };
            let why = match connection {
                Err(error) => format!("{error:#}"),
                Ok(connection) => {
                    let (ended, brought) = BatchStream::new(self).run(&connection).await?;
                    if brought {
                        (failures, without) = (0, None);
                    }
                    match ended {
                        StreamEnd::Done if brought => continue,
                        StreamEnd::Done => "the gateway took nothing".to_owned(),
                        StreamEnd::CallerUnknown(why) if connection.shows_what_files_hold() => bail!(why),
                        StreamEnd::Refused(why) => bail!(why),
                        StreamEnd::Broke(why) if !brought => connection.with_advice(&why),
                        StreamEnd::Lost(why) | StreamEnd::Broke(why) | StreamEnd::CallerUnknown(why) => why,
                    }
                }
            };
            if run.stop.is_cancelled() {
                continue;
            }
            failures += 1;
            let end = *without.get_or_insert_with(Instant::now) + run.reconnect_for;
            let next = Instant::now() + backoff(failures);
            if next > end {
                let tried = humantime::format_duration(run.reconnect_for);
                bail!("{why}; {tried} of connecting again brought no verdict (--reconnect-for)");
            }
            run.progress.trouble(&format!("{why}; connecting again"));
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = run.stop.cancelled() => {}
            }
        }
        Ok(())
    }
}
