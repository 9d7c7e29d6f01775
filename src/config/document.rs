//! From the text of a configuration to what it says. It goes on after each mistake, so that one run tells all of them: what
//! is at fault is taken out of the document, and the rest is read again.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue, Deserializer, Error};

use super::error::Place;
use super::file::File;
use super::places::Places;
use super::plain_words::in_plain_words;
use super::renamed;

/// The most mistakes that are told of one text. Whoever makes more has given the wrong file.
const MOST_MISTAKES: usize = 50;

/// How similar a key must be to a known one, as the Jaro-Winkler similarity from 0 to 1, to be taken for it. clap asks for
/// as much of a mistyped flag, and says why 0.8 would be too much (clap_builder, `suggestions.rs`).
const NEAR: f64 = 0.7;

/// The tables that hold settings of the whole gateway. No secret is in them, because secrets are in files.
const SETTINGS: [&str; 10] =
    ["grpc", "admin", "limits", "reload", "upstream", "apns", "fcm", "web_push", "log", "traces"];

/// One thing that is wrong with a text.
pub(super) struct Mistake {
    pub(super) place: Option<Place>,
    pub(super) key: String,
    pub(super) problem: String,
}

/// What a text says, without what is wrong in it.
#[derive(Default)]
pub(super) struct Said {
    pub(super) file: File,
    pub(super) written: BTreeMap<String, String>,
    pub(super) mistakes: Vec<Mistake>,
    /// The keys that were taken out. What is missing there is no mistake of its own.
    taken_out: Vec<String>,
    /// The keys that mistyped ones stand for. That such a key is missing is no mistake of its own either.
    meant: Vec<String>,
    /// Nothing more could be read, so nothing may be judged by what is missing.
    pub(super) broken_off: bool,
}

impl Said {
    /// Reads a text.
    pub(super) fn by(places: &Places<'_>) -> Self {
        if !places.errors().is_empty() {
            return Self::not_toml(places);
        }
        let mut document = places.keys().clone();
        let mut said = Self { written: written(document.get_ref()), ..Self::default() };
        loop {
            let read = serde_path_to_error::deserialize(Deserializer::from(document.clone()));
            let error: Error = match read {
                Ok(file) => return Self { file, ..said },
                Err(error) => error.into_inner(),
            };
            let place = error.span().and_then(|span| take_out(document.get_mut(), span.start));
            said.note(&error, place.as_deref().unwrap_or_default(), places);
            let Some(place) = place.filter(|_| said.mistakes.len() < MOST_MISTAKES) else {
                return Self { broken_off: true, ..said };
            };
            said.taken_out.push(place);
        }
    }

    /// Whether a mistake at this key follows from what was taken out: it is what lies there, below it or around it.
    pub(super) fn explains(&self, key: &str) -> bool {
        self.taken_out.iter().any(|out| is_within(out, key) || is_within(key, out))
    }

    /// A text with syntax errors is not read further. Of several on one line, the first is the cause of the others.
    fn not_toml(places: &Places<'_>) -> Self {
        let mistakes = places.errors().iter().take(MOST_MISTAKES).map(|error| Mistake {
            place: error.span().map(|span| places.at(span.start)),
            key: String::new(),
            // Only the message is repeated: the Debug form of this error holds the whole file.
            problem: error.message().to_owned(),
        });
        let mut said = Self { mistakes: mistakes.collect(), broken_off: true, ..Self::default() };
        said.mistakes.dedup_by(|one, other| one.place == other.place);
        said
    }

