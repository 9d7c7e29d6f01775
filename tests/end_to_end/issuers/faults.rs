//! Keys that cannot be fetched: the last ones serve for a day, and after that tokens are refused.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fanfare::caller::jwt::TokenProblem;
use tracing_subscriber::fmt::MakeWriter;

use super::{Answer, PATH, Signer, World, set};
use crate::harness::{pass, until};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn an_answer_without_keys_changes_nothing() {
    let signer = Signer::new("a");
    let oct = r#"{"keys":[{"kty":"oct","kid":"a","alg":"HS256","k":"c2VjcmV0"}]}"#;
    for (number, answer) in [
        Answer::Status(500),
        Answer::Status(404),
        Answer::Status(302),
        Answer::Status(308),
        Answer::Body("<html><body>Sign in</body></html>".to_owned()),
        Answer::Body("x".repeat(1 << 20)),
        Answer::Body(String::new()),
        Answer::Body(r#"{"keys":[]}"#.to_owned()),
        Answer::Body(oct.to_owned()),
    ]
    .into_iter()
    .enumerate()
    {
        let world = World::start(set(&[&signer])).await;
        assert!(world.name_after_fetch(&signer.token("first")).await.is_ok());
        world.server.answer(answer);
        pass(Duration::from_secs(300)).await;
        until(|| world.fetches("unusable") == 1).await;
        assert_eq!(world.name(&signer.token("second")).unwrap(), "second", "{number}");
        assert!(world.server.paths().iter().all(|path| path == PATH), "{number}: no redirect is followed");
        assert_eq!((world.fetches("fetched"), world.fetches("unavailable")), (1, 0), "{number}");
        world.server.answer(set(&[&signer]));
        pass(Duration::from_secs(1)).await;
        until(|| world.fetches("fetched") == 2).await;
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_said_once_and_its_last_keys_serve_for_a_day() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    let _subscribed = tracing::subscriber::set_default(subscriber);
    // While there is one subscriber, a line that another thread logs first, without any, is taken for one that nobody wants.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let signer = Signer::new("a");
    let mut world = World::start(set(&[&signer])).await;
    let known = signer.token("known");
    assert!(world.name_after_fetch(&known).await.is_ok());
    world.server.stop().await;
    pass(Duration::from_secs(300)).await;
    for failures in 1..4 {
        until(|| world.fetches("unavailable") >= failures).await;
        pass(Duration::from_secs(60)).await;
    }
    assert!(world.name(&known).is_ok() && world.name(&signer.token("new")).is_ok());
    pass(DAY).await;
    let stale = TokenProblem::StaleKeys { issuer: "corp".into(), max_stale: DAY };
    for token in [&known, &signer.token("newer")] {
        assert_eq!(world.name(token), Err(stale.clone()));
    }
    assert_eq!(
        stale.to_string(),
        "expected keys of issuer corp that are at most 1day old, found older ones: no newer ones could be fetched"
    );
    world.server.restart().await;
    pass(Duration::from_secs(60)).await;
    until(|| world.fetches("fetched") == 2).await;
    assert!(world.name(&known).is_ok());
    let lines = log.lines_of("corp");
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains("WARN") && lines[0].contains("the last ones serve on"), "{lines:#?}");
    assert!(
        lines[1].contains("INFO") && lines[1].contains("got the keys of the issuer after failures"),
        "{lines:#?}"
    );
}

/// The lines of the log, of the thread that has this as its subscriber.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// The lines about an issuer's keys.
    fn lines_of(&self, issuer: &str) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let field = format!("issuer=\"{issuer}\"");
        text.lines().filter(|line| line.contains(&field)).map(str::to_owned).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
