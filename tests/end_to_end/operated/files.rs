//! The files of a configuration change while pushes go on.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::harness::SOON;
use crate::surroundings::{ended, signal};

/// Sends pushes one after the other until it is ended, and returns how many, of which each is accepted.
struct SteadyPushes {
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<usize>,
}

impl SteadyPushes {
    fn begin(mut client: Client) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut count = 0;
            while !stopped.load(Ordering::Relaxed) {
                assert_eq!(outcome_for(&mut client, "shop").await, Outcome::Accepted);
                count += 1;
            }
            count
        });
        Self { stop, task }
    }

    async fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap()
    }
}

/// Sends pushes of an app until what comes of them is this.
async fn until_outcome(client: &mut Client, app: &str, expected: Outcome) {
    let look = async {
        while outcome_for(client, app).await != expected {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, look).await.unwrap();
}

/// The same configuration with one app more, which is the first one under another name.
fn with_another_app(text: &str) -> String {
    let (settings, app) = text.split_once("[apps.shop.apns]").unwrap();
    let (app, reload) = app.split_once("[reload]").unwrap();
    let other = app.replace("apps.shop.", "apps.news.");
    format!("{settings}[apps.shop.apns]{app}[apps.news.apns]{other}[reload]{reload}")
}

/// Puts files in place as the kubelet does for a volume of a ConfigMap or a Secret: each name leads through `..data` to a
/// folder of its own, and `..data` is replaced by a rename. Source: Kubernetes, `pkg/volume/util/atomic_writer.go`.
fn publish(folder: &Path, version: &str, files: &[(&str, &str)]) {
    let own = folder.join(format!("..{version}"));
    std::fs::create_dir(&own).unwrap();
    for (name, content) in files {
        std::fs::write(own.join(name), content).unwrap();
        let _ = std::fs::remove_file(folder.join(name))
            .and_then(|()| symlink(Path::new("..data").join(name), folder.join(name)));
    }
    let _ = std::fs::remove_file(folder.join("..data_tmp"));
    symlink(format!("..{version}"), folder.join("..data_tmp")).unwrap();
    std::fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
}

#[tokio::test]
async fn kubernetes_swaps_a_symlink_and_a_broken_file_changes_nothing() {
    let (folder, simulator) = folder("check_every = \"20ms\"").await;
    let path = folder.path();
    let text = std::fs::read_to_string(path.join("fanfare.toml")).unwrap();
    publish(path, "first", &[("fanfare.toml", &text)]);
    let gateway = Operated::start(path, &[]).await;
    let (mut client, load) = (gateway.client().await, SteadyPushes::begin(gateway.client().await));
    assert_eq!(gateway.metric("fanfare_config_last_reload_successful").await, Some(1.0));

    let two_apps = with_another_app(&text);
    publish(path, "second", &[("fanfare.toml", &two_apps)]);
    until_outcome(&mut client, "news", Outcome::Accepted).await;
    gateway.until_logged(&["fanfare::audit", "\"result\":\"holds\"", "a file has changed", "apps"]).await;

    publish(path, "broken", &[("fanfare.toml", "[grpc]\nlisten = 5\nlimit = 1\n[apps")]);
    gateway.until_logged(&["so nothing was changed"]).await;
    publish(path, "wrong", &[("fanfare.toml", &two_apps.replace("team_id", "teem_id"))]);
    gateway.until_logged(&["so nothing was changed", "teem_id"]).await;
    until_outcome(&mut client, "news", Outcome::Accepted).await;
    assert_eq!(gateway.metric("fanfare_config_last_reload_successful").await, Some(0.0));

    publish(path, "mended", &[("fanfare.toml", &text)]);
    until_outcome(&mut client, "news", Outcome::InvalidPush).await;
    assert_eq!(gateway.metric("fanfare_config_last_reload_successful").await, Some(1.0));
    assert_eq!(
        gateway.metric("fanfare_config_reloads_total{result=\"failed\"}").await,
        Some(2.0),
        "{}",
        gateway.log()
    );
    assert_eq!(
        gateway.lines(&["fanfare::audit", "was read again"]),
        4,
        "each is one line: {}",
        gateway.log()
    );
    let sent = load.end().await;
    let tokens = simulator.counters().provider_tokens_seen;
    assert!(sent > 0 && tokens == 1, "{sent} pushes carried one token, not {tokens}");
}

#[tokio::test]
async fn a_key_that_comes_later_mends_a_reload_that_missed_it() {
    let (folder, _simulator) = folder("check_every = \"20ms\"").await;
    let path = folder.path();
    let gateway = Operated::start(path, &[]).await;
    let (mut client, load) = (gateway.client().await, SteadyPushes::begin(gateway.client().await));
    let text = with_another_app(&std::fs::read_to_string(path.join("fanfare.toml")).unwrap());
    let (first, second) = text.split_once("[apps.news.apns]").unwrap();
    let text = format!("{first}[apps.news.apns]{}", second.replace("key.p8", "later.p8"));
    // Whoever saves by a rename replaces the file.
    std::fs::write(path.join("new.toml"), text).unwrap();
    std::fs::rename(path.join("new.toml"), path.join("fanfare.toml")).unwrap();
    gateway.until_logged(&["so nothing was changed", "later.p8"]).await;
    assert_eq!(outcome_for(&mut client, "news").await, Outcome::InvalidPush);
    std::fs::copy(path.join("key.p8"), path.join("later.p8")).unwrap();
    until_outcome(&mut client, "news", Outcome::Accepted).await;
    assert!(load.end().await > 0);
}

#[tokio::test]
async fn where_changes_are_not_watched_only_sighup_has_the_file_read_again() {
    let (folder, _simulator) = folder("on_change = false\ncheck_every = \"20ms\"").await;
    let path = folder.path();
    let mut gateway = Operated::start(path, &[]).await;
    let mut client = gateway.client().await;
    let text = std::fs::read_to_string(path.join("fanfare.toml")).unwrap();
    std::fs::write(path.join("fanfare.toml"), with_another_app(&text)).unwrap();
    assert_eq!(outcome_for(&mut client, "news").await, Outcome::InvalidPush);
    signal(&gateway.serving.process, "-HUP");
    until_outcome(&mut client, "news", Outcome::Accepted).await;
    // What was not changed is told as that, and what needs a restart by its key.
    signal(&gateway.serving.process, "-HUP");
    until(|| gateway.lines(&["fanfare::audit", "was read again"]) == 2).await;
    assert_eq!(gateway.metric("fanfare_config_reloads_total{result=\"unchanged\"}").await, Some(1.0));
    std::fs::write(path.join("fanfare.toml"), text.replace("[grpc]", "[grpc]\nmax_connections = 7")).unwrap();
    signal(&gateway.serving.process, "-HUP");
    gateway.until_logged(&["holds after a restart", "grpc.max_connections"]).await;
    assert_eq!(gateway.lines(&["fanfare::audit", "\"cause\":\"SIGHUP\""]), 3);
    signal(&gateway.serving.process, "-TERM");
    assert_eq!(ended(&mut gateway.serving.process).await.code(), Some(0));
}
