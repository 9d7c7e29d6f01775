//! What the file says of the paces at which push services are sent to.

use super::Reader;
use crate::config::{AppConfig, Config, file};

/// A hundred times FCM's quota: whoever writes more means no limit, and a quota is never that.
const MOST_PER_MINUTE: u32 = 60_000_000;
/// The same pace by the second.
const MOST_PER_SECOND: u32 = MOST_PER_MINUTE / 60;

impl Reader<'_> {
    /// Reads what holds for all apps.
    pub(super) fn paces(&mut self, config: &mut Config, file: &file::File) {
        let key = "fcm.pushes_per_minute";
        if let Some(found) = self.pace(key, file.fcm.pushes_per_minute, MOST_PER_MINUTE) {
            config.fcm.pushes_per_minute = found;
        }
        let key = "web_push.pushes_per_second_per_origin";
        let per_origin = self.pace(key, file.web_push.pushes_per_second_per_origin, MOST_PER_SECOND);
        config.upstream.outsider_turns_per_second = per_origin;
        if let Some(percent) = file.upstream.retry_percent {
            if percent > 100 {
                self.error("upstream.retry_percent", format!("expected at most 100, found {percent}"));
            }
            config.upstream.retry_percent = percent;
        }
        if let Some(found) = file.upstream.retry_min_per_second {
            if found > MOST_PER_SECOND {
                let problem = format!("expected at most {MOST_PER_SECOND}, found {found}");
                self.error("upstream.retry_min_per_second", problem);
            }
            config.upstream.retry_min_per_second = found;
        }
    }

    /// Reads a pace, which is something, and not more than any push service takes.
    pub(super) fn pace(&mut self, key: &str, value: Option<u32>, most: u32) -> Option<u32> {
        let found = value?;
        if !(1..=most).contains(&found) {
            self.error(key, format!("expected 1 to {most}, found {found}"));
        }
        Some(found)
    }

    /// Reads how many pushes a minute one app sends to its project of FCM.
    pub(super) fn fcm_pace(&mut self, key: &str, file: &file::AppFcm) -> Option<u32> {
        self.pace(&format!("{key}.pushes_per_minute"), file.pushes_per_minute, MOST_PER_MINUTE)
    }

    /// Apps of one project share its quota, so they have to agree on it.
    pub(super) fn expect_one_pace_for_each_project(&mut self, config: &Config) {
        let pace = |app: &AppConfig| {
            let fcm = app.fcm.as_ref()?;
            let pace = fcm.pushes_per_minute.unwrap_or(config.fcm.pushes_per_minute);
            Some((fcm.provider.project_id().to_owned(), pace))
        };
        let paces: Vec<_> = config.apps.iter().filter_map(|app| Some((&app.id, pace(app)?))).collect();
        for (at, (app, (project, found))) in paces.iter().enumerate() {
            let earlier = paces[..at].iter().find(|(_, (other, pace))| other == project && pace != found);
            if let Some((other, (_, pace))) = earlier {
                let key = format!("apps.{app}.fcm.pushes_per_minute");
                let problem = format!(
                    "expected {pace}, as app {other} has it for the same project {project}, found {found}"
                );
                self.error(&key, problem);
            }
        }
    }
}
