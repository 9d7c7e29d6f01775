//! The terminal while it belongs to this command, and the loop that shows it and reads its keys.

use std::io::{self, Stdout, stdout};
use std::time::Duration;

use anyhow::Context;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{Event, EventStream};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui_crossterm::CrosstermBackend;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;

use super::canvas::Canvas;
use super::news::News;
use super::page::Page;
use super::paint::Paint;
use super::view::{After, Place, View};

/// How often the screen is drawn where nothing happens, because it says how long ago that is.
const TICK: Duration = Duration::from_secs(1);

/// The terminal while it belongs to this command. It is given back when this is dropped, whatever happens.
struct Borrowed;

impl Borrowed {
    fn take() -> io::Result<Self> {
        enable_raw_mode()?;
        // From here on whatever fails gives back what was taken.
        let borrowed = Self;
        execute!(stdout(), EnterAlternateScreen, Hide)?;
        Ok(borrowed)
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _ = execute!(stdout(), Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
    }
}

/// Shows what is known until the person at the keyboard wants to leave, or `stop`.
pub(super) async fn show(
    mut news: watch::Receiver<News>,
    address: String,
    paint: Paint,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let _borrowed = Borrowed::take().context("the terminal cannot be drawn on")?;
    let mut canvas = Canvas::new(CrosstermBackend::new(stdout()));
    let mut keys = EventStream::new();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut view = View::new();
    loop {
        let place = draw(&mut canvas, &news.borrow_and_update().clone(), &view, &address, paint)
            .context("the terminal cannot be written to")?;
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            Ok(()) = news.changed() => {}
            _ = ticks.tick() => {}
            key = keys.next() => match key {
                Some(Ok(Event::Key(key))) => match view.press(key, &place) {
                    After::Draw => {}
                    After::DrawAnew => canvas.forget(),
                    After::Quit => return Ok(()),
                },
                Some(Ok(_)) => {}
                // A terminal that is closed has no keys any more.
                Some(Err(_)) | None => return Ok(()),
            },
        }
    }
}

fn draw(
    canvas: &mut Canvas<CrosstermBackend<Stdout>>,
    news: &News,
    view: &View,
    address: &str,
    paint: Paint,
) -> io::Result<Place> {
    let size = canvas.size()?;
    let page = Page::new(news, view, address, paint, size, Instant::now());
    canvas.show(&page, size)?;
    Ok(page.place)
}