    fn note(&mut self, error: &Error, key: &str, places: &Places<'_>) {
        let mut problem = error.message().to_owned();
        if let Some(missing) = quoted(&problem, "missing field `") {
            let missing = if key.is_empty() { missing.to_owned() } else { format!("{key}.{missing}") };
            if self.taken_out.contains(&missing) || self.meant.contains(&missing) {
                return;
            }
        }
        if let Some(instead) = renamed::instead_of(key) {
            problem = instead.to_owned();
        } else if problem == "invalid type: map, expected a sequence" {
            problem = format!("expected [[{key}]], of which there may be several, found [{key}]");
        } else if let Some(found) = quoted(&problem, "unknown field `")
            && let Some(meant) = meant(found, &problem)
        {
            let table = key.strip_suffix(found).unwrap_or_default();
            self.meant.push(format!("{table}{meant}"));
            problem = problem.replacen("`, expected", &format!("` (did you mean `{meant}`?), expected"), 1);
        } else {
            problem = in_plain_words(problem);
        }
        let place = error.span().map(|span| places.at(span.start));
        self.mistakes.push(Mistake { place, key: key.to_owned(), problem });
    }
}

/// The settings of the whole gateway that a text writes out, by their keys.
pub(crate) fn settings_written(text: &str) -> BTreeMap<String, String> {
    DeTable::parse(text).map(|document| written(document.get_ref())).unwrap_or_default()
}

fn written(document: &DeTable<'_>) -> BTreeMap<String, String> {
    let tables = document.iter().filter(|(name, _)| SETTINGS.contains(&name.get_ref().as_ref()));
    let settings = tables.flat_map(|(table, settings)| {
        let settings = settings.get_ref().as_table().into_iter().flatten();
        settings
            .filter_map(move |(name, value)| {
                Some((format!("{}.{}", table.get_ref(), name.get_ref()), shown(value.get_ref())?))
            })
            .collect::<Vec<_>>()
    });
    settings.collect()
}

/// A value as people read it; none for a table.
fn shown(value: &DeValue<'_>) -> Option<String> {
    Some(match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(is) => is.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(values) => {
            let values = values.iter().filter_map(|value| shown(value.get_ref()));
            format!("[{}]", values.collect::<Vec<_>>().join(", "))
        }
        DeValue::Table(_) => return None,
    })
}

/// Takes the innermost key out of a table that stands at this byte, or whose value does. Returns its path.
fn take_out(table: &mut DeTable<'_>, byte: usize) -> Option<String> {
    let stands_here = |spanned: std::ops::Range<usize>| spanned.contains(&byte) || spanned.start == byte;
    // A key of a header such as [apps.shop.fcm] is taken out with all that is below it, which means nothing without it.
    let named = table.iter().find(|(name, _)| name.span().contains(&byte)).map(|(name, _)| name.clone());
    if let Some(name) = named {
        table.remove(&name);
        return Some(name.into_inner().into_owned());
    }
    for (name, value) in table.iter_mut() {
        if let DeValue::Table(below) = value.get_mut()
            && let Some(path) = take_out(below, byte)
        {
            return Some(format!("{}.{path}", name.get_ref()));
        }
        if let DeValue::Array(values) = value.get_mut() {
            for (at, value) in values.iter_mut().enumerate() {
                if let DeValue::Table(below) = value.get_mut()
                    && let Some(path) = take_out(below, byte)
                {
                    return Some(format!("{}.{at}.{path}", name.get_ref()));
                }
            }
        }
    }
    let (name, _) =
        table.iter().find(|(name, value)| stands_here(name.span()) || stands_here(value.span()))?;
    let name = name.clone();
    table.remove(&name);
    Some(name.into_inner().into_owned())
}

/// What stands in back quotes after the beginning of serde's sentence.
fn quoted<'a>(sentence: &'a str, begins: &str) -> Option<&'a str> {
    sentence.strip_prefix(begins)?.split('`').next()
}

/// The known key that is most similar to one that was found. serde's sentence lists those that are known.
fn meant<'a>(found: &str, sentence: &'a str) -> Option<&'a str> {
    let known = sentence.split('`').skip(3).step_by(2);
    let near = known.map(|name| (strsim::jaro_winkler(found, name), name)).filter(|(near, _)| *near > NEAR);
    near.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, name)| name)
}

