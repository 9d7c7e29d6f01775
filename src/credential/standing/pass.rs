//! The leave of one attempt to go out with its credential, and to its topic.

use std::sync::Arc;

use super::credential_standing::CredentialStanding;
use super::refusing_answer::RefusingAnswer;
use super::shared::{Refused, SharedStanding};
use super::state::{Heard, Ticket};

/// The leave of one attempt. Where it is dropped, nothing was heard, and a probe gives its right to another push.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    /// None where nobody judges the credential, or what was heard was told.
    credential: Option<(&'a CredentialStanding, Ticket)>,
    /// There is one only where the topic was refused before.
    topic: Option<(Arc<SharedStanding>, Ticket)>,
}

/// What an attempt was answered: as far as it concerns its credential, and its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeardOfPush {
    /// As far as it concerns the credential.
    pub(crate) credential: Heard,
    /// As far as it concerns the topic.
    pub(crate) topic: Heard,
}

impl HeardOfPush {
    /// No answer came.
    pub(crate) const NOTHING: Self = Self { credential: Heard::Nothing, topic: Heard::Nothing };
}

impl<'a> Pass<'a> {
    /// Asks for leave. `topic` is called only where some topic was refused before.
    pub(crate) fn ask<T: AsRef<str>>(
        standing: Option<&'a CredentialStanding>,
        topic: impl FnOnce() -> Option<T>,
    ) -> Result<Self, Box<Refused>> {
        let Some(standing) = standing else { return Ok(Self { credential: None, topic: None }) };
        let ticket = standing.credential.ask()?;
        // From here on a drop gives the right to probe back.
        let mut pass = Self { credential: Some((standing, ticket)), topic: None };
        if !standing.topics.are_none()
            && let Some(topic) = topic()
            && let Some(topic) = standing.topics.find(topic.as_ref())
        {
            let ticket = topic.ask()?;
            pass.topic = Some((topic, ticket));
        }
        Ok(pass)
    }

    /// The number of the credential's standing; 0 where it has none.
    pub(crate) fn number(&self) -> u64 {
        self.credential.map_or(0, |(standing, _)| standing.number())
    }

    /// Whether the attempt may still go out. Where it does not hold, the credential may have been shut since, or was opened
    /// again, or some topic was refused, so another pass has to be asked for. That of a probe always holds.
    pub(crate) fn holds(&self) -> bool {
        let Some((standing, ticket)) = &self.credential else { return true };
        match &self.topic {
            None => standing.credential.is_as_for(*ticket) && standing.topics.are_none(),
            Some((topic, of_topic)) => standing.credential.is_as_for(*ticket) && topic.is_as_for(*of_topic),
        }
    }

    /// Tells what was heard. It is true where the credential was shut by this, so that others are to be told.
    pub(crate) fn hear<T: AsRef<str>>(
        mut self,
        heard: HeardOfPush,
        answer: impl Fn() -> RefusingAnswer,
        topic: impl FnOnce() -> Option<T>,
    ) -> bool {
        let Some((standing, ticket)) = self.credential.take() else { return false };
        let apps = || standing.app_count();
        let shut = standing.credential.hear(ticket, heard.credential, &answer, apps);
        match self.topic.take() {
            Some((topic, ticket)) => {
                topic.hear(ticket, heard.topic, answer, apps);
            }
            None if heard.topic == Heard::Refused => {
                let added = topic().and_then(|topic| {
                    standing.topics.find_or_add(
                        topic.as_ref(),
                        standing.credential.name(),
                        &standing.metrics,
                        &standing.turned,
                    )
                });
                if let Some(added) = added {
                    // The topic had no standing when the attempt began, so it had never been taken again.
                    added.hear(Ticket { opened: 0, probe: false }, heard.topic, answer, apps);
                }
            }
            None => {}
        }
        shut
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let nothing = || RefusingAnswer { status: None, reason: String::new(), detail: String::new() };
        if let Some((standing, ticket)) = self.credential.take() {
            standing.credential.hear(ticket, Heard::Nothing, nothing, || 0);
        }
        if let Some((topic, ticket)) = self.topic.take() {
            topic.hear(ticket, Heard::Nothing, nothing, || 0);
        }
    }
}
