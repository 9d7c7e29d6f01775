//! The screen, as it is written for people: `snapshots/` has what stands on it.

use std::sync::LazyLock;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui_core::backend::TestBackend;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::Color;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::canvas::Canvas;
use super::page::Page;
use super::view::{After, Mode, View};
use super::*;

const PLAIN: Paint = Paint { script: Script::Unicode, colours: false };
const ADDRESS: &str = "http://127.0.0.1:9464";

/// The moment at which everything is drawn, so that no text depends on how long a test takes.
static NOW: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A gateway with three apps, all of which are well.
fn healthy() -> Value {
    let app = |app: &str, provider: &str, sentence: &str| {
        json!({
            "app": app, "provider": provider, "health": "well", "sentence": sentence, "since": "2026-03-01T09:00:00Z",
            "fault": null, "remedy": "", "also": [], "last_minute": {"accepted": 7000}
        })
    };
    let peer = |origin: &str, used: u64| {
        json!({
            "origin": origin, "identity": "", "kind": "configured",
            "connections": [
                {"state": "open", "streams_used": used, "streams_allowed": 1000},
                {"state": "open", "streams_used": 0, "streams_allowed": 1000}
            ],
            "streams_used": used, "streams_allowed": 2000, "waiting": 0, "breaker": "closed", "since": null,
            "why": null, "retry_after_seconds": null, "retries_left": 100
        })
    };
    let rates: Vec<f64> = (0..360).map(|at| 100.0 + f64::from(at % 60)).collect();
    let times = |most: f64| (0..360).map(|at| json!(most - f64::from(at % 10))).collect::<Vec<_>>();
    json!({
        "now": "2026-03-01T12:07:31Z", "since": "2026-03-01T09:00:00Z", "version": "0.1.0", "ready": true,
        "not_ready": null, "in_flight": 12, "max_in_flight": 20000,
        "batches": {"streams": 1, "seats_used": 12, "seats_allowed": 10000},
        "apps": [
            app("news", "fcm", "FCM takes its pushes."),
            app("news", "web_push", "Web Push takes its pushes."),
            app("shop", "apns", "APNs takes its pushes.")
        ],
        "peers": [peer("https://api.push.apple.com", 37), peer("https://fcm.googleapis.com", 0)],
        "peers_left_out": 3,
        "paces": [{"origin": "fcm", "identity": "project news-1", "per_second": 10000.0, "limited_since": null, "waiting": 0}],
        "credentials": [
            {
                "name": "TEAM000001/ABC123DEFG", "kind": "provider token", "place": "apns production",
                "state": "good", "since": null, "reason": null, "made_at": "2026-03-01T11:30:00Z",
                "expires_at": "2026-03-01T12:30:00Z", "trouble": null
            },
            {
                "name": "push.example", "kind": "certificate of a listener", "place": "grpc", "state": "ends_soon",
                "since": null, "reason": null, "made_at": null, "expires_at": "2026-03-12T00:00:00Z", "trouble": null
            }
        ],
        "callers": [
            {
                "name": "orders", "pushes_per_second": 118.2, "rate": {"pushes_per_second": 500, "burst": 1000},
                "in_flight": 12, "streams": 1, "max_streams": 8, "refusals": {"pushes_per_second": 3}, "trouble": null
            },
            {
                "name": "newsletter", "pushes_per_second": 0.0, "rate": null, "in_flight": 0, "streams": 0,
                "max_streams": null, "refusals": {}, "trouble": null
            }
        ],
        "feeds": [{
            "name": "crm", "health": "well", "since": null, "sentence": "Its receiver takes its events.", "remedy": "",
            "queued": 0, "dropped": 0
        }],
        "problems": [],
        "series": {
            "every_seconds": 5, "first": 1, "at": (0..360).map(|at| 1_772_366_851 + 5 * at).collect::<Vec<u64>>(),
            "per_second": {"accepted": rates}, "p50_ms": times(22.0), "p90_ms": times(48.0), "p99_ms": times(250.0)
        }
    })
}