/// Whether a path is another, or lies below it.
fn is_within(path: &str, other: &str) -> bool {
    path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::overrides::Overrides;

    fn said(text: &str) -> Said {
        let nothing = Overrides::default().written(text.len(), None);
        Said::by(&Places::of(Path::new("f"), text, &nothing))
    }

    /// Every mistake, as `line key: problem`.
    fn mistakes(text: &str) -> Vec<String> {
        let line = |it: &Mistake| match it.place {
            Some(Place::File(_, line)) => line.unwrap_or(0),
            _ => 0,
        };
        said(text).mistakes.iter().map(|it| format!("{} {}: {}", line(it), it.key, it.problem)).collect()
    }

    #[test]
    fn every_unknown_key_and_every_wrong_value_is_told_in_one_run() {
        let text = "[grpc]\nlisten_on = 1\nmax_connections = \"many\"\n[limits]\nmax_wiat = \"1s\"\n[apps.a.fcm]\n\
                    projekt = \"p\"\n[issuers.x]\nissuer = 5\naudience = \"a\"\nalgoritms = []\n";
        let told = mistakes(text);
        let expected = [
            "2 grpc.listen_on: unknown field `listen_on` (did you mean `listen`?)",
            "3 grpc.max_connections: invalid type: string \"many\"",
            "5 limits.max_wiat: unknown field `max_wiat` (did you mean `max_wait`?)",
            "7 apps.a.fcm.projekt: unknown field `projekt` (did you mean `project`?)",
            "9 issuers.x.issuer: invalid type: integer `5`",
            "11 issuers.x.algoritms: unknown field `algoritms` (did you mean `algorithms`?)",
        ];
        for expected in expected {
            assert!(told.iter().any(|told| told.starts_with(expected)), "{expected}: {told:#?}");
        }
        assert_eq!(told.len(), expected.len(), "what follows from a mistake is none: {told:#?}");
    }

    #[test]
    fn mistakes_in_lists_of_tables_are_told_with_the_number_of_the_table() {
        let text = "[[http]]\nserve = 5\n[[http]]\nserv = []\n[http.tls]\ncertificate = 1\n";
        let told = mistakes(text);
        let expected = [
            "2 http.0.serve: invalid type: integer `5`",
            "4 http.1.serv: unknown field `serv` (did you mean `serve`?)",
            "6 http.1.tls.certificate: unknown field `certificate` (did you mean `certificate_file`?)",
        ];
        for expected in expected {
            assert!(told.iter().any(|told| told.starts_with(expected)), "{expected}: {told:#?}");
        }
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        assert_eq!(
            mistakes("[http]\nserve = []\n"),
            ["1 http: expected [[http]], of which there may be several, found [http]"]
        );
    }

    #[test]
    fn a_mistyped_table_is_told_once() {
        let [told] = &mistakes("[aps.shop.apns]\nenvironment = \"x\"\n")[..] else { panic!() };
        assert!(told.starts_with("1 aps: unknown field `aps` (did you mean `apps`?)"), "{told}");
    }

    #[test]
    fn a_key_that_is_like_no_other_is_not_taken_for_one() {
        let [told] = &mistakes("[log]\nzzzz = 1\n")[..] else { panic!() };
        assert!(told.starts_with("2 log.zzzz: unknown field `zzzz`, expected"), "{told}");
    }

    #[test]
    fn a_missing_key_is_told_once_and_explains_what_is_around_it() {
        let text = "[apps.a.fcm]\nmetadata_server = true\n";
        let said = said(text);
        assert_eq!(mistakes(text), ["1 apps.a.fcm: missing field `project`"]);
        assert!(said.explains("apps.a") && said.explains("apps") && said.explains("apps.a.fcm.key_file"));
        assert!(!said.explains("apps.ab") && !said.explains("grpc.listen"));
    }

    #[test]
    fn every_line_that_is_no_toml_is_told_and_nothing_after_it() {
        let told = mistakes("[grpc\nlisten = \n[limits]\nmax_wait = 5s\nzzz = 1\n");
        assert!(told.len() >= 2 && told.iter().all(|told| !told.contains("unknown field")), "{told:#?}");
        let many: String = (0..1000).map(|number| format!("key_{number} = 1\n")).collect();
        assert_eq!(mistakes(&many).len(), MOST_MISTAKES);
    }
}
