//! What the log has of a feed: one line when it begins to fail, one when it is well again, and no target or secret.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

use super::receiver::{Answer, Receiver};
use super::verifier::SECRET;
use super::{count, feed, status, world};
use crate::harness::{good, http_get, push, until};

#[tokio::test]
async fn a_failure_is_one_line_and_its_end_another_and_no_line_has_a_target_or_a_secret() {
    let log = Log::begin();
    let receiver = Receiver::start([Answer::Status(500), Answer::Status(502)]).await;
    let world = world(feed(&receiver)).await;
    world.send(push(&good(1))).await;
    until(|| count(&world, "delivered") == 1.0).await;
    receiver.answer(Answer::Status(400));
    world.send(push(&good(2))).await;
    until(|| count(&world, "refused") == 1.0).await;
    let status = status(&world).await.to_string();
    let metrics = http_get(world.gateway.admin_address(), "/metrics").await;
    world.gateway.shut_down().await;
    let lines: Vec<_> = log.lines_with("of a feed").into_iter().filter(|it| !it.contains("DEBUG")).collect();
    let kinds = [
        ("ERROR", "takes no events: they wait, and are sent again"),
        ("INFO", "takes events again"),
        ("ERROR", "refuses events: they are dropped"),
    ];
    assert_eq!(lines.len(), kinds.len(), "{lines:#?}");
    for (line, (level, message)) in lines.iter().zip(kinds) {
        assert!(line.contains(level) && line.contains(message) && line.contains("feed=\"crm\""), "{line}");
    }
    assert!(lines[0].contains("it answers 500") && lines[0].contains("remedy="), "{}", lines[0]);
    let secret = SECRET.trim_start_matches("whsec_");
    for text in [log.text(), status, metrics] {
        assert!(!text.contains(&good(1)) && !text.contains(&good(2)) && !text.contains(secret), "{text}");
    }
}

/// The lines of the log of this thread, and so of the runtime of a test.
pub(super) struct Log {
    text: Text,
    _held: DefaultGuard,
}

#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(super) fn begin() -> Self {
        let text = Text::default();
        // Other crates of the process, such as the simulator, say what they were sent.
        let ours = Targets::new()
            .with_target("fanfare", Level::TRACE)
            .with_target("fanfare_simulator", LevelFilter::OFF);
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(text.clone());
        let subscriber = tracing_subscriber::registry().with(lines.with_filter(ours));
        Self { text, _held: tracing::subscriber::set_default(subscriber) }
    }

    fn text(&self) -> String {
        String::from_utf8(self.text.0.lock().unwrap().clone()).unwrap()
    }

    pub(super) fn lines_with(&self, part: &str) -> Vec<String> {
        let text = self.text();
        text.lines().filter(|line| line.contains(part)).map(str::to_owned).collect()
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Text {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