/// The same gateway when APNs refuses a key.
fn refused() -> Value {
    let mut status = healthy();
    let apps = status["apps"].as_array_mut().unwrap();
    let mut shop = apps.pop().unwrap();
    shop["health"] = "failing".into();
    shop["since"] = "2026-03-01T12:04:10Z".into();
    shop["fault"] = "operator".into();
    shop["sentence"] = "APNs refuses the key ABC123DEFG of team TEAM000001 in production since 12:04 UTC: \
                        InvalidProviderToken (403)."
        .into();
    shop["remedy"] =
        "Check key, key id and team id. A mended credential is taken again within a minute, without a restart.".into();
    shop["last_minute"] = json!({"credential": 412});
    apps.insert(0, shop);
    let key = &mut status["credentials"][0];
    key["state"] = "refused".into();
    key["since"] = "2026-03-01T12:04:10Z".into();
    key["reason"] = "InvalidProviderToken".into();
    status["problems"] = json!([{
        "time": "2026-03-01T12:07:29Z", "first": "2026-03-01T12:04:10Z", "app": "shop", "provider": "apns",
        "outcome": "credential", "reason": "UPSTREAM_ANSWERED", "upstream_status": 403,
        "upstream_reason": "InvalidProviderToken", "token": "5f1c09aa…", "id": "order-17",
        "detail": "The push service refuses the provider token."
    }]);
    let rates: Vec<f64> = (0..360).map(|at| if at < 320 { 0.0 } else { 6.9 }).collect();
    status["series"]["per_second"]["credential"] = rates.into();
    status
}

fn status(json: &Value, script: Script) -> Status {
    news::read(json.to_string().as_bytes(), script).unwrap()
}

fn live(json: &Value) -> News {
    News { status: Some(status(json, Script::Unicode).into()), stream: Stream::Live }
}

fn broken(status: Option<&Value>) -> News {
    let now = *NOW;
    let stream = Stream::Broken {
        why: "it has ended the connection".to_owned(),
        since: now - Duration::from_secs(12),
        again: now + Duration::from_secs(4),
    };
    News { stream, status: status.and_then(|json| live(json).status) }
}

fn size(width: u16, height: u16) -> Rect {
    Rect::new(0, 0, width, height)
}

fn page(news: &News, view: &View, size: Rect) -> Page {
    Page::new(news, view, ADDRESS, PLAIN, size, *NOW)
}

/// The screen as lines of text.
fn screen(news: &News, view: &View, width: u16, height: u16) -> String {
    let mut canvas = Canvas::new(TestBackend::new(width, height));
    let size = canvas.size().unwrap();
    canvas.show(&page(news, view, size), size).unwrap();
    let shown = canvas.backend().buffer();
    let line = |y| (0..width).map(|x| shown[(x, y)].symbol()).collect::<String>();
    (0..height).map(|y| line(y).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_screen_is_as_it_was_looked_at() {
    let states = [
        ("healthy", live(&healthy())),
        ("refused", live(&refused())),
        ("broken_off", broken(Some(&refused()))),
    ];
    for (name, news) in states {
        for (width, height) in [(80, 24), (40, 10), (200, 50)] {
            let screen = screen(&news, &View::new(), width, height);
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), screen);
        }
    }
    insta::assert_snapshot!("no_news", screen(&broken(None), &View::new(), 80, 5));
    let once =
        text(&status(&refused(), Script::Ascii), ADDRESS, 80, Paint { script: Script::Ascii, ..PLAIN });
    assert!(once.is_ascii());
    insta::assert_snapshot!("once", once);
}

