//! Sends a push to every device of an SQLite table, and takes dead ones out of it:
//! `cargo run --example dead_tokens GATEWAY DATABASE`
//!
//! A database without the table gets one with a thousand devices, of which the simulator knows every tenth as dead.
#![allow(clippy::print_stdout, reason = "what an example is to show")]

use fanfare_client::v1::{ApnsDevice, Content, Notification, Push, Target, TokenAction, target};
use fanfare_client::{Client, Ended};
use rusqlite::Connection;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (gateway, file) = arguments.next().zip(arguments.next()).ok_or("name a gateway and a database")?;
    let client = Client::builder(gateway).plaintext().build()?;
    let db = Connection::open(file)?;
    make_devices(&db)?;
    let tokens = db
        .prepare("SELECT token FROM devices WHERE NOT set_aside")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<Vec<String>, _>>()?;
    let (pushes, mut deleted, mut set_aside) = (tokens.len(), 0, 0);
    let mut batch = client.send_batch(tokio_stream::iter(tokens.into_iter().map(push)));
    while let Some(ended) = batch.next().await {
        let Ended::Answered(answered) = ended? else { continue };
        let verdict = &answered.verdict;
        let Some(token) = token(&answered.push) else { continue };
        if answered.is_dead() {
            // A token that was registered again since then is alive.
            let since = verdict.token_invalid_since.map_or(i64::MAX, |since| since.seconds);
            let delete = "DELETE FROM devices WHERE token = ? AND registered_at <= ?";
            deleted += db.execute(delete, (token, since))?;
        } else if verdict.token_action() == TokenAction::Quarantine {
            // So many look dead that the configuration may be wrong.
            set_aside += db.execute("UPDATE devices SET set_aside = 1 WHERE token = ?", [token])?;
        }
    }
    println!("{pushes} pushes, {deleted} devices deleted, {set_aside} set aside");
    Ok(())
}

fn push(token: String) -> Push {
    let apns = ApnsDevice { token, ..Default::default() };
    let notification = Notification { title: "Hello".into(), ..Default::default() };
    Push {
        app: "demo".into(),
        target: Some(Target { target: Some(target::Target::Apns(apns)) }),
        content: Some(Content { notification: Some(notification), ..Default::default() }),
        ..Default::default()
    }
}

fn token(push: &Push) -> Option<&str> {
    let target::Target::Apns(device) = push.target.as_ref()?.target.as_ref()? else { return None };
    Some(&device.token)
}

fn make_devices(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "CREATE TABLE IF NOT EXISTS devices (
             token TEXT PRIMARY KEY, registered_at INTEGER NOT NULL, set_aside INTEGER NOT NULL DEFAULT 0);
         WITH RECURSIVE numbers (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM numbers WHERE n < 999)
         INSERT INTO devices (token, registered_at)
         SELECT CASE n % 10 WHEN 0 THEN 'dead' ELSE '600d' END || printf('%060x', n), 1700000000
         FROM numbers WHERE NOT EXISTS (SELECT 1 FROM devices);",
    )
}
