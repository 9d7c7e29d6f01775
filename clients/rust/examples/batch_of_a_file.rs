//! Sends a file with the id and the device token of a push on each line, as JSON, and writes what became of each:
//! `cargo run --example batch_of_a_file GATEWAY FILE`
#![allow(clippy::print_stdout, reason = "what an example is to show")]

use std::fs::File;
use std::io::{BufRead, BufReader};

use fanfare_client::v1::{ApnsDevice, Content, Notification, Push, Target, target};
use fanfare_client::{Client, Ended};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (gateway, file) = arguments.next().zip(arguments.next()).ok_or("name a gateway and a file")?;
    let client = Client::builder(gateway).plaintext().build()?;
    let lines = BufReader::new(File::open(file)?).lines();
    // A line that cannot be read ends the file.
    let pushes = lines.map_while(|line| push(&line.ok()?));
    let mut batch = client.send_batch(tokio_stream::iter(pushes));
    while let Some(ended) = batch.next().await {
        let ended = ended?;
        let id = &ended.push().id;
        match &ended {
            Ended::Answered(answered) => {
                println!("{id} Answered {}", answered.verdict.outcome().as_str_name())
            }
            Ended::NotRead(_) => println!("{id} NotRead"),
            Ended::Unknown(_) => println!("{id} Unknown"),
        }
    }
    Ok(())
}

fn push(line: &str) -> Option<Push> {
    let line: Value = serde_json::from_str(line).ok()?;
    let apns = ApnsDevice { token: line["target"]["apns"]["token"].as_str()?.into(), ..Default::default() };
    let notification = Notification { title: "Hello".into(), ..Default::default() };
    Some(Push {
        id: line["id"].as_str()?.into(),
        app: "demo".into(),
        target: Some(Target { target: Some(target::Target::Apns(apns)) }),
        content: Some(Content { notification: Some(notification), ..Default::default() }),
        ..Default::default()
    })
}