#[test]
fn any_size_has_what_is_wrong_first() {
    let news = live(&refused());
    for width in (0..90).chain([150, 400]) {
        for height in 0..30 {
            let screen = screen(&news, &View::new(), width, height);
            if width >= 30 && height >= 1 {
                assert!(screen.starts_with("✖ shop on APNs is failing."), "{width}x{height}: {screen}");
            }
            if width >= 50 && height >= 7 {
                assert!(screen.contains("refuses the key ABC123DEFG"), "{width}x{height}: {screen}");
            }
        }
    }
}

#[test]
fn no_colour_says_what_no_word_says() {
    let news = live(&refused());
    let painted = |colours| {
        let mut buffer = Buffer::empty(size(80, 24));
        let page =
            Page::new(&news, &View::new(), ADDRESS, Paint { colours, ..PLAIN }, buffer.area, Instant::now());
        page.render(&mut buffer);
        buffer
    };
    let (plain, coloured) = (painted(false), painted(true));
    assert!(plain.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    assert!(coloured.content.iter().any(|cell| cell.fg == Color::Red));
    let text =
        |buffer: &Buffer| buffer.content.iter().map(|cell| cell.symbol().to_owned()).collect::<String>();
    assert_eq!(text(&plain), text(&coloured));
}

#[test]
fn what_the_gateway_tells_gives_no_orders_to_the_terminal() {
    let mut hostile = refused();
    let order = "\u{1b}[2J\u{9b}1;1H\u{7}\u{202e}";
    for pointer in [
        "/apps/0/app",
        "/apps/0/sentence",
        "/apps/0/provider",
        "/peers/0/origin",
        "/peers/0/connections/0/state",
        "/credentials/0/name",
        "/callers/0/name",
        "/problems/0/detail",
        "/problems/0/token",
        "/paces/0/identity",
        "/version",
    ] {
        *hostile.pointer_mut(pointer).unwrap() = format!("evil{order}").into();
    }
    hostile["series"]["per_second"][order] = json!([1.0]);
    let screen = screen(&live(&hostile), &View::new(), 80, 100);
    assert!(screen.contains("evil�[2J�1;1H��"), "{screen}");
    assert!(!screen.contains(|it: char| it.is_control() && it != '\n' || it == '\u{202e}'), "{screen:?}");
}

#[test]
fn a_caller_a_listener_and_a_feed_in_trouble_are_told_of_once_the_apps_are_well() {
    let trouble = |what: &str| json!({"sentence": what, "fault": "caller", "since": "2026-03-01T12:04:10Z", "remedy": "Ask its owner."});
    let first_line = |status: &Value, expected: &[&str]| {
        let screen = screen(&live(status), &View::new(), 80, 100);
        assert!(expected.iter().all(|text| screen.contains(text)), "{screen}");
    };
    let mut status = healthy();
    status["feeds"][0]["health"] = "failing".into();
    status["feeds"][0]["sentence"] = "Its receiver takes no events since 12:04 UTC.".into();
    first_line(
        &status,
        &["The receiver of feed crm does not take its events.", "takes no events since 12:04"],
    );
    status["credentials"][1]["trouble"] = trouble("The certificate of listener grpc ends.");
    first_line(
        &status,
        &["The certificate of a listener grpc is in trouble.", "The certificate of listener grpc ends."],
    );
    status["callers"][0]["trouble"] = trouble("orders hands in more pushes than its 500 a second.");
    first_line(
        &status,
        &[
            "The caller orders is in trouble.",
            "At fault: whoever hands the pushes in.",
            "What to do: Ask its owner.",
        ],
    );
}

#[test]
fn a_status_of_a_newer_gateway_is_read_and_another_json_is_none() {
    let mut newer = healthy();
    newer["more"] = json!({"than": "before"});
    newer["apps"][0]["more"] = json!(1);
    assert!(news::read(newer.to_string().as_bytes(), Script::Unicode).is_ok());
    for other in ["{}", "[]", "", "{\"now\":1}"] {
        let error = news::read(other.as_bytes(), Script::Unicode).unwrap_err().to_string();
        assert!(error.contains("not the status"), "{error}");
    }
}

/// Presses keys one after the other on a screen of 80x24, and returns what the last one asks for.
fn press(news: &News, view: &mut View, keys: &[KeyCode]) -> After {
    let mut after = After::Draw;
    for key in keys {
        after = view.press(KeyEvent::new(*key, KeyModifiers::NONE), &page(news, view, size(80, 24)).place);
    }
    after
}

#[test]
fn keys_scroll_to_the_end_and_no_further_and_through_the_sections() {
    let (news, mut view) = (live(&refused()), View::new());
    let first = |view: &View| page(&news, view, size(80, 24)).place.first;
    press(&news, &mut view, &[KeyCode::Down, KeyCode::Down, KeyCode::Up]);
    assert_eq!(first(&view), 1);
    press(&news, &mut view, &[KeyCode::End]);
    let last = first(&view);
    assert!(screen(&news, &view, 80, 24).contains("newsletter"));
    press(&news, &mut view, &[KeyCode::Down, KeyCode::PageDown, KeyCode::Up]);
    assert_eq!(first(&view), last - 1, "no line below the last was chosen");
    press(&news, &mut view, &[KeyCode::Home, KeyCode::Tab]);
    let screen = screen(&news, &view, 80, 24);
    assert_eq!(screen.lines().nth(3), Some("Pushes a second, last half hour"), "{screen}");
    press(&news, &mut view, &[KeyCode::BackTab]);
    assert_eq!(first(&view), 0);
    press(&news, &mut view, &[KeyCode::End, KeyCode::Tab]);
    assert_eq!(first(&view), 0, "after the last section comes the first");
}

#[test]
fn a_text_is_looked_for_until_escape() {
    let (news, mut view) = (live(&refused()), View::new());
    press(
        &news,
        &mut view,
        &[KeyCode::Char('/'), KeyCode::Char('F'), KeyCode::Char('c'), KeyCode::Char('m')],
    );
    assert_eq!(view.mode(), Mode::Typing);
    let found = screen(&news, &view, 80, 24);
    assert!(found.contains("FCM takes its pushes.") && found.contains("fcm.googleapis.com"), "{found}");
    assert!(!found.contains("APNs refuses") && !found.contains("half hour"), "{found}");
    assert!(found.starts_with("✖ shop on APNs is failing."), "what is wrong stays: {found}");
    assert!(found.lines().last().unwrap().starts_with("/Fcm_"), "{found}");
    assert_eq!(press(&news, &mut view, &[KeyCode::Char('q')]), After::Draw, "it is a letter of the text");
    assert!(screen(&news, &view, 80, 24).contains("Nothing has the text \"fcmq\"."));
    press(&news, &mut view, &[KeyCode::Backspace, KeyCode::Enter]);
    assert_eq!((view.mode(), view.wanted()), (Mode::Reading, "fcm"));
    press(&news, &mut view, &[KeyCode::Esc]);
    assert_eq!(view.wanted(), "");
}

#[test]
fn help_explains_keys_and_marks_and_q_and_control_c_end_everything() {
    let (news, mut view) = (live(&refused()), View::new());
    press(&news, &mut view, &[KeyCode::Char('?')]);
    let help = screen(&news, &view, 80, 30);
    assert!(help.contains("Shift-Tab") && help.contains("failing: pushes do not arrive"), "{help}");
    assert_eq!(press(&news, &mut view, &[KeyCode::Esc]), After::Draw);
    assert_eq!(view.mode(), Mode::Reading);
    assert_eq!(press(&news, &mut view, &[KeyCode::Char('q')]), After::Quit);
    let place = page(&news, &view, size(80, 24)).place;
    for mode in [&[][..], &[KeyCode::Char('/')], &[KeyCode::Char('?')]] {
        let mut view = View::new();
        press(&news, &mut view, mode);
        assert_eq!(view.press(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL), &place), After::Quit);
    }
}
