//! Environment variables that say what the file would: `FANFARE__GRPC__LISTEN=0.0.0.0:50051` is `grpc.listen`.
//!
//! They are written as TOML behind the text of the file and read by the same reader, so they are held to the same rules, and what
//! is wrong with one is told as it is of a line. (`figment` and `config` merge values without the places where they stand.)

use std::ffi::OsString;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// How the names of the variables begin. Names of keys are joined by two underscores, since keys have single ones.
pub(crate) const PREFIX: &str = "FANFARE__";
const BETWEEN: &str = "__";

/// The environment variables that say something of the configuration, by their names.
#[derive(Debug, Clone, Default)]
pub struct Overrides(Vec<Variable>);

#[derive(Debug, Clone)]
struct Variable {
    name: String,
    /// It is none where the value is no text.
    value: Option<String>,
}

/// Variables as TOML.
pub(super) struct Written {
    /// It stands behind as many spaces as the file has bytes, so that a place is either in the file or in a variable.
    pub(super) toml: String,
    /// The name of each variable, and where it begins.
    pub(super) variables: Vec<(usize, String)>,
    /// The names of variables that say nothing that can be read, and why.
    pub(super) unreadable: Vec<(String, &'static str)>,
}

impl Overrides {
    /// Takes those of this process.
    #[must_use]
    pub fn of_environment() -> Self {
        Self::of(std::env::vars_os())
    }

    /// Takes those of some variables.
    pub fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let ours = variables.into_iter().filter_map(|(name, value)| {
            let name = name.into_string().ok().filter(|name| name.starts_with(PREFIX))?;
            Some(Variable { name, value: value.into_string().ok() })
        });
        let mut ours: Vec<_> = ours.collect();
        ours.sort_by(|one, other| one.name.cmp(&other.name));
        Self(ours)
    }

    /// The names of the variables. Their values are not shown anywhere.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|variable| variable.name.as_str())
    }

    /// Writes the variables behind a text of so many bytes. Where `document` has a name already, it is spelled as there.
    pub(super) fn written(&self, length: usize, document: Option<&DeTable<'_>>) -> Written {
        let mut written =
            Written { toml: " ".repeat(length) + "\n", variables: Vec::new(), unreadable: Vec::new() };
        for Variable { name, value } in &self.0 {
            let path = name[PREFIX.len()..].split(BETWEEN);
            let Some(value) = value else {
                written.unreadable.push((name.clone(), "expected text in UTF-8, found something else"));
                continue;
            };
            match spelled(path, document) {
                Ok(key) => {
                    written.variables.push((written.toml.len(), name.clone()));
                    written.toml.push_str(&format!("{key} = {}\n", toml_value(value)));
                }
                Err(expected) => written.unreadable.push((name.clone(), expected)),
            }
        }
        written
    }
}

/// A path of keys as TOML has it. Each name is that of the document which it stands for, or else in lower case.
///
/// # Errors
/// Fails with what was expected where the path is none, or stands for several.
fn spelled<'a>(
    mut parts: impl Iterator<Item = &'a str>,
    document: Option<&DeTable<'_>>,
) -> Result<String, &'static str> {
    let mut table = document;
    let mut keys = Vec::new();
    while let Some(part) = parts.next() {
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        {
            return Err("expected the names of a table and its key with two underscores between them");
        }
        let known = table.map_or(Ok(None), |table| stands_for(table, part))?;
        keys.push(format!(
            "\"{}\"",
            known.map_or(part.to_ascii_lowercase(), |(name, _)| name.get_ref().to_string())
        ));
        table = known.and_then(|(_, value)| value.get_ref().as_table());
        if let Some(tables) = known.and_then(|(_, value)| value.get_ref().as_array()) {
            // A number stands for one table of a list of tables.
            let Some(number) = parts.next() else { break };
            let at: usize =
                number.parse().map_err(|_| "expected the number of a table of the list, counted from 0")?;
            keys.push(format!("\"{at}\""));
            table = tables.get(at).and_then(|table| table.get_ref().as_table());
        }
    }
    Ok(keys.join("."))
}

type Entry<'t, 'a> = (&'t Spanned<DeString<'a>>, &'t Spanned<DeValue<'a>>);

/// What a part of a variable's name stands for in a table: the same name, or else one that differs in case alone, or else one
/// with hyphens or dots for underscores, since most shells allow neither in the name of a variable.
///
/// # Errors
/// Fails where several names are as near, such as those of the apps `my-app` and `my.app`: a setting must not reach another app
/// than the one that was meant.
fn stands_for<'t, 'a>(table: &'t DeTable<'a>, part: &str) -> Result<Option<Entry<'t, 'a>>, &'static str> {
    let nearness: [fn(&str, &str) -> bool; 3] = [str::eq, str::eq_ignore_ascii_case, is_in_a_variable];
    for is in nearness {
        let mut named = table.iter().filter(|(name, _)| is(name.get_ref(), part));
        match (named.next(), named.next()) {
            (None, _) => {}
            (one, None) => return Ok(one),
            _ => {
                return Err(
                    "expected a name that stands for one name of the file, found one that stands for several",
                );
            }
        }
    }
    Ok(None)
}

