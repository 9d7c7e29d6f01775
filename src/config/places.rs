//! Where in a configuration a key stands: on which line of the file, or in which environment variable.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeArray, DeTable, Error};

use super::error::Place;
use super::laid_over::lay_over;
use super::overrides::Written;

/// What file and variables say together, with the places where it stands.
pub(super) struct Places<'a> {
    path: PathBuf,
    text: &'a str,
    written: &'a Written,
    keys: Spanned<DeTable<'a>>,
    /// Why text is no TOML.
    errors: Vec<Error>,
}

impl<'a> Places<'a> {
    /// Reads the text of a file, and the variables that are written behind it.
    pub(super) fn of(path: &Path, text: &'a str, written: &'a Written) -> Self {
        let (mut keys, mut errors) = DeTable::parse_recoverable(text);
        let (over, of_variables) = DeTable::parse_recoverable(&written.toml);
        errors.extend(of_variables);
        lay_over(keys.get_mut(), over.into_inner());
        Self { path: path.to_owned(), text, written, keys, errors }
    }

    /// Why text is no TOML. Where it is not, the keys are not all that were written.
    pub(super) fn errors(&self) -> &[Error] {
        &self.errors
    }

    pub(super) fn keys(&self) -> &Spanned<DeTable<'a>> {
        &self.keys
    }

    /// Returns where a key stands, which is given as a path such as `apps.shop.apns`. Where the key is missing, it is the
    /// place of the table that would hold it.
    pub(super) fn place(&self, key: &str) -> Place {
        match nearest(self.keys.get_ref(), key) {
            Some(byte) if self.errors.is_empty() => self.at(byte),
            _ => Place::File(self.path.clone(), None),
        }
    }

    /// Returns the place of a byte.
    pub(super) fn at(&self, byte: usize) -> Place {
        let Some(before) = self.text.get(..byte) else {
            let variable = self.written.variables.iter().rev().find(|(from, _)| *from <= byte);
            let file = || Place::File(self.path.clone(), None);
            return variable.map_or_else(file, |(_, name)| Place::Variable(name.clone()));
        };
        Place::File(self.path.clone(), Some(before.matches('\n').count() + 1))
    }
}

/// Finds where the longest known beginning of the path stands. The name of an app may have dots, so the path is not cut at
/// its dots: names are compared with the beginning of the path.
fn nearest(table: &DeTable<'_>, key: &str) -> Option<usize> {
    let rest_after =
        |name: &str| key.strip_prefix(name).filter(|rest| rest.is_empty() || rest.starts_with('.'));
    let named = table.iter().filter_map(|(name, value)| Some((name, value, rest_after(name.get_ref())?)));
    let (name, value, rest) = named.max_by_key(|(name, _, _)| name.get_ref().len())?;
    let below = rest.strip_prefix('.').and_then(|rest| {
        let in_table = || nearest(value.get_ref().as_table()?, rest);
        let in_list = || nearest_in_list(value.get_ref().as_array()?, rest);
        in_table().or_else(in_list)
    });
    below.or(Some(name.span().start))
}

/// The same in a list of tables, where the path begins with the number of one.
fn nearest_in_list(values: &DeArray<'_>, key: &str) -> Option<usize> {
    let (number, rest) = key.split_once('.').unwrap_or((key, ""));
    let value = values.get(number.parse::<usize>().ok()?)?;
    let below = value.get_ref().as_table().and_then(|table| nearest(table, rest));
    below.or(Some(value.span().start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::overrides::Overrides;

    #[test]
    fn a_key_of_a_list_of_tables_is_found_by_the_number_of_its_table() {
        let text = "[[http]]\nlisten = 1\n\n[[http]]\nserve = 2\n[http.tls]\nkey = 3\n";
        let variables = [("FANFARE__HTTP__1__LISTEN", "5"), ("FANFARE__HTTP__2__LISTEN", "6")];
        let overrides = Overrides::of(variables.map(|(name, value)| (name.into(), value.into())));
        let keys = DeTable::parse(text).unwrap();
        let written = overrides.written(text.len(), Some(keys.get_ref()));
        let document = Places::of(Path::new("f.toml"), text, &written);
        for (key, place) in [
            ("http", "f.toml:1"),
            ("http.0.listen", "f.toml:2"),
            ("http.0.serve", "f.toml:1"),
            ("http.1", "f.toml:4"),
            ("http.1.serve", "f.toml:5"),
            ("http.1.tls.key", "f.toml:7"),
            ("http.1.listen", "FANFARE__HTTP__1__LISTEN"),
            ("http.2.listen", "FANFARE__HTTP__2__LISTEN"),
            ("http.3.listen", "f.toml:1"),
        ] {
            assert_eq!(document.place(key).to_string(), place, "{key}");
        }
    }

    #[test]
    fn a_key_is_found_however_its_tables_are_written() {
        let text = "[grpc]\r\nlisten = 1\n\n[apps.\"a.b\".apns]\ntopics = [\n\"x\"]\ntoken = { key_id = 2 }\n\n[apps.a]\nfcm.project = 3\n";
        let variables = [("FANFARE__LIMITS__MAX_WAIT", "5s"), ("FANFARE__APPS__A__FCM__QUOTA", "4")];
        let overrides = Overrides::of(variables.map(|(name, value)| (name.into(), value.into())));
        let written = overrides.written(text.len(), None);
        let path = Path::new("f.toml");
        let document = Places::of(path, text, &written);
        for (key, place) in [
            ("grpc", "f.toml:1"),
            ("grpc.listen", "f.toml:2"),
            ("grpc.listening", "f.toml:1"),
            ("apps.a.b.apns.topics", "f.toml:5"),
            ("apps.a.b.apns.token.key_id", "f.toml:7"),
            ("apps.a.b.apns", "f.toml:4"),
            ("apps.a.fcm.project", "f.toml:10"),
            ("apps.a.fcm.quota", "FANFARE__APPS__A__FCM__QUOTA"),
            ("limits.max_wait", "FANFARE__LIMITS__MAX_WAIT"),
            ("web_push.hosts", "f.toml"),
        ] {
            assert_eq!(document.place(key).to_string(), place, "{key}");
        }
        let nothing = Overrides::default().written(1, None);
        assert_eq!(Places::of(path, "[", &nothing).place("grpc").to_string(), "f.toml");
    }
}
