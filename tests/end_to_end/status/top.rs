//! `fanfare top` in a terminal, in front of a gateway that is well, refused and well again, and then gone.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use fanfare::proto::Outcome;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use vt100::Parser;

use crate::harness::{PROBE_IS_DUE, SOON, World, good, pass, push, until};

/// A terminal with the command in it, which ends with the test.
struct Terminal {
    master: File,
    process: Child,
    screen: Arc<Mutex<Parser>>,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Terminal {
    /// Starts the command in a terminal of 80x24, with the gateway's address and this in its environment.
    fn open(world: &World, environment: &[(&str, &str)]) -> Self {
        let master: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        tcsetwinsize(&master, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let side = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        // setsid(1) makes it the terminal of the command, whatever the test was started from.
        let process = Command::new("setsid")
            .args(["--ctty", env!("CARGO_BIN_EXE_fanfare"), "top"])
            .arg(format!("http://{}", world.gateway.admin_address()))
            .env("TERM", "xterm")
            .env("LC_ALL", "C.UTF-8")
            .env_remove("NO_COLOR")
            .envs(environment.iter().copied())
            .stdin(Stdio::from(side.try_clone().unwrap()))
            .stdout(Stdio::from(side.try_clone().unwrap()))
            .stderr(Stdio::from(side))
            .spawn()
            .unwrap();
        let [rows, columns] = [24, 80].map(|size| NonZeroU16::new(size).unwrap());
        let screen = Arc::new(Mutex::new(Parser::new(rows, columns, 0)));
        let (mut written, shown) = (File::from(master.try_clone().unwrap()), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Reading fails when the last one who writes is gone.
            while let Ok(read @ 1..) = written.read(&mut bytes) {
                shown.lock().unwrap().process(&bytes[..read]);
            }
        });
        Self { master: File::from(master), process, screen }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen has this text.
    async fn shows(&self, text: &str) {
        let shown = async {
            while !self.text().contains(text) {
                tokio::time::sleep(crate::harness::LOOK).await;
            }
        };
        if timeout(SOON, shown).await.is_err() {
            panic!("the screen never had {text:?}:\n{}", self.text());
        }
    }

    fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    async fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Waits for the end of the command.
    async fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        until(|| {
            status = self.process.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }

    /// Whether the terminal is as it was before the command.
    async fn is_given_back(&self) {
        until(|| {
            let parser = self.screen.lock().unwrap();
            !parser.screen().alternate_screen() && !parser.screen().hide_cursor()
        })
        .await;
        let modes = rustix::termios::tcgetattr(&self.master).unwrap().local_modes;
        assert!(modes.contains(rustix::termios::LocalModes::ECHO | rustix::termios::LocalModes::ICANON));
    }
}

#[tokio::test]
async fn an_outage_is_seen_from_its_first_push_until_it_is_mended() {
    let world = World::start().await;
    let mut terminal = Terminal::open(&world, &[]);
    terminal.shows("Nothing was sent yet.").await;
    assert_eq!(world.send(push(&good(1))).await.outcome(), Outcome::Accepted);
    terminal.shows("Everything is well.").await;
    let key = world.simulator.provider_key().clone();
    world.simulator.revoke_provider_key(&key.key_id);
    for number in 2..5 {
        assert_eq!(world.send(push(&good(number))).await.outcome(), Outcome::Credential);
    }
    terminal.shows("✖ shop on APNs is failing.").await;
    terminal.shows(&format!("APNs refuses the key {}", key.key_id)).await;
    terminal.shows("What to do: Check key, key id and team id.").await;
    terminal.press("/refused\r");
    terminal.shows(&format!("✖ refused  {}/{}", key.team_id, key.key_id)).await;
    terminal.press("\u{1b}");
    world.simulator.restore_provider_key(&key.key_id);
    pass(2 * PROBE_IS_DUE).await;
    assert_eq!(world.send(push(&good(5))).await.outcome(), Outcome::Accepted);
    terminal.shows("○ Everything is well.").await;
    world.gateway.shut_down().await;
    terminal.shows("▲ No news since").await;
    terminal.shows("what is shown is old.").await;
    terminal.press("q");
    assert_eq!(terminal.ended().await.code(), Some(0));
    terminal.is_given_back().await;
}

#[tokio::test]
async fn where_no_more_may_listen_the_status_is_asked_for_until_one_leaves() {
    let world = World::start().await;
    let listen = async || {
        let mut stream = tokio::net::TcpStream::connect(world.gateway.admin_address()).await.unwrap();
        stream.write_all(b"GET /status/events HTTP/1.1\r\nhost: gateway\r\n\r\n").await.unwrap();
        let mut said = [0; 12];
        stream.read_exact(&mut said).await.unwrap();
        (stream, said == *b"HTTP/1.1 200")
    };
    let mut listeners = Vec::new();
    while let (stream, true) = listen().await {
        listeners.push(stream);
    }
    let mut terminal = Terminal::open(&world, &[]);
    terminal.shows("as many listen to this gateway as may").await;
    terminal.shows("Nothing was sent yet.").await;
    assert_eq!(world.send(push(&good(1))).await.outcome(), Outcome::Accepted);
    terminal.shows("Everything is well.").await;
    terminal.shows("as many listen to this gateway as may").await;
    listeners.pop();
    terminal.shows(" live ").await;
    assert!(!terminal.text().contains("as many listen"), "{}", terminal.text());
    terminal.press("q");
    assert_eq!(terminal.ended().await.code(), Some(0));
}

#[tokio::test]
async fn signals_and_control_c_end_it_and_the_terminal_is_given_back() {
    let world = World::start().await;
    // SIGHUP is left out, since a test that runs under nohup starts everything with it ignored.
    for signal in [Some("-TERM"), Some("-INT"), None] {
        let mut terminal = Terminal::open(&world, &[("NO_COLOR", "1"), ("LC_ALL", "C")]);
        terminal.shows("- Nothing was sent yet.").await;
        assert!(terminal.text().is_ascii(), "{}", terminal.text());
        match signal {
            Some(signal) => terminal.signal(signal).await,
            None => terminal.press("\u{3}"),
        }
        assert_eq!(terminal.ended().await.code(), Some(0), "{signal:?}");
        terminal.is_given_back().await;
    }
}

#[tokio::test]
async fn without_a_terminal_it_says_what_to_do_and_once_is_for_scripts() {
    let world = World::start().await;
    let url = format!("http://{}", world.gateway.admin_address());
    let run = async |args: &[&str]| {
        let args: Vec<_> = args.iter().map(|&arg| arg.to_owned()).collect();
        let run = tokio::task::spawn_blocking(move || {
            let mut command = assert_cmd::Command::cargo_bin("fanfare").unwrap();
            let output = command.env("LC_ALL", "C").arg("top").args(args).timeout(SOON).output().unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            (output.status.code(), text(output.stdout), text(output.stderr))
        });
        run.await.unwrap()
    };
    let (code, _, said) = run(&[&url]).await;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("needs a terminal") && said.contains(&format!("GET {url}/status")), "{said}");

    assert_eq!(world.send(push(&good(1))).await.outcome(), Outcome::Accepted);
    let (code, told, said) = run(&[&url, "--once"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(told.starts_with("o Everything is well.\n") && told.is_ascii(), "{told}");
    assert!(told.contains("APNs takes its pushes.") && !told.contains('\u{1b}'), "{told}");

    world.simulator.revoke_provider_key(&world.simulator.provider_key().key_id);
    for number in 2..5 {
        assert_eq!(world.send(push(&good(number))).await.outcome(), Outcome::Credential);
    }
    let (code, told, said) = run(&[&url, "--once"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(told.starts_with("X shop on APNs is failing.\n"), "{told}");

    let (code, _, said) = run(&["http://127.0.0.1:1", "--once"]).await;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("http://127.0.0.1:1: it cannot be reached: "), "{said}");
}
