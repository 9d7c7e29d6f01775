//! `fanfare top`: the status of a gateway, live in a terminal.

mod canvas;
mod columns;
mod events;
mod footer;
mod headline;
mod look;
mod news;
mod page;
mod paint;
mod screen;
mod script;
mod section;
mod sections;
mod sparkline;
mod stream;
mod view;
mod words;

use std::io::{IsTerminal, stdin, stdout};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::done::Done;
use super::gateway::{AdminListener, GatewayArgs};
use super::output::{print, tell};
use super::signals::StopSignals;
use crate::status::{AppHealth, Status};
use columns::listed;
use headline::{headline, subline};
use look::look;
use news::{News, Stream};
use paint::{Paint, wrap};
use script::Script;

/// How wide the text is that no terminal shows.
const TEXT_WIDTH: u16 = 100;

/// How long the end waits for a terminal that takes nothing.
const LAST_WRITE: Duration = Duration::from_secs(1);

/// Shows how a gateway is, live in a terminal: which app fails, since when, whose fault it is and what to do.
///
/// It listens to the admin listener of the gateway. Elsewhere than on the gateway's own loopback that tells its status to callers
/// with `admin = true` alone, and `--token-file` or `--cert` shows who asks. The last line names the keys; `?` explains them.
/// Colours follow NO_COLOR, and characters the locale.
///
/// Exit code 0: it was ended by a key or a signal; 2: it could not start, or the terminal failed. With --once, 0: the gateway
/// takes pushes and no app fails; 1: it takes none, or an app fails; 2: its status could not be read, or not be written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fanfare top
  fanfare top https://gateway.example:9464 --token-file operator.token
  fanfare top --once | mail -s 'How the gateway is' oncall@example.com
  ssh -t gateway.example fanfare top")]
pub(super) struct Top {
    /// The address of the admin listener; https:// means TLS. It may have a path.
    #[arg(env = "FANFARE_ADMIN", default_value = "http://127.0.0.1:9464")]
    url: String,
    #[command(flatten)]
    gateway: GatewayArgs,
    /// Prints how the gateway is now as plain text, and ends.
    #[arg(long)]
    once: bool,
}

impl Top {
    pub(super) async fn run(self) -> anyhow::Result<Done> {
        let gateway = AdminListener::new(&self.url, self.gateway)?;
        let variable = |name: &str| std::env::var(name).ok();
        let script = Script::of_locale(variable);
        if self.once {
            return once(&gateway, script).await;
        }
        if !(stdin().is_terminal() && stdout().is_terminal()) {
            bail!(
                "fanfare top needs a terminal; `fanfare top --once` prints the status as text, and GET {}/status has it as \
                 JSON",
                self.url.trim_end_matches('/')
            );
        }
        // Such a terminal cannot move its cursor, so a line that is written stays. Source: terminfo, `dumb`.
        if variable("TERM").is_none_or(|term| term.is_empty() || term == "dumb") {
            tell("this terminal cannot be drawn on (TERM), so the status is shown once");
            return once(&gateway, script).await;
        }
        // Source: no-color.org.
        let colours = variable("NO_COLOR").is_none_or(|value| value.is_empty());
        show(gateway, Paint { script, colours }).await
    }
}

/// Shows the status until a key or a signal ends it.
async fn show(gateway: AdminListener, paint: Paint) -> anyhow::Result<Done> {
    let mut signals = StopSignals::listen()?.and_hangups()?;
    let (sender, news) = watch::channel(News { status: None, stream: Stream::Connecting });
    let stop = CancellationToken::new();
    let address = paint.script.clean(gateway.address());
    let mut screen = tokio::spawn(screen::show(news, address, paint, stop.clone()));
    let reader = tokio::spawn(stream::follow(gateway, paint.script, sender));
    let ended = tokio::select! {
        ended = &mut screen => Some(ended),
        () = signals.wait() => {
            stop.cancel();
            // A terminal that takes nothing would hold the end up.
            timeout(LAST_WRITE, &mut screen).await.ok()
        }
    };
    reader.abort();
    ended.transpose()?.transpose()?;
    Ok(Done::Good)
}

/// Prints the status once.
async fn once(gateway: &AdminListener, script: Script) -> anyhow::Result<Done> {
    let status = look(gateway, script).await.with_context(|| gateway.address().to_owned())?;
    let paint = Paint { script, colours: false };
    let width = crossterm::terminal::size().ok().filter(|_| stdout().is_terminal());
    let width = usize::from(width.map_or(TEXT_WIDTH, |(width, _)| width));
    print(text(&status, &script.clean(gateway.address()), width, paint))?;
    let fails = status.apps.iter().any(|app| app.health == AppHealth::Failing);
    Ok(if status.ready && !fails { Done::Good } else { Done::Bad })
}

/// The status as text, without anything that a terminal would obey.
fn text(status: &Status, address: &str, width: usize, paint: Paint) -> String {
    let (sentence, tone) = headline(status);
    let sentence = format!("{} {sentence}", tone.mark(paint.script));
    let mut lines = wrap(&sentence, width);
    lines.extend(wrap(&format!("{}.", subline(status, address)), width));
    lines.push(String::new());
    lines.extend(listed(status, width, paint).iter().map(ToString::to_string));
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
