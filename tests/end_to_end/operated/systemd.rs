//! systemd is told what a service of `Type=notify-reload` tells it. Source: sd_notify(3).

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use super::*;
use crate::surroundings::{ended, signal};

/// Reads messages until one has this line, and returns it.
fn until_told(socket: &UnixDatagram, line: &str) -> String {
    let mut buffer = [0; 4096];
    loop {
        let length = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("waits for {line}: {error}"));
        let message = String::from_utf8(buffer[..length].to_vec()).unwrap();
        if message.lines().any(|it| it == line) {
            return message;
        }
    }
}

#[tokio::test]
async fn systemd_hears_that_it_is_ready_reloads_lives_and_ends() {
    let (folder, _simulator) = folder("on_change = false").await;
    let path = folder.path().to_owned();
    let file = path.join("fanfare.toml");
    let good = std::fs::read_to_string(&file).unwrap();
    let name = path.join("notify");
    let socket = UnixDatagram::bind(&name).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let variables = [("NOTIFY_SOCKET", name.to_str().unwrap()), ("WATCHDOG_USEC", "100000")];
    let mut gateway = Operated::start(&path, &variables).await;
    let pid = gateway.serving.process.id();
    let told = tokio::task::spawn_blocking(move || {
        until_told(&socket, "READY=1");
        until_told(&socket, "WATCHDOG=1");
        for (text, status) in [
            (good.as_str(), "STATUS=serving"),
            (
                "[grpc]\nlisten = 5\n",
                "STATUS=serving by an earlier configuration, since the newest cannot be used",
            ),
            (good.as_str(), "STATUS=serving"),
        ] {
            std::fs::write(&file, text).unwrap();
            assert!(Command::new("kill").args(["-HUP", &pid.to_string()]).status().unwrap().success());
            let reloading = until_told(&socket, "RELOADING=1");
            assert!(reloading.lines().any(|line| line.starts_with("MONOTONIC_USEC=")), "{reloading}");
            let ready = until_told(&socket, "READY=1");
            assert!(ready.lines().any(|line| line == status), "{status}: {ready}");
        }
        until_told(&socket, "WATCHDOG=1");
        socket
    });
    let socket = told.await.unwrap();
    signal(&gateway.serving.process, "-TERM");
    tokio::task::spawn_blocking(move || until_told(&socket, "STOPPING=1")).await.unwrap();
    assert_eq!(ended(&mut gateway.serving.process).await.code(), Some(0));
}
