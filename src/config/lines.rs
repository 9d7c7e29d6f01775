//! On which line of the configuration a key stands.

use toml::Spanned;
use toml::de::DeTable;

/// The keys of a document, with the places where they stand.
pub(super) struct Lines<'a> {
    text: &'a str,
    keys: Option<Spanned<DeTable<'a>>>,
}

impl<'a> Lines<'a> {
    /// Finds the keys of a text. Where the text does not parse, no key is known.
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, keys: DeTable::parse(text).ok() }
    }

    /// Returns the line of a key, which is given as a path such as `apps.shop.apns`. Where the key is missing, it is the line
    /// of the table that would hold it.
    pub(super) fn line(&self, key: &str) -> Option<usize> {
        self.at(nearest(self.keys.as_ref()?.get_ref(), key)?)
    }

    /// Returns the line of a byte, from 1.
    pub(super) fn at(&self, byte: usize) -> Option<usize> {
        Some(self.text.get(..byte)?.matches('\n').count() + 1)
    }
}

/// Finds where the longest known beginning of the path stands. The name of an app may have dots, so the path is not cut at
/// its dots: names are compared with the beginning of the path.
fn nearest(table: &DeTable<'_>, key: &str) -> Option<usize> {
    let rest_after =
        |name: &str| key.strip_prefix(name).filter(|rest| rest.is_empty() || rest.starts_with('.'));
    let named = table.iter().filter_map(|(name, value)| Some((name, value, rest_after(name.get_ref())?)));
    let (name, value, rest) = named.max_by_key(|(name, _, _)| name.get_ref().len())?;
    let below = value.get_ref().as_table().and_then(|table| nearest(table, rest.strip_prefix('.')?));
    below.or(Some(name.span().start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_however_its_tables_are_written() {
        let text = "[grpc]\r\nlisten = 1\n\n[apps.\"a.b\".apns]\ntopics = [\n\"x\"]\ntoken = { key_id = 2 }\n\n[apps.a]\nfcm.project = 3\n";
        let lines = Lines::of(text);
        for (key, line) in [
            ("grpc", Some(1)),
            ("grpc.listen", Some(2)),
            ("grpc.listening", Some(1)),
            ("apps.a.b.apns.topics", Some(5)),
            ("apps.a.b.apns.token.key_id", Some(7)),
            ("apps.a.b.apns", Some(4)),
            ("apps.a.fcm.project", Some(10)),
            ("limits.max_wait", None),
        ] {
            assert_eq!(lines.line(key), line, "{key}");
        }
        assert_eq!(Lines::of("[").line("grpc"), None);
    }
}
