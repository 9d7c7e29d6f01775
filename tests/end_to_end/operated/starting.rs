//! What a gateway that starts says of its configuration, and what it does when it is told to read it again meanwhile.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use rcgen::{CertificateParams, DnType, KeyPair};
use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};

use super::*;
use crate::harness::{SOON, TOPIC};
use crate::surroundings::{ended, signal};

/// How many gateways are told so. The moment of the signal is another each time.
const MANY: usize = 20;

/// Waits until somebody opens the file that is watched.
async fn until_opened(watch: OwnedFd) {
    let opened = tokio::task::spawn_blocking(move || {
        Reader::new(watch, &mut [MaybeUninit::uninit(); 512]).next().map(|_| ()).unwrap();
    });
    tokio::time::timeout(SOON, opened).await.expect("the configuration is read").unwrap();
}

#[tokio::test]
async fn sighup_does_not_end_a_gateway_that_is_just_reading_its_configuration() {
    let (folder, _simulator) = folder("on_change = false").await;
    let (config, ready) = (folder.path().join("fanfare.toml"), folder.path().join("ready.json"));
    for _ in 0..MANY {
        let watch = init(CreateFlags::CLOEXEC).unwrap();
        add_watch(&watch, &config, WatchFlags::OPEN).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
        command.args(["serve", "--config"]).arg(&config).arg("--ready-file").arg(&ready);
        let mut gateway = command.stderr(Stdio::null()).spawn().unwrap();
        until_opened(watch).await;
        signal(&gateway, "-HUP");
        let mut ended_as = None;
        until(|| {
            ended_as = gateway.try_wait().unwrap();
            ended_as.is_some() || ready.exists()
        })
        .await;
        assert_eq!(ended_as, None);
        signal(&gateway, "-TERM");
        assert_eq!(ended(&mut gateway).await.code(), Some(0));
        std::fs::remove_file(&ready).unwrap();
    }
}

#[tokio::test]
async fn what_cannot_work_is_told_at_the_start_and_with_each_configuration_that_holds() {
    let (folder, _simulator) = folder("on_change = false").await;
    let path = folder.path();
    let (mut params, key) = (CertificateParams::default(), KeyPair::generate().unwrap());
    // The user id, in which Apple's certificates have their topic. Source: RFC 4519, section 2.39.
    let user_id = DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 1]);
    params.distinguished_name.push(user_id, TOPIC);
    std::fs::write(path.join("apns.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(path.join("apns.key"), key.serialize_pem()).unwrap();
    let text = std::fs::read_to_string(path.join("fanfare.toml")).unwrap();
    let app = |topic| {
        format!(
            "{text}[apps.news.apns]\nenvironment = \"production\"\ntopics = [\"{TOPIC}\", \"{topic}\"]\n[apps.news.apns.certificate]\n\
             certificate_file = \"apns.pem\"\nprivate_key_file = \"apns.key\"\n"
        )
    };
    std::fs::write(path.join("fanfare.toml"), app("com.example.first")).unwrap();
    let gateway = Operated::start(path, &[]).await;
    let told = |topic| {
        let key = "\"key\":\"apps.news.apns.topics\"";
        gateway.lines(&["\"WARN\"", "the configuration says what cannot work", key, topic])
    };
    // Its log is written by a thread of its own, so the line may come after the gateway is ready.
    until(|| told("com.example.first") == 1).await;
    std::fs::write(path.join("fanfare.toml"), app("com.example.second")).unwrap();
    signal(&gateway.serving.process, "-HUP");
    until(|| told("com.example.second") == 1).await;
    // One that does not hold is told by what is wrong with it alone.
    std::fs::write(path.join("fanfare.toml"), "[apps").unwrap();
    signal(&gateway.serving.process, "-HUP");
    gateway.until_logged(&["fanfare::audit", "\"INFO\"", "\"result\":\"failed\""]).await;
    assert_eq!(gateway.lines(&["\"ERROR\""]), 1, "{}", gateway.log());
    assert_eq!(gateway.lines(&["\"WARN\"", "the configuration was read again"]), 0);
    assert_eq!(gateway.lines(&["\"key\":\"\""]), 0);
    assert_eq!(told("com.example"), 2);
}
