//! An app on APNs, from flags and answers.

use std::path::{Path, PathBuf};

use super::flags::{Environment, Init};
use super::questions::{Questions, good};
use crate::credential::apns::{KeyId, TeamId};
use crate::provider::apns::{Apns, ApnsSettings};
use crate::push::ApnsEnvironment;

/// The app on APNs.
pub(super) struct AppleApp {
    pub(super) file: PathBuf,
    pub(super) key_id: String,
    pub(super) team_id: String,
    pub(super) topics: Vec<String>,
    pub(super) environment: &'static str,
}

impl AppleApp {
    pub(super) fn collect(
        file: &Path,
        key_id: Option<&str>,
        flags: &Init,
        questions: &mut Questions<'_>,
    ) -> anyhow::Result<Self> {
        let question = "The id of Apple's key, 10 characters";
        let key_id = questions.required("--key-id", question, key_id, |id| good(KeyId::parse(id)))?;
        let question = "The id of the developer team at Apple, 10 characters";
        let given = flags.team_id.as_deref();
        let team_id = questions.required("--team-id", question, given, |id| good(TeamId::parse(id)))?;
        let question = "The bundle id of the app, such as com.example.shop";
        let mut topics = flags.topics.clone();
        let first =
            questions.required("--topic", question, topics.first().map(String::as_str), is_bundle_id)?;
        if topics.is_empty() {
            topics.push(first);
        }
        let question = "Whether its device tokens are of production or of the sandbox (builds from Xcode)";
        let environments = [Environment::Production, Environment::Sandbox].map(Environment::name);
        let one_of = |answer: &str| match environments.contains(&answer) {
            true => Ok(()),
            false => Err(format!("expected production or sandbox, found {answer:?}")),
        };
        let given = flags.environment.map(Environment::name);
        let environment = questions.required("--environment", question, given, one_of)?;
        let environment = environments.into_iter().find(|name| *name == environment).unwrap_or_default();
        Ok(Self { file: file.to_owned(), key_id, team_id, topics, environment })
    }
}

fn is_bundle_id(topic: &str) -> Result<(), String> {
    good(Apns::try_new(ApnsSettings {
        environment: ApnsEnvironment::Production,
        topics: vec![topic.to_owned()],
        certificate: false,
        unknown_push_types: false,
    }))
}