/// Whether a part of a variable's name is how this name is written there.
fn is_in_a_variable(name: &str, part: &str) -> bool {
    let plain = |byte: u8| if b"-.".contains(&byte) { b'_' } else { byte.to_ascii_lowercase() };
    name.bytes().map(plain).eq(part.bytes().map(plain))
}

/// A value as TOML: itself where it is a value of TOML, or else the text that it is.
fn toml_value(value: &str) -> String {
    let alone = format!("x = {value}");
    let is_value = DeTable::parse(&alone).is_ok_and(|table| table.get_ref().len() == 1);
    if is_value { value.to_owned() } else { toml::Value::String(value.to_owned()).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::laid_over::lay_over;

    fn written(variables: &[(&str, &str)], file: &str) -> String {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let document = DeTable::parse(file).unwrap();
        Overrides::of(variables).written(0, Some(document.get_ref())).toml
    }

    #[test]
    fn a_variable_is_a_key_and_a_value_of_toml_or_a_text() {
        let file = "[apps.My-App.apns]\n";
        for (name, value, line) in [
            ("FANFARE__GRPC__LISTEN", "0.0.0.0:1", "\"grpc\".\"listen\" = \"0.0.0.0:1\""),
            ("FANFARE__LIMITS__MAX_IN_FLIGHT", "5", "\"limits\".\"max_in_flight\" = 5"),
            (
                "FANFARE__APPS__MY_APP__APNS__TOPICS",
                "['a']",
                "\"apps\".\"My-App\".\"apns\".\"topics\" = ['a']",
            ),
            ("FANFARE__LOG__FILTER", "", "\"log\".\"filter\" = \"\""),
            ("FANFARE__LOG__FILTER", "1\ny = 2", "\"log\".\"filter\" = \"\"\"\n1\ny = 2\"\"\""),
        ] {
            assert_eq!(written(&[(name, value)], file), format!("\n{line}\n"), "{name}={value}");
        }
        assert_eq!(written(&[("PATH", "/bin"), ("FANFARE_CONFIG", "x")], file), "\n");
    }

    #[test]
    fn a_variable_names_one_of_several_tables_by_its_number() {
        let laid_over = |file: &str, variables: &[(&str, &str)]| {
            let mut document = DeTable::parse(file).unwrap().into_inner();
            let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            let written = Overrides::of(variables).written(0, Some(&document));
            lay_over(&mut document, DeTable::parse(&written.toml).unwrap().into_inner());
            let DeValue::Array(tables) = document.get("http").unwrap().get_ref() else { return None };
            let listen = |table: &Spanned<DeValue<'_>>| {
                table.get_ref().as_table()?.get("listen")?.get_ref().as_str().map(str::to_owned)
            };
            Some(tables.iter().map(listen).collect::<Option<Vec<_>>>().unwrap())
        };
        let file = "[[http]]\nlisten = 'a'\n[[http]]\nlisten = 'b'\n";
        let (first, third) = (("FANFARE__HTTP__0__LISTEN", "x"), ("FANFARE__HTTP__2__LISTEN", "y"));
        let tables = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(laid_over(file, &[first]), tables(&["x", "b"]));
        assert_eq!(
            laid_over(file, &[first, third]),
            tables(&["x", "b", "y"]),
            "the next number makes another"
        );
        assert_eq!(laid_over("", &[first]), tables(&["x"]));
        assert_eq!(
            laid_over("", &[third]),
            None,
            "tables between are missing, which whoever reads it refuses"
        );
        let document = DeTable::parse(file).unwrap();
        let overrides = Overrides::of([("FANFARE__HTTP__LISTEN".into(), "x".into())]);
        let written = overrides.written(0, Some(document.get_ref()));
        assert_eq!(written.unreadable[0].1, "expected the number of a table of the list, counted from 0");
    }

    #[test]
    fn a_variable_reaches_the_app_that_is_meant_or_none() {
        let file = "[apps.a-b]\n[apps.a_b]\n[apps.c-d]\n[apps.\"c.d\"]\n[apps.E]\n[apps.e]\n";
        let reached = |name: &str| {
            let document = DeTable::parse(file).unwrap();
            let overrides = Overrides::of([(format!("FANFARE__APPS__{name}__WEIGHT").into(), "2".into())]);
            let written = overrides.written(0, Some(document.get_ref()));
            written.unreadable.is_empty().then(|| written.toml.split('"').nth(3).unwrap().to_owned())
        };
        for (name, app) in [
            ("A_B", Some("a_b")),
            ("A-B", Some("a-b")),
            ("c-d", Some("c-d")),
            ("C_D", None),
            ("E", Some("E")),
            ("e", Some("e")),
            ("NEW", Some("new")),
        ] {
            assert_eq!(reached(name).as_deref(), app, "{name}");
        }
    }

    #[test]
    fn a_name_that_names_no_key_is_told() {
        for name in ["FANFARE__", "FANFARE__GRPC__", "FANFARE____LISTEN", "FANFARE__A B"] {
            let overrides = Overrides::of([(name.into(), "1".into())]);
            assert_eq!(overrides.written(0, None).unreadable.len(), 1, "{name}");
        }
    }
}
